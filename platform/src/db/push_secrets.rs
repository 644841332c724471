//! With what the tills of stores sign the orders that they push.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "pos_push_secrets";

/// Gives a store a new secret; the one before it is taken for a day longer.
pub async fn renew_push_secret(executor: impl PgExecutor<'_>, store_id: Uuid, secret: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into pos_push_secrets (store_id, secret, renewed_at) values ($1, $2, $3)
         on conflict (store_id) do update
         set previous_secret = pos_push_secrets.secret, secret = excluded.secret, renewed_at = excluded.renewed_at",
        store_id,
        secret,
        now,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "renew a secret")?;
    Ok(())
}

/// What a push to this store may be signed with now; nothing if it never had a secret or does not exist.
pub async fn push_secrets(executor: impl PgExecutor<'_>, store_id: Uuid, now: DateTime<Utc>) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(r#"select secret as "secret!" from app.push_secrets($1, $2) as secret"#, store_id, now)
        .fetch_all(executor)
        .await
        .in_table(TABLE, "find the secrets of a store")
}
