//! Payment requests of the v3 API, for QRIS.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::gate::{Mode, api_version};
use super::refusal::{Code, Refusal, parse};
use super::wanted::{Wanted, rupiah};
use super::{BUSINESS, deliver, emv, events, payments};
use crate::services::Context;

const VERSION: &str = "2024-11-11";
/// The channel's own life of a code; the documents say that no other can be set.
pub(super) const HOURS: i64 = 48;

/// A payment request as it is kept and shown.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PaymentRequest {
    business_id: &'static str,
    pub(super) reference_id: String,
    pub(super) payment_request_id: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    country: &'static str,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_amount: Option<i64>,
    capture_method: &'static str,
    channel_code: &'static str,
    channel_properties: ChannelProperties,
    actions: Vec<Action>,
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) created: DateTime<Utc>,
    pub(super) updated: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latest_payment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure_code: Option<String>,
    #[serde(skip)]
    pub(super) mode: Mode,
}

#[derive(Debug, Clone, Serialize)]
struct ChannelProperties {
    expires_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize)]
struct Action {
    #[serde(rename = "type")]
    kind: &'static str,
    descriptor: &'static str,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Kind {
    Pay,
    ReusablePaymentCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    RequiresAction,
    Succeeded,
    Failed,
    Expired,
    Canceled,
}

impl PaymentRequest {
    fn new(wanted: Wanted, mode: Mode, now: DateTime<Utc>) -> Result<Self, Refusal> {
        wanted.check()?;
        let request_amount = wanted.request_amount.map(rupiah).transpose()?;
        if request_amount.is_none() && wanted.kind == Kind::Pay {
            return Err(Refusal::invalid("request_amount is required"));
        }
        let id = format!("pr-{}", Uuid::now_v7());
        let code = Action { kind: "PRESENT_TO_CUSTOMER", descriptor: "QR_STRING", value: emv::qr_string(request_amount, &id) };
        Ok(PaymentRequest {
            business_id: BUSINESS,
            reference_id: wanted.reference_id,
            payment_request_id: id,
            kind: wanted.kind,
            country: "ID",
            currency: "IDR",
            request_amount,
            capture_method: "AUTOMATIC",
            channel_code: "QRIS",
            channel_properties: ChannelProperties { expires_at: now + Duration::hours(HOURS) },
            actions: vec![code],
            status: Status::RequiresAction,
            description: wanted.description,
            metadata: wanted.metadata,
            created: now,
            updated: now,
            latest_payment_id: None,
            failure_code: None,
            mode,
        })
    }

    pub(super) fn turn(&mut self, status: Status, now: DateTime<Utc>) {
        (self.status, self.updated) = (status, now);
    }

    fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.kind == Kind::Pay && self.status == Status::RequiresAction && now >= self.channel_properties.expires_at
    }
}

/// Lets a request expire where its time has come. No timer runs for it: it is noticed when the request is next looked at.
pub(super) fn look_at(context: &Context, id: &str, by_force: bool) {
    let now = (context.now)();
    let webhook = {
        let mut state = context.gateway.lock();
        let request = state.requests.get_mut(id);
        request.filter(|request| request.is_overdue(now) || (by_force && request.status == Status::RequiresAction)).map(|request| {
            request.turn(Status::Expired, now);
            events::of_request("payment_request.expiry", request, now)
        })
    };
    webhook.into_iter().for_each(|webhook| deliver::announce(context, webhook));
}

fn found(context: &Context, mode: Mode, headers: &HeaderMap, id: &str) -> Result<PaymentRequest, Refusal> {
    check_version(headers)?;
    look_at(context, id, false);
    let state = context.gateway.lock();
    state.requests.get(id).filter(|request| request.mode == mode).cloned().ok_or_else(|| Code::DataNotFound.into())
}

fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    match api_version(headers) {
        Some(VERSION) => Ok(()),
        _ => Err(Refusal::invalid(format!("the header api-version must be {VERSION}"))),
    }
}

type Answer = Result<Json<PaymentRequest>, Refusal>;

pub(super) async fn create(
    State(context): State<Context>,
    Extension(mode): Extension<Mode>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    check_version(&headers)?;
    let wanted = parse(&body)?;
    let late = context.gateway.take_quirk()?;
    let request = PaymentRequest::new(wanted, mode, (context.now)())?;
    let status = {
        let mut state = context.gateway.lock();
        state.requests.insert(&request.payment_request_id, request.clone());
        if state.settings.created_as_200 { StatusCode::OK } else { StatusCode::CREATED }
    };
    tokio::time::sleep(late).await;
    Ok((status, Json(request)).into_response())
}

pub(super) async fn read(
    State(context): State<Context>,
    Extension(mode): Extension<Mode>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    found(&context, mode, &headers, &id).map(Json)
}

pub(super) async fn cancel(
    State(context): State<Context>,
    Extension(mode): Extension<Mode>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    found(&context, mode, &headers, &id)?;
    let mut state = context.gateway.lock();
    let request = state.requests.get_mut(&id).ok_or(Code::DataNotFound)?;
    match request.status {
        Status::RequiresAction => request.turn(Status::Canceled, (context.now)()),
        Status::Succeeded => return Err(Code::IneligibleTransactionStatus.into()),
        _ => return Err(Code::InactivePaymentRequest.into()),
    }
    Ok(Json(request.clone()))
}

#[derive(Deserialize)]
struct Simulated {
    amount: Option<f64>,
}

/// Answered the same whatever comes of it: the truth comes by webhook.
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
    found(&context, mode, &headers, &id)?;
    let simulated: Simulated = parse(&body)?;
    let amount = rupiah(simulated.amount.ok_or_else(|| Refusal::invalid("amount is required"))?)?;
    payments::simulate(&context, id, amount);
    Ok(Json(json!({
        "status": "PENDING",
        "message": "A simulated payment for the specified payment request id is being processed. You will be informed of the result via a webhook.",
    })))
}
