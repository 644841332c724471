//! Money that comes in.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::deliver::{Draft, announce, later};
use super::events;
use super::gate::Mode;
use super::gateway::State;
use super::refusal::Code;
use super::requests::{Kind, Status, look_at};
use crate::services::Context;

/// A payment of a request or of a code.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Payment {
    pub(super) id: String,
    /// The request or the code.
    pub(super) paid_for: String,
    pub(super) amount: i64,
    pub(super) issuer: String,
    pub(super) receipt: String,
    pub(super) at: DateTime<Utc>,
    #[serde(skip)]
    pub(super) mode: Mode,
}

impl Payment {
    fn new(prefix: &str, paid_for: &str, mode: Mode, amount: i64, issuer: String, at: DateTime<Utc>) -> Self {
        let unique = Uuid::now_v7();
        let receipt = format!("{:012x}", unique.as_u128() & 0xffff_ffff_ffff);
        Payment { id: format!("{prefix}{unique}"), paid_for: paid_for.to_owned(), amount, issuer, receipt, at, mode }
    }
}

/// Pays after a while, if it can be paid then.
pub(super) fn simulate(context: &Context, id: String, amount: i64) {
    let settle = context.gateway.settings().settle_ms;
    let paying = context.clone();
    later(context, settle, async move {
        look_at(&paying, &id, false);
        let is_open = {
            let state = paying.gateway.lock();
            let request = state.requests.get(&id).is_some_and(|request| request.status == Status::RequiresAction);
            request || state.codes.get(&id).is_some_and(|code| code.is_active((paying.now)()))
        };
        if is_open {
            // It was there a moment ago, and nothing is taken away but the oldest.
            pay(&paying, &id, Some(amount), None).ok();
        }
    });
}

/// What a customer does, whatever the state of the request: a code that was scanned in time can still be paid when it has
/// expired. Such a request stays as it is, though money came.
pub(super) fn pay(context: &Context, id: &str, amount: Option<i64>, issuer: Option<String>) -> Result<Payment, Code> {
    let now = (context.now)();
    let (payment, draft) = {
        let mut state = context.gateway.lock();
        let issuer = issuer.unwrap_or_else(|| state.settings.issuer.clone());
        let (payment, draft) = match pay_request(&mut state, id, amount, issuer.clone(), now) {
            Some(paid) => paid,
            None => pay_code(&mut state, id, amount, issuer, now).ok_or(Code::DataNotFound)?,
        };
        state.payments.insert(&payment.id, payment.clone());
        (payment, draft)
    };
    announce(context, draft);
    Ok(payment)
}

fn pay_request(state: &mut State, id: &str, amount: Option<i64>, issuer: String, now: DateTime<Utc>) -> Option<(Payment, Draft)> {
    let request = state.requests.get_mut(id)?;
    let payment = Payment::new("py-", id, request.mode, amount.or(request.request_amount).unwrap_or(1), issuer, now);
    request.latest_payment_id = Some(payment.id.clone());
    if request.kind == Kind::Pay && request.status == Status::RequiresAction {
        request.turn(Status::Succeeded, now);
    }
    let draft = events::capture(request, &payment);
    Some((payment, draft))
}

fn pay_code(state: &mut State, id: &str, amount: Option<i64>, issuer: String, now: DateTime<Utc>) -> Option<(Payment, Draft)> {
    let code = state.codes.get_mut(id)?;
    let payment = Payment::new("qrpy_", id, code.mode, amount.or(code.amount()).unwrap_or(1), issuer, now);
    code.was_paid(now);
    let draft = events::code_paid(code, &payment);
    Some((payment, draft))
}

/// The attempt to pay fails, and the request with it.
pub(super) fn fail(context: &Context, id: &str, failure_code: String) -> Result<(), Code> {
    let now = (context.now)();
    let draft = {
        let mut state = context.gateway.lock();
        let request = state.requests.get_mut(id).ok_or(Code::DataNotFound)?;
        if request.status != Status::RequiresAction {
            return Err(Code::InactivePaymentRequest);
        }
        request.turn(Status::Failed, now);
        request.failure_code = Some(failure_code);
        events::of_request("payment.failure", request, now)
    };
    announce(context, draft);
    Ok(())
}
