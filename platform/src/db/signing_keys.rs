//! Keys that access tokens are signed with, sealed.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::error::{DbError, InTable};
use crate::auth::NewSigningKey;

#[derive(Debug, Clone)]
pub struct SigningKeyRow {
    pub kid: String,
    pub sealed_key: Vec<u8>,
    pub signs_from: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// Newest first.
pub async fn list_signing_keys(executor: impl PgExecutor<'_>) -> Result<Vec<SigningKeyRow>, DbError> {
    sqlx::query_as!(
        SigningKeyRow,
        "select kid, sealed_key, signs_from, retired_at, created_at from signing_keys order by signs_from desc, kid"
    )
    .fetch_all(executor)
    .await
    .in_table("signing_keys", "list signing keys")
}

/// Holds off other programs that would make a first key too, until the open transaction ends.
pub async fn lock_signing_keys(transaction: &mut PgConnection) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('signing_keys', 0))")
        .fetch_one(transaction)
        .await
        .in_table("signing_keys", "lock the signing keys")?;
    Ok(())
}

pub async fn insert_signing_key(executor: impl PgExecutor<'_>, key: &NewSigningKey) -> Result<(), DbError> {
    sqlx::query!("insert into signing_keys (kid, sealed_key, signs_from) values ($1, $2, $3)", key.kid, key.sealed_key, key.signs_from)
        .execute(executor)
        .await
        .in_table("signing_keys", "store a signing key")?;
    Ok(())
}

/// From `at` on, what the key signed is refused. False if there is no such key, or it was retired before.
pub async fn retire_signing_key(executor: impl PgExecutor<'_>, kid: &str, at: DateTime<Utc>) -> Result<bool, DbError> {
    sqlx::query!("update signing_keys set retired_at = $2 where kid = $1 and (retired_at is null or retired_at > $2)", kid, at)
        .execute(executor)
        .await
        .in_table("signing_keys", "retire a signing key")
        .map(|done| done.rows_affected() == 1)
}
