//! The Xendit stand-in keeps to the contract. Here: who asks, how it is asked, and who receives its webhooks.

mod codes;
mod control;
mod refunds;
mod requests;
mod webhooks;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use standin::services::xendit::Settings;
use standin::services::{self, Context};
use tower::ServiceExt;

use crate::bmkg::context;

const KEY: &str = "xnd_development_shop";
const V3: &str = "2024-11-11";
const REQUESTS: &str = "/v3/payment_requests";

/// One stand-in and one way of asking it.
struct Shop {
    context: Context,
    router: Router,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    fn refused(&self) -> (u16, &str) {
        assert!(self.body["message"].is_string(), "{}", self.body);
        (self.status.as_u16(), self.body["error_code"].as_str().expect("a code"))
    }
}

impl Shop {
    /// Everything happens at once, and no limit is near.
    fn new(settings: Settings) -> Self {
        Shop::on(context(), settings)
    }

    fn on(context: Context, settings: Settings) -> Self {
        context.gateway.set(Settings { settle_ms: 0, per_minute: Some(10_000), ..settings });
        let router = services::all().router(&context);
        Shop { context, router }
    }

    async fn send(&self, method: &str, path: &str, key: &str, version: Option<&str>, body: &str) -> Reply {
        use base64::Engine;
        let basic = base64::engine::general_purpose::STANDARD.encode(key);
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Basic {basic}"));
        let request = version.into_iter().fold(request, |request, version| request.header("api-version", version));
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        Reply { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    async fn post(&self, path: &str, version: Option<&str>, body: Value) -> Reply {
        self.send("POST", &format!("/xendit{path}"), &format!("{KEY}:"), version, &body.to_string()).await
    }

    async fn get(&self, path: &str, version: Option<&str>) -> Reply {
        self.send("GET", &format!("/xendit{path}"), &format!("{KEY}:"), version, "").await
    }

    async fn control(&self, path: &str, body: Value) -> Reply {
        self.send("POST", &format!("/standin/xendit/{path}"), "", None, &body.to_string()).await
    }

    /// A payment request of so much, and its id.
    async fn request(&self, amount: i64) -> String {
        let reply = self.post(REQUESTS, Some(V3), wanted(amount)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.body);
        text(&reply.body, "payment_request_id").to_owned()
    }

    async fn status(&self, id: &str) -> Value {
        self.get(&format!("{REQUESTS}/{id}"), Some(V3)).await.body["status"].clone()
    }

    /// A request that was paid, and its id.
    async fn paid(&self, amount: i64, issuer: &str) -> String {
        let id = self.request(amount).await;
        let reply = self.control("pay", json!({"id": id, "issuer": issuer})).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        id
    }
}

fn wanted(amount: i64) -> Value {
    json!({
        "reference_id": "order-1", "type": "PAY", "country": "ID", "currency": "IDR", "channel_code": "QRIS",
        "request_amount": amount, "capture_method": "AUTOMATIC", "channel_properties": {}, "metadata": {"store": "warung-imas"},
    })
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is text in {value}"))
}

/// The merchant's server.
#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<(String, Value)>>>,
    /// What the next webhooks are answered; then 200.
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    async fn listen(answers: &[u16]) -> (Self, Settings) {
        let receiver = Receiver { answers: Arc::new(Mutex::new(answers.iter().copied().collect())), ..Receiver::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/webhooks", listener.local_addr().expect("an address"));
        let app = Router::new().route("/webhooks", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let settings =
            Settings { callback_url: Some(url), callback_token: "rahasia".to_owned(), retries_ms: vec![1; 6], ..Settings::default() };
        (receiver, settings)
    }

    /// So many webhooks, in the order in which they came.
    async fn wait_for(&self, count: usize) -> Vec<(String, Value)> {
        for _ in 0..500 {
            let received = self.received.lock().expect("a lock").clone();
            if received.len() >= count {
                assert_eq!(received.len(), count, "{received:?}");
                return received;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no {count} webhooks came: {:?}", self.received.lock());
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let token = headers["x-callback-token"].to_str().expect("text").to_owned();
    receiver.received.lock().expect("a lock").push((token, serde_json::from_str(&body).expect("json")));
    let answer = receiver.answers.lock().expect("a lock").pop_front();
    StatusCode::from_u16(answer.unwrap_or(200)).expect("a status")
}

/// Fields of an EMV text, checked by its checksum. Written apart from the stand-in's own.
fn emv(text: &str) -> Vec<(String, String)> {
    let (body, sum) = text.split_at(text.len() - 4);
    let mut crc: u32 = 0xffff;
    for byte in body.bytes() {
        for bit in (0..8).rev() {
            let top = (crc >> 15) & 1;
            crc = (crc << 1) & 0xffff;
            if top != u32::from(byte >> bit) & 1 {
                crc ^= 0x1021;
            }
        }
    }
    assert_eq!(format!("{crc:04X}"), sum, "the checksum of {text}");
    let (mut fields, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let length: usize = rest[2..4].parse().expect("a length");
        fields.push((rest[..2].to_owned(), rest[4..4 + length].to_owned()));
        rest = &rest[4 + length..];
    }
    fields
}

fn field<'a>(fields: &'a [(String, String)], tag: &str) -> Option<&'a str> {
    fields.iter().find(|(name, _)| name == tag).map(|(_, value)| value.as_str())
}
