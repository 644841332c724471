//! The real socket: where it may listen, and how it ends.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use api::{ApiError, Limits};
use domain::Hint;
use platform::database::begin;
use sqlx::{Executor, PgPool, Postgres, Transaction};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::world::NOW;

const PATIENCE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    ended: JoinHandle<Result<(), ApiError>>,
}

async fn start(app: &App) -> Server {
    let listener = api::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a listener");
    let (address, shutdown) = (listener.local_addr().expect("an address"), CancellationToken::new());
    let ended = tokio::spawn(api::serve(listener, app.state.clone(), shutdown.clone()));
    Server { address, shutdown, ended }
}

async fn ask(app: &App, address: SocketAddr) -> TcpStream {
    let token = app.token_of(app.world.operator).await;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET /api/v1/stores HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await.expect("in time").expect("an answer");
    text
}

/// Holds every read of stores until it is rolled back.
async fn block(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut transaction = begin(pool).await.expect("a transaction");
    transaction.execute("lock table stores in access exclusive mode").await.expect("locked");
    transaction
}

/// Returns when a request waits for the lock. Databases made of one template have the same relations by number.
async fn until_blocked(pool: &PgPool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let waiting = "select exists (select from pg_locks join pg_database on pg_database.oid = pg_locks.database
                                      where not granted and relation = 'stores'::regclass and datname = current_database())";
        let waiting: bool = sqlx::query_scalar(waiting).fetch_one(pool).await.expect("an answer");
        if waiting {
            return;
        }
        assert!(Instant::now() < deadline, "no request waits for the lock");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_server_ends() {
    let app = App::new().await;
    let server = start(&app).await;
    let blocker = block(app.db.owner()).await;
    let in_flight = ask(&app, server.address).await;
    until_blocked(app.db.work()).await;

    server.shutdown.cancel();
    blocker.rollback().await.expect("unlocked");
    let text = answer(in_flight).await;
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("warung-bu-sri"), "{text}");
    tokio::time::timeout(PATIENCE, server.ended).await.expect("in time").expect("no panic").expect("an orderly end");
    TcpStream::connect(server.address).await.expect_err("nobody listens any more");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let app = App::with(Limits { drain: Duration::from_millis(50), ..Limits::default() }, NOW).await;
    let server = start(&app).await;
    let blocker = block(app.db.owner()).await;
    let in_flight = ask(&app, server.address).await;
    until_blocked(app.db.work()).await;

    server.shutdown.cancel();
    let ended = tokio::time::timeout(Limits::default().timeout, server.ended).await;
    ended.expect("before the request's own limit").expect("no panic").expect("an orderly end");
    blocker.rollback().await.expect("unlocked");
    drop(in_flight);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = api::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a listener");
    let address = taken.local_addr().expect("an address");
    let error = api::bind(address).await.expect_err("taken");
    assert!(error.hint().is_some_and(|hint| hint.contains("VIRALCAST_HTTP__PORT")));
    let error = error.to_string();
    assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
}

#[tokio::test]
async fn who_speaks_http_2_is_answered_so() {
    let app = App::new().await;
    let server = start(&app).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let url = format!("http://{}/livez", server.address);
    let (one, other) = tokio::join!(client.get(&url).send(), client.get(&url).send());
    for answer in [one, other] {
        let answer = answer.expect("an answer");
        assert_eq!((answer.version(), answer.status().as_u16()), (reqwest::Version::HTTP_2, 200));
    }
    server.shutdown.cancel();
    server.ended.await.expect("no panic").expect("an orderly end");
}

/// A head that comes letter by letter, and a connection on which nothing comes.
#[tokio::test]
async fn who_never_ends_a_head_is_hung_up_on() {
    let app = App::with(Limits { head: Duration::from_millis(100), ..Limits::default() }, NOW).await;
    let server = start(&app).await;
    for sent in ["", "GET /livez HTTP/1.1\r\nhost: localhost\r\nx-slow: "] {
        let mut stream = TcpStream::connect(server.address).await.expect("a connection");
        stream.write_all(sent.as_bytes()).await.expect("sent");
        let answer = answer(stream).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    server.shutdown.cancel();
    server.ended.await.expect("no panic").expect("an orderly end");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let app = App::new().await;
    let server = start(&app).await;
    for (bytes, status) in [(8 << 10, "HTTP/1.1 200"), (20 << 10, "HTTP/1.1 431")] {
        let mut stream = TcpStream::connect(server.address).await.expect("a connection");
        let head = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-long: {}\r\n\r\n", "x".repeat(bytes));
        stream.write_all(head.as_bytes()).await.expect("sent");
        assert!(answer(stream).await.starts_with(status), "{bytes} bytes");
    }
    server.shutdown.cancel();
    server.ended.await.expect("no panic").expect("an orderly end");
}
