//! Which ticks of which schedules have fired.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// Claims one tick for `claimed_by`. Of any number of schedulers one gets `true`.
pub async fn try_claim_tick(
    executor: impl PgExecutor<'_>,
    job: &str,
    fire_at: DateTime<Utc>,
    claimed_by: &str,
    job_id: Option<Uuid>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into schedule_ticks (job, fire_at, claimed_by, job_id) values ($1, $2, $3, $4) on conflict do nothing",
        job,
        fire_at,
        claimed_by,
        job_id,
    )
    .execute(executor)
    .await
    .in_table("schedule_ticks", "claim a tick")?;
    Ok(done.rows_affected() == 1)
}

/// The latest tick of a schedule that was claimed.
pub async fn last_tick(executor: impl PgExecutor<'_>, job: &str) -> Result<Option<DateTime<Utc>>, DbError> {
    sqlx::query_scalar!("select max(fire_at) from schedule_ticks where job = $1", job)
        .fetch_one(executor)
        .await
        .in_table("schedule_ticks", "find the last tick")
}
