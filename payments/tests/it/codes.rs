//! The older API: codes that cannot be cancelled, and of which only a webhook says that they were paid.

use payments::gateway::{Api, GatewayError};
use payments::life::Status;
use payments::{Next, PaymentError, Reason};
use serde_json::json;
use standin::services::xendit::Settings;

use crate::till::{Till, idr};

async fn till() -> Till {
    Till::with(Api::QrCodes, Settings::default()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_made_paid_and_given_back() {
    let till = till().await;
    let payment = till.awaiting(25_000).await;
    let life = payment.expires_at.expect("a time") - payment.created_at;
    assert_eq!(life.num_minutes(), 30);
    till.set(|settings| (settings.copies, settings.amounts_as_text) = (2, true));
    let told = till.told_so_far();
    till.scan(payment.id, None).await;
    till.told(told + 3).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    till.set(|_| {});
    let told = till.told_so_far();
    till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "k").await.expect("a refund");
    till.told(told + 1).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "refunded refunded 25000");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_was_closed_without_a_word_is_not_taken_for_paid() {
    let till = till().await;
    till.set(|settings| settings.held = true);
    let payment = till.awaiting(25_000).await;
    till.scan(payment.id, None).await;
    assert!(matches!(till.poll(payment.id).await.expect("a look"), Next::Again(_)));
    let report = till.back.reconcile().await.expect("a report").remove(0);
    assert_eq!(report.findings[0]["what"], "closed_without_a_word");
    till.hours(1);
    assert_eq!(till.poll(payment.id).await.expect("a look"), Next::Done);
    assert_eq!(till.books(payment.id).await, "expired pending");
    till.control("release", json!({})).await;
    till.told(1).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000", "late, and welcome");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_cannot_be_taken_back_and_so_the_order_gets_no_second_one() {
    let till = till().await;
    let payment = till.awaiting(25_000).await;
    let error = till.desk.cancel(till.owner, payment.id).await.expect_err("it cannot");
    assert!(matches!(error, PaymentError::Gateway(GatewayError::Unsupported { api: Api::QrCodes, .. })));
    assert_eq!(till.desk.create(till.owner, payment.order_id).await.expect("the same").id, payment.id);
    till.pay(payment.id, Some(20_000)).await;
    assert_eq!(till.books(payment.id).await, "failed pending 20000:wrong_amount");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_followed_by_the_api_that_it_was_made_by() {
    let till = till().await;
    let payment = till.awaiting(25_000).await;
    let desk = till.desk_with(|config| config.api = "payment_requests".to_owned());
    let newer = desk.create(till.owner, till.order(7_000).await).await.expect("a payment");
    assert_eq!(newer.status, Status::Awaiting);
    till.pay(payment.id, None).await;
    till.pay(newer.id, None).await;
    assert_eq!((till.books(payment.id).await, till.books(newer.id).await), ("succeeded paid 25000".into(), "succeeded paid 7000".into()));
    till.close().await;
}
