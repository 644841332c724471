//! A code is taken back before it is scanned.

use std::time::Duration;

use domain::job::PollPayment;
use platform::db::tenant::{Tenant, commit};
use platform::queue::{EnqueueOptions, enqueue};
use uuid::Uuid;

use crate::gateway::{GatewayError, RequestState};
use crate::life::{Status, Word};
use crate::payment::{api, row, status};
use crate::settle::hear;
use crate::{Payment, PaymentError, Payments};

impl Payments {
    /// Takes a code back, so that the order can be paid in another way. A payment that is cancelled stays so. It counts as cancelled only
    /// when the gateway has said so: until then a customer may be scanning it.
    ///
    /// Steps commit in between: hand over no transaction.
    ///
    /// # Errors
    /// [`PaymentError::NotOpen`], [`PaymentError::BeingAsked`], [`PaymentError::MayBePaid`], and [`PaymentError::Gateway`], also with
    /// [`GatewayError::Unsupported`]: codes of the older API just expire.
    pub async fn cancel(&self, tenant: Tenant, id: Uuid) -> Result<Payment, PaymentError> {
        let gateways = self.gateways()?;
        let mut transaction = self.begin(Some(tenant)).await?;
        let payment = row(&mut transaction, id).await?;
        drop(transaction);
        match (status(&payment), &payment.external_reference) {
            (Status::Cancelled, _) => {}
            (Status::Pending, None) if payment.ask_wait > 0.0 => {
                return Err(PaymentError::BeingAsked { wait: Duration::from_secs_f64(payment.ask_wait) });
            }
            (Status::Pending, None) => self.cancelled(tenant, id).await?,
            (Status::Pending | Status::Awaiting, Some(request_id)) => match gateways.of(api(&payment)).cancel(request_id).await {
                Ok(request) if request.state == RequestState::Cancelled => self.cancelled(tenant, id).await?,
                Ok(_) | Err(GatewayError::Refused { .. } | GatewayError::MayHaveHappened { .. }) => {
                    self.check(tenant, id).await?;
                    return Err(PaymentError::MayBePaid);
                }
                Err(error) => return Err(error.into()),
            },
            (status, _) => return Err(PaymentError::NotOpen { status }),
        }
        self.payment(tenant, id).await
    }

    async fn cancelled(&self, tenant: Tenant, id: Uuid) -> Result<(), PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        // Between the look and the lock somebody may have begun to ask for its code.
        let asked = row(&mut transaction, id).await?;
        if status(&asked) == Status::Pending && asked.ask_wait > 0.0 {
            return Err(PaymentError::BeingAsked { wait: Duration::from_secs_f64(asked.ask_wait) });
        }
        hear(&mut transaction, id, Word::Cancelled, None, self.clock.now()).await?;
        commit(transaction).await?;
        Ok(())
    }

    /// Has the gateway asked at once what became of a payment. What is found is announced (`payment.changed`).
    ///
    /// # Errors
    /// [`PaymentError::NotFound`].
    pub async fn check(&self, tenant: Tenant, id: Uuid) -> Result<(), PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        row(&mut transaction, id).await?;
        enqueue(&mut transaction, &PollPayment { payment_id: id, once: true }, EnqueueOptions::default()).await?;
        commit(transaction).await?;
        Ok(())
    }
}
