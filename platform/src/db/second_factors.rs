//! Second factors, and the codes on paper that stand in for them. One of a person; none works before they showed that they have it.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "second_factors";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    pub id: Uuid,
    pub sealed_key: Vec<u8>,
    /// `None` until the person showed a code of it: it is asked for by nobody yet.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Codes on paper that were not used.
    pub recovery_codes_left: i64,
}

pub async fn second_factor(executor: impl PgExecutor<'_>, user: Uuid) -> Result<Option<SecondFactor>, DbError> {
    sqlx::query_as!(
        SecondFactor,
        r#"select id, sealed_key, confirmed_at,
                  (select count(*) from recovery_codes c where c.user_id = f.user_id and c.used_at is null) as "recovery_codes_left!"
           from second_factors f
           where user_id = $1"#,
        user,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "read a second factor")
}

/// Begins with a new one, in the place of one that was never confirmed. False if there is one that was.
pub async fn begin_second_factor(
    executor: impl PgExecutor<'_>,
    user: Uuid,
    sealed_key: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    sqlx::query!(
        "insert into second_factors as known (user_id, id, sealed_key, created_at) values ($1, $2, $3, $4)
         on conflict (user_id) do update set id = excluded.id, sealed_key = excluded.sealed_key, created_at = excluded.created_at
         where known.confirmed_at is null",
        user,
        Uuid::now_v7(),
        sealed_key,
        now,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "begin with a second factor")
    .map(|done| done.rows_affected() == 1)
}

/// From now on nobody signs in without it. `hashes` are of the codes on paper. False if it was confirmed meanwhile, or is another one.
pub async fn confirm_second_factor(
    transaction: &mut PgConnection,
    user: Uuid,
    id: Uuid,
    hashes: &[Vec<u8>],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done =
        sqlx::query!("update second_factors set confirmed_at = $3 where user_id = $1 and id = $2 and confirmed_at is null", user, id, now,)
            .execute(&mut *transaction)
            .await
            .in_table(TABLE, "confirm a second factor")?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into recovery_codes (user_id, code_hash, created_at) select $1, hash, $3 from unnest($2::bytea[]) as hash",
        user,
        hashes,
        now,
    )
    .execute(transaction)
    .await
    .in_table("recovery_codes", "keep recovery codes")?;
    Ok(true)
}

/// Uses the code of a half-minute up, and all before it. False if one of then or later was used.
pub async fn use_step(executor: impl PgExecutor<'_>, user: Uuid, step: i64) -> Result<bool, DbError> {
    sqlx::query!("update second_factors set last_step = $2 where user_id = $1 and last_step < $2", user, step)
        .execute(executor)
        .await
        .in_table(TABLE, "use a code")
        .map(|done| done.rows_affected() == 1)
}

/// Uses a code on paper up. False if it is none, or was used.
pub async fn use_recovery_code(executor: impl PgExecutor<'_>, user: Uuid, hash: &[u8; 32], now: DateTime<Utc>) -> Result<bool, DbError> {
    sqlx::query!(
        "update recovery_codes set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null",
        user,
        hash.as_slice(),
        now,
    )
    .execute(executor)
    .await
    .in_table("recovery_codes", "use a recovery code")
    .map(|done| done.rows_affected() == 1)
}

/// With its codes on paper. False if none was confirmed.
pub async fn remove_second_factor(executor: impl PgExecutor<'_>, user: Uuid) -> Result<bool, DbError> {
    sqlx::query!("delete from second_factors where user_id = $1 and confirmed_at is not null", user)
        .execute(executor)
        .await
        .in_table(TABLE, "remove a second factor")
        .map(|done| done.rows_affected() == 1)
}
