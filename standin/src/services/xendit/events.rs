//! What webhooks say.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::BUSINESS;
use super::codes::{QrCode, Version};
use super::deliver::Draft;
use super::payments::Payment;
use super::refunds::Refund;
use super::requests::PaymentRequest;

/// The envelope of v3. `created` is set anew at each attempt.
fn envelope(event: &'static str, data: &Value) -> Draft {
    Draft { event, url: None, body: json!({"event": event, "business_id": BUSINESS, "created": null, "data": data}), is_stamped: true }
}

/// Money came in for a request.
pub(super) fn capture(request: &PaymentRequest, payment: &Payment) -> Draft {
    let mut data = about(request);
    data["payment_id"] = json!(payment.id);
    data["status"] = json!("SUCCEEDED");
    data["captures"] = json!([{
        "capture_id": format!("cptr-{}", Uuid::now_v7()), "capture_timestamp": payment.at, "capture_amount": payment.amount,
    }]);
    data["payment_details"] = json!({"source": payment.issuer, "receipt_id": payment.receipt});
    (data["created"], data["updated"]) = (json!(payment.at), json!(payment.at));
    envelope("payment.capture", &data)
}

/// A request ended without money.
pub(super) fn of_request(event: &'static str, request: &PaymentRequest, now: DateTime<Utc>) -> Draft {
    let mut data = about(request);
    if event == "payment.failure" {
        data["payment_id"] = json!(format!("py-{}", Uuid::now_v7()));
    }
    data["status"] = json!(request.status);
    if let Some(code) = &request.failure_code {
        data["failure_code"] = json!(code);
    }
    (data["created"], data["updated"]) = (json!(request.created), json!(now));
    envelope(event, &data)
}

fn about(request: &PaymentRequest) -> Value {
    json!({
        "business_id": BUSINESS,
        "payment_request_id": request.payment_request_id,
        "request_amount": request.request_amount,
        "channel_code": "QRIS",
        "country": "ID",
        "currency": "IDR",
        "reference_id": request.reference_id,
        "description": request.description,
        "metadata": request.metadata,
        "channel_properties": {},
        "type": request.kind,
    })
}

/// The documents' example has the whole envelope once more inside itself.
pub(super) fn refund(refund: &Refund, event: &'static str, is_nested: bool) -> Draft {
    let data = json!(refund);
    if is_nested {
        let inner = json!({"event": event, "business_id": BUSINESS, "created": data["created"], "data": data});
        return envelope(event, &inner);
    }
    envelope(event, &data)
}

/// Money came in for a code.
pub(super) fn code_paid(code: &QrCode, payment: &Payment) -> Draft {
    let data = code_payment(code, payment);
    match code.version {
        Version::V1 => Draft { event: "qr.payment", url: code.callback_url.clone(), body: data, is_stamped: false },
        Version::V2022 => {
            let mut draft = envelope("qr.payment", &data);
            draft.body["api_version"] = json!("2022-07-31");
            draft
        }
    }
}

/// The payment of a code; in v1 the whole webhook. Its `id` is that of the payment, not of the code.
pub(super) fn code_payment(code: &QrCode, payment: &Payment) -> Value {
    match code.version {
        Version::V1 => json!({
            "id": payment.id,
            "event": "qr.payment",
            "amount": payment.amount,
            "status": "COMPLETED",
            "created": payment.at,
            "qr_code": {
                "id": code.id, "type": code.kind, "metadata": code.metadata, "qr_string": code.text, "external_id": code.reference,
            },
            "payment_details": {"source": payment.issuer, "receipt_id": payment.receipt},
        }),
        Version::V2022 => json!({
            "id": payment.id,
            "business_id": BUSINESS,
            "currency": "IDR",
            "amount": payment.amount,
            "status": "SUCCEEDED",
            "created": payment.at,
            "qr_id": code.id,
            "qr_string": code.text,
            "reference_id": code.reference,
            "type": code.kind,
            "channel_code": "ID_DANA",
            "expires_at": code.expires_at,
            "description": "",
            "basket": null,
            "metadata": code.metadata,
            "payment_detail": {"receipt_id": payment.receipt, "source": payment.issuer, "name": null, "account_details": null},
        }),
    }
}
