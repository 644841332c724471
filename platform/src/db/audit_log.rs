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
    /// Where they are still known, and the caller may see them.
    pub user_name: Option<String>,
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

/// Which entries: all there are where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'a> {
    pub store: Option<Uuid>,
    /// Who did it.
    pub user: Option<Uuid>,
    pub action: Option<&'a str>,
    pub from: Option<DateTime<Utc>>,
    /// Not part of it.
    pub until: Option<DateTime<Utc>>,
    /// Time and id of the last row of the page before.
    pub before: Option<(DateTime<Utc>, Uuid)>,
}

/// What the caller may see of a store's record, or of all if they are an operator; newest first.
pub async fn list_audit(executor: impl PgExecutor<'_>, filter: AuditFilter<'_>, limit: i64) -> Result<Vec<AuditRow>, DbError> {
    let (created_at, id) = filter.before.unzip();
    sqlx::query_as!(
        AuditRow,
        r#"select l.id, l.user_id, u.name as "user_name?", l.store_id, l.action, l.subject, l.details,
                  host(l.ip_address) as ip_address, l.created_at
           from audit_log l
           left join users u on u.id = l.user_id
           where ($1::uuid is null or l.store_id = $1)
             and ($2::uuid is null or l.user_id = $2)
             and ($3::text is null or l.action = $3)
             and ($4::timestamptz is null or l.created_at >= $4)
             and ($5::timestamptz is null or l.created_at < $5)
             and ($6::timestamptz is null or (l.created_at, l.id) < ($6, $7))
           order by l.created_at desc, l.id desc
           limit $8"#,
        filter.store,
        filter.user,
        filter.action,
        filter.from,
        filter.until,
        created_at,
        id,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("audit_log", "read the record")
}
