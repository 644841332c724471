//! What is kept sealed, when the installation gets another secret.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};
use super::push_secrets::LONGER;
use super::{pos_connections, push_secrets};
use crate::auth::{AuthError, InstallationSecret, SECOND_FACTORS, SIGNING_KEYS};

/// What became of it.
#[derive(Debug, Default, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Resealed {
    pub signing_keys: usize,
    pub second_factors: usize,
    pub push_secrets: usize,
    pub till_tokens: usize,
    /// What neither this secret nor the former opens; it is as it was.
    pub closed: Vec<String>,
}

/// Opens everything that is sealed, and seals it with the secret of now; whoever changes any of it meanwhile waits. Texts that were stored before
/// they were sealed are sealed.
///
/// # Errors
/// [`DbError`]; nothing is changed then, if the transaction is not committed.
pub async fn reseal(transaction: &mut PgConnection, secret: &InstallationSecret, now: DateTime<Utc>) -> Result<Resealed, DbError> {
    let mut resealed = Resealed::default();
    let keys = sqlx::query!("select kid, sealed_key from signing_keys order by kid for update");
    for key in keys.fetch_all(&mut *transaction).await.in_table("signing_keys", "read signing keys")? {
        let Some(anew) = bytes_anew(secret, "signing_keys", SIGNING_KEYS, &key.kid, &key.sealed_key)? else {
            resealed.closed.push(format!("signing key {}", key.kid));
            continue;
        };
        let change = sqlx::query!("update signing_keys set sealed_key = $2 where kid = $1", key.kid, anew);
        change.execute(&mut *transaction).await.in_table("signing_keys", "seal a signing key")?;
        resealed.signing_keys += 1;
    }
    let factors = sqlx::query!("select user_id, sealed_key from second_factors order by user_id for update");
    for factor in factors.fetch_all(&mut *transaction).await.in_table("second_factors", "read second factors")? {
        let Some(anew) = bytes_anew(secret, "second_factors", SECOND_FACTORS, &factor.user_id.to_string(), &factor.sealed_key)? else {
            resealed.closed.push(format!("second factor of {}", factor.user_id));
            continue;
        };
        let change = sqlx::query!("update second_factors set sealed_key = $2 where user_id = $1", factor.user_id, anew);
        change.execute(&mut *transaction).await.in_table("second_factors", "seal a second factor")?;
        resealed.second_factors += 1;
    }
    let tills = sqlx::query!("select store_id, token from pos_connections order by store_id for update");
    for till in tills.fetch_all(&mut *transaction).await.in_table("pos_connections", "read tills")? {
        let Some(anew) = text_anew(secret, "pos_connections", pos_connections::PURPOSE, till.store_id, &till.token)? else {
            resealed.closed.push(format!("token for the till of store {}", till.store_id));
            continue;
        };
        let change = sqlx::query!("update pos_connections set token = $2 where store_id = $1", till.store_id, anew);
        change.execute(&mut *transaction).await.in_table("pos_connections", "seal a token")?;
        resealed.till_tokens += 1;
    }
    let pushes = sqlx::query!(
        "select store_id, secret, case when renewed_at > $1 then previous_secret end as previous_secret
         from pos_push_secrets order by store_id for update",
        now - LONGER,
    );
    for push in pushes.fetch_all(&mut *transaction).await.in_table("pos_push_secrets", "read secrets")? {
        let Some(anew) = text_anew(secret, "pos_push_secrets", push_secrets::PURPOSE, push.store_id, &push.secret)? else {
            resealed.closed.push(format!("push secret of store {}", push.store_id));
            continue;
        };
        let mut before = push.previous_secret;
        if let Some(sealed) = &before {
            match text_anew(secret, "pos_push_secrets", push_secrets::PURPOSE, push.store_id, sealed)? {
                Some(anew) => before = Some(anew),
                None => resealed.closed.push(format!("push secret of store {} before the last renewal", push.store_id)),
            }
        }
        let change =
            sqlx::query!("update pos_push_secrets set secret = $2, previous_secret = $3 where store_id = $1", push.store_id, anew, before,);
        change.execute(&mut *transaction).await.in_table("pos_push_secrets", "seal a secret")?;
        resealed.push_secrets += 1;
    }
    Ok(resealed)
}

/// Rows with a text that was stored before texts were sealed, and was not sealed since.
///
/// # Errors
/// [`DbError`].
pub async fn left_in_the_clear(executor: impl PgExecutor<'_>) -> Result<i64, DbError> {
    sqlx::query_scalar!(
        r#"select (select count(*) from pos_connections where token not like 'sealed:%')
                + (select count(*) from pos_push_secrets where secret not like 'sealed:%' or previous_secret not like 'sealed:%') as "rows!""#
    )
    .fetch_one(executor)
    .await
    .in_table("pos_push_secrets", "look for what is not sealed")
}

fn bytes_anew(
    secret: &InstallationSecret,
    table: &'static str,
    purpose: &'static str,
    name: &str,
    sealed: &[u8],
) -> Result<Option<Vec<u8>>, DbError> {
    let Some(content) = secret.open_sealed(purpose, name, sealed) else { return Ok(None) };
    secret.seal(purpose, name, &content).map(Some).map_err(|error| not_sealed(table, &error))
}

fn text_anew(
    secret: &InstallationSecret,
    table: &'static str,
    purpose: &'static str,
    store: Uuid,
    stored: &str,
) -> Result<Option<String>, DbError> {
    let name = store.to_string();
    let Some(content) = secret.open_text(purpose, &name, stored) else { return Ok(None) };
    secret.seal_text(purpose, &name, &content).map(Some).map_err(|error| not_sealed(table, &error))
}

/// What the cryptographic library would not seal is not stored.
pub(super) fn not_sealed(table: &'static str, error: &AuthError) -> DbError {
    DbError::Refused { table, operation: "seal a secret", reason: error.to_string(), hint: "try again" }
}
