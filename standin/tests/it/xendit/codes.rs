//! The older QR Codes API, in its two versions.

use axum::http::StatusCode;
use serde_json::{Value, json};
use standin::services::xendit::Settings;

use super::{Receiver, Shop, emv, field, text};

const VERSION: Option<&str> = Some("2022-07-31");

fn wanted(kind: &str) -> Value {
    json!({"reference_id": "order-1", "type": kind, "currency": "IDR", "amount": 10_000, "expired_at": "2020-01-01T00:00:00Z"})
}

#[tokio::test]
async fn a_code_has_the_fields_of_the_contract() {
    let shop = Shop::new(Settings::default());
    let reply = shop.post("/qr_codes", VERSION, wanted("DYNAMIC")).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    insta::assert_json_snapshot!("xendit_qr_code", reply.body, {".id" => "[id]", ".qr_string" => "[qr]"});
    assert_eq!(field(&emv(text(&reply.body, "qr_string")), "54"), Some("10000"));
    let path = format!("/qr_codes/{}", text(&reply.body, "id"));
    assert_eq!(shop.get(&path, VERSION).await.body, reply.body);
    assert_eq!(shop.get("/qr_codes/qr_unknown", VERSION).await.refused(), (404, "DATA_NOT_FOUND"));
    let mut late = wanted("DYNAMIC");
    late["expires_at"] = "2026-11-22T20:00:00Z".into();
    assert_eq!(shop.post("/qr_codes", VERSION, late).await.refused(), (400, "API_VALIDATION_ERROR"));
    assert_eq!(shop.post("/qr_codes", Some("2024-11-11"), wanted("DYNAMIC")).await.refused(), (400, "API_VALIDATION_ERROR"));
}

#[tokio::test]
async fn a_merchant_has_one_static_code() {
    let shop = Shop::new(Settings::default());
    let first = shop.post("/qr_codes", VERSION, wanted("STATIC")).await;
    assert_eq!((first.status, &first.body["amount"]), (StatusCode::CREATED, &Value::Null));
    let second = shop.post("/qr_codes", VERSION, wanted("STATIC")).await;
    assert_eq!(second.refused(), (409, "DUPLICATE_ERROR"));
    assert_eq!(text(&second.body, "message"), "ID_DANA only allows 1 static QR code for each merchant");
}

#[tokio::test]
async fn a_payment_is_told_in_the_form_of_the_version() {
    let (receiver, settings) = Receiver::listen(&[]).await;
    let url = settings.callback_url.clone();
    let shop = Shop::new(settings);
    let id = text(&shop.post("/qr_codes", VERSION, wanted("DYNAMIC")).await.body, "id").to_owned();
    let simulated = shop.post(&format!("/qr_codes/{id}/payments/simulate"), VERSION, json!({"amount": 10_000})).await;
    let (_, body) = &receiver.wait_for(1).await[0];
    insta::assert_json_snapshot!("xendit_qr_payment", body, {
        ".data.id" => "[id]", ".data.qr_id" => "[id]", ".data.qr_string" => "[qr]", ".data.payment_detail.receipt_id" => "[id]",
    });
    assert!(body["data"] == simulated.body && text(&body["data"], "id").starts_with("qrpy_"));
    let again = shop.post(&format!("/qr_codes/{id}/payments/simulate"), VERSION, json!({})).await;
    assert_eq!(again.refused(), (400, "INELIGIBLE_TRANSACTION_STATUS"));
    assert_eq!(shop.get(&format!("/qr_codes/{id}"), VERSION).await.body["status"], "INACTIVE");

    let old = json!({"external_id": "order-2", "type": "DYNAMIC", "amount": 7_000, "callback_url": url});
    let reply = shop.post("/qr_codes", None, old).await;
    assert_eq!((reply.status, text(&reply.body, "external_id")), (StatusCode::CREATED, "order-2"));
    assert_eq!(shop.get("/qr_codes/order-2", None).await.body, reply.body);
    assert_eq!(shop.post("/qr_codes/order-2/payments/simulate", None, json!({})).await.status, StatusCode::OK);
    let (_, body) = &receiver.wait_for(2).await[1];
    assert_eq!((text(body, "event"), text(body, "status"), &body["amount"]), ("qr.payment", "COMPLETED", &json!(7_000)));
    assert!(body["qr_code"]["external_id"] == "order-2" && body["payment_details"]["source"] == "DANA" && body.get("data").is_none());
}

#[tokio::test]
async fn without_the_header_the_fields_are_others() {
    let shop = Shop::new(Settings::default());
    assert_eq!(shop.post("/qr_codes", None, wanted("DYNAMIC")).await.refused(), (400, "API_VALIDATION_ERROR"));
}

#[tokio::test]
async fn a_payment_of_a_code_is_refunded_by_its_own_id() {
    let shop = Shop::new(Settings::default());
    let id = text(&shop.post("/qr_codes", VERSION, wanted("DYNAMIC")).await.body, "id").to_owned();
    let payment = shop.post(&format!("/qr_codes/{id}/payments/simulate"), VERSION, json!({"amount": 10_000})).await;
    let path = format!("/qr_codes/payments/{}/refunds", text(&payment.body, "id"));
    let refund = shop.post(&path, VERSION, json!({"reason": "OTHERS", "amount": 3_000})).await;
    assert_eq!((refund.status, &refund.body["amount"], &refund.body["payment_id"]), (StatusCode::OK, &json!(3_000), &payment.body["id"]));
}
