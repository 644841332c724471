//! Payment requests: fields, statuses, refusals, no idempotency.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use standin::services::Context;
use standin::services::xendit::{INVALID_KEY, Settings};

use super::{KEY, REQUESTS, Shop, V3, emv, field, text, wanted};
use crate::bmkg::context;

#[tokio::test]
async fn a_request_has_the_fields_of_the_contract() {
    let shop = Shop::new(Settings::default());
    let reply = shop.post(REQUESTS, Some(V3), wanted(25_000)).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    insta::assert_json_snapshot!("xendit_payment_request", reply.body, {
        ".payment_request_id" => "[id]", ".actions[].value" => "[qr]",
    });
    let id = text(&reply.body, "payment_request_id");
    assert!(id.len() == 39 && id.starts_with("pr-"), "{id}");
    let read = shop.get(&format!("{REQUESTS}/{id}"), Some(V3)).await;
    assert_eq!((read.status, read.body), (StatusCode::OK, reply.body));
    let again = Settings { created_as_200: true, per_minute: Some(100), ..Settings::default() };
    shop.context.gateway.set(again);
    assert_eq!(shop.post(REQUESTS, Some(V3), wanted(25_000)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn its_code_is_a_qris_text_with_a_right_checksum() {
    let shop = Shop::new(Settings::default());
    let reply = shop.post(REQUESTS, Some(V3), wanted(25_000)).await;
    let action = reply.body["actions"].as_array().expect("actions").iter().find(|action| action["descriptor"] == "QR_STRING");
    let fields = emv(text(action.expect("a code"), "value"));
    let known = ["00", "01", "53", "54", "58"].map(|tag| field(&fields, tag));
    assert_eq!(known, [Some("01"), Some("12"), Some("360"), Some("25000"), Some("ID")]);
    assert!(field(&fields, "26").is_some_and(|merchant| merchant.starts_with("0013CO.XENDIT.WWW")));
    let mut reusable = wanted(0);
    reusable["type"] = "REUSABLE_PAYMENT_CODE".into();
    reusable.as_object_mut().expect("an object").remove("request_amount");
    let reply = shop.post(REQUESTS, Some(V3), reusable).await;
    let fields = emv(text(&reply.body["actions"][0], "value"));
    assert_eq!((field(&fields, "01"), field(&fields, "54")), (Some("11"), None));
}

#[tokio::test]
async fn keys_and_versions_are_checked() {
    let shop = Shop::new(Settings::default());
    let body = wanted(1_000).to_string();
    let path = format!("/xendit{REQUESTS}");
    for key in ["", KEY, "xnd_development_shop:password", "xnd_public_x:", &format!("{INVALID_KEY}:"), ":"] {
        let reply = shop.send("POST", &path, key, Some(V3), &body).await;
        assert_eq!(reply.refused(), (401, "INVALID_API_KEY"), "{key}");
    }
    for version in [None, Some("2022-07-31")] {
        assert_eq!(shop.post(REQUESTS, version, wanted(1_000)).await.refused(), (400, "API_VALIDATION_ERROR"));
    }
    let id = shop.request(1_000).await;
    let reply = shop.send("GET", &format!("{path}/{id}"), "xnd_production_shop:", Some(V3), "").await;
    assert_eq!(reply.refused(), (404, "DATA_NOT_FOUND"), "what is made in the test mode is not found live");
    let live = shop.send("POST", &path, "xnd_production_shop:", Some(V3), &body).await;
    let simulated = format!("{path}/{}/simulate", text(&live.body, "payment_request_id"));
    let reply = shop.send("POST", &simulated, "xnd_production_shop:", Some(V3), "{\"amount\":1000}").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn wrong_fields_are_refused() {
    let shop = Shop::new(Settings::default());
    let many: serde_json::Map<String, Value> = (0..51).map(|number| (number.to_string(), "x".into())).collect();
    let cases = [
        ("reference_id", json!(""), "API_VALIDATION_ERROR"),
        ("reference_id", json!("x".repeat(256)), "API_VALIDATION_ERROR"),
        ("type", json!("SINGLE_PAYMENT"), "API_VALIDATION_ERROR"),
        ("description", json!("x".repeat(1_001)), "API_VALIDATION_ERROR"),
        ("metadata", Value::Object(many), "API_VALIDATION_ERROR"),
        ("metadata", json!({"x".repeat(41): "y"}), "API_VALIDATION_ERROR"),
        ("request_amount", Value::Null, "API_VALIDATION_ERROR"),
        ("request_amount", json!("1000"), "API_VALIDATION_ERROR"),
        ("request_amount", json!(0), "INVALID_VALUE_ERROR"),
        ("request_amount", json!(10_000_001), "INVALID_VALUE_ERROR"),
        ("request_amount", json!(1_000.5), "INVALID_VALUE_ERROR"),
        ("currency", json!("USD"), "INVALID_VALUE_ERROR"),
        ("channel_code", json!("CARDS"), "INVALID_VALUE_ERROR"),
    ];
    for (name, value, code) in cases {
        let mut body = wanted(1_000);
        body[name] = value;
        assert_eq!(shop.post(REQUESTS, Some(V3), body).await.refused(), (400, code), "{name}");
    }
    assert_eq!(shop.post(REQUESTS, Some(V3), wanted(10_000_000)).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn the_same_request_twice_is_two_requests() {
    let shop = Shop::new(Settings::default());
    let (first, second) = (shop.request(5_000).await, shop.request(5_000).await);
    assert_ne!(first, second, "reference_id is not unique for QRIS, and no header makes it so");
}

#[tokio::test]
async fn only_an_open_request_is_cancelled() {
    let shop = Shop::new(Settings::default());
    let cancel = async |id: &str| shop.post(&format!("{REQUESTS}/{id}/cancel"), Some(V3), json!({})).await;
    let open = shop.request(5_000).await;
    let reply = cancel(&open).await;
    assert_eq!((reply.status, text(&reply.body, "status")), (StatusCode::OK, "CANCELED"));
    assert_eq!(cancel(&open).await.refused(), (400, "INACTIVE_PAYMENT_REQUEST"));
    let paid = shop.paid(5_000, "DANA").await;
    assert_eq!(cancel(&paid).await.refused(), (400, "INELIGIBLE_TRANSACTION_STATUS"));
    assert_eq!(cancel("pr-unknown").await.refused(), (404, "DATA_NOT_FOUND"));
}

/// A context whose clock can be moved.
fn clocked() -> (Context, Arc<Mutex<DateTime<Utc>>>) {
    let mut context = context();
    let clock = Arc::new(Mutex::new((context.now)()));
    let shown = clock.clone();
    context.now = Arc::new(move || *shown.lock().expect("a lock"));
    (context, clock)
}

#[tokio::test]
async fn a_request_expires_after_two_days_and_may_still_be_paid() {
    let (context, clock) = clocked();
    let shop = Shop::on(context, Settings::default());
    let id = shop.request(5_000).await;
    *clock.lock().expect("a lock") += chrono::Duration::hours(47);
    assert_eq!(shop.status(&id).await, "REQUIRES_ACTION");
    *clock.lock().expect("a lock") += chrono::Duration::hours(1);
    assert_eq!((shop.status(&id).await, shop.status(&id).await), ("EXPIRED".into(), "EXPIRED".into()));
    shop.control("pay", json!({"id": id})).await;
    let reply = shop.get(&format!("{REQUESTS}/{id}"), Some(V3)).await;
    assert_eq!(text(&reply.body, "status"), "EXPIRED", "though money came");
    assert!(text(&reply.body, "latest_payment_id").starts_with("py-"));
    let events: Vec<&str> = shop.context.gateway.webhooks().iter().map(|webhook| webhook.event).collect();
    assert_eq!(events, ["payment_request.expiry", "payment.capture"]);
}

#[tokio::test]
async fn a_simulation_is_pending_whatever_comes_of_it() {
    let shop = Shop::new(Settings::default());
    let id = shop.request(5_000).await;
    let simulate = async |id: &str, body: Value| shop.post(&format!("{REQUESTS}/{id}/simulate"), Some(V3), body).await;
    assert_eq!(simulate(&id, json!({})).await.refused(), (400, "API_VALIDATION_ERROR"));
    assert_eq!(simulate("pr-unknown", json!({"amount": 1})).await.refused(), (404, "DATA_NOT_FOUND"));
    let reply = simulate(&id, json!({"amount": 5_000})).await;
    assert_eq!((reply.status, text(&reply.body, "status")), (StatusCode::OK, "PENDING"));
    for _ in 0..100 {
        if shop.status(&id).await == "SUCCEEDED" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(shop.status(&id).await, "SUCCEEDED");
    assert_eq!(simulate(&id, json!({"amount": 5_000})).await.body["status"], "PENDING");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(shop.context.gateway.webhooks().len(), 1, "it is paid once");
}

#[tokio::test]
async fn requests_are_counted_by_minute_and_endpoint() {
    let shop = Shop::new(Settings::default());
    shop.context.gateway.set(Settings::default());
    let mut last = shop.get(&format!("{REQUESTS}/pr-x"), Some(V3)).await;
    assert_eq!(last.headers["rate-limit-limit"], "60");
    for _ in 0..60 {
        last = shop.get(&format!("{REQUESTS}/pr-y"), Some(V3)).await;
    }
    assert_eq!((last.refused(), last.headers["rate-limit-remaining"].to_str().expect("text")), ((429, "RATE_LIMIT_EXCEEDED"), "0"));
    let reset: f64 = last.headers["rate-limit-reset"].to_str().expect("text").parse().expect("a float");
    assert!(reset > 50.0 && reset <= 60.0);
    let other = shop.post(REQUESTS, Some(V3), wanted(1_000)).await;
    assert_eq!((other.status, other.headers["rate-limit-remaining"].to_str().expect("text")), (StatusCode::CREATED, "59"));
    let live = shop.send("GET", &format!("/xendit{REQUESTS}/pr-x"), "xnd_production_x:", Some(V3), "").await;
    assert_eq!(live.headers["rate-limit-limit"], "600");
}
