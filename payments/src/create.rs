//! A code for an order: first the intent, then the question, then the answer, each in a transaction of its own. No moment of this can be
//! lost: what was meant and not answered is gone on with by the next click, or by the job that watches every payment.

use std::time::Duration;

use chrono::TimeDelta;
use domain::Idr;
use domain::job::PollPayment;
use domain::qris::Qris;
use platform::db::orders::lock_order;
use platform::db::payments::{
    NewPayment, PaymentRow, adopt_request, insert_payment, lock_payment, open_payment_of_order, show_payment, take_turn_to_ask, wait_to_ask,
};
use platform::db::tenant::{Tenant, commit};
use platform::queue::{EnqueueOptions, enqueue};
use uuid::Uuid;

use crate::gateway::{Api, GatewayError, Request, Wanted};
use crate::life::{Status, Word};
use crate::payment::{api, row, status};
use crate::settle::{announce, hear};
use crate::{Payment, PaymentError, Payments, events};

/// The most that QRIS takes at once.
pub(crate) const MOST: Idr = Idr(10_000_000);
/// Nobody else asks the gateway meanwhile: longer than it may take to answer, and no longer than a customer waits if whoever asked has died.
const TURN: Duration = Duration::from_secs(15);
/// Between two questions whose outcome is not known.
const PAUSE: Duration = Duration::from_secs(5);
/// What QRIS codes live, where the gateway does not say.
const LIFE: TimeDelta = TimeDelta::hours(48);

impl Payments {
    /// Asks for an order to be paid. An order has one open payment: asking again, at the same time or later, answers with the same one. A
    /// payment that is pending has no code yet, since the gateway is being asked or could not be reached; that goes on by itself and is
    /// announced (`payment.changed`).
    ///
    /// Steps commit in between: hand over no transaction.
    ///
    /// # Errors
    /// [`PaymentError::NotConfigured`], what is wrong with the order, [`PaymentError::Gateway`] if the gateway refuses, and
    /// [`PaymentError::BadCode`].
    pub async fn create(&self, tenant: Tenant, order_id: Uuid) -> Result<Payment, PaymentError> {
        let id = self.intend(tenant, order_id, self.gateways()?.api).await?;
        match self.prepare(Some(tenant), id).await {
            Ok(()) | Err(PaymentError::Gateway(GatewayError::TryLater { .. } | GatewayError::MayHaveHappened { .. })) => {}
            Err(error) => return Err(error),
        }
        self.payment(tenant, id).await
    }

