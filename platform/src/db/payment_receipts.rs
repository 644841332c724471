//! Money that came in, and how much of it went back.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReceipt<'a> {
    pub store_id: Uuid,
    pub payment_id: Uuid,
    /// The gateway's id of the money.
    pub external_payment_id: &'a str,
    /// Its id of the request that was paid.
    pub request_id: &'a str,
    pub amount: i64,
    pub issuer: Option<&'a str>,
    pub received_at: DateTime<Utc>,
    pub attention: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: Uuid,
    pub store_id: Uuid,
    pub payment_id: Uuid,
    pub external_payment_id: String,
    pub request_id: String,
    pub amount: i64,
    pub attention: Option<String>,
    pub received_at: DateTime<Utc>,
    /// Went back, or is on its way.
    pub promised_back: i64,
    /// Went back.
    pub returned: i64,
}

const TABLE: &str = "payment_receipts";

/// Breaks `money_comes_once` if this money is known: look with [`find_receipt`] under the lock of its payment.
pub async fn insert_receipt(executor: impl PgExecutor<'_>, receipt: &NewReceipt<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into payment_receipts
             (id, store_id, payment_id, external_payment_id, request_id, amount, issuer, received_at, attention)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        Uuid::now_v7(),
        receipt.store_id,
        receipt.payment_id,
        receipt.external_payment_id,
        receipt.request_id,
        receipt.amount,
        receipt.issuer,
        receipt.received_at,
        receipt.attention,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "record money")?;
    Ok(())
}

/// Id and amount of money that is known.
pub async fn find_receipt(executor: impl PgExecutor<'_>, external_payment_id: &str) -> Result<Option<(Uuid, i64)>, DbError> {
    let found = sqlx::query!(
        "select id, amount from payment_receipts where provider = 'xendit' and external_payment_id = $1",
        external_payment_id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "look for money")?;
    Ok(found.map(|row| (row.id, row.amount)))
}

/// Money that was seen before its id was told bears the id of its request until then.
pub async fn name_receipt(executor: impl PgExecutor<'_>, request_id: &str, external_payment_id: &str) -> Result<(), DbError> {
    sqlx::query!(
        "update payment_receipts set external_payment_id = $2
         where provider = 'xendit' and external_payment_id = $1 and request_id = $1
             and not exists (select from payment_receipts known where known.provider = 'xendit' and known.external_payment_id = $2)",
        request_id,
        external_payment_id,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "name money")?;
    Ok(())
}

/// A person must look at it.
pub async fn flag_receipt(executor: impl PgExecutor<'_>, id: Uuid, attention: &str) -> Result<(), DbError> {
    sqlx::query!("update payment_receipts set attention = coalesce(attention, $2) where id = $1", id, attention)
        .execute(executor)
        .await
        .in_table(TABLE, "flag money")?;
    Ok(())
}

/// All money of a payment: what a person must look at first, then in order of time.
pub async fn receipts_of_payment(executor: impl PgExecutor<'_>, payment_id: Uuid) -> Result<Vec<Receipt>, DbError> {
    sqlx::query_as!(
        Receipt,
        r#"select r.id, r.store_id, r.payment_id, r.external_payment_id, r.request_id, r.amount, r.attention, r.received_at,
                  coalesce(sum(f.amount) filter (where f.status in ('pending', 'succeeded')), 0)::bigint as "promised_back!",
                  coalesce(sum(f.amount) filter (where f.status = 'succeeded'), 0)::bigint as "returned!"
           from payment_receipts r
           left join refunds f on f.receipt_id = r.id
           where r.payment_id = $1
           group by r.id
           order by r.attention is null, r.received_at, r.id"#,
        payment_id,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list the money of a payment")
}

/// Money of all stores that a person must look at and that has not gone back whole.
pub async fn receipts_that_want_attention(executor: impl PgExecutor<'_>) -> Result<Vec<Receipt>, DbError> {
    sqlx::query_as!(
        Receipt,
        r#"select r.id, r.store_id, r.payment_id, r.external_payment_id, r.request_id, r.amount, r.attention, r.received_at,
                  coalesce(sum(f.amount) filter (where f.status in ('pending', 'succeeded')), 0)::bigint as "promised_back!",
                  coalesce(sum(f.amount) filter (where f.status = 'succeeded'), 0)::bigint as "returned!"
           from payment_receipts r
           left join refunds f on f.receipt_id = r.id
           where r.attention is not null
           group by r.id
           having coalesce(sum(f.amount) filter (where f.status = 'succeeded'), 0) < r.amount
           order by r.store_id, r.received_at, r.id"#,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list money that wants attention")
}
