//! Refunds: how much, from whom, until when, and how they are told.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use standin::services::xendit::Settings;

use super::{Receiver, Reply, Shop, text};

async fn refund(shop: &Shop, request: &str, amount: Option<i64>) -> Reply {
    let mut body = json!({"payment_request_id": request, "reason": "REQUESTED_BY_CUSTOMER", "currency": "IDR"});
    body["amount"] = json!(amount);
    shop.post("/refunds", None, body).await
}

async fn until(shop: &Shop, id: &str, status: &str) -> Value {
    for _ in 0..200 {
        let refund = shop.get(&format!("/refunds/{id}"), None).await.body;
        if refund["status"] == status {
            return refund;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("refund {id} is not {status}");
}

#[tokio::test]
async fn money_goes_back_in_parts_and_not_more_than_came() {
    let shop = Shop::new(Settings::default());
    let paid = shop.paid(10_000, "GOPAY").await;
    let reply = refund(&shop, &paid, Some(4_000)).await;
    assert_eq!((reply.status, text(&reply.body, "status")), (StatusCode::OK, "PENDING"));
    assert!(text(&reply.body, "id").starts_with("rfd-"));
    until(&shop, text(&reply.body, "id"), "SUCCEEDED").await;
    assert_eq!(refund(&shop, &paid, Some(6_001)).await.refused(), (400, "REFUND_AMOUNT_EXCEEDED"));
    let rest = refund(&shop, &paid, None).await;
    assert_eq!(rest.body["amount"], 6_000, "without an amount all that is left");
    until(&shop, text(&rest.body, "id"), "SUCCEEDED").await;
    assert_eq!(refund(&shop, &paid, None).await.refused(), (400, "REFUND_AMOUNT_EXCEEDED"));
}

#[tokio::test]
async fn not_every_payment_is_refunded() {
    let shop = Shop::new(Settings::default());
    let open = shop.request(1_000).await;
    assert_eq!(refund(&shop, &open, None).await.refused(), (400, "INELIGIBLE_TRANSACTION_STATUS"));
    assert_eq!(refund(&shop, "pr-unknown", None).await.refused(), (404, "DATA_NOT_FOUND"));
    let other = shop.paid(1_000, "BCA").await;
    assert_eq!(refund(&shop, &other, None).await.refused(), (403, "REFUND_NOT_SUPPORTED"));
    let early = shop.paid(1_000, "CIMB").await;
    assert_eq!(refund(&shop, &early, None).await.refused(), (400, "TEMPORARILY_UNAVAILABLE"));
    let reply = shop.post("/refunds", None, json!({"payment_request_id": early, "reason": "REGRET"})).await;
    assert_eq!(reply.refused(), (400, "API_VALIDATION_ERROR"));
    let paid = shop.paid(1_000, "DANA").await;
    let mut late = shop.context.clone();
    let then = (shop.context.now)() + chrono::Duration::days(8);
    late.now = Arc::new(move || then);
    let late = Shop::on(late, Settings::default());
    assert_eq!(refund(&late, &paid, None).await.refused(), (400, "INELIGIBLE_TRANSACTION_STATUS"));
}

#[tokio::test]
async fn one_refund_at_a_time() {
    let shop = Shop::new(Settings::default());
    shop.context.gateway.set(Settings { settle_ms: 60_000, ..Settings::default() });
    let paid = shop.paid(10_000, "DANA").await;
    refund(&shop, &paid, Some(1_000)).await;
    assert_eq!(refund(&shop, &paid, Some(1_000)).await.refused(), (400, "REFUND_IN_PROGRESS"));
}

#[tokio::test]
async fn its_webhook_may_come_before_the_answer_nested_or_with_a_failure() {
    let (receiver, settings) = Receiver::listen(&[]).await;
    let shop = Shop::new(Settings { refund_webhook_first: true, nested_refunds: true, ..settings });
    let paid = shop.paid(10_000, "DANA").await;
    receiver.wait_for(1).await;
    let reply = refund(&shop, &paid, Some(1_000)).await;
    assert_eq!(text(&reply.body, "status"), "PENDING");
    let (_, body) = &receiver.received.lock().expect("a lock").clone()[1];
    assert_eq!((text(body, "event"), &body["data"]["data"]["id"]), ("refund.succeeded", &reply.body["id"]));

    let (receiver, settings) = Receiver::listen(&[]).await;
    shop.context.gateway.set(Settings { settle_ms: 0, refunds_fail: true, ..settings });
    let reply = refund(&shop, &paid, Some(1_000)).await;
    let received = receiver.wait_for(1).await;
    let body = &received[0].1;
    assert_eq!((text(body, "event"), &body["data"]["status"], &body["data"]["id"]), ("refund.failed", &json!("FAILED"), &reply.body["id"]));
    let failed = until(&shop, text(&reply.body, "id"), "FAILED").await;
    assert!(failed["failure_code"].is_string());
    shop.context.gateway.set(Settings::default());
    assert_eq!(refund(&shop, &paid, Some(9_000)).await.status, StatusCode::OK, "what failed counts for nothing");
}
