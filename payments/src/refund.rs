//! Money goes back: noted first, asked for once.

use domain::Idr;
use domain::job::PollRefund;
use platform::db::orders::lock_order;
use platform::db::payment_receipts::{Receipt, receipts_of_payment};
use platform::db::payments::lock_payment;
use platform::db::refunds::{NewRefund, RefundRow, adopt_refund, end_refund, find_refund, get_refund, insert_refund};
use platform::db::tenant::{Tenant, commit};
use platform::queue::{EnqueueOptions, enqueue};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::gateway::{Api, GatewayError, RefundShown, WantedRefund};
use crate::payment::{api, row};
use crate::{PaymentError, Payments, Reason, Refund, events};

/// A refund that was noted just now, and what to ask the gateway for it.
struct Noted {
    refund: RefundRow,
    api: Api,
    wanted: WantedRefund,
}

impl Payments {
    /// Gives money of a payment back, all of it or a part, any number of times, never more than came. Money that a person was told to
    /// look at goes first. The same `key` is the same refund: whoever did not hear the answer may ask again.
    ///
    /// The gateway is asked once. If it does not answer, the refund stays pending without being taken: asking again could give the money
    /// back twice. Its webhook settles it; a night's reconciliation names those that nothing was heard of.
    ///
    /// Steps commit in between: hand over no transaction.
    ///
    /// # Errors
    /// [`PaymentError::MoreThanPaid`], [`PaymentError::KeyReused`], [`PaymentError::Gateway`] if the gateway refuses.
    pub async fn refund(&self, tenant: Tenant, payment_id: Uuid, amount: Idr, reason: Reason, key: &str) -> Result<Refund, PaymentError> {
        let gateways = self.gateways()?;
        if !(1..=64).contains(&key.chars().count()) {
            return Err(PaymentError::WrongKey);
        }
        let Noted { refund, api, wanted } = match self.note(tenant, payment_id, amount, reason, key).await? {
            Ok(noted) => noted,
            Err(known) => return Ok(known),
        };
        match gateways.of(api).refund(&wanted).await {
            Ok(shown) => self.taken(tenant, &refund, &shown).await,
            Err(error @ GatewayError::MayHaveHappened { .. }) => {
                events::refund_unanswered(refund.id, &error);
                self.refund_of(tenant, refund.id).await
            }
            Err(error) => {
                let mut transaction = self.begin(Some(tenant)).await?;
                end_refund(&mut *transaction, refund.id, "failed", Some(error.code())).await?;
                commit(transaction).await?;
                events::refund_ended("failed");
                Err(error.into())
            }
        }
    }

    /// Writes the refund down before the gateway is asked; one that is known is answered as it is. Refunds of a payment take turns by its
    /// row, so that together they are never more than what came.
    async fn note(
        &self,
        tenant: Tenant,
        payment_id: Uuid,
        amount: Idr,
        reason: Reason,
        key: &str,
    ) -> Result<Result<Noted, Refund>, PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        let order_id = row(&mut transaction, payment_id).await?.order_id;
        lock_order(&mut transaction, order_id).await?;
        let gone = PaymentError::NotFound { what: "payment", id: payment_id };
        let payment = lock_payment(&mut transaction, payment_id).await?.ok_or(gone)?;
        let reference = format!("viralcast-refund-{payment_id}-{key}");
        if let Some(known) = find_refund(&mut *transaction, None, Some(&reference)).await? {
            let known = found(&mut transaction, known).await?;
            return if known.amount == amount.0 { Ok(Err(known.into())) } else { Err(PaymentError::KeyReused { key: key.to_owned() }) };
        }
        let receipts = receipts_of_payment(&mut *transaction, payment_id).await?;
        let left = |receipt: &Receipt| receipt.amount - receipt.promised_back;
        let Some(receipt) = receipts.iter().find(|receipt| amount.0 > 0 && left(receipt) >= amount.0) else {
            let left = Idr(receipts.iter().map(left).max().unwrap_or(0));
            return Err(PaymentError::MoreThanPaid { asked: amount, left });
        };
        let new = NewRefund {
            id: Uuid::now_v7(),
            store_id: payment.store_id,
            payment_id,
            receipt_id: receipt.id,
            reference_id: &reference,
            amount: amount.0,
            reason: reason.as_str(),
            created_at: self.clock.now(),
        };
        insert_refund(&mut *transaction, &new).await?;
        let refund = found(&mut transaction, new.id).await?;
        commit(transaction).await?;
        let wanted = WantedRefund {
            request_id: receipt.request_id.clone(),
            payment_id: receipt.external_payment_id.clone(),
            reference,
            amount,
            reason,
        };
        Ok(Ok(Noted { refund, api: api(&payment), wanted }))
    }

    /// What comes of it is found out by a job: an answer is no proof yet, and only jobs may change orders of a store.
    async fn taken(&self, tenant: Tenant, refund: &RefundRow, shown: &RefundShown) -> Result<Refund, PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        adopt_refund(&mut *transaction, refund.id, &shown.id).await?;
        enqueue(&mut transaction, &PollRefund { refund_id: refund.id }, EnqueueOptions::default()).await?;
        commit(transaction).await?;
        self.refund_of(tenant, refund.id).await
    }

    async fn refund_of(&self, tenant: Tenant, id: Uuid) -> Result<Refund, PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        Ok(found(&mut transaction, id).await?.into())
    }
}

pub(crate) async fn found(connection: &mut PgConnection, id: Uuid) -> Result<RefundRow, PaymentError> {
    get_refund(connection, id).await?.ok_or(PaymentError::NotFound { what: "refund", id })
}