    /// The order's open payment, begun if there is none. Orders take turns by their row.
    async fn intend(&self, tenant: Tenant, order_id: Uuid, api: Api) -> Result<Uuid, PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        let order = lock_order(&mut transaction, order_id).await?.ok_or(PaymentError::NotFound { what: "order", id: order_id })?;
        if order.status != "pending" {
            return Err(PaymentError::OrderNotOpen { status: order.status });
        }
        if let Some(open) = open_payment_of_order(&mut *transaction, order_id).await? {
            return Ok(open);
        }
        let amount = Idr(order.total_amount.ok_or(PaymentError::NoTotal)?);
        if !(Idr(1)..=MOST).contains(&amount) {
            return Err(PaymentError::OutOfRange { amount });
        }
        let id = Uuid::now_v7();
        let reference_id = format!("viralcast-{id}");
        let (store_id, created_at) = (order.store_id, self.clock.now());
        let new = NewPayment { id, store_id, order_id, api: api.as_str(), reference_id: &reference_id, amount: amount.0, created_at };
        insert_payment(&mut *transaction, &new).await?;
        enqueue(&mut transaction, &PollPayment { payment_id: id, once: false }, EnqueueOptions::default()).await?;
        let payment = row(&mut transaction, id).await?;
        announce(&mut transaction, &payment, Status::Pending, None, created_at).await?;
        commit(transaction).await?;
        events::turned(Status::Pending);
        Ok(id)
    }

    /// Asks the gateway for a code, if one is needed and nobody else is asking.
    pub(crate) async fn prepare(&self, tenant: Option<Tenant>, id: Uuid) -> Result<(), PaymentError> {
        let mut transaction = self.begin(tenant).await?;
        let is_our_turn = take_turn_to_ask(&mut *transaction, id, TURN.as_secs_f64()).await?;
        let payment = row(&mut transaction, id).await?;
        commit(transaction).await?;
        if !is_our_turn {
            return Ok(());
        }
        let wanted = Wanted {
            reference: payment.reference_id.clone(),
            amount: Idr(payment.amount),
            description: format!("Pesanan {}", payment.order_id),
            now: self.clock.now(),
        };
        match self.gateways()?.of(api(&payment)).create(&wanted).await {
            Ok(request) => self.made(tenant, &payment, &request).await,
            Err(error) => {
                self.not_made(tenant, &payment, &error).await?;
                Err(error.into())
            }
        }
    }

    async fn made(&self, tenant: Option<Tenant>, payment: &PaymentRow, request: &Request) -> Result<(), PaymentError> {
        let code = match right_code(payment, request) {
            Ok(code) => code,
            Err(error) => {
                self.withdraw(payment, &request.id).await;
                self.fail(tenant, payment.id, "BAD_CODE").await?;
                return Err(error);
            }
        };
        let now = self.clock.now();
        let mut transaction = self.begin(tenant).await?;
        let current =
            lock_payment(&mut transaction, payment.id).await?.ok_or(PaymentError::NotFound { what: "payment", id: payment.id })?;
        let is_awaited = status(&current) == Status::Pending && current.external_reference.is_none();
        if is_awaited {
            let expires_at = request.expires_at.unwrap_or(now + LIFE);
            show_payment(&mut *transaction, payment.id, &request.id, code, expires_at).await?;
            announce(&mut transaction, &current, Status::Awaiting, None, now).await?;
        } else if status(&current) == Status::Succeeded {
            // Its webhook was faster than its answer.
            adopt_request(&mut *transaction, payment.id, &request.id).await?;
        }
        commit(transaction).await?;
        match is_awaited {
            true => events::turned(Status::Awaiting),
            // Nobody has seen this code, and nobody shall.
            false if current.external_reference.as_ref() != Some(&request.id) => self.withdraw(payment, &request.id).await,
            false => {}
        }
        Ok(())
    }

    /// The gateway knows no idempotency key and finds nothing by our reference. So after a question whose outcome is not known the same one
    /// is put again later: a code that nobody has seen cannot be scanned, and if one is paid all the same, its webhook names our reference.
    async fn not_made(&self, tenant: Option<Tenant>, payment: &PaymentRow, error: &GatewayError) -> Result<(), PaymentError> {
        events::not_made(payment.id, error);
        let wait = match error {
            GatewayError::TryLater { wait, .. } => wait.unwrap_or(PAUSE),
            GatewayError::MayHaveHappened { .. } => PAUSE * u32::from(payment.asks.unsigned_abs()).max(1),
            _ => return self.fail(tenant, payment.id, error.code()).await,
        };
        let mut transaction = self.begin(tenant).await?;
        wait_to_ask(&mut *transaction, payment.id, wait.as_secs_f64()).await?;
        commit(transaction).await?;
        Ok(())
    }

    pub(crate) async fn fail(&self, tenant: Option<Tenant>, id: Uuid, code: &str) -> Result<(), PaymentError> {
        let mut transaction = self.begin(tenant).await?;
        hear(&mut transaction, id, Word::Failed, Some(code), self.clock.now()).await?;
        commit(transaction).await?;
        Ok(())
    }

    /// Takes a code back that nobody may pay. If that fails it stays with the gateway, unseen.
    async fn withdraw(&self, payment: &PaymentRow, request_id: &str) {
        let Ok(gateways) = self.gateways() else { return };
        if let Err(error) = gateways.of(api(payment)).cancel(request_id).await {
            events::not_withdrawn(payment.id, request_id, &error);
        }
    }
}

/// The text of a code that asks for our money and nothing else.
fn right_code<'a>(payment: &PaymentRow, request: &'a Request) -> Result<&'a str, PaymentError> {
    let contradiction = |detail: String| PaymentError::Contradiction { what: "new code", detail };
    if request.reference != payment.reference_id {
        return Err(contradiction(format!("its reference is `{}`", request.reference)));
    }
    if request.amount != Some(Idr(payment.amount)) || request.currency != "IDR" {
        return Err(contradiction(format!("it is over {:?} {}, not {}", request.amount, request.currency, Idr(payment.amount))));
    }
    let code = request.qr.as_deref().ok_or_else(|| contradiction("it has no text".to_owned()))?;
    Qris::parse(code)?.check_amount(Idr(payment.amount))?;
    Ok(code)
}
