//! What surrounds handlers, with handlers that misbehave.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use payments::Payments;
use platform::auth::InstallationSecret;
use platform::cache::{MemoryCache, ReadThrough};
use platform::clock::SystemClock;
use platform::config::{OutsideConfig, XenditConfig};
use platform::db::tenant::ServePool;
use platform::limits::MemoryLimiter;
use platform::objects::StoredObjects;
use platform::telemetry::Metrics;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::wrap;
use crate::access::Auth;
use crate::live::Live;
use crate::state::{AppState, Limits, Services};

/// One recorder a process: tests may share one.
fn metrics() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(|| Metrics::install().expect("the only recorder of this process")).clone()
}

fn app() -> Router {
    let nowhere = PgPool::connect_lazy_with(PgConnectOptions::new());
    let secret = InstallationSecret::of("d41fb7c3e2a84960b5f0c9d7813e6a52".into()).expect("random enough");
    let payments = Payments::new(nowhere.clone(), SystemClock::shared(), &XenditConfig::default(), &OutsideConfig::default());
    let (db, stopped) = (ServePool::new(nowhere.clone()), CancellationToken::new());
    stopped.cancel();
    let cache = ReadThrough::new(Arc::new(MemoryCache::default()));
    let state = AppState::from(Services {
        db: db.clone(),
        cache: cache.clone(),
        live: Live::start(nowhere, stopped),
        payments: payments.expect("a client"),
        clock: SystemClock::shared(),
        metrics: metrics(),
        auth: Arc::new(Auth::new(db, cache, secret, SystemClock::shared())),
        limiter: Arc::new(MemoryLimiter::default()),
        front: Arc::default(),
        objects: Arc::new(StoredObjects::folder(&std::env::temp_dir().join("viralcast-no-objects")).expect("a folder")),
        limits: Limits { timeout: Duration::from_millis(20), body_bytes: 100, ..Limits::default() },
    });
    let routes = Router::new()
        .route("/panic", get(async || -> &'static str { panic!("the password is hunter2") }))
        .route("/forever", get(async || std::future::pending::<&'static str>().await))
        .route("/echo", post(async |body: String| body))
        .route("/teapot", get(async || (StatusCode::IM_A_TEAPOT, "plain text")))
        .route("/long", get(async || "a".repeat(5_000)));
    wrap(routes, &state).with_state(state)
}

async fn answer(request: Request) -> (StatusCode, HeaderMap, Vec<u8>) {
    let (parts, body) = app().oneshot(request).await.expect("infallible").into_parts();
    (parts.status, parts.headers, to_bytes(body, 1 << 20).await.expect("a body").to_vec())
}

async fn problem(request: Request) -> Value {
    let (status, headers, body) = answer(request).await;
    assert_eq!(headers["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["trace_id"], headers["x-request-id"].to_str().expect("ASCII"));
    problem
}

fn to(path: &str) -> axum::http::request::Builder {
    Request::get(path).header("host", "localhost:4000")
}

fn empty(builder: axum::http::request::Builder) -> Request {
    builder.body(Body::empty()).expect("a request")
}

/// Collects what is logged on this thread while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }

    fn collect() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).json().finish();
        (log, tracing::subscriber::set_default(subscriber))
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_without_its_text_and_is_logged_once() {
    let (log, _guard) = Log::collect();
    let problem = problem(empty(to("/panic?phone=0812"))).await;
    assert_eq!((&problem["status"], &problem["type"]), (&500.into(), &"/problems/internal".into()));
    assert!(!problem.to_string().contains("hunter2"));
    let text = log.text();
    assert_eq!(text.matches("hunter2").count(), 1, "{text}");
    assert_eq!(text.matches("\"level\":\"ERROR\"").count(), 1, "{text}");
    assert!(text.contains(problem["trace_id"].as_str().expect("a trace id")) && !text.contains("0812"), "{text}");
}

/// Reads that go well are counted; what is refused, and why, is in the log.
#[tokio::test]
async fn the_log_tells_of_what_is_refused_and_not_of_every_read() {
    let (log, _guard) = Log::collect();
    answer(empty(to("/long"))).await;
    assert_eq!(log.text(), "");
    problem(empty(to("/teapot?token=secret"))).await;
    let line: Value = serde_json::from_str(log.text().trim()).expect("one line");
    let told = &line["fields"];
    assert_eq!((&line["level"], &told["http.status"], &told["problem.type"]), (&"INFO".into(), &418.into(), &"/problems/refused".into()));
    assert!(!log.text().contains("secret"));
    let from = told["client.alias"].as_str().expect("from where");
    assert!(from.len() == 12 && from.bytes().all(|byte| byte.is_ascii_hexdigit()), "{from}");
}

#[tokio::test]
async fn a_handler_that_never_ends_is_given_up() {
    let problem = problem(empty(to("/forever"))).await;
    assert_eq!((&problem["status"], &problem["type"]), (&503.into(), &"/problems/timeout".into()));
}

#[tokio::test]
async fn bodies_are_bounded_announced_or_not() {
    let announced = to("/echo").method("POST").header("content-length", "101").body(Body::from("x".repeat(101)));
    assert_eq!(problem(announced.expect("a request")).await["type"], "/problems/body-too-large");
    let chunked = Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>("x".repeat(101))]));
    let chunked = to("/echo").method("POST").body(chunked).expect("a request");
    assert_eq!(problem(chunked).await["type"], "/problems/body-too-large");
    let small = to("/echo").method("POST").body(Body::from("halo")).expect("a request");
    assert_eq!(answer(small).await.2, b"halo");
}

#[tokio::test]
async fn what_the_framework_refuses_becomes_a_problem_too() {
    let (status, headers, _) = answer(empty(to("/panic").method("DELETE"))).await;
    assert_eq!((status, &headers["allow"]), (StatusCode::METHOD_NOT_ALLOWED, &"GET,HEAD".parse().expect("a value")));
    let problem = problem(empty(to("/teapot").header("accept-language", "en"))).await;
    assert_eq!((&problem["status"], &problem["title"]), (&418.into(), &"Request refused".into()));
}

#[tokio::test]
async fn a_foreign_host_is_refused_before_any_handler() {
    for request in
        [Request::get("/panic").header("host", "evil.example"), Request::get("/panic"), Request::get("http://evil.example/panic")]
    {
        assert_eq!(problem(empty(request)).await["status"], 421);
    }
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_ask() {
    let (_, headers, body) = answer(empty(to("/long").header("accept-encoding", "gzip"))).await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert!(body.starts_with(&[0x1f, 0x8b]) && body.len() < 500);
    let (_, headers, body) = answer(empty(to("/long"))).await;
    assert_eq!((headers.get("content-encoding"), body.len()), (None, 5_000));
}

#[tokio::test]
async fn the_callers_trace_is_continued() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let problem = problem(empty(to("/forever").header("traceparent", parent))).await;
    assert_eq!(problem["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}
