//! When operators were last told of something that is wrong.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::error::{DbError, InTable};

const TABLE: &str = "alert_notices";

/// Whether to tell it is the caller's now: nobody has since `unless_since`. Of many who ask at one moment one is answered yes.
pub async fn take_notice(
    executor: impl PgExecutor<'_>,
    name: &str,
    now: DateTime<Utc>,
    unless_since: DateTime<Utc>,
) -> Result<bool, DbError> {
    let taken = sqlx::query!(
        "insert into alert_notices as known (name, told_at) values ($1, $2)
         on conflict (name) do update set told_at = excluded.told_at where known.told_at <= $3",
        name,
        now,
        unless_since,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "take a notice")?;
    Ok(taken.rows_affected() == 1)
}

/// Gives back what could not be told: the next who looks may.
pub async fn give_back_notice(executor: impl PgExecutor<'_>, name: &str, taken_at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("delete from alert_notices where name = $1 and told_at = $2", name, taken_at)
        .execute(executor)
        .await
        .in_table(TABLE, "give a notice back")?;
    Ok(())
}
