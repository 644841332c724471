//! What the gateway can be told: refusals, late answers, where webhooks may go.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use standin::services::xendit::{Code, Quirk, Settings};

use super::{REQUESTS, Shop, V3, text, wanted};

#[tokio::test]
async fn the_next_request_can_be_refused_with_any_code() {
    let shop = Shop::new(Settings::default());
    let cases =
        [("CHANNEL_UNAVAILABLE", 503), ("PAYMENT_REQUEST_RATE_LIMITED", 400), ("INVALID_MERCHANT_SETTINGS", 403), ("SERVER_ERROR", 500)];
    for (code, status) in cases {
        assert_eq!(shop.control("quirks", json!({"refuse": code})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(shop.post(REQUESTS, Some(V3), wanted(1_000)).await.refused(), (status, code));
    }
    shop.control("quirks", json!("duplicate")).await;
    assert_eq!(shop.post(REQUESTS, Some(V3), wanted(1_000)).await.refused(), (409, "DATA_NOT_FOUND"));
    assert_eq!(shop.control("quirks", json!({"refuse": "SPARKS"})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let paid = shop.paid(1_000, "DANA").await;
    shop.context.gateway.plan(Quirk::Refuse(Code::InsufficientBalance));
    let reply = shop.post("/refunds", None, json!({"payment_request_id": paid, "reason": "OTHERS"})).await;
    assert_eq!(reply.refused(), (400, "INSUFFICIENT_BALANCE"));
}

#[tokio::test]
async fn a_client_that_gives_up_leaves_a_request_that_can_be_paid() {
    let shop = Shop::new(Settings::default());
    shop.context.gateway.plan(Quirk::Late(60_000));
    let asked = tokio::time::timeout(Duration::from_millis(50), shop.post(REQUESTS, Some(V3), wanted(1_000))).await;
    assert!(asked.is_err(), "it waits");
    let made = shop.send("GET", "/standin/xendit/requests", "", None, "").await.body;
    let orphan = text(&made[0], "payment_request_id");
    shop.control("pay", json!({"id": orphan})).await;
    assert_eq!(shop.status(orphan).await, "SUCCEEDED");
    shop.context.gateway.plan(Quirk::Late(1));
    let reply = shop.post(REQUESTS, Some(V3), wanted(1_000)).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(shop.status(text(&reply.body, "payment_request_id")).await, "REQUIRES_ACTION");
}

#[tokio::test]
async fn webhooks_stay_on_this_machine() {
    let shop = Shop::new(Settings::default());
    for url in ["https://127.0.0.1/", "http://192.0.2.7/webhooks", "nonsense"] {
        assert_eq!(shop.control("settings", json!({"callback_url": url})).await.status, StatusCode::BAD_REQUEST, "{url}");
    }
    let reply = shop.control("settings", json!({"callback_url": "http://127.0.0.1:4000/hooks", "copies": 1})).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.control("settings", json!({"sparks": 1})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.control("pay", json!({"id": "pr-unknown"})).await.refused(), (404, "DATA_NOT_FOUND"));
}

#[tokio::test]
async fn faults_come_before_everything() {
    let shop = Shop::new(Settings::default());
    shop.context.faults.plan("xendit", "503".parse().expect("a fault"), 1);
    assert_eq!(shop.post(REQUESTS, Some(V3), wanted(1_000)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(shop.post(REQUESTS, Some(V3), wanted(1_000)).await.status, StatusCode::CREATED);
}
