//! Webhooks in every shape that was recorded or documented.

use domain::Idr;
use payments::told::{About, MoneyTold, Named, Told, read};
use proptest::prelude::*;
use serde_json::{Value, json};

fn told(event: &Value) -> Told {
    read(event.to_string().as_bytes()).expect("a webhook")
}

fn money(told: &Told) -> (&Named, &MoneyTold) {
    match &told.about {
        About::Money { request, money } => (request, money),
        other => panic!("{other:?}"),
    }
}

/// The documents' example of v3.
fn capture() -> Value {
    json!({
        "event": "payment.capture", "business_id": "6094fa76c2fd53701b8e079c", "created": "2021-12-02T14:52:21.566Z",
        "data": {
            "payment_id": "py-1fdaf346-dd2e-4b6c-b938-124c7167a822", "status": "SUCCEEDED", "request_amount": 10000,
            "payment_request_id": "pr-1fdaf346-dd2e-4b6c-b938-124c7167a822", "channel_code": "BRI_VIRTUAL_ACCOUNT", "country": "ID",
            "currency": "IDR", "reference_id": "example_reference_id", "type": "SINGLE_PAYMENT",
            "created": "2021-12-02T14:52:21.566Z", "updated": "2021-12-02T14:52:21.566Z",
        },
    })
}

#[test]
fn money_of_v3_is_read_and_its_key_does_not_depend_on_the_attempt() {
    let first = told(&capture());
    let (request, money_told) = money(&first);
    assert_eq!(
        (request.id.as_str(), request.reference.as_deref()),
        ("pr-1fdaf346-dd2e-4b6c-b938-124c7167a822", Some("example_reference_id"))
    );
    assert_eq!((money_told.amount, money_told.currency.as_str()), (Some(Idr(10_000)), "IDR"));
    assert_eq!(first.key, "payment.capture:py-1fdaf346-dd2e-4b6c-b938-124c7167a822");
    let mut again = capture();
    again["created"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(told(&again).key, first.key);
}

#[test]
fn what_came_is_what_was_captured() {
    let mut event = capture();
    event["data"]["captures"] = json!([{"capture_id": "cptr-1", "capture_amount": "9000", "capture_timestamp": "2026-11-23T05:00:00Z"}]);
    let told_of = told(&event);
    assert_eq!(money(&told_of).1.amount, Some(Idr(9_000)), "and text is a number");
    event["data"]["captures"] = json!([{"capture_amount": 4000}, {"capture_amount": 5000}]);
    assert_eq!(money(&told(&event)).1.amount, Some(Idr(9_000)));
    event["data"]["captures"] = json!([{"capture_amount": "nine"}]);
    assert_eq!(money(&told(&event)).1.amount, None, "nothing is guessed");
    event["data"]["captures"] = json!([]);
    event["data"]["request_amount"] = json!("10000.00");
    assert_eq!(money(&told(&event)).1.amount, Some(Idr(10_000)));
}

#[test]
fn money_of_qr_codes_is_read_in_both_versions() {
    let second = told(&json!({
        "event": "qr.payment", "api_version": "2022-07-31", "created": "2022-10-22T06:30:05.86474Z",
        "data": {
            "id": "qrpy_8182837te-87st-49ing-8696-1239bd4d759c", "currency": "IDR", "amount": 10000, "status": "SUCCEEDED",
            "created": "2022-10-22T06:30:05.86474Z", "qr_id": "qr_61cb3576-3a25-4d35-8d15-0e8e3bdba4f2", "reference_id": "order-id-1666420204",
            "type": "DYNAMIC", "payment_detail": {"receipt_id": "000111666", "source": "GOPAY", "name": null},
        },
    }));
    let (request, paid) = money(&second);
    assert_eq!(
        (request.id.as_str(), request.reference.as_deref()),
        ("qr_61cb3576-3a25-4d35-8d15-0e8e3bdba4f2", Some("order-id-1666420204"))
    );
    assert_eq!(
        (paid.payment_id.as_str(), paid.issuer.as_deref()),
        ("qrpy_8182837te-87st-49ing-8696-1239bd4d759c", Some("GOPAY")),
        "not the code"
    );
    // Recorded from the real service, which had not been told a version.
    let first = told(&json!({
        "id": "qrpy_32dc440f-aee1-40d4-af32-6d2249c493ae", "event": "qr.payment", "amount": 10000, "status": "COMPLETED",
        "created": "2026-01-03T05:41:02.419127Z",
        "qr_code": {"id": "qr_e6710fe1-41fe-4939-b2d1-875973aae339", "type": "DYNAMIC", "metadata": null, "external_id": "order_1"},
        "payment_details": {"source": "BNI", "receipt_id": "290b03ee7629"},
    }));
    let (request, paid) = money(&first);
    assert_eq!((request.id.as_str(), request.reference.as_deref()), ("qr_e6710fe1-41fe-4939-b2d1-875973aae339", Some("order_1")));
    assert_eq!((paid.amount, paid.issuer.as_deref()), (Some(Idr(10_000)), Some("BNI")));
}

#[test]
fn refunds_are_read_at_either_depth() {
    let refund = json!({"id": "rfd-6f4a377d", "amount": 10000, "currency": "IDR", "status": "SUCCEEDED", "reference_id": "b2756a1e"});
    let flat = json!({"event": "refund.succeeded", "data": refund});
    let nested = json!({"event": "refund.succeeded", "data": {"event": "refund.succeeded", "data": refund}});
    let due = About::Refund { id: "rfd-6f4a377d".to_owned(), reference: Some("b2756a1e".to_owned()) };
    assert_eq!((told(&flat).about, told(&nested).about), (due.clone(), due));
    assert_eq!(told(&flat).key, told(&nested).key);
}

#[test]
fn what_ends_and_what_is_others_is_told_apart() {
    let mut event = capture();
    for name in ["payment.failure", "payment_request.expiry", "payment.authorization"] {
        event["event"] = json!(name);
        assert!(matches!(told(&event).about, About::Ended(_)), "{name}");
    }
    let session = json!({"event": "payment_session.completed", "data": {"payment_session_id": "ps-1"}});
    assert_eq!(told(&session).about, About::Other);
    let failed = json!({"event": "qr.payment", "data": {"id": "qrpy_1", "qr_id": "qr_1", "status": "FAILED", "amount": 5}});
    assert!(matches!(told(&failed).about, About::Ended(_)), "no money came");
}

#[test]
fn ids_that_would_lead_elsewhere_are_none() {
    for id in ["../refunds/1", "pr-1?x=1", "pr 1", "", "pr-\u{e9}"] {
        let mut event = capture();
        event["data"]["payment_request_id"] = json!(id);
        assert!(read(event.to_string().as_bytes()).is_err(), "{id}");
    }
}

proptest! {
    #[test]
    fn garbage_is_refused_quietly(bytes in proptest::collection::vec(any::<u8>(), 0..200), depth in 0_usize..60) {
        let _ = read(&bytes);
        let nested = (0..depth).fold(json!({"id": "rfd-1"}), |inner, _| json!({"event": "refund.failed", "data": inner}));
        let _ = read(nested.to_string().as_bytes());
    }
}
