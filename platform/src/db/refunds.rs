//! Money that goes back.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefund<'a> {
    pub id: Uuid,
    pub store_id: Uuid,
    pub payment_id: Uuid,
    pub receipt_id: Uuid,
    pub reference_id: &'a str,
    pub amount: i64,
    pub reason: &'a str,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRow {
    pub id: Uuid,
    pub store_id: Uuid,
    pub payment_id: Uuid,
    pub reference_id: String,
    /// The gateway's id; none until it has told it.
    pub external_reference: Option<String>,
    pub amount: i64,
    pub reason: String,
    pub status: String,
    pub failure_code: Option<String>,
    pub created_at: DateTime<Utc>,
}

const TABLE: &str = "refunds";

pub async fn insert_refund(executor: impl PgExecutor<'_>, refund: &NewRefund<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into refunds (id, store_id, payment_id, receipt_id, reference_id, amount, reason, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        refund.id,
        refund.store_id,
        refund.payment_id,
        refund.receipt_id,
        refund.reference_id,
        refund.amount,
        refund.reason,
        refund.created_at,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "begin a refund")?;
    Ok(())
}

pub async fn get_refund(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<RefundRow>, DbError> {
    sqlx::query_as!(
        RefundRow,
        "select id, store_id, payment_id, reference_id, external_reference, amount, reason, status, failure_code, created_at
         from refunds where id = $1",
        id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "read a refund")
}

/// By the gateway's id, else by our reference, which it may tell before we know its id.
pub async fn find_refund(
    executor: impl PgExecutor<'_>,
    external_reference: Option<&str>,
    reference: Option<&str>,
) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!(
        "select id from refunds where external_reference = $1 or reference_id = $2
         order by external_reference = $1 desc nulls last
         limit 1",
        external_reference,
        reference,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find a refund")
}

/// The oldest first.
pub async fn refunds_of_payment(executor: impl PgExecutor<'_>, payment_id: Uuid) -> Result<Vec<Uuid>, DbError> {
    sqlx::query_scalar!("select id from refunds where payment_id = $1 order by created_at, id", payment_id)
        .fetch_all(executor)
        .await
        .in_table(TABLE, "list the refunds of a payment")
}

/// The gateway has taken it.
pub async fn adopt_refund(executor: impl PgExecutor<'_>, id: Uuid, external_reference: &str) -> Result<(), DbError> {
    sqlx::query!("update refunds set external_reference = $2 where id = $1 and external_reference is null", id, external_reference,)
        .execute(executor)
        .await
        .in_table(TABLE, "learn the id of a refund")?;
    Ok(())
}

/// A refund that waits ends; false if it had ended before.
pub async fn end_refund(executor: impl PgExecutor<'_>, id: Uuid, status: &str, failure_code: Option<&str>) -> Result<bool, DbError> {
    let ended =
        sqlx::query!("update refunds set status = $2, failure_code = $3 where id = $1 and status = 'pending'", id, status, failure_code,)
            .execute(executor)
            .await
            .in_table(TABLE, "end a refund")?;
    Ok(ended.rows_affected() > 0)
}

/// Refunds that wait, store by store.
pub async fn open_refunds(executor: impl PgExecutor<'_>) -> Result<Vec<Uuid>, DbError> {
    sqlx::query_scalar!("select id from refunds where status = 'pending' order by store_id, created_at, id")
        .fetch_all(executor)
        .await
        .in_table(TABLE, "list refunds that wait")
}
