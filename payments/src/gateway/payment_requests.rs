//! Payment requests (v3).

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Ask, Wire};
use super::{Gateway, GatewayError, RefundShown, Request, RequestState, Wanted, WantedRefund, refunds, rupiah};

const VERSION: &str = "2024-11-11";

pub(super) struct PaymentRequests(pub(super) Arc<Wire>);

#[derive(Deserialize)]
struct Shown {
    payment_request_id: String,
    reference_id: String,
    status: String,
    currency: String,
    #[serde(default)]
    request_amount: Value,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    channel_properties: Properties,
    latest_payment_id: Option<String>,
    failure_code: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    descriptor: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize, Default)]
struct Properties {
    expires_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl PaymentRequests {
    async fn ask(&self, doing: &'static str, path: String, body: Option<&Value>) -> Result<Request, GatewayError> {
        let value = self.0.ask(Ask { doing, path, version: Some(VERSION), body }).await?;
        let unreadable = |source| GatewayError::MayHaveHappened { doing, source };
        let shown: Shown = serde_json::from_value(value).map_err(|error| unreadable(error.into()))?;
        shown.read().map_err(|error| unreadable(error.into()))
    }
}

impl Shown {
    fn read(self) -> Result<Request, String> {
        let state = match self.status.as_str() {
            "ACCEPTING_PAYMENTS" | "REQUIRES_ACTION" | "AUTHORIZED" => RequestState::Open,
            "SUCCEEDED" => RequestState::Paid,
            "FAILED" => RequestState::Failed,
            "EXPIRED" => RequestState::Expired,
            "CANCELED" | "CANCELLED" => RequestState::Cancelled,
            other => return Err(format!("the status `{other}` of a payment request is not known")),
        };
        // There may be other actions: an account to pay into, a page to go to.
        let qr = self.actions.into_iter().find(|action| action.descriptor.as_deref() == Some("QR_STRING")).and_then(|action| action.value);
        Ok(Request {
            id: self.payment_request_id,
            reference: self.reference_id,
            state,
            amount: rupiah::read(&self.request_amount),
            currency: self.currency,
            qr,
            expires_at: self.channel_properties.expires_at,
            latest_payment_id: self.latest_payment_id,
            failure_code: self.failure_code,
        })
    }
}

#[async_trait]
impl Gateway for PaymentRequests {
    async fn create(&self, wanted: &Wanted) -> Result<Request, GatewayError> {
        let body = json!({
            "reference_id": wanted.reference, "type": "PAY", "country": "ID", "currency": "IDR", "channel_code": "QRIS",
            "request_amount": wanted.amount.0, "capture_method": "AUTOMATIC", "channel_properties": {}, "description": wanted.description,
        });
        self.ask("make a code", "/v3/payment_requests".to_owned(), Some(&body)).await
    }

    async fn look_up(&self, request_id: &str) -> Result<Request, GatewayError> {
        self.ask("look up a payment", format!("/v3/payment_requests/{request_id}"), None).await
    }

    async fn cancel(&self, request_id: &str) -> Result<Request, GatewayError> {
        self.ask("cancel a code", format!("/v3/payment_requests/{request_id}/cancel"), Some(&json!({}))).await
    }

    async fn refund(&self, wanted: &WantedRefund) -> Result<RefundShown, GatewayError> {
        let mut body = refunds::body(wanted);
        body["payment_request_id"] = wanted.request_id.as_str().into();
        refunds::ask(&self.0, "refund a payment", "/refunds".to_owned(), Some(&body)).await
    }

    async fn look_up_refund(&self, refund_id: &str) -> Result<RefundShown, GatewayError> {
        refunds::look_up(&self.0, refund_id).await
    }
}
