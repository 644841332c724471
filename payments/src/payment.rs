//! A payment and a refund, as whoever asks sees them.

use chrono::{DateTime, Utc};
use domain::Idr;
use platform::db::payments::{PaymentRow, get_payment, payments_of_order};
use platform::db::refunds::{RefundRow, get_refund, refunds_of_payment};
use platform::db::tenant::Tenant;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::gateway::Api;
use crate::life::Status;
use crate::picture::{self, PictureError};
use crate::{PaymentError, Payments};

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    pub id: Uuid,
    pub store_id: Uuid,
    pub order_id: Uuid,
    pub amount: Idr,
    pub status: Status,
    /// Text of the code, while it can be scanned. None with a pending payment: the gateway is still being asked.
    pub qr: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub paid_at: Option<DateTime<Utc>>,
    /// Why it failed, in the gateway's words.
    pub failure_code: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Money that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refund {
    pub id: Uuid,
    pub payment_id: Uuid,
    pub amount: Idr,
    /// As the gateway calls it.
    pub reason: String,
    /// pending, succeeded, failed or cancelled.
    pub status: String,
    /// Whether the gateway has taken it. If not, and it is pending, nobody knows: it is never asked for twice.
    pub is_taken: bool,
    pub failure_code: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl Payment {
    /// The code for screens; `None` if there is none to be scanned.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn svg(&self) -> Result<Option<String>, PictureError> {
        self.qr.as_deref().map(picture::svg).transpose()
    }

    /// The code for printers and chats.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn png(&self) -> Result<Option<Vec<u8>>, PictureError> {
        self.qr.as_deref().map(picture::png).transpose()
    }

    fn of(row: PaymentRow) -> Self {
        let status = status(&row);
        Self {
            id: row.id,
            store_id: row.store_id,
            order_id: row.order_id,
            amount: Idr(row.amount),
            status,
            qr: row.qr_string.filter(|_| status == Status::Awaiting),
            expires_at: row.expires_at,
            paid_at: row.payment_date,
            failure_code: row.failure_code,
            created_at: row.created_at,
        }
    }
}

impl From<RefundRow> for Refund {
    fn from(row: RefundRow) -> Self {
        Self {
            id: row.id,
            payment_id: row.payment_id,
            amount: Idr(row.amount),
            reason: row.reason,
            status: row.status,
            is_taken: row.external_reference.is_some(),
            failure_code: row.failure_code,
            created_at: row.created_at,
        }
    }
}

impl Payments {
    /// A payment, with its code while it can be scanned.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`], also for what the tenant may not see.
    pub async fn payment(&self, tenant: Tenant, id: Uuid) -> Result<Payment, PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        Ok(Payment::of(row(&mut transaction, id).await?))
    }

    /// All payments of an order, the latest first.
    ///
    /// # Errors
    /// [`PaymentError::Database`].
    pub async fn payments_of_order(&self, tenant: Tenant, order_id: Uuid) -> Result<Vec<Payment>, PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        let mut payments = Vec::new();
        for id in payments_of_order(&mut *transaction, order_id).await? {
            payments.push(Payment::of(row(&mut transaction, id).await?));
        }
        Ok(payments)
    }

    /// All refunds of a payment, the oldest first.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`], [`PaymentError::Database`].
    pub async fn refunds_of_payment(&self, tenant: Tenant, payment_id: Uuid) -> Result<Vec<Refund>, PaymentError> {
        let mut transaction = self.begin(Some(tenant)).await?;
        row(&mut transaction, payment_id).await?;
        let mut refunds = Vec::new();
        for id in refunds_of_payment(&mut *transaction, payment_id).await? {
            refunds.extend(get_refund(&mut *transaction, id).await?.map(Refund::from));
        }
        Ok(refunds)
    }
}

pub(crate) async fn row(connection: &mut PgConnection, id: Uuid) -> Result<PaymentRow, PaymentError> {
    get_payment(connection, id).await?.ok_or(PaymentError::NotFound { what: "payment", id })
}

/// A status of a newer program has ended, whatever it means: nothing is done to it.
pub(crate) fn status(row: &PaymentRow) -> Status {
    Status::of_name(&row.status).unwrap_or(Status::Failed)
}

pub(crate) fn api(row: &PaymentRow) -> Api {
    Api::of_name(&row.api)
}
