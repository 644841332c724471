//! The older QR Codes API: version 2022-07-31, and v1 for those who leave the header out.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::gate::{Mode, api_version};
use super::refusal::{Code, Refusal, parse};
use super::requests::HOURS;
use super::wanted::rupiah;
use super::{BUSINESS, emv, events, payments};
use crate::services::Context;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2022,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum CodeKind {
    Dynamic,
    Static,
}

#[derive(Debug, Clone)]
pub(super) struct QrCode {
    pub(super) version: Version,
    pub(super) id: String,
    /// `reference_id`, or `external_id` of v1.
    pub(super) reference: String,
    pub(super) kind: CodeKind,
    amount: Option<i64>,
    /// Of v1 alone: later versions have one URL for the account.
    pub(super) callback_url: Option<String>,
    pub(super) text: String,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) metadata: Value,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    is_paid: bool,
    pub(super) mode: Mode,
}

/// Both versions' fields. `expired_at`, which some clients send, is not among them.
#[derive(Deserialize)]
struct Wanted {
    reference_id: Option<String>,
    external_id: Option<String>,
    callback_url: Option<String>,
    #[serde(rename = "type")]
    kind: CodeKind,
    currency: Option<String>,
    amount: Option<f64>,
    expires_at: Option<DateTime<Utc>>,
    #[serde(default)]
    metadata: Value,
}

impl Version {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        match api_version(headers) {
            None => Ok(Version::V1),
            Some("2022-07-31") => Ok(Version::V2022),
            Some(_) => Err(Refusal::invalid("the header api-version must be 2022-07-31")),
        }
    }
}

impl QrCode {
    fn new(version: Version, wanted: Wanted, mode: Mode, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let missing = |name: &str| Refusal::invalid(format!("{name} is required"));
        let (reference, callback_url) = match version {
            Version::V1 => {
                let url = wanted.callback_url.ok_or_else(|| missing("callback_url"))?;
                (wanted.external_id.ok_or_else(|| missing("external_id"))?, Some(url))
            }
            Version::V2022 if wanted.currency.as_deref() == Some("IDR") => {
                (wanted.reference_id.ok_or_else(|| missing("reference_id"))?, None)
            }
            Version::V2022 => return Err(Refusal::invalid("currency must be IDR")),
        };
        let amount = match (wanted.kind, wanted.amount) {
            (CodeKind::Static, _) => None,
            (CodeKind::Dynamic, amount) => Some(rupiah(amount.ok_or_else(|| missing("amount"))?)?),
        };
        let expires_at = wanted.expires_at.unwrap_or(now + Duration::hours(HOURS));
        if expires_at <= now {
            return Err(Refusal::invalid("expires_at must be in the future"));
        }
        let id = format!("qr_{}", Uuid::now_v7());
        let text = emv::qr_string(amount, &id);
        let (kind, metadata) = (wanted.kind, wanted.metadata);
        Ok(QrCode {
            version,
            id,
            reference,
            kind,
            amount,
            callback_url,
            text,
            expires_at,
            metadata,
            created: now,
            updated: now,
            is_paid: false,
            mode,
        })
    }

    pub(super) fn amount(&self) -> Option<i64> {
        self.amount
    }

    pub(super) fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.kind == CodeKind::Static || (!self.is_paid && now < self.expires_at)
    }

    pub(super) fn was_paid(&mut self, now: DateTime<Utc>) {
        (self.is_paid, self.updated) = (true, now);
    }

    fn is_static_of(&self, mode: Mode) -> bool {
        self.kind == CodeKind::Static && self.mode == mode
    }

    fn show(&self, now: DateTime<Utc>) -> Value {
        let status = if self.is_active(now) { "ACTIVE" } else { "INACTIVE" };
        let mut shown = json!({
            "id": self.id, "type": self.kind, "amount": self.amount, "status": status, "qr_string": self.text,
            "created": self.created, "updated": self.updated, "metadata": self.metadata,
        });
        match self.version {
            Version::V1 => {
                shown["external_id"] = json!(self.reference);
                shown["callback_url"] = json!(self.callback_url);
            }
            Version::V2022 => {
                shown["reference_id"] = json!(self.reference);
                shown["business_id"] = json!(BUSINESS);
                shown["currency"] = json!("IDR");
                shown["channel_code"] = json!("ID_DANA");
                shown["expires_at"] = json!(self.expires_at);
                shown["basket"] = Value::Null;
            }
        }
        shown
    }
}

pub(super) async fn create(
    State(context): State<Context>,
    Extension(mode): Extension<Mode>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let version = Version::of(&headers)?;
    let wanted = parse(&body)?;
    let late = context.gateway.take_quirk()?;
    let now = (context.now)();
    let code = QrCode::new(version, wanted, mode, now)?;
    let status = {
        let mut state = context.gateway.lock();
        if code.kind == CodeKind::Static && state.codes.values().any(|other| other.is_static_of(mode)) {
            return Err(Code::DuplicateError.into());
        }
        state.codes.insert(&code.id, code.clone());
        if state.settings.created_as_200 { StatusCode::OK } else { StatusCode::CREATED }
    };
    tokio::time::sleep(late).await;
    Ok((status, Json(code.show(now))).into_response())
}

/// By its id; in v1 by `external_id` too.
fn found(context: &Context, mode: Mode, headers: &HeaderMap, id: &str) -> Result<QrCode, Refusal> {
    let version = Version::of(headers)?;
    let state = context.gateway.lock();
    let named = || state.codes.values().find(|code| version == Version::V1 && code.version == version && code.reference == id);
    let code = state.codes.get(id).or_else(named);
    code.filter(|code| code.mode == mode).cloned().ok_or_else(|| Code::DataNotFound.into())
}

pub(super) async fn read(
    State(context): State<Context>,
    Extension(mode): Extension<Mode>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(found(&context, mode, &headers, &id)?.show((context.now)())))
}

#[derive(Deserialize)]
struct Simulated {
    amount: Option<f64>,
}

/// Paid at once: the answer is the payment, as its webhook will tell it.
pub(super) async fn simulate(
    State(context): State<Context>,
    Extension(mode): Extension<Mode>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    if mode == Mode::Live {
        return Err(Refusal::invalid("payments are simulated in the test mode only"));
    }
    let code = found(&context, mode, &headers, &id)?;
    let simulated: Simulated = parse(if body.is_empty() { b"{}" } else { &body })?;
    let amount = simulated.amount.map(rupiah).transpose()?.or(code.amount).ok_or_else(|| Refusal::invalid("amount is required"))?;
    if !code.is_active((context.now)()) {
        return Err(Code::IneligibleTransactionStatus.into());
    }
    let payment = payments::pay(&context, &code.id, Some(amount), None)?;
    Ok(Json(events::code_payment(&code, &payment)))
}
