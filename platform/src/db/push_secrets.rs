//! With what the tills of stores sign the orders that they push.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};
use super::sealed::not_sealed;
use crate::auth::InstallationSecret;

const TABLE: &str = "pos_push_secrets";
/// For how long the one before is taken, as `app.push_secrets` says.
pub(super) const LONGER: TimeDelta = TimeDelta::days(1);
/// What they are sealed for; each is bound to its store.
pub(super) const PURPOSE: &str = "push secrets";

/// Gives a store a new secret, which is kept sealed; the one before it is taken for a day longer, unless it is refused `at_once`.
///
/// # Errors
/// [`DbError`].
pub async fn renew_push_secret(
    executor: impl PgExecutor<'_>,
    installation: &InstallationSecret,
    store_id: Uuid,
    secret: &str,
    at_once: bool,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let sealed = installation.seal_text(PURPOSE, &store_id.to_string(), secret).map_err(|error| not_sealed(TABLE, &error))?;
    sqlx::query!(
        "insert into pos_push_secrets (store_id, secret, renewed_at) values ($1, $2, $3)
         on conflict (store_id) do update
         set previous_secret = case when $4 then null else pos_push_secrets.secret end, secret = excluded.secret, renewed_at = excluded.renewed_at",
        store_id,
        sealed,
        now,
        at_once,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "renew a secret")?;
    Ok(())
}

/// What a push to this store may be signed with now; nothing if it never had a secret or does not exist. One that was sealed with a secret that we
/// do not know is none.
///
/// # Errors
/// [`DbError`].
pub async fn push_secrets(
    executor: impl PgExecutor<'_>,
    installation: &InstallationSecret,
    store_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    let kept = sqlx::query_scalar!(r#"select secret as "secret!" from app.push_secrets($1, $2) as secret"#, store_id, now)
        .fetch_all(executor)
        .await
        .in_table(TABLE, "find the secrets of a store")?;
    let opened = |kept: &String| {
        let opened = installation.open_text(PURPOSE, &store_id.to_string(), kept);
        if opened.is_none() {
            tracing::warn!(store.id = %store_id, "a push secret was sealed with another secret: run `viralcast keys reseal`");
        }
        opened
    };
    Ok(kept.iter().filter_map(opened).collect())
}
