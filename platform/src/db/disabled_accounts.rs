//! People who may not come in for now. What is theirs stays as it is.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::audit_log::{NewAuditEntry, record};
use super::auth_sessions::{Revocation, revoke_others};
use super::error::{DbError, InTable};
use super::one_time_tokens::use_up_one_time_tokens;
use super::users::revoke_tokens;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// False if the account was disabled before.
    pub is_new: bool,
    pub sessions_ended: usize,
}

/// Lets somebody in no more: their sessions, tokens and links end, and nothing that they know begins a new one.
pub async fn disable_account(transaction: &mut PgConnection, user: Uuid, now: DateTime<Utc>) -> Result<Disabled, DbError> {
    // First, since with it whoever signs in or renews a session takes turns with this.
    let sessions_ended = revoke_others(&mut *transaction, user, None, Revocation::ByOperator, now).await?.len();
    revoke_tokens(&mut *transaction, user, now).await?;
    use_up_one_time_tokens(&mut *transaction, user, now).await?;
    let is_new = set_disabled(&mut *transaction, user, Some(now)).await?;
    if is_new {
        record(transaction, &entry("account_disabled", &user.to_string(), now)).await?;
    }
    Ok(Disabled { is_new, sessions_ended })
}

/// Lets somebody in again, who signs in anew. False if they were not kept out.
pub async fn enable_account(transaction: &mut PgConnection, user: Uuid, now: DateTime<Utc>) -> Result<bool, DbError> {
    let is_new = set_disabled(&mut *transaction, user, None).await?;
    if is_new {
        record(transaction, &entry("account_enabled", &user.to_string(), now)).await?;
    }
    Ok(is_new)
}

async fn set_disabled(executor: impl PgExecutor<'_>, user: Uuid, since: Option<DateTime<Utc>>) -> Result<bool, DbError> {
    sqlx::query!("update users set disabled_at = $2 where id = $1 and (disabled_at is null) <> ($2::timestamptz is null)", user, since,)
        .execute(executor)
        .await
        .in_table("users", "disable or enable an account")
        .map(|done| done.rows_affected() == 1)
}

pub async fn is_disabled(executor: impl PgExecutor<'_>, user: Uuid) -> Result<bool, DbError> {
    sqlx::query_scalar!(r#"select disabled_at is not null as "is_disabled!" from users where id = $1"#, user)
        .fetch_one(executor)
        .await
        .in_table("users", "see whether an account is disabled")
}

/// By whoever has the machine: nobody who signed in.
fn entry<'a>(action: &'static str, subject: &'a str, now: DateTime<Utc>) -> NewAuditEntry<'a> {
    NewAuditEntry { user_id: None, store_id: None, action, subject, details: json!({}), ip_address: None, now }
}
