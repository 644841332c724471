//! Refunds, which both APIs show alike.

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Ask, Wire};
use super::{GatewayError, RefundShown, RefundState, WantedRefund, rupiah};

#[derive(Deserialize)]
struct Shown {
    id: String,
    reference_id: Option<String>,
    status: String,
    #[serde(default)]
    amount: Value,
    currency: String,
    failure_code: Option<String>,
}

pub(super) fn body(wanted: &WantedRefund) -> Value {
    json!({"reference_id": wanted.reference, "currency": "IDR", "amount": wanted.amount.0, "reason": wanted.reason.as_str()})
}

pub(super) async fn look_up(wire: &Wire, refund_id: &str) -> Result<RefundShown, GatewayError> {
    ask(wire, "look up a refund", format!("/refunds/{refund_id}"), None).await
}

pub(super) async fn ask(wire: &Wire, doing: &'static str, path: String, body: Option<&Value>) -> Result<RefundShown, GatewayError> {
    let value = wire.ask(Ask { doing, path, version: None, body }).await?;
    let unreadable = |source| GatewayError::MayHaveHappened { doing, source };
    let shown: Shown = serde_json::from_value(value).map_err(|error| unreadable(error.into()))?;
    let state = match shown.status.as_str() {
        "PENDING" => RefundState::Waiting,
        "SUCCEEDED" => RefundState::Done,
        "FAILED" => RefundState::Failed,
        "CANCELLED" | "CANCELED" => RefundState::Cancelled,
        other => return Err(unreadable(format!("the status `{other}` of a refund is not known").into())),
    };
    Ok(RefundShown {
        id: shown.id,
        reference: shown.reference_id,
        state,
        amount: rupiah::read(&shown.amount),
        currency: shown.currency,
        failure_code: shown.failure_code,
    })
}
