//! QR codes (2022-07-31), the older API. It does not tell a code that was paid from one that has expired: that only a webhook says.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Ask, Wire};
use super::{Api, Gateway, GatewayError, RefundShown, Request, RequestState, Wanted, WantedRefund, refunds, rupiah};

/// Without it the gateway answers as its first version, which tells paid codes in another way.
const VERSION: &str = "2022-07-31";
/// A code of this API cannot be cancelled: it must not live longer than a customer stands at the counter.
const LIFE: TimeDelta = TimeDelta::minutes(30);

pub(super) struct QrCodes(pub(super) Arc<Wire>);

#[derive(Deserialize)]
struct Shown {
    id: String,
    reference_id: String,
    status: String,
    currency: String,
    #[serde(default)]
    amount: Value,
    qr_string: Option<String>,
    expires_at: Option<DateTime<Utc>>,
}

impl QrCodes {
    async fn ask(&self, doing: &'static str, path: String, body: Option<&Value>) -> Result<Request, GatewayError> {
        let value = self.0.ask(Ask { doing, path, version: Some(VERSION), body }).await?;
        let unreadable = |source| GatewayError::MayHaveHappened { doing, source };
        let shown: Shown = serde_json::from_value(value).map_err(|error| unreadable(error.into()))?;
        let state = match shown.status.as_str() {
            "ACTIVE" => RequestState::Open,
            "INACTIVE" => RequestState::Closed,
            other => return Err(unreadable(format!("the status `{other}` of a QR code is not known").into())),
        };
        Ok(Request {
            id: shown.id,
            reference: shown.reference_id,
            state,
            amount: rupiah::read(&shown.amount),
            currency: shown.currency,
            qr: shown.qr_string,
            expires_at: shown.expires_at,
            latest_payment_id: None,
            failure_code: None,
        })
    }
}

#[async_trait]
impl Gateway for QrCodes {
    async fn create(&self, wanted: &Wanted) -> Result<Request, GatewayError> {
        let body = json!({
            "reference_id": wanted.reference, "type": "DYNAMIC", "currency": "IDR", "amount": wanted.amount.0,
            "expires_at": wanted.now + LIFE,
        });
        self.ask("make a code", "/qr_codes".to_owned(), Some(&body)).await
    }

    async fn look_up(&self, request_id: &str) -> Result<Request, GatewayError> {
        self.ask("look up a payment", format!("/qr_codes/{request_id}"), None).await
    }

    async fn cancel(&self, _: &str) -> Result<Request, GatewayError> {
        Err(GatewayError::Unsupported { api: Api::QrCodes, doing: "cancel a code" })
    }

    async fn refund(&self, wanted: &WantedRefund) -> Result<RefundShown, GatewayError> {
        let path = format!("/qr_codes/payments/{}/refunds", wanted.payment_id);
        refunds::ask(&self.0, "refund a payment", path, Some(&refunds::body(wanted))).await
    }

    async fn look_up_refund(&self, refund_id: &str) -> Result<RefundShown, GatewayError> {
        refunds::look_up(&self.0, refund_id).await
    }
}
