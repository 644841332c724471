//! A code for an order, whatever happens on the way.

use domain::qris::Qris;
use payments::PaymentError;
use payments::gateway::GatewayError;
use payments::life::Status;
use platform::db::tenant::Tenant;
use standin::faults::Fault;
use standin::services::xendit::{Code, Quirk, Settings};
use uuid::Uuid;

use crate::till::{Till, add_named_store, idr};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_gets_a_code_that_asks_for_its_total() {
    let till = Till::open().await;
    let order = till.order(25_000).await;
    let payment = till.desk.create(till.owner, order).await.expect("a payment");
    assert_eq!((payment.status, payment.amount, payment.order_id), (Status::Awaiting, idr(25_000), order));
    let code = payment.qr.clone().expect("a code");
    Qris::parse(&code).expect("QRIS").check_amount(idr(25_000)).expect("the amount");
    assert!(payment.svg().expect("a picture").is_some() && payment.png().expect("a picture").is_some());
    assert!(payment.expires_at.expect("a time") > payment.created_at);
    assert_eq!(till.announced(payment.id).await, ["pending", "awaiting"]);
    assert_eq!((till.jobs("poll_payment").await, till.requests().await.len()), (1, 1));
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clicks_are_one_payment_and_one_question() {
    let till = Till::open().await;
    let order = till.order(18_000).await;
    let clicks = (0..12).map(|_| till.desk.create(till.owner, order));
    let payments: Vec<_> = futures::future::join_all(clicks).await.into_iter().map(|payment| payment.expect("a payment")).collect();
    assert!(payments.iter().all(|payment| payment.id == payments[0].id), "{payments:?}");
    let again = till.desk.create(till.owner, order).await.expect("a payment");
    assert_eq!((again.id, again.status), (payments[0].id, Status::Awaiting));
    assert_eq!(till.requests().await.len(), 1);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_leaves_one_payment_that_goes_on_by_itself() {
    let till = Till::open().await;
    till.gateway.plan(Quirk::Late(9_000));
    let order = till.order(25_000).await;
    let payment = till.desk.create(till.owner, order).await.expect("a payment");
    assert_eq!((payment.status, &payment.qr), (Status::Pending, &None));
    let again = till.desk.create(till.owner, order).await.expect("a payment");
    assert_eq!((again.id, again.status, till.requests().await.len()), (payment.id, Status::Pending, 1), "not asked again at once");
    till.no_pause().await;
    till.poll(payment.id).await.expect("a look");
    let gone_on = till.payment(payment.id).await;
    assert_eq!((gone_on.status, gone_on.qr.is_some()), (Status::Awaiting, true));
    let requests = till.requests().await;
    assert_eq!(requests.len(), 2, "one that nobody has seen, and the one that is shown");
    assert!(requests.iter().all(|request| request["reference_id"] == requests[0]["reference_id"]), "both are named as ours");

    // The impossible: somebody pays the code that nobody has seen. It is the order's money all the same.
    let unseen = requests[0]["payment_request_id"].as_str().expect("an id");
    assert_ne!(unseen, till.request_of(payment.id).await);
    till.control("pay", serde_json::json!({"id": unseen})).await;
    till.told(1).await;
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    till.pay(payment.id, None).await;
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000,25000:second_payment", "and the second is told apart");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_not_to_answer_leaves_the_payment_to_be_gone_on_with() {
    let till = Till::open().await;
    let lost = [
        Fault::ServerError(axum::http::StatusCode::BAD_GATEWAY),
        Fault::ServerError(axum::http::StatusCode::SERVICE_UNAVAILABLE),
        Fault::Empty,
        Fault::Truncated,
        Fault::Reset,
        Fault::TooManyRequests,
    ];
    for fault in lost {
        till.fault(fault, 1);
        let order = till.order(9_000).await;
        let payment = till.desk.create(till.owner, order).await.expect("a payment");
        assert_eq!(payment.status, Status::Pending, "{fault:?}");
        till.no_pause().await;
        let again = till.desk.create(till.owner, order).await.expect("a payment");
        assert_eq!((again.id, again.status), (payment.id, Status::Awaiting), "{fault:?}");
    }
    for code in [Code::ChannelUnavailable, Code::PaymentRequestRateLimited, Code::ServerError] {
        till.gateway.plan(Quirk::Refuse(code));
        let order = till.order(9_000).await;
        let payment = till.desk.create(till.owner, order).await.expect("a payment");
        assert_eq!(payment.status, Status::Pending, "{code:?}");
        till.no_pause().await;
        till.poll(payment.id).await.expect("a look");
        assert_eq!(till.payment(payment.id).await.status, Status::Awaiting, "{code:?}");
    }
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_fails_and_the_next_click_begins_anew() {
    let till = Till::open().await;
    for (quirk, code) in [
        (Quirk::Refuse(Code::InvalidMerchantSettings), "INVALID_MERCHANT_SETTINGS"),
        (Quirk::Refuse(Code::ApiValidationError), "API_VALIDATION_ERROR"),
        (Quirk::Duplicate, "DATA_NOT_FOUND"),
    ] {
        till.gateway.plan(quirk);
        let order = till.order(9_000).await;
        let error = till.desk.create(till.owner, order).await.expect_err("refused");
        assert!(matches!(&error, PaymentError::Gateway(GatewayError::Refused { code: told, .. }) if told == code), "{error:?}");
        assert!(domain::Hint::hint(&error).is_some());
        let failed = till.desk.payments_of_order(till.owner, order).await.expect("payments").remove(0);
        assert_eq!((failed.status, failed.failure_code.as_deref()), (Status::Failed, Some(code)));
        let next = till.desk.create(till.owner, order).await.expect("a payment");
        assert!(next.id != failed.id && next.status == Status::Awaiting);
    }
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_kept_by_asking_no_more() {
    let till = Till::with(payments::gateway::Api::PaymentRequests, Settings { per_minute: Some(2), ..Settings::default() }).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let payment = till.desk.create(till.owner, till.order(5_000).await).await.expect("a payment");
        seen.push(payment.status);
    }
    assert_eq!(seen, [Status::Awaiting, Status::Awaiting, Status::Pending, Status::Pending]);
    let wait: f64 = sqlx::query_scalar("select max(extract(epoch from ask_until - clock_timestamp()))::float8 from payments")
        .fetch_one(till.db.work())
        .await
        .expect("a wait");
    assert!(wait > 30.0, "until the gateway's minute is over, not {wait} s");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_take_no_payment_are_told_apart() {
    let till = Till::open().await;
    for status in ["paid", "completed", "cancelled", "refunded"] {
        let order = till.order(5_000).await;
        till.set_order(order, status).await;
        assert!(matches!(till.desk.create(till.owner, order).await, Err(PaymentError::OrderNotOpen { status: told }) if told == status));
    }
    let unpriced = till.order_of(till.store, None).await;
    assert!(matches!(till.desk.create(till.owner, unpriced).await, Err(PaymentError::NoTotal)));
    for amount in [0, 10_000_001] {
        let order = till.order(amount).await;
        assert!(matches!(till.desk.create(till.owner, order).await, Err(PaymentError::OutOfRange { .. })), "{amount}");
    }
    assert_eq!(till.awaiting(10_000_000).await.amount, idr(10_000_000));
    let nowhere = till.desk.create(till.owner, Uuid::now_v7()).await;
    assert!(matches!(nowhere, Err(PaymentError::NotFound { what: "order", .. })));
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_touches_the_payments_of_another_store() {
    let till = Till::open().await;
    let payment = till.awaiting(5_000).await;
    let (_, stranger) = add_named_store(&till.db, "other").await;
    for tenant in [stranger, Tenant::User(Uuid::now_v7())] {
        assert!(matches!(till.desk.create(tenant, payment.order_id).await, Err(PaymentError::NotFound { .. })));
        assert!(matches!(till.desk.payment(tenant, payment.id).await, Err(PaymentError::NotFound { .. })));
        assert!(matches!(till.desk.cancel(tenant, payment.id).await, Err(PaymentError::NotFound { .. })));
        assert!(matches!(till.desk.check(tenant, payment.id).await, Err(PaymentError::NotFound { .. })));
        let refund = till.desk.refund(tenant, payment.id, idr(1), payments::Reason::Others, "k").await;
        assert!(matches!(refund, Err(PaymentError::NotFound { .. })));
        assert!(till.desk.payments_of_order(tenant, payment.order_id).await.expect("none").is_empty());
    }
    assert_eq!(till.books(payment.id).await, "awaiting pending");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_that_is_said_and_nothing_is_begun() {
    let till = Till::open().await;
    let desk = till.desk_with(|config| config.secret_key = None);
    let order = till.order(5_000).await;
    let error = desk.create(till.owner, order).await.expect_err("not configured");
    assert_eq!(error.to_string(), "payments are not configured");
    assert!(domain::Hint::hint(&error).is_some_and(|hint| hint.contains("XENDIT_SECRET_KEY")));
    assert!(till.desk.payments_of_order(till.owner, order).await.expect("none").is_empty());
    let refused = till.desk_with(|config| config.secret_key = Some("xnd_development_invalid".into()));
    let error = refused.create(till.owner, order).await.expect_err("a wrong key");
    assert!(matches!(&error, PaymentError::Gateway(GatewayError::Refused { status: 401, .. })), "{error:?}");
    assert!(!format!("{error:?} {}", in_debug()).contains("xnd_"), "no key in any message");
    till.close().await;
}

fn in_debug() -> String {
    let config =
        platform::config::XenditConfig { secret_key: Some("xnd_development_hush".into()), ..platform::config::XenditConfig::default() };
    let gateways = payments::Gateways::new(&config, &platform::config::OutsideConfig::default()).expect("a client").expect("a key");
    format!("{config:?} {gateways:?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_cannot_be_had_is_given_up_after_a_while() {
    let till = Till::open().await;
    till.gateway.plan(Quirk::Refuse(Code::ChannelUnavailable));
    let payment = till.desk.create(till.owner, till.order(5_000).await).await.expect("a payment");
    assert_eq!(payment.status, Status::Pending);
    till.clock.advance(chrono::TimeDelta::minutes(11));
    till.no_pause().await;
    assert_eq!(till.poll(payment.id).await.expect("a look"), payments::Next::Done);
    let failed = till.payment(payment.id).await;
    assert_eq!((failed.status, failed.failure_code.as_deref()), (Status::Failed, Some("NOT_CREATED")));
    till.close().await;
}
