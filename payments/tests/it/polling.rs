//! What is found out without any webhook.

use std::time::Duration;

use payments::Next;
use payments::life::Status;
use standin::faults::Fault;

use crate::till::{Till, context};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_seen_by_asking_and_its_webhook_says_nothing_new() {
    let till = Till::open().await;
    till.set(|settings| settings.held = true);
    let payment = till.awaiting(25_000).await;
    assert_eq!(till.poll(payment.id).await.expect("a look"), Next::Again(Duration::from_secs(5)));
    till.scan(payment.id, None).await;
    assert_eq!(till.poll(payment.id).await.expect("a look"), Next::Done);
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    till.control("release", serde_json::json!({})).await;
    till.told(1).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    assert_eq!(till.announced(payment.id).await, ["pending", "awaiting", "succeeded"]);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amount_that_only_the_webhook_tells_is_looked_at_afterwards() {
    let till = Till::open().await;
    till.set(|settings| settings.held = true);
    let payment = till.awaiting(25_000).await;
    till.scan(payment.id, Some(20_000)).await;
    till.poll(payment.id).await.expect("a look");
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000", "the gateway calls it paid");
    till.control("release", serde_json::json!({})).await;
    till.told(1).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000:wrong_amount");
    assert_eq!(till.announced(payment.id).await.last().map(String::as_str), Some("succeeded wrong_amount"));
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_nobody_pays_expires() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    till.hours(47);
    assert_eq!(till.poll(payment.id).await.expect("a look"), Next::Again(Duration::from_secs(3600)));
    till.hours(2);
    assert_eq!(till.poll(payment.id).await.expect("a look"), Next::Done);
    assert_eq!(till.books(payment.id).await, "expired pending");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_does_not_answer_is_asked_again() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    till.scan(payment.id, None).await;
    for fault in
        [Fault::ServerError(axum::http::StatusCode::BAD_GATEWAY), Fault::TooManyRequests, Fault::Html, Fault::Slow(Duration::from_secs(6))]
    {
        till.fault(fault, 1);
        till.back.poll(payment.id, false, &context()).await.expect_err("no answer");
        assert_eq!(till.books(payment.id).await, "awaiting pending", "{fault:?}");
    }
    assert_eq!(till.poll(payment.id).await.expect("a look"), Next::Done);
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_code_of_an_order_that_was_paid_in_cash_is_taken_back() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    till.set_order(payment.order_id, "completed").await;
    assert_eq!(till.poll(payment.id).await.expect("a look"), Next::Done);
    assert_eq!(till.payment(payment.id).await.status, Status::Cancelled);
    assert_eq!(till.requests().await[0]["status"], "CANCELED");
    till.close().await;
}
