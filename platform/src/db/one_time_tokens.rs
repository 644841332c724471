//! Tokens that are sent by mail and work once.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};
use crate::auth::{InstallationSecret, OneTimeToken, Purpose};

const TABLE: &str = "one_time_tokens";

/// Makes a token for a person; earlier ones of the same purpose stop working. Returns its id, from which the mail derives the token.
pub async fn create_one_time_token(
    executor: impl PgExecutor<'_>,
    user: Uuid,
    purpose: Purpose,
    secret: &InstallationSecret,
    now: DateTime<Utc>,
) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    let hash = OneTimeToken::of(id, purpose, secret).hash(secret);
    sqlx::query!(
        "with outdated as (
             update one_time_tokens set used_at = $6 where user_id = $2 and purpose = $3 and used_at is null
         )
         insert into one_time_tokens (id, user_id, purpose, token_hash, expires_at, created_at) values ($1, $2, $3, $4, $5, $6)",
        id,
        user,
        purpose.name(),
        hash.as_slice(),
        now + purpose.life(),
        now,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "make a one-time token")?;
    Ok(id)
}

/// Whose token has this hash, as long as it works and they may come in. Asked before anyone is known.
pub async fn user_of_one_time_token(executor: impl PgExecutor<'_>, hash: &[u8; 32], now: DateTime<Utc>) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!("select app.user_of_one_time_token($1, $2)", hash.as_slice(), now)
        .fetch_one(executor)
        .await
        .in_table(TABLE, "find whose one-time token it is")
}

/// Uses a token up. False if it is unknown, used, expired, or for something else.
pub async fn use_one_time_token(
    executor: impl PgExecutor<'_>,
    hash: &[u8; 32],
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    sqlx::query!(
        "update one_time_tokens set used_at = $3 where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3",
        hash.as_slice(),
        purpose.name(),
        now,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "use a one-time token")
    .map(|done| done.rows_affected() == 1)
}

/// No link that was mailed earlier works any more: a password was chosen.
pub async fn use_up_one_time_tokens(executor: impl PgExecutor<'_>, user: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update one_time_tokens set used_at = $2 where user_id = $1 and used_at is null", user, now)
        .execute(executor)
        .await
        .in_table(TABLE, "use up one-time tokens")?;
    Ok(())
}

/// What the mail of a token needs, as long as the token works.
#[derive(Debug, Clone)]
pub struct TokenLetter {
    pub email: String,
    pub name: Option<String>,
    pub locale: String,
    pub expires_at: DateTime<Utc>,
}

pub async fn token_letter(executor: impl PgExecutor<'_>, id: Uuid, now: DateTime<Utc>) -> Result<Option<TokenLetter>, DbError> {
    sqlx::query_as!(
        TokenLetter,
        "select u.email, u.name, u.locale, t.expires_at
         from one_time_tokens t join users u on u.id = t.user_id
         where t.id = $1 and t.used_at is null and t.expires_at > $2",
        id,
        now,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "address the mail of a one-time token")
}

/// Forgets tokens that are of no use to anyone any more.
pub async fn prune_one_time_tokens(executor: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, DbError> {
    sqlx::query!("delete from one_time_tokens where expires_at < $1", before)
        .execute(executor)
        .await
        .in_table(TABLE, "forget old one-time tokens")
        .map(|done| done.rows_affected())
}
