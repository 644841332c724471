//! Money that goes back.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::deliver::{Draft, announce, deliver_now, later};
use super::events;
use super::gate::Mode;
use super::gateway::State as Gathered;
use super::payments::Payment;
use super::refusal::{Code, Refusal, parse};
use super::wanted::rupiah;
use crate::services::Context;

/// Issuers that give money back.
const REFUNDING: [&str; 8] = ["DANA", "SHOPEEPAY", "OVO", "GOPAY", "CIMB", "PERMATA", "JENIUS", "BSI"];
/// Days within which it can be asked back.
const DAYS: i64 = 7;

#[derive(Debug, Clone, Serialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) payment_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_request_id: Option<String>,
    invoice_id: Option<String>,
    amount: i64,
    payment_method_type: &'static str,
    channel_code: &'static str,
    currency: &'static str,
    status: RefundStatus,
    reason: Reason,
    reference_id: Option<String>,
    failure_code: Option<&'static str>,
    refund_fee_amount: Option<i64>,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    metadata: Option<Map<String, Value>>,
    #[serde(skip)]
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Reason {
    Fraudulent,
    Duplicate,
    RequestedByCustomer,
    Cancellation,
    Others,
}

#[derive(Deserialize)]
struct Wanted {
    payment_request_id: Option<String>,
    reason: Reason,
    amount: Option<f64>,
    currency: Option<String>,
    reference_id: Option<String>,
    metadata: Option<Map<String, Value>>,
}

type Answer = Result<Json<Refund>, Refusal>;

pub(super) async fn create(State(context): State<Context>, Extension(mode): Extension<Mode>, body: Bytes) -> Answer {
    let wanted: Wanted = parse(&body)?;
    let Some(request) = wanted.payment_request_id.clone() else {
        return Err(Refusal::invalid("payment_request_id is required"));
    };
    let payment = {
        let state = context.gateway.lock();
        let request = state.requests.get(&request).filter(|request| request.mode == mode).ok_or(Code::DataNotFound)?;
        let payment = request.latest_payment_id.as_ref().and_then(|id| state.payments.get(id));
        payment.cloned().ok_or(Code::IneligibleTransactionStatus)?
    };
    refund(&context, wanted, &payment).await
}

/// Of the older API, by the payment's own id.
pub(super) async fn create_for_code(
    State(context): State<Context>,
    Extension(mode): Extension<Mode>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let wanted: Wanted = parse(&body)?;
    let payment = {
        let state = context.gateway.lock();
        state.payments.get(&id).filter(|payment| payment.mode == mode).cloned().ok_or(Code::DataNotFound)?
    };
    refund(&context, wanted, &payment).await
}

pub(super) async fn read(State(context): State<Context>, Extension(mode): Extension<Mode>, Path(id): Path<String>) -> Answer {
    let state = context.gateway.lock();
    state.refunds.get(&id).filter(|refund| refund.mode == mode).cloned().map(Json).ok_or_else(|| Code::DataNotFound.into())
}

async fn refund(context: &Context, wanted: Wanted, payment: &Payment) -> Answer {
    let late = context.gateway.take_quirk()?;
    let now = (context.now)();
    let (refund, settings) = {
        let mut state = context.gateway.lock();
        let amount = refundable(&state, &wanted, payment, now)?;
        let refund = Refund::new(wanted, payment, amount, now);
        state.refunds.insert(&refund.id, refund.clone());
        (refund, state.settings.clone())
    };
    let (settling, id) = (context.clone(), refund.id.clone());
    if settings.refund_webhook_first {
        if let Some(draft) = settle(context, &id) {
            deliver_now(context, draft).await;
        }
    } else {
        later(context, settings.settle_ms, async move {
            settle(&settling, &id).into_iter().for_each(|draft| announce(&settling, draft));
        });
    }
    tokio::time::sleep(late).await;
    Ok(Json(refund))
}

/// How much goes back, if it can.
fn refundable(state: &Gathered, wanted: &Wanted, payment: &Payment, now: DateTime<Utc>) -> Result<i64, Refusal> {
    if wanted.currency.as_deref().is_some_and(|currency| currency != "IDR") {
        return Err(Refusal::invalid("currency must be IDR"));
    }
    if !REFUNDING.contains(&payment.issuer.as_str()) {
        return Err(Code::RefundNotSupported.into());
    }
    if now - payment.at > Duration::days(DAYS) {
        return Err(Code::IneligibleTransactionStatus.into());
    }
    if payment.issuer == "CIMB" && now - payment.at < Duration::hours(24) {
        return Err(Code::TemporarilyUnavailable.into());
    }
    let earlier: Vec<&Refund> = state.refunds.values().filter(|refund| refund.payment_id == payment.id).collect();
    if earlier.iter().any(|refund| refund.status == RefundStatus::Pending) {
        return Err(Code::RefundInProgress.into());
    }
    let returned: i64 = earlier.iter().filter(|refund| refund.status == RefundStatus::Succeeded).map(|refund| refund.amount).sum();
    let left = payment.amount - returned;
    let amount = wanted.amount.map(rupiah).transpose()?.unwrap_or(left);
    if amount > left || left == 0 { Err(Code::RefundAmountExceeded.into()) } else { Ok(amount) }
}

/// The end of a refund, and what is told of it.
fn settle(context: &Context, id: &str) -> Option<Draft> {
    let mut state = context.gateway.lock();
    let (fails, is_nested) = (state.settings.refunds_fail, state.settings.nested_refunds);
    let refund = state.refunds.get_mut(id)?;
    refund.updated = (context.now)();
    (refund.status, refund.failure_code) =
        if fails { (RefundStatus::Failed, Some("REFUND_FAILED")) } else { (RefundStatus::Succeeded, None) };
    Some(events::refund(refund, if fails { "refund.failed" } else { "refund.succeeded" }, is_nested))
}

impl Refund {
    fn new(wanted: Wanted, payment: &Payment, amount: i64, now: DateTime<Utc>) -> Self {
        Refund {
            id: format!("rfd-{}", Uuid::now_v7()),
            payment_id: payment.id.clone(),
            payment_request_id: wanted.payment_request_id,
            invoice_id: None,
            amount,
            payment_method_type: "QR_CODE",
            channel_code: "QRIS",
            currency: "IDR",
            status: RefundStatus::Pending,
            reason: wanted.reason,
            reference_id: wanted.reference_id,
            failure_code: None,
            refund_fee_amount: None,
            created: now,
            updated: now,
            metadata: wanted.metadata,
            mode: payment.mode,
        }
    }
}
