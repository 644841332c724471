//! Codes that are taken back.

use payments::PaymentError;
use payments::life::Status;
use standin::faults::Fault;
use standin::services::xendit::{Code, Quirk};

use crate::till::{Till, context};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_taken_back_at_the_gateway_too_and_the_order_gets_another() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    for _ in 0..2 {
        assert_eq!(till.desk.cancel(till.owner, payment.id).await.expect("cancelled").status, Status::Cancelled);
    }
    assert_eq!(till.requests().await[0]["status"], "CANCELED");
    assert_eq!(till.announced(payment.id).await, ["pending", "awaiting", "cancelled"]);
    assert_ne!(till.desk.create(till.owner, payment.order_id).await.expect("a payment").id, payment.id);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_was_just_paid_cannot_be_cancelled() {
    let till = Till::open().await;
    till.set(|settings| settings.held = true);
    let payment = till.awaiting(25_000).await;
    till.scan(payment.id, None).await;
    assert!(matches!(till.desk.cancel(till.owner, payment.id).await, Err(PaymentError::MayBePaid)));
    assert_eq!(till.books(payment.id).await, "awaiting pending");
    assert_eq!(till.jobs("poll_payment").await, 2, "one looks at once");
    till.back.poll(payment.id, true, &context()).await.expect("a look");
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    assert!(matches!(till.desk.cancel(till.owner, payment.id).await, Err(PaymentError::NotOpen { status: Status::Succeeded })));
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_without_an_answer_is_looked_into() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    till.fault(Fault::ServerError(axum::http::StatusCode::GATEWAY_TIMEOUT), 1);
    assert!(matches!(till.desk.cancel(till.owner, payment.id).await, Err(PaymentError::MayBePaid)));
    assert_eq!(till.payment(payment.id).await.status, Status::Awaiting);
    assert_eq!(till.desk.cancel(till.owner, payment.id).await.expect("cancelled").status, Status::Cancelled);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_code_yet_is_cancelled_when_nobody_is_asking_for_it() {
    let till = Till::open().await;
    till.gateway.plan(Quirk::Refuse(Code::ChannelUnavailable));
    let payment = till.desk.create(till.owner, till.order(25_000).await).await.expect("a payment");
    assert!(matches!(till.desk.cancel(till.owner, payment.id).await, Err(PaymentError::BeingAsked { .. })));
    till.no_pause().await;
    assert_eq!(till.desk.cancel(till.owner, payment.id).await.expect("cancelled").status, Status::Cancelled);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_comes_after_the_cancellation_is_never_shown() {
    let till = Till::open().await;
    till.gateway.plan(Quirk::Late(1_500));
    let order = till.order(25_000).await;
    let (desk, owner) = (till.desk.clone(), till.owner);
    let creating = tokio::spawn(async move { desk.create(owner, order).await });
    while till.requests().await.is_empty() {}
    till.no_pause().await;
    let payment = till.desk.payments_of_order(till.owner, order).await.expect("payments").remove(0);
    assert_eq!(till.desk.cancel(till.owner, payment.id).await.expect("cancelled").status, Status::Cancelled);
    let late = creating.await.expect("no panic").expect("a payment");
    assert_eq!((late.status, late.qr), (Status::Cancelled, None));
    assert_eq!(till.requests().await[0]["status"], "CANCELED");
    till.close().await;
}
