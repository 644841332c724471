//! Money goes back: never more than came, never twice by accident.

use payments::gateway::GatewayError;
use payments::{Next, PaymentError, Reason};
use serde_json::json;
use standin::faults::Fault;
use standin::services::xendit::{Code, Quirk};

use crate::till::{Till, context, idr};

impl Till {
    /// What the gateway has given back in all.
    async fn given_back(&self) -> i64 {
        let webhooks = self.gateway.webhooks();
        let refunds = webhooks.iter().filter(|webhook| webhook.event == "refund.succeeded");
        refunds.map(|webhook| webhook.body["data"]["amount"].as_i64().expect("an amount")).sum()
    }

    async fn refunds(&self) -> Vec<String> {
        let refunds = "select concat_ws(' ', amount, status, failure_code) from refunds order by created_at, id";
        sqlx::query_scalar(refunds).fetch_all(self.db.work()).await.expect("refunds")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_and_then_the_rest_go_back_and_the_order_with_the_last() {
    let till = Till::open().await;
    let payment = till.paid(25_000).await;
    let known = "select available_at from orders where id = $1";
    let known = async || -> chrono::DateTime<chrono::Utc> {
        sqlx::query_scalar(known).bind(payment.order_id).fetch_one(till.db.work()).await.expect("a time")
    };
    let before = known().await;
    let later = till.hours(1);
    for (amount, books) in [(10_000, "succeeded paid 25000"), (15_000, "refunded refunded 25000")] {
        let told = till.told_so_far();
        let refund = till.desk.refund(till.owner, payment.id, idr(amount), Reason::RequestedByCustomer, &amount.to_string()).await;
        let refund = refund.expect("a refund");
        assert_eq!((refund.status.as_str(), refund.is_taken), ("pending", true));
        till.told(told + 1).await;
        till.take_all().await;
        assert_eq!(till.books(payment.id).await, books);
    }
    assert_eq!(till.refunds().await, ["10000 succeeded", "15000 succeeded"]);
    assert!(known().await == later && later > before, "that it was no sale was not known before");
    assert_eq!(till.announced(payment.id).await, ["pending", "awaiting", "succeeded", "succeeded", "refunded"]);
    let more = till.desk.refund(till.owner, payment.id, idr(1), Reason::Others, "more").await;
    assert!(matches!(more, Err(PaymentError::MoreThanPaid { left, .. }) if left == idr(0)));
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn together_they_are_never_more_than_what_came_even_at_once() {
    let till = Till::open().await;
    let payment = till.paid(25_000).await;
    let ask = async |number: usize| till.desk.refund(till.owner, payment.id, idr(10_000), Reason::Others, &number.to_string()).await;
    let asked = futures::future::join_all((0..8).map(ask)).await;
    // The gateway takes one at a time, so some that fit are put off by it.
    let is_expected = |refund: &Result<_, PaymentError>| {
        matches!(refund, Ok(_) | Err(PaymentError::MoreThanPaid { .. } | PaymentError::Gateway(GatewayError::TryLater { .. })))
    };
    assert!(asked.iter().all(is_expected), "{asked:?}");
    assert!((1..=2).contains(&asked.iter().filter(|refund| refund.is_ok()).count()), "{asked:?}");
    let promised: i64 = sqlx::query_scalar("select sum(amount)::bigint from refunds where status <> 'failed'")
        .fetch_one(till.db.work())
        .await
        .expect("a sum");
    assert!(promised <= 25_000, "{promised}");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_is_the_same_refund() {
    let till = Till::open().await;
    let payment = till.paid(25_000).await;
    let ask = async |_: usize| till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "key").await.expect("a refund");
    let refunds = futures::future::join_all((0..6).map(ask)).await;
    assert!(refunds.iter().all(|refund| refund.id == refunds[0].id));
    till.told(2).await;
    till.take_all().await;
    assert_eq!((till.refunds().await, till.given_back().await), (vec!["25000 succeeded".to_owned()], 25_000));
    let other = till.desk.refund(till.owner, payment.id, idr(5), Reason::Others, "key").await;
    assert!(matches!(other, Err(PaymentError::KeyReused { .. })));
    for key in ["", &"k".repeat(65)] {
        assert!(matches!(till.desk.refund(till.owner, payment.id, idr(5), Reason::Others, key).await, Err(PaymentError::WrongKey)));
    }
    for amount in [0, -5] {
        assert!(till.desk.refund(till.owner, payment.id, idr(amount), Reason::Others, "x").await.is_err(), "{amount}");
    }
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_before_the_answer_settles_it_at_either_depth() {
    let till = Till::open().await;
    for is_nested in [false, true] {
        till.set(|settings| (settings.refund_webhook_first, settings.nested_refunds) = (true, is_nested));
        let payment = till.paid(8_000).await;
        let told = till.told_so_far();
        let refund = till.desk.refund(till.owner, payment.id, idr(8_000), Reason::Cancellation, "k").await.expect("a refund");
        till.told(told + 1).await;
        till.take_all().await;
        assert_eq!(till.books(payment.id).await, "refunded refunded 8000", "{is_nested}");
        assert_eq!(till.back.poll_refund(refund.id, &context()).await.expect("a look"), Next::Done);
    }
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_without_an_answer_is_never_asked_for_again() {
    let till = Till::open().await;
    let payment = till.paid(25_000).await;
    till.gateway.plan(Quirk::Late(6_000));
    let refund = till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "k").await.expect("noted");
    assert_eq!((refund.status.as_str(), refund.is_taken), ("pending", false));
    let again = till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "k").await.expect("the same");
    assert_eq!(again.id, refund.id);
    let other = till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "other").await;
    assert!(matches!(other, Err(PaymentError::MoreThanPaid { .. })), "it counts until it is known");
    till.told(2).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "refunded refunded 25000", "its webhook knows our reference");
    assert_eq!(till.given_back().await, 25_000);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_or_fails_can_be_asked_for_anew() {
    let till = Till::open().await;
    let payment = till.paid(25_000).await;
    for (quirk, status) in [(Code::InsufficientBalance, 400), (Code::RefundNotSupported, 403)] {
        till.gateway.plan(Quirk::Refuse(quirk));
        let error = till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, &format!("{status}")).await.expect_err("refused");
        assert!(matches!(&error, PaymentError::Gateway(GatewayError::Refused { status: told, .. }) if *told == status), "{error:?}");
    }
    till.gateway.plan(Quirk::Refuse(Code::TemporarilyUnavailable));
    let later = till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "later").await;
    assert!(matches!(later, Err(PaymentError::Gateway(GatewayError::TryLater { .. }))));
    till.set(|settings| settings.refunds_fail = true);
    let told = till.told_so_far();
    till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "fails").await.expect("taken");
    till.told(told + 1).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    till.set(|settings| settings.refunds_fail = false);
    till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "works").await.expect("taken");
    till.told(told + 2).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "refunded refunded 25000");
    let all = ["INSUFFICIENT_BALANCE", "REFUND_NOT_SUPPORTED", "TEMPORARILY_UNAVAILABLE", "REFUND_FAILED"];
    let failed = all.map(|code| format!("25000 failed {code}"));
    assert_eq!(till.refunds().await[..4], failed);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_webhook_of_a_refund_is_made_good_by_asking() {
    let till = Till::open().await;
    let payment = till.paid(25_000).await;
    till.set(|settings| settings.held = true);
    let refund = till.desk.refund(till.owner, payment.id, idr(25_000), Reason::Others, "k").await.expect("a refund");
    assert_eq!(till.jobs("poll_refund").await, 1);
    till.fault(Fault::TooManyRequests, 1);
    assert!(till.back.poll_refund(refund.id, &context()).await.is_err());
    while till.back.poll_refund(refund.id, &context()).await.expect("a look") != Next::Done {}
    assert_eq!(till.books(payment.id).await, "refunded refunded 25000");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_somebody_must_look_at_goes_back_first() {
    let till = Till::open().await;
    let wrong = till.awaiting(25_000).await;
    till.pay(wrong.id, Some(20_000)).await;
    let more = till.desk.refund(till.owner, wrong.id, idr(25_000), Reason::Others, "asked").await;
    assert!(matches!(more, Err(PaymentError::MoreThanPaid { left, .. }) if left == idr(20_000)), "what came, not what was asked for");
    let told = till.told_so_far();
    till.desk.refund(till.owner, wrong.id, idr(20_000), Reason::Others, "came").await.expect("a refund");
    till.told(told + 1).await;
    till.take_all().await;
    assert_eq!((till.books(wrong.id).await, till.given_back().await), ("failed pending 20000:wrong_amount".to_owned(), 20_000));

    let twice = till.paid(9_000).await;
    till.pay(twice.id, None).await;
    let told = till.told_so_far();
    till.desk.refund(till.owner, twice.id, idr(9_000), Reason::Duplicate, "second").await.expect("a refund");
    till.told(told + 1).await;
    till.take_all().await;
    assert_eq!(till.books(twice.id).await, "succeeded paid 9000,9000:second_payment", "the order stays paid");
    let report = till.back.reconcile().await.expect("a report").remove(0);
    assert_eq!(report.findings, json!([]), "nothing is left to look at");
    till.close().await;
}
