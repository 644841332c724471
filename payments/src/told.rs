//! What a webhook says, in any of its shapes: v3, QR codes of both versions, and refunds at either depth. Nothing in it counts before the
//! gateway has said the same when asked.

use chrono::{DateTime, Utc};
use domain::Idr;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::gateway::rupiah;

/// A webhook that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub event: String,
    /// What makes two deliveries the same event: never their time, which is that of the attempt.
    pub key: String,
    pub about: About,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Money came in.
    Money {
        request: Named,
        money: MoneyTold,
    },
    /// A request has ended, it says, without money.
    Ended(Named),
    Refund {
        id: String,
        reference: Option<String>,
    },
    /// Nothing that we deal with.
    Other,
}

/// A request for money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: String,
    pub reference: Option<String>,
}

/// Money, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyTold {
    pub payment_id: String,
    /// `None`: not told, or not readable.
    pub amount: Option<Idr>,
    pub currency: String,
    pub at: Option<DateTime<Utc>>,
    /// Whose customer paid.
    pub issuer: Option<String>,
}

/// Bytes that are no webhook of the gateway.
#[derive(Debug, thiserror::Error)]
pub enum ToldError {
    #[error("the webhook is no JSON")]
    Json(#[from] serde_json::Error),
    #[error("the webhook has no `{0}`")]
    Missing(&'static str),
}

impl domain::Hint for ToldError {
    fn hint(&self) -> Option<String> {
        Some("compare the kept bytes (`webhook_events.body`) with the gateway's documents".to_owned())
    }
}

/// Reads a webhook.
///
/// # Errors
/// [`ToldError`].
pub fn read(body: &[u8]) -> Result<Told, ToldError> {
    let envelope: Value = serde_json::from_slice(body)?;
    let event = text(&envelope, "event").ok_or(ToldError::Missing("event"))?;
    let data = inmost(&envelope);
    let about = match event.as_str() {
        "payment.capture" => About::Money { request: request(data)?, money: money_of_request(data)? },
        "payment.failure" | "payment.authorization" | "payment_request.expiry" => About::Ended(request(data)?),
        "qr.payment" if matches!(text(data, "status").as_deref(), Some("SUCCEEDED" | "COMPLETED")) => {
            About::Money { request: code(data)?, money: money_of_code(data)? }
        }
        "qr.payment" => About::Ended(code(data)?),
        name if name.starts_with("refund.") => {
            About::Refund { id: id(data, "id").ok_or(ToldError::Missing("data.id"))?, reference: text(data, "reference_id") }
        }
        _ => About::Other,
    };
    let key = match &about {
        About::Money { money, .. } => format!("{event}:{}", money.payment_id),
        About::Ended(request) => format!("{event}:{}:{}", request.id, id(data, "payment_id").unwrap_or_default()),
        About::Refund { id, .. } => format!("{event}:{id}"),
        About::Other => format!("{event}:{}", digest(body)),
    };
    Ok(Told { event, key, about })
}

/// A key for bytes that cannot be read.
pub(crate) fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// The documents' example of a refund has the envelope twice; the oldest QR webhook has none.
fn inmost(envelope: &Value) -> &Value {
    let mut data = envelope;
    while let Some(inner) = data.get("data").filter(|inner| inner.is_object()) {
        data = inner;
    }
    data
}

fn text(value: &Value, field: &str) -> Option<String> {
    value.get(field)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The gateway's ids go into paths of its own.
fn id(value: &Value, field: &str) -> Option<String> {
    text(value, field).filter(|id| id.len() <= 100 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
}

fn time(value: &Value, field: &str) -> Option<DateTime<Utc>> {
    value.get(field)?.as_str()?.parse().ok()
}

fn request(data: &Value) -> Result<Named, ToldError> {
    let id = id(data, "payment_request_id").ok_or(ToldError::Missing("data.payment_request_id"))?;
    Ok(Named { id, reference: text(data, "reference_id") })
}

fn money_of_request(data: &Value) -> Result<MoneyTold, ToldError> {
    let captures = data.get("captures").and_then(Value::as_array).filter(|captures| !captures.is_empty());
    let captured = |capture: &Value| capture.get("capture_amount").and_then(rupiah::read);
    // What came is what was captured; older webhooks tell only what was asked for.
    let amount = match captures {
        Some(captures) => captures.iter().map(captured).collect::<Option<Vec<Idr>>>().map(|all| all.into_iter().sum()),
        None => data.get("request_amount").and_then(rupiah::read),
    };
    Ok(MoneyTold {
        payment_id: id(data, "payment_id").ok_or(ToldError::Missing("data.payment_id"))?,
        amount,
        currency: text(data, "currency").ok_or(ToldError::Missing("data.currency"))?,
        at: captures.and_then(|captures| time(&captures[0], "capture_timestamp")).or_else(|| time(data, "created")),
        issuer: data.get("payment_details").and_then(|details| text(details, "source")),
    })
}

fn code(data: &Value) -> Result<Named, ToldError> {
    let first = data.get("qr_code");
    let found = id(data, "qr_id").or_else(|| id(first?, "id")).ok_or(ToldError::Missing("data.qr_id"))?;
    Ok(Named { id: found, reference: text(data, "reference_id").or_else(|| text(first?, "external_id")) })
}

/// `id` is that of the money here, not of the code.
fn money_of_code(data: &Value) -> Result<MoneyTold, ToldError> {
    let details = data.get("payment_detail").or_else(|| data.get("payment_details"));
    Ok(MoneyTold {
        payment_id: id(data, "id").ok_or(ToldError::Missing("data.id"))?,
        amount: data.get("amount").and_then(rupiah::read),
        // Not told by the first version, which knew rupiah only.
        currency: text(data, "currency").unwrap_or_else(|| "IDR".to_owned()),
        at: time(data, "created"),
        issuer: details.and_then(|details| text(details, "source")),
    })
}
