//! Faults on demand, and the real server on the loopback.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::Value;
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

async fn spoiled(fault: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    get(&router(), &format!("{BANDUNG}&standin_fault={fault}")).await
}

async fn spoiled_json(fault: &str) -> Value {
    let (status, _, body) = spoiled(fault).await;
    assert_eq!(status, StatusCode::OK);
    serde_json::from_slice(&body).expect("still json")
}

#[tokio::test]
async fn an_answer_can_lie_about_its_characters() {
    let (status, headers, body) = spoiled("charset").await;
    assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &HeaderValue::from_static("application/json; charset=utf-8")));
    assert_eq!(body[..4], [0xff, 0xfe, b'{', 0]);
    let units: Vec<u16> = body[2..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    assert!(serde_json::from_str::<Value>(&String::from_utf16(&units).expect("utf-16")).is_ok());
}

#[tokio::test]
async fn an_answer_can_drift_repeat_or_revise_itself() {
    let right: Value = serde_json::from_slice(&get(&router(), BANDUNG).await.2).expect("json");
    let drifted = spoiled_json("drift").await;
    assert_eq!(drifted["data_v2"][0]["cuaca_v2"][0][0]["analysis_date_v2"], right["data"][0]["cuaca"][0][0]["analysis_date"]);
    let doubled = spoiled_json("duplicate").await;
    let slots = |answer: &Value| answer["data"][0]["cuaca"][0].as_array().cloned().expect("slots");
    assert_eq!((slots(&right).len(), slots(&doubled).len()), (8, 16));
    assert_eq!(slots(&doubled)[1], slots(&right)[0]);
    let revised = spoiled_json("revised").await;
    assert_eq!(revised["data"][0]["cuaca"][0][0]["t"], right["data"][0]["cuaca"][0][0]["t"].as_i64().expect("a number") + 1);
    assert_eq!(revised["data"][0]["cuaca"][1], right["data"][0]["cuaca"][1]);
}

#[tokio::test]
async fn headers_can_ask_to_wait_or_show_a_wrong_clock() {
    let (status, headers, body) = spoiled("retry_after:90").await;
    assert_eq!((status, &headers["retry-after"], body.len()), (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from_static("90"), 0));
    let (status, headers, _) = spoiled("skew:-7200").await;
    let date = DateTime::parse_from_rfc2822(headers["date"].to_str().expect("text")).expect("a date");
    let off = (Utc::now() - date.with_timezone(&Utc)).num_seconds();
    assert!(status == StatusCode::OK && (7200..7260).contains(&off), "{off}");
    let (status, _, body) = spoiled("empty").await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
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
    assert_eq!("skew:-90".parse::<Fault>().expect("skew"), Fault::Skew(-90));
    assert_eq!("retry_after:30".parse::<Fault>().expect("retry after"), Fault::RetryAfter(30));
    for wrong in ["slow:soon", "skew", "retry_after:-1", "drift:1", ""] {
        assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
    }
    insta::assert_snapshot!("unknown_fault", "sparks".parse::<Fault>().expect_err("unknown"));
}

/// Sends one GET to a real server and reads until it closes the connection.
async fn over_the_wire(uri: &str) -> String {
    let server = Server::bind("127.0.0.1:0".parse().expect("address"), &services::all(), &context()).await.expect("binds");
    let address = server.address();
    let running = tokio::spawn(server.run(std::future::pending()));
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {uri} HTTP/1.1\r\nHost: standin\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok();
    running.abort();
    answer
}

#[tokio::test]
async fn a_connection_can_close_without_an_answer() {
    assert_eq!(over_the_wire(&format!("{BANDUNG}&standin_fault=reset")).await, "");
    let answer = over_the_wire(&format!("{BANDUNG}&standin_fault=skew:86400")).await;
    assert_eq!(answer.matches("\r\ndate: ").count(), 1, "the server adds no second date: {answer}");
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
