//! The gateway is asked what became of a payment or a refund, beside the webhooks, which may be lost: often at first, ever more seldom.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use platform::db::orders::lock_order;
use platform::db::payments::PaymentRow;
use platform::db::tenant::commit;
use platform::queue::JobContext;
use uuid::Uuid;

use crate::gateway::{Gateway, GatewayError, Request};
use crate::life::{Status, Word};
use crate::payment::{api, row, status};
use crate::refund::found;
use crate::returned::settle_refund;
use crate::settle::{Finding, Settled, hear, settle};
use crate::{Next, PaymentError, Payments};

/// A code that could not be had within this time is not waited for any longer.
const PREPARED_WITHIN: TimeDelta = TimeDelta::minutes(10);
/// How often a code is asked for at most.
const ASKS: i16 = 8;
/// How long after its time a code counts as expired, whatever the gateway says.
const GRACE: TimeDelta = TimeDelta::hours(1);
/// Between two looks at least, and at most.
const PAUSES: (f64, f64) = (5.0, 3600.0);
/// How long a refund is waited for; then a night's reconciliation names it.
const REFUNDED_WITHIN: TimeDelta = TimeDelta::days(8);

impl Payments {
    /// One look at a payment. Completes the job in the transaction of what it found.
    ///
    /// # Errors
    /// [`PaymentError`]; asking again is all there is to do.
    pub async fn poll(&self, id: Uuid, once: bool, context: &JobContext) -> Result<Next, PaymentError> {
        let mut transaction = self.begin(None).await?;
        let payment = row(&mut transaction, id).await?;
        commit(transaction).await?;
        match status(&payment) {
            Status::Pending if payment.external_reference.is_none() => self.poll_pending(&payment, once).await,
            Status::Pending | Status::Awaiting => self.poll_open(&payment, once, context).await,
            _ => Ok(Next::Done),
        }
    }

    async fn poll_pending(&self, payment: &PaymentRow, once: bool) -> Result<Next, PaymentError> {
        if payment.ask_wait > 0.0 {
            return Ok(Next::Again(Duration::from_secs_f64(payment.ask_wait.clamp(0.1, PAUSES.0))));
        }
        if payment.asks >= ASKS || self.clock.now() - payment.created_at > PREPARED_WITHIN {
            self.fail(None, payment.id, "NOT_CREATED").await?;
            return Ok(Next::Done);
        }
        match self.prepare(None, payment.id).await {
            Ok(()) | Err(PaymentError::Gateway(GatewayError::TryLater { .. } | GatewayError::MayHaveHappened { .. })) if once => {
                Ok(Next::Done)
            }
            Ok(()) | Err(PaymentError::Gateway(GatewayError::TryLater { .. } | GatewayError::MayHaveHappened { .. })) => {
                Ok(Next::Again(Duration::from_secs_f64(PAUSES.0)))
            }
            // It has failed, as it stands in the books.
            Err(PaymentError::Gateway(_) | PaymentError::BadCode(_) | PaymentError::Contradiction { .. }) => Ok(Next::Done),
            Err(error) => Err(error),
        }
    }

    async fn poll_open(&self, payment: &PaymentRow, once: bool, context: &JobContext) -> Result<Next, PaymentError> {
        let request_id = payment.external_reference.as_deref().unwrap_or_default();
        let gateway = self.gateways()?.of(api(payment));
        let request = match self.is_still_wanted(payment).await? {
            true => gateway.look_up(request_id).await?,
            false => taken_back(gateway, request_id).await?,
        };
        let now = self.clock.now();
        let mut transaction = self.begin(None).await?;
        let mut settled = settle(&mut transaction, payment.id, &Finding { request: &request, money: None }, now).await?;
        if settled.status.is_open() && payment.expires_at.is_some_and(|expires_at| now > expires_at + GRACE) {
            settled = hear(&mut transaction, payment.id, Word::Expired, None, now).await?;
        }
        let next = self.after(settled, payment.created_at, once, now);
        if next == Next::Done {
            context.complete_in(&mut transaction).await?;
        }
        commit(transaction).await?;
        Ok(next)
    }

    fn after(&self, settled: Settled, since: DateTime<Utc>, once: bool, now: DateTime<Utc>) -> Next {
        if settled.status.is_open() && !once { Next::Again(pause(now - since)) } else { Next::Done }
    }

    /// An order that has been paid otherwise, or cancelled, needs no code.
    async fn is_still_wanted(&self, payment: &PaymentRow) -> Result<bool, PaymentError> {
        let mut transaction = self.begin(None).await?;
        let order = lock_order(&mut transaction, payment.order_id).await?;
        commit(transaction).await?;
        Ok(order.is_some_and(|order| order.status == "pending"))
    }

    /// One look at a refund.
    ///
    /// # Errors
    /// [`PaymentError`]; asking again is all there is to do.
    pub async fn poll_refund(&self, id: Uuid, context: &JobContext) -> Result<Next, PaymentError> {
        let mut transaction = self.begin(None).await?;
        let refund = found(&mut transaction, id).await?;
        let payment = row(&mut transaction, refund.payment_id).await?;
        commit(transaction).await?;
        let Some(refund_id) = refund.external_reference.as_deref().filter(|_| refund.status == "pending") else { return Ok(Next::Done) };
        let shown = self.gateways()?.of(api(&payment)).look_up_refund(refund_id).await?;
        let now = self.clock.now();
        let mut transaction = self.begin(None).await?;
        let has_ended = settle_refund(&mut transaction, &refund, &shown, now).await?;
        let age = now - refund.created_at;
        let next = if has_ended || age > REFUNDED_WITHIN { Next::Done } else { Next::Again(pause(age)) };
        if next == Next::Done {
            context.complete_in(&mut transaction).await?;
        }
        commit(transaction).await?;
        Ok(next)
    }
}

/// Cancels a code; if that is too late, says what became of it instead.
async fn taken_back(gateway: &dyn Gateway, request_id: &str) -> Result<Request, GatewayError> {
    match gateway.cancel(request_id).await {
        Err(GatewayError::Refused { .. } | GatewayError::MayHaveHappened { .. } | GatewayError::Unsupported { .. }) => {
            gateway.look_up(request_id).await
        }
        cancelled => cancelled,
    }
}

/// A quarter of its age: after ten minutes every two and a half, after a day every hour.
fn pause(age: TimeDelta) -> Duration {
    let seconds = age.num_milliseconds().max(0) as f64 / 4000.0;
    Duration::from_secs_f64(seconds.clamp(PAUSES.0, PAUSES.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_ever_rarer() {
        let after = |seconds: i64| pause(TimeDelta::seconds(seconds)).as_secs_f64();
        assert_eq!([-5, 0, 20, 60, 600, 4 * 3600, 40 * 3600].map(after), [5.0, 5.0, 5.0, 15.0, 150.0, 3600.0, 3600.0]);
        // How many questions a code that nobody pays costs in its 48 hours.
        let (mut age, mut looks) = (0.0, 0);
        while age < 48.0 * 3600.0 {
            age += pause(TimeDelta::milliseconds((age * 1000.0) as i64)).as_secs_f64();
            looks += 1;
        }
        assert!(looks < 90, "{looks} looks");
    }
}
