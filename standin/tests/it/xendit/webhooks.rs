//! Webhooks: the token, copies, retries, order, delays, forms of amounts.

use std::time::Duration;

use serde_json::{Value, json};
use standin::services::xendit::Settings;

use super::{REQUESTS, Receiver, Shop, V3, text};

fn events(received: &[(String, Value)]) -> Vec<&str> {
    received.iter().map(|(_, body)| text(body, "event")).collect()
}

#[tokio::test]
async fn money_is_told_by_a_webhook_with_the_token() {
    let (receiver, settings) = Receiver::listen(&[]).await;
    let shop = Shop::new(settings);
    let id = shop.request(25_000).await;
    shop.post(&format!("{REQUESTS}/{id}/simulate"), Some(V3), json!({"amount": 25_000})).await;
    let received = receiver.wait_for(1).await;
    let (token, body) = &received[0];
    assert_eq!(token, "rahasia");
    insta::assert_json_snapshot!("xendit_payment_capture", body, {
        ".data.payment_id" => "[id]", ".data.payment_request_id" => "[id]", ".data.captures[].capture_id" => "[id]",
        ".data.payment_details.receipt_id" => "[id]",
    });
    assert_eq!(body["data"]["payment_request_id"], id.as_str());
}

#[tokio::test]
async fn a_webhook_may_come_several_times() {
    let (receiver, settings) = Receiver::listen(&[]).await;
    let shop = Shop::new(Settings { copies: 2, ..settings });
    shop.paid(5_000, "OVO").await;
    let received = receiver.wait_for(3).await;
    assert!(received.iter().all(|(_, body)| body["data"] == received[0].1["data"]), "the same payment");
    shop.control("resend", json!({"number": 1})).await;
    receiver.wait_for(6).await;
    assert_eq!(shop.control("resend", json!({"number": 9})).await.status.as_u16(), 404);
}

#[tokio::test]
async fn it_is_tried_again_until_it_is_taken_and_six_times_at_most() {
    let (receiver, settings) = Receiver::listen(&[500, 404]).await;
    let shop = Shop::new(settings);
    shop.paid(5_000, "OVO").await;
    receiver.wait_for(3).await;
    let statuses = |shop: &Shop| {
        let webhooks = shop.context.gateway.webhooks();
        webhooks[0].attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>()
    };
    while statuses(&shop).len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(statuses(&shop), [Some(500), Some(404), Some(200)]);

    let (receiver, settings) = Receiver::listen(&[503; 20]).await;
    let shop = Shop::new(settings);
    shop.paid(5_000, "OVO").await;
    receiver.wait_for(7).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    receiver.wait_for(7).await;
    assert_eq!(Settings::default().retries_ms.iter().sum::<u64>(), 24 * 3_600_000);
}

#[tokio::test]
async fn held_webhooks_are_released_in_another_order() {
    let (receiver, settings) = Receiver::listen(&[]).await;
    let shop = Shop::new(Settings { held: true, ..settings });
    let (paid, other) = (shop.paid(5_000, "DANA").await, shop.request(1_000).await);
    shop.control("expire", json!({"id": other})).await;
    shop.post("/refunds", None, json!({"payment_request_id": paid, "reason": "OTHERS"})).await;
    while shop.context.gateway.webhooks().len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(receiver.received.lock().expect("a lock").is_empty());
    assert_eq!(shop.control("release", json!({"reversed": true})).await.body["released"], 3);
    let received = receiver.wait_for(3).await;
    assert_eq!(events(&received), ["refund.succeeded", "payment_request.expiry", "payment.capture"]);
    assert_eq!(shop.control("release", json!({})).await.body["released"], 0);
}

#[tokio::test]
async fn a_webhook_may_be_late_forged_or_have_amounts_as_text() {
    let (receiver, settings) = Receiver::listen(&[]).await;
    let shop = Shop::new(Settings { delay_ms: 60, wrong_token: true, amounts_as_text: true, ..settings });
    let id = shop.request(25_000).await;
    shop.control("pay", json!({"id": id, "amount": 20_000})).await;
    assert_eq!(shop.status(&id).await, "SUCCEEDED", "the truth is there before the webhook");
    assert!(receiver.received.lock().expect("a lock").is_empty());
    let received = receiver.wait_for(1).await;
    let (token, body) = &received[0];
    assert_ne!(token, "rahasia");
    assert_eq!((&body["data"]["request_amount"], &body["data"]["captures"][0]["capture_amount"]), (&json!("25000"), &json!("20000")));
}

#[tokio::test]
async fn a_payment_may_fail() {
    let (receiver, settings) = Receiver::listen(&[]).await;
    let shop = Shop::new(settings);
    let id = shop.request(25_000).await;
    assert_eq!(shop.control("fail", json!({"id": id})).await.status.as_u16(), 204);
    let received = receiver.wait_for(1).await;
    assert_eq!((events(&received), &received[0].1["data"]["status"]), (vec!["payment.failure"], &json!("FAILED")));
    assert_eq!(shop.status(&id).await, "FAILED");
    assert_eq!(shop.control("fail", json!({"id": id})).await.refused(), (400, "INACTIVE_PAYMENT_REQUEST"));
}

#[tokio::test]
async fn without_a_listener_the_attempts_say_why() {
    let shop = Shop::new(Settings { callback_url: Some("http://127.0.0.1:1/".to_owned()), retries_ms: vec![1], ..Settings::default() });
    shop.paid(5_000, "OVO").await;
    for _ in 0..200 {
        if shop.context.gateway.webhooks()[0].attempts.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let webhooks = shop.send("GET", "/standin/xendit/webhooks", "", None, "").await.body;
    let attempts = webhooks[0]["attempts"].as_array().expect("attempts");
    assert!(
        attempts.len() == 2 && attempts.iter().all(|attempt| attempt["error"].is_string() && attempt["status"].is_null()),
        "{webhooks}"
    );
}
