//! Webhooks are kept once and have their effect once.

use payments::{Next, PaymentError};
use serde_json::json;

use crate::till::{Till, context};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_pays_its_order_once_however_often_it_is_told() {
    let till = Till::open().await;
    till.set(|settings| (settings.copies, settings.amounts_as_text) = (4, true));
    let payment = till.awaiting(25_000).await;
    till.scan(payment.id, None).await;
    till.told(5).await;
    assert_eq!(till.waiting().await.len(), 1, "five deliveries are one event");
    let event = till.waiting().await[0];
    let takes = futures::future::join_all((0..5).map(async |_| till.back.take(event, &context()).await.expect("taken"))).await;
    assert!(takes.iter().all(|next| *next == Next::Done));
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    assert_eq!(till.announced(payment.id).await, ["pending", "awaiting", "succeeded"]);
    assert_eq!(till.news().await, ["payment_received Rp25.000 lewat QRIS."]);
    let paid = till.payment(payment.id).await;
    assert_eq!((paid.qr, paid.paid_at), (None, Some(platform::clock::Clock::now(&till.clock))), "its code is not shown any more");
    let deliveries: i32 = sqlx::query_scalar("select deliveries from webhook_events").fetch_one(till.db.work()).await.expect("a count");
    assert_eq!(deliveries, 5);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_without_the_token_is_refused_and_leaves_nothing() {
    let till = Till::open().await;
    till.set(|settings| settings.wrong_token = true);
    let payment = till.awaiting(25_000).await;
    till.scan(payment.id, None).await;
    till.told(1).await;
    assert!(till.waiting().await.is_empty());
    for token in [None, Some(""), Some("standin-callback-toke"), Some("standin-callback-token ")] {
        let refused = till.desk.receive(token.map(str::as_bytes), b"{}", None).await;
        assert!(matches!(refused, Err(PaymentError::WrongToken)), "{token:?}");
    }
    let unset = till.desk_with(|config| config.callback_token = None);
    let empty = till.desk_with(|config| config.callback_token = Some("".into()));
    for desk in [unset, empty] {
        for token in [None, Some(&b""[..]), Some(b"standin-callback-token")] {
            assert!(matches!(desk.receive(token, b"{}", None).await, Err(PaymentError::WrongToken)));
        }
    }
    assert_eq!(till.books(payment.id).await, "awaiting pending");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_webhook_says_counts_only_when_the_gateway_says_it_too() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    let request = till.request_of(payment.id).await;
    let forged = json!({"event": "payment.capture", "data": {
        "payment_id": "py-forged", "payment_request_id": request, "request_amount": 25000, "currency": "IDR", "status": "SUCCEEDED",
        "reference_id": format!("viralcast-{}", payment.id),
    }});
    till.desk.receive(Some(b"standin-callback-token"), forged.to_string().as_bytes(), None).await.expect("kept");
    assert!(matches!(till.take_all().await[..], [Err(PaymentError::NotConfirmed)]));
    assert_eq!((till.books(payment.id).await.as_str(), till.waiting().await.len()), ("awaiting pending", 1), "it waits");
    // A webhook of one payment that names the request of another.
    let other = till.awaiting(7_000).await;
    till.scan(other.id, None).await;
    till.told(1).await;
    let crossed = json!({"event": "payment.capture", "data": {
        "payment_id": "py-crossed", "payment_request_id": "pr-unknown", "request_amount": 25000, "currency": "IDR",
        "reference_id": format!("viralcast-{}", payment.id),
    }});
    till.desk.receive(Some(b"standin-callback-token"), crossed.to_string().as_bytes(), None).await.expect("kept");
    till.take_all().await;
    assert_eq!(till.books(payment.id).await, "awaiting pending");
    assert_eq!(till.books(other.id).await, "succeeded paid 7000");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_ours_or_cannot_be_read_is_kept_aside() {
    let till = Till::open().await;
    let bodies = [
        "not json".to_owned(),
        json!({"event": "payment.capture", "data": {}}).to_string(),
        json!({"event": "payment_session.completed", "data": {"payment_session_id": "ps-1"}}).to_string(),
        json!({"event": "refund.succeeded", "data": {"id": "rfd-1", "reference_id": "theirs"}}).to_string(),
        json!({"event": "payment_request.expiry", "data": {"payment_request_id": "pr-1", "reference_id": "theirs"}}).to_string(),
    ];
    for body in &bodies {
        assert!(till.desk.receive(Some(b"standin-callback-token"), body.as_bytes(), None).await.expect("kept"));
        assert!(!till.desk.receive(Some(b"standin-callback-token"), body.as_bytes(), None).await.expect("known"), "{body}");
    }
    till.take_all().await;
    let states: Vec<(String, i64)> = sqlx::query_as("select state, count(*) from webhook_events group by state order by state")
        .fetch_all(till.db.work())
        .await
        .expect("states");
    assert_eq!(states, [("failed".to_owned(), 2), ("ignored".to_owned(), 3)]);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_is_told_before_the_answer_to_the_question_is_stored() {
    let till = Till::open().await;
    let order = till.order(25_000).await;
    // The question is followed at once and answered late: the webhook comes in between.
    till.gateway.plan(standin::services::xendit::Quirk::Late(1_500));
    let (desk, owner) = (till.desk.clone(), till.owner);
    let creating = tokio::spawn(async move { desk.create(owner, order).await });
    let request = loop {
        if let Some(request) = till.requests().await.first() {
            break request["payment_request_id"].as_str().expect("an id").to_owned();
        }
    };
    till.control("pay", json!({"id": request})).await;
    till.told(1).await;
    till.take_all().await;
    let payment = creating.await.expect("no panic").expect("a payment");
    assert_eq!(till.books(payment.id).await, "succeeded paid 25000");
    assert_eq!((till.request_of(payment.id).await, till.payment(payment.id).await.qr), (request, None), "nothing to scan any more");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_amount_is_kept_and_pays_nothing() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    till.pay(payment.id, Some(20_000)).await;
    assert_eq!(till.books(payment.id).await, "failed pending 20000:wrong_amount");
    assert_eq!(till.news().await, ["payment_attention Yang masuk Rp20.000, seharusnya Rp25.000. Periksa lalu kembalikan."]);
    assert_eq!(till.announced(payment.id).await, ["pending", "awaiting", "failed wrong_amount"]);
    assert_eq!(till.jobs("mail_news").await, 1);
    let next = till.desk.create(till.owner, payment.order_id).await.expect("a payment");
    assert_ne!(next.id, payment.id, "the order can be paid as it should");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_attempt_fails_the_payment_and_says_why() {
    let till = Till::open().await;
    let payment = till.awaiting(25_000).await;
    let request = till.request_of(payment.id).await;
    till.control("fail", json!({"id": request, "failure_code": "ISSUER_UNAVAILABLE"})).await;
    till.told(1).await;
    till.take_all().await;
    let failed = till.payment(payment.id).await;
    assert_eq!((failed.status.as_str(), failed.failure_code.as_deref()), ("failed", Some("ISSUER_UNAVAILABLE")));
    till.close().await;
}
