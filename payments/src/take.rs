//! What the gateway has told is understood: checked by asking it, then applied together with the end of the job that does it.

use platform::db::payments::find_payment;
use platform::db::refunds::find_refund;
use platform::db::tenant::{begin_write, commit};
use platform::db::webhook_events::{close_webhook_event, fail_webhook_event, ignore_webhook_event, waiting_webhook_event};
use platform::queue::JobContext;
use uuid::Uuid;

use crate::gateway::{Request, RequestState};
use crate::payment::{api, row};
use crate::refund::found;
use crate::returned::settle_refund;
use crate::settle::{Finding, settle};
use crate::told::{About, MoneyTold, Named};
use crate::{Next, PaymentError, Payments, told};

impl Payments {
    /// Understands one kept webhook. Its effect, its end and the end of the job commit together: an event has its effect once.
    ///
    /// # Errors
    /// [`PaymentError`]; what may pass is tried again with the job.
    pub async fn take(&self, event_id: Uuid, context: &JobContext) -> Result<Next, PaymentError> {
        let Some(event) = waiting_webhook_event(&self.pool, event_id).await? else { return Ok(Next::Done) };
        let told = match told::read(&event.body) {
            Ok(told) => told,
            Err(error) => return self.give_up(event_id, domain::chain(&error)).await,
        };
        let taken = match &told.about {
            About::Money { request, money } => self.take_payment(event_id, request, Some(money), context).await,
            About::Ended(request) => self.take_payment(event_id, request, None, context).await,
            About::Refund { id, reference } => self.take_refund(event_id, id, reference.as_deref(), context).await,
            About::Other => self.ignore(event_id, "nothing that we deal with", context).await,
        };
        match taken {
            // Asking again would give the same.
            Err(error @ PaymentError::Contradiction { .. }) => self.give_up(event_id, domain::chain(&error)).await,
            taken => taken,
        }
    }

    async fn take_payment(
        &self,
        event_id: Uuid,
        named: &Named,
        money: Option<&MoneyTold>,
        context: &JobContext,
    ) -> Result<Next, PaymentError> {
        let Some(id) = find_payment(&self.pool, Some(&named.id), named.reference.as_deref()).await? else {
            return self.ignore(event_id, "no payment of ours", context).await;
        };
        let mut transaction = begin_write(&self.pool).await?;
        let payment = row(&mut transaction, id).await?;
        commit(transaction).await?;
        let request = self.gateways()?.of(api(&payment)).look_up(&named.id).await?;
        if request.reference != payment.reference_id {
            let detail = format!("request {} is of `{}`, not of `{}`", request.id, request.reference, payment.reference_id);
            return Err(PaymentError::Contradiction { what: "webhook", detail });
        }
        if money.is_some_and(|money| !confirms(&request, money)) {
            return Err(PaymentError::NotConfirmed);
        }
        let now = self.clock.now();
        let mut transaction = begin_write(&self.pool).await?;
        settle(&mut transaction, id, &Finding { request: &request, money }, now).await?;
        close_webhook_event(&mut *transaction, event_id, now).await?;
        context.complete_in(&mut transaction).await?;
        commit(transaction).await?;
        Ok(Next::Done)
    }

    async fn take_refund(
        &self,
        event_id: Uuid,
        refund_id: &str,
        reference: Option<&str>,
        context: &JobContext,
    ) -> Result<Next, PaymentError> {
        let Some(id) = find_refund(&self.pool, Some(refund_id), reference).await? else {
            return self.ignore(event_id, "no refund of ours", context).await;
        };
        let mut transaction = begin_write(&self.pool).await?;
        let refund = found(&mut transaction, id).await?;
        let payment = row(&mut transaction, refund.payment_id).await?;
        commit(transaction).await?;
        let shown = self.gateways()?.of(api(&payment)).look_up_refund(refund_id).await?;
        let now = self.clock.now();
        let mut transaction = begin_write(&self.pool).await?;
        if !settle_refund(&mut transaction, &refund, &shown, now).await? {
            return Err(PaymentError::NotConfirmed);
        }
        close_webhook_event(&mut *transaction, event_id, now).await?;
        context.complete_in(&mut transaction).await?;
        commit(transaction).await?;
        Ok(Next::Done)
    }

    /// Events of others that share the account.
    async fn ignore(&self, event_id: Uuid, why: &str, context: &JobContext) -> Result<Next, PaymentError> {
        let mut transaction = begin_write(&self.pool).await?;
        ignore_webhook_event(&mut *transaction, event_id, why, self.clock.now()).await?;
        context.complete_in(&mut transaction).await?;
        commit(transaction).await?;
        Ok(Next::Done)
    }

    async fn give_up(&self, event_id: Uuid, why: String) -> Result<Next, PaymentError> {
        fail_webhook_event(&self.pool, event_id, &why).await?;
        Ok(Next::GiveUp(why))
    }
}

/// Whether the gateway's own books know of the money: the request is paid, or names it though it has ended in another way. The older API
/// says only that the code can no longer be scanned.
fn confirms(request: &Request, money: &MoneyTold) -> bool {
    matches!(request.state, RequestState::Paid | RequestState::Closed) || request.latest_payment_id.as_ref() == Some(&money.payment_id)
}
