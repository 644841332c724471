//! What a night's look into the gateway's books found.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// Of one store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Reconciliation {
    pub store_id: Uuid,
    pub reconciled_at: DateTime<Utc>,
    /// Payments made from then on, and all open ones.
    pub since: DateTime<Utc>,
    pub checked: i32,
    /// What a lost webhook would have told.
    pub repaired: i32,
    /// The gateway did not answer.
    pub unchecked: i32,
    /// Rupiah that came in since then.
    pub received: i64,
    pub refunded: i64,
    pub findings: serde_json::Value,
}

const TABLE: &str = "payment_reconciliations";

pub async fn insert_reconciliation(executor: impl PgExecutor<'_>, report: &Reconciliation) -> Result<(), DbError> {
    sqlx::query!(
        "insert into payment_reconciliations
             (id, store_id, reconciled_at, since, checked, repaired, unchecked, received, refunded, findings)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        Uuid::now_v7(),
        report.store_id,
        report.reconciled_at,
        report.since,
        report.checked,
        report.repaired,
        report.unchecked,
        report.received,
        report.refunded,
        report.findings,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "store a reconciliation")?;
    Ok(())
}

/// The latest first, at most `limit`; of one store or of all that the caller sees.
pub async fn list_reconciliations(
    executor: impl PgExecutor<'_>,
    store_id: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Reconciliation>, DbError> {
    sqlx::query_as!(
        Reconciliation,
        "select store_id, reconciled_at, since, checked, repaired, unchecked, received, refunded, findings
         from payment_reconciliations
         where $1::uuid is null or store_id = $1
         order by reconciled_at desc, store_id
         limit $2",
        store_id,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list reconciliations")
}

/// Rupiah that came in and that went back in a store since then.
pub async fn money_moved(executor: impl PgExecutor<'_>, store_id: Uuid, since: DateTime<Utc>) -> Result<(i64, i64), DbError> {
    let moved = sqlx::query!(
        r#"select
               (select coalesce(sum(amount), 0)::bigint from payment_receipts where store_id = $1 and received_at >= $2) as "received!",
               (select coalesce(sum(amount), 0)::bigint from refunds
                where store_id = $1 and created_at >= $2 and status = 'succeeded') as "refunded!""#,
        store_id,
        since,
    )
    .fetch_one(executor)
    .await
    .in_table(TABLE, "add up money")?;
    Ok((moved.received, moved.refunded))
}
