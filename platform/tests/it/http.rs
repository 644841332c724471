//! How vendors are asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use platform::clock::SystemClock;
use platform::config::OutsideConfig;
use platform::http::{Manners, Polite, Question};
use platform::testing::TestDb;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Answers `/data` with 200 and anything else with a redirect to `elsewhere`; how often it was asked.
async fn vendor(elsewhere: Option<String>) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its number"));
    let (asked, elsewhere) = (Arc::<AtomicU32>::default(), elsewhere.unwrap_or(address.clone()));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let read = socket.read(&mut head).await.unwrap_or_default();
            count.fetch_add(1, Ordering::Relaxed);
            let reply = match head[..read].starts_with(b"GET /data") {
                true => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_owned(),
                false => format!("HTTP/1.1 302 Found\r\nlocation: {elsewhere}/data\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
            };
            socket.write_all(reply.as_bytes()).await.expect("an answer");
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_vendor_that_sends_us_elsewhere_is_followed_within_its_own_host_alone() {
    let db = TestDb::new().await;
    let http = Polite::new(db.work().clone(), &OutsideConfig::default()).expect("a client");
    let manners = Manners { source: "vendor", quotas: Vec::new(), units: 1, timeout: Duration::from_secs(10) };
    let ask = async |address: &str| {
        let question = Question::get(format!("{address}/old")).header("authorization", "Bearer of ours".to_owned());
        http.ask(&manners, SystemClock::shared().as_ref(), &question).await.expect("an answer").status
    };
    let (stranger, asked) = vendor(None).await;
    assert_eq!(ask(&vendor(None).await.0).await, 200);
    assert_eq!(ask(&vendor(Some(stranger)).await.0).await, 302, "what that means the source knows");
    assert_eq!(asked.load(Ordering::Relaxed), 0, "our token goes nowhere else");
}
