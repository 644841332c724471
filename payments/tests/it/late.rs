//! Money that comes when nobody expects it any more.

use payments::Next;
use serde_json::json;

use crate::till::{Till, context};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_after_the_expiry_pays_an_order_that_still_waits() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    let request = till.request_of(payment.id).await;
    till.control("expire", json!({"id": request})).await;
    till.told(1).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "expired pending");
    till.pay(payment.id, None).await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000", "the gateway's request stays expired, and names the money");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_in_the_wrong_order_end_as_those_in_the_right_one() {
    let till = Till::open().await;
    till.set(|settings| settings.held = true);
    let payment = till.awaiting(25_000).await;
    let request = till.request_of(payment.id).await;
    till.control("expire", json!({"id": request})).await;
    till.scan(payment.id, None).await;
    till.control("release", json!({"reversed": true})).await;
    till.told(2).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_payment_takes_the_newer_code_back() {
    let till = Till::open().await;
    let first = till.awaiting(25_000).await;
    till.control("expire", json!({"id": till.request_of(first.id).await})).await;
    till.told(1).await;
    till.take_all().await;
    let second = till.desk.create(till.owner, first.order_id).await.expect("a payment");
    till.pay(first.id, None).await;
    assert_eq!(till.books(first.id).await, "succeeded paid 25000");
    assert_eq!(till.back.poll(second.id, true, &context()).await.expect("a look"), Next::Done);
    assert_eq!(till.books(second.id).await, "cancelled paid", "the job that the money left behind");
    let status = |request: &serde_json::Value| request["status"].as_str().expect("a status").to_owned();
    assert_eq!(till.requests().await.iter().map(status).collect::<Vec<_>>(), ["EXPIRED", "CANCELED"]);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_paid_twice_keeps_both_and_names_the_second() {
    let till = Till::open().await;
    let first = till.awaiting(25_000).await;
    till.control("expire", json!({"id": till.request_of(first.id).await})).await;
    till.told(1).await;
    till.take_all().await;
    let second = till.desk.create(till.owner, first.order_id).await.expect("a payment");
    till.pay(second.id, None).await;
    till.pay(first.id, None).await;
    assert_eq!(till.books(second.id).await, "succeeded paid 25000");
    assert_eq!(till.books(first.id).await, "succeeded paid 25000:second_payment");
    // And one code that was scanned by two customers.
    let third = till.paid(9_000).await;
    till.pay(third.id, None).await;
    assert_eq!(till.books(third.id).await, "succeeded paid 9000,9000:second_payment");
    assert_eq!(till.jobs("mail_news").await, 2, "people are asked to look");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_of_an_order_that_was_taken_back_is_kept_and_named() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    till.desk.cancel(till.owner, payment.id).await.expect("cancelled");
    till.set_order(payment.order_id, "cancelled").await;
    till.pay(payment.id, None).await;
    assert_eq!(till.books(payment.id).await, "succeeded cancelled 25000:order_taken_back");
    let cash = till.awaiting(9_000).await;
    till.set_order(cash.order_id, "completed").await;
    till.pay(cash.id, None).await;
    assert_eq!(till.books(cash.id).await, "succeeded completed 9000:second_payment", "paid in cash before");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failure_after_success_changes_nothing() {
    let till = Till::open().await;
    let payment = till.paid(25_000).await;
    let request = till.request_of(payment.id).await;
    for event in ["payment.failure", "payment_request.expiry"] {
        let late = json!({"event": event, "data": {"payment_request_id": request, "status": "EXPIRED", "payment_id": "py-0"}});
        till.desk.receive(Some(b"standin-callback-token"), late.to_string().as_bytes(), None).await.expect("kept");
    }
    assert_eq!(till.take_all().await.into_iter().filter_map(Result::ok).collect::<Vec<_>>(), [Next::Done, Next::Done]);
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    till.close().await;
}
