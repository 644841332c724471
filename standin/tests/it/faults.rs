//! Faults on demand, and the real server on the loopback.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use standin::faults::Fault;
use standin::server::{Server, ServerError};
use standin::services;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::bmkg::{BANDUNG, context, get, router};

#[tokio::test]
async fn one_request_can_ask_for_its_own_fault() {
    let router = router();
    for (fault, status) in [("429", 429), ("500", 500), ("503", 503), ("html", 403), ("slow:1", 200), ("truncated", 200)] {
        let (answered, headers, body) = get(&router, &format!("{BANDUNG}&standin_fault={fault}")).await;
        assert_eq!(answered.as_u16(), status, "{fault}");
        match fault {
            "html" => assert!(headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/html"))),
            "truncated" => assert!(!body.is_empty() && serde_json::from_slice::<serde_json::Value>(&body).is_err()),
            "slow:1" => assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok()),
            _ => assert!(body.is_empty()),
        }
    }
    let request = Request::get(BANDUNG).header("x-standin-fault", "502").body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    let (status, _, body) = get(&router, &format!("{BANDUNG}&standin_fault=sparks")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(String::from_utf8_lossy(&body).contains("sparks"));
}

#[tokio::test]
async fn planned_faults_come_first_and_then_end() {
    let context = context();
    let router = services::all().router(&context);
    context.faults.plan("bmkg", Fault::ServerError(StatusCode::SERVICE_UNAVAILABLE), 2);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(get(&router, BANDUNG).await.0.as_u16());
    }
    assert_eq!(seen, [503, 503, 200]);
    let plan = r#"{"service":"bmkg","fault":"429","times":1}"#;
    let request = Request::post("/standin/faults").header("content-type", "application/json").body(Body::from(plan)).expect("a request");
    assert_eq!(router.clone().oneshot(request).await.expect("an answer").status(), StatusCode::NO_CONTENT);
    assert_eq!(get(&router, BANDUNG).await.0.as_u16(), 429);
    assert_eq!(get(&router, BANDUNG).await.0.as_u16(), 200);
}

#[test]
fn faults_have_names() {
    assert_eq!("slow:250".parse::<Fault>().expect("slow"), Fault::Slow(Duration::from_millis(250)));
    assert!("slow:soon".parse::<Fault>().is_err());
}

#[tokio::test]
async fn the_server_answers_on_the_loopback_until_it_is_told_to_stop() {
    let context = context();
    let server = Server::bind("127.0.0.1:0".parse().expect("address"), &services::all(), &context).await.expect("binds");
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        stopped.await.ok();
    }));
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {BANDUNG} HTTP/1.1\r\nHost: standin\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"cuaca\""), "{answer}");
    stop.send(()).expect("still running");
    running.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn other_machines_are_not_served() {
    let refused = Server::bind("0.0.0.0:0".parse().expect("address"), &services::all(), &context()).await;
    assert!(matches!(refused, Err(ServerError::NotLoopback(_))));
}
