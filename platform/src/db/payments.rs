//! Payments: what an order is to be paid with, and how far that has come.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct PaymentRow {
    pub id: Uuid,
    pub store_id: Uuid,
    pub order_id: Uuid,
    /// By which of the gateway's APIs it is asked for.
    pub api: String,
    /// Ours; the gateway tells it again.
    pub reference_id: String,
    /// The gateway's id of the request.
    pub external_reference: Option<String>,
    /// Rupiah.
    pub amount: i64,
    pub status: String,
    pub qr_string: Option<String>,
    pub failure_code: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    /// When the money came.
    pub payment_date: Option<DateTime<Utc>>,
    /// How often the gateway was asked for a code.
    pub asks: i16,
    /// Seconds until it may be asked again.
    pub ask_wait: f64,
    pub created_at: DateTime<Utc>,
}

/// A payment before the gateway knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment<'a> {
    pub id: Uuid,
    pub store_id: Uuid,
    pub order_id: Uuid,
    pub api: &'a str,
    pub reference_id: &'a str,
    pub amount: i64,
    pub created_at: DateTime<Utc>,
}

const TABLE: &str = "payments";

/// Breaks `one_open_payment_per_order` if the order has one; lock the order first.
pub async fn insert_payment(executor: impl PgExecutor<'_>, payment: &NewPayment<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into payments (id, store_id, order_id, api, reference_id, amount, created_at) values ($1, $2, $3, $4, $5, $6, $7)",
        payment.id,
        payment.store_id,
        payment.order_id,
        payment.api,
        payment.reference_id,
        payment.amount,
        payment.created_at,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "begin a payment")?;
    Ok(())
}

/// `None` if it does not exist, or not for whoever asks.
pub async fn get_payment(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<PaymentRow>, DbError> {
    sqlx::query_as!(
        PaymentRow,
        r#"select id, store_id, order_id, api, reference_id, external_reference, amount, status, qr_string, failure_code, expires_at,
                  payment_date, asks, greatest(coalesce(extract(epoch from ask_until - clock_timestamp()), 0), 0)::float8 as "ask_wait!",
                  created_at
           from payments where id = $1"#,
        id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "read a payment")
}

/// As [`get_payment`], and nobody else changes it until the end of the transaction. Whoever needs the order too locks that first.
pub async fn lock_payment(transaction: &mut PgConnection, id: Uuid) -> Result<Option<PaymentRow>, DbError> {
    sqlx::query!("select id from payments where id = $1 for update", id)
        .fetch_optional(&mut *transaction)
        .await
        .in_table(TABLE, "lock a payment")?;
    get_payment(transaction, id).await
}

/// The payment of an order that may still be paid.
pub async fn open_payment_of_order(executor: impl PgExecutor<'_>, order_id: Uuid) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!("select id from payments where order_id = $1 and status in ('pending', 'awaiting')", order_id)
        .fetch_optional(executor)
        .await
        .in_table(TABLE, "find the open payment of an order")
}

/// The latest first.
pub async fn payments_of_order(executor: impl PgExecutor<'_>, order_id: Uuid) -> Result<Vec<Uuid>, DbError> {
    sqlx::query_scalar!("select id from payments where order_id = $1 order by created_at desc, id desc", order_id)
        .fetch_all(executor)
        .await
        .in_table(TABLE, "list the payments of an order")
}

/// The payment whose money an order is paid with.
pub async fn payment_that_paid(executor: impl PgExecutor<'_>, order_id: Uuid) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!(
        "select p.id from payments p
         where p.order_id = $1 and p.status in ('succeeded', 'refunded')
             and exists (select from payment_receipts r where r.payment_id = p.id and r.attention is null)",
        order_id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find what an order was paid with")
}

/// The payment that the gateway speaks of: by its id of the request, else by our reference, which it may know before we know its id.
pub async fn find_payment(
    executor: impl PgExecutor<'_>,
    request_id: Option<&str>,
    reference: Option<&str>,
) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!(
        "select id from payments
         where provider = 'xendit' and (external_reference = $1 or reference_id = $2)
         order by external_reference = $1 desc nulls last
         limit 1",
        request_id,
        reference,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find the payment of an event")
}

/// Takes the turn to ask the gateway for a code; false while somebody else has it, or where none is needed.
pub async fn take_turn_to_ask(executor: impl PgExecutor<'_>, id: Uuid, seconds: f64) -> Result<bool, DbError> {
    let taken = sqlx::query!(
        "update payments
         set asks = asks + 1, ask_until = clock_timestamp() + $2::float8 * interval '1 second'
         where id = $1 and status = 'pending' and external_reference is null and (ask_until is null or ask_until <= clock_timestamp())",
        id,
        seconds,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "take the turn to ask for a code")?;
    Ok(taken.rows_affected() > 0)
}

/// Nobody asks again before this many seconds have passed.
pub async fn wait_to_ask(executor: impl PgExecutor<'_>, id: Uuid, seconds: f64) -> Result<(), DbError> {
    sqlx::query!("update payments set ask_until = clock_timestamp() + $2::float8 * interval '1 second' where id = $1", id, seconds)
        .execute(executor)
        .await
        .in_table(TABLE, "put off the next question")?;
    Ok(())
}

/// The gateway has made a code: it can be shown.
pub async fn show_payment(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    request_id: &str,
    qr_string: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update payments
         set status = 'awaiting', external_reference = $2, qr_string = $3, expires_at = $4, ask_until = null
         where id = $1 and status = 'pending'",
        id,
        request_id,
        qr_string,
        expires_at,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "show a code")?;
    Ok(())
}

/// Learns the gateway's id of a request from somewhere else than the answer to it.
pub async fn adopt_request(executor: impl PgExecutor<'_>, id: Uuid, request_id: &str) -> Result<(), DbError> {
    sqlx::query!("update payments set external_reference = $2 where id = $1 and external_reference is null", id, request_id)
        .execute(executor)
        .await
        .in_table(TABLE, "learn the id of a request")?;
    Ok(())
}

/// Moves a payment on. `paid_at` is when the money came, and stays as it is without.
pub async fn turn_payment(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    status: &str,
    failure_code: Option<&str>,
    paid_at: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update payments
         set status = $2, failure_code = coalesce($3, failure_code), payment_date = coalesce($4, payment_date), ask_until = null
         where id = $1",
        id,
        status,
        failure_code,
        paid_at,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "move a payment on")?;
    Ok(())
}

/// Open payments, and all that were made at `since` or later, store by store.
pub async fn payments_to_reconcile(executor: impl PgExecutor<'_>, since: DateTime<Utc>) -> Result<Vec<Uuid>, DbError> {
    sqlx::query_scalar!(
        "select id from payments where status in ('pending', 'awaiting') or created_at >= $1 order by store_id, created_at, id",
        since,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list payments to reconcile")
}
