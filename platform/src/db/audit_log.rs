//! Who did what: the record that nobody rewrites.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// Something worth remembering. Neither passwords nor tokens nor what a customer bought belong into it.
#[derive(Debug, Clone)]
pub struct NewAuditEntry<'a> {
    pub user_id: Option<Uuid>,
    pub store_id: Option<Uuid>,
    /// Verb in the past: `signed_in`, `member_added`.
    pub action: &'static str,
    /// What it was done to.
    pub subject: &'a str,
    pub details: Value,
    pub ip_address: Option<&'a str>,
    pub now: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct AuditRow {
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    pub store_id: Option<Uuid>,
    pub action: String,
    pub subject: String,
    pub details: Value,
    pub ip_address: Option<String>,
    pub created_at: DateTime<Utc>,
}

pub async fn record(executor: impl PgExecutor<'_>, entry: &NewAuditEntry<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into audit_log (id, user_id, store_id, action, subject, details, ip_address, created_at)
         values ($1, $2, $3, $4, $5, $6, $7::text::inet, $8)",
        Uuid::now_v7(),
        entry.user_id,
        entry.store_id,
        entry.action,
        entry.subject,
        entry.details,
        entry.ip_address,
        entry.now,
    )
    .execute(executor)
    .await
    .in_table("audit_log", "record what was done")?;
    Ok(())
}

/// What the caller may see of a store's record, or of all if they are an operator; newest first, before a row where one is given.
pub async fn list_audit(
    executor: impl PgExecutor<'_>,
    store: Option<Uuid>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<AuditRow>, DbError> {
    let (created_at, id) = before.unzip();
    sqlx::query_as!(
        AuditRow,
        "select id, user_id, store_id, action, subject, details, host(ip_address) as ip_address, created_at
         from audit_log
         where ($1::uuid is null or store_id = $1) and ($2::timestamptz is null or (created_at, id) < ($2, $3))
         order by created_at desc, id desc
         limit $4",
        store,
        created_at,
        id,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("audit_log", "read the record")
}
