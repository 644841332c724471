//! How an attempt ends. Each function changes the job only while `lease` is still the one that holds it; that it runs is told by the
//! lease.

use std::time::Duration;

use sqlx::PgExecutor;

use super::{CHANNEL, Lease, QueueError, State};

/// The job is done. Inside the transaction of its effects this makes them exactly once.
///
/// # Errors
/// [`QueueError::LeaseLost`], [`QueueError::Database`].
pub async fn complete(executor: impl PgExecutor<'_>, lease: Lease) -> Result<(), QueueError> {
    // A worker may have completed the job in its own transaction already: the same token says so.
    let done = sqlx::query!(
        "update jobs
         set state = 'completed', finished_at = coalesce(finished_at, clock_timestamp()), lease_until = null
         where id = $1 and lease_token = $2 and state in ('running', 'completed')",
        lease.id.0,
        lease.token,
    )
    .execute(executor)
    .await
    .map_err(QueueError::database("complete a job"))?;
    held(lease, done.rows_affected())
}

/// The job has come further than ever before: what went wrong until now counts no longer against it. A long job that is killed now
/// and then is no poison.
///
/// # Errors
/// [`QueueError::LeaseLost`], [`QueueError::Database`].
pub async fn progress(executor: impl PgExecutor<'_>, lease: Lease) -> Result<(), QueueError> {
    let done =
        sqlx::query!("update jobs set attempt = 1 where id = $1 and lease_token = $2 and state = 'running'", lease.id.0, lease.token)
            .execute(executor)
            .await
            .map_err(QueueError::database("note the progress of a job"))?;
    held(lease, done.rows_affected())
}

/// As [`complete`], for a job that leaves nothing behind.
///
/// # Errors
/// [`QueueError::LeaseLost`], [`QueueError::Database`].
pub async fn complete_and_forget(executor: impl PgExecutor<'_>, lease: Lease) -> Result<(), QueueError> {
    let done = sqlx::query!("delete from jobs where id = $1 and lease_token = $2 and lease_until is not null", lease.id.0, lease.token,)
        .execute(executor)
        .await
        .map_err(QueueError::database("complete a job"))?;
    held(lease, done.rows_affected())
}

/// The attempt failed: runs again after the kind's back-off, or is discarded when its attempts are used. The answer says which.
///
/// # Errors
/// [`QueueError::LeaseLost`], [`QueueError::Database`].
pub async fn retry(executor: impl PgExecutor<'_>, lease: Lease, error: &str) -> Result<State, QueueError> {
    let state = sqlx::query_scalar!(
        "update jobs
         set state = case
                 when cancel_requested_at is not null then 'cancelled'
                 when attempt >= max_attempts then 'discarded'
                 else 'retryable'
             end,
             finished_at = case when cancel_requested_at is not null or attempt >= max_attempts then clock_timestamp() end,
             lease_until = null,
             run_at = clock_timestamp() + app.job_backoff(attempt, backoff_base, backoff_max),
             errors = app.job_errors(errors, attempt, $3)
         where id = $1 and lease_token = $2 and lease_until is not null
         returning state",
        lease.id.0,
        lease.token,
        error,
    )
    .fetch_optional(executor)
    .await
    .map_err(QueueError::database("record a failed attempt"))?;
    let state = state.ok_or(QueueError::LeaseLost { id: lease.id, token: lease.token })?;
    State::parse(&state).ok_or(QueueError::UnknownState { id: lease.id, state })
}

/// Runs again after `wait`; the attempt does not count.
///
/// # Errors
/// [`QueueError::LeaseLost`], [`QueueError::Database`].
pub async fn snooze(executor: impl PgExecutor<'_>, lease: Lease, wait: Duration) -> Result<(), QueueError> {
    let done = sqlx::query!(
        "update jobs
         set state = case when cancel_requested_at is null then 'scheduled' else 'cancelled' end,
             finished_at = case when cancel_requested_at is not null then clock_timestamp() end,
             attempt = attempt - 1,
             lease_until = null,
             run_at = clock_timestamp() + $3::float8 * interval '1 second'
         where id = $1 and lease_token = $2 and lease_until is not null",
        lease.id.0,
        lease.token,
        wait.as_secs_f64(),
    )
    .execute(executor)
    .await
    .map_err(QueueError::database("snooze a job"))?;
    held(lease, done.rows_affected())
}

/// Never again; `reason` is kept with the job.
///
/// # Errors
/// [`QueueError::LeaseLost`], [`QueueError::Database`].
pub async fn cancel(executor: impl PgExecutor<'_>, lease: Lease, reason: &str) -> Result<(), QueueError> {
    finish(executor, lease, State::Cancelled, reason).await
}

/// A dead letter at once, whatever attempts are left.
///
/// # Errors
/// [`QueueError::LeaseLost`], [`QueueError::Database`].
pub async fn discard(executor: impl PgExecutor<'_>, lease: Lease, reason: &str) -> Result<(), QueueError> {
    finish(executor, lease, State::Discarded, reason).await
}

/// A program that stops gives its unfinished attempts back: available at once, the attempt not counted.
///
/// # Errors
/// [`QueueError::LeaseLost`], [`QueueError::Database`].
pub async fn hand_back(executor: impl PgExecutor<'_>, lease: Lease) -> Result<(), QueueError> {
    let lane = sqlx::query!(
        "with returned as (
             update jobs
             set state = case when cancel_requested_at is null then 'available' else 'cancelled' end,
                 finished_at = case when cancel_requested_at is not null then clock_timestamp() end,
                 attempt = attempt - 1,
                 lease_until = null
             where id = $1 and lease_token = $2 and lease_until is not null
             returning lane
         )
         select pg_notify($3, lane)::text as woken from returned",
        lease.id.0,
        lease.token,
        CHANNEL,
    )
    .fetch_optional(executor)
    .await
    .map_err(QueueError::database("hand a job back"))?;
    held(lease, u64::from(lane.is_some()))
}

async fn finish(executor: impl PgExecutor<'_>, lease: Lease, state: State, reason: &str) -> Result<(), QueueError> {
    let done = sqlx::query!(
        "update jobs
         set state = $3, finished_at = clock_timestamp(), lease_until = null, errors = app.job_errors(errors, attempt, $4)
         where id = $1 and lease_token = $2 and lease_until is not null",
        lease.id.0,
        lease.token,
        state.as_str(),
        reason,
    )
    .execute(executor)
    .await
    .map_err(QueueError::database("finish a job"))?;
    held(lease, done.rows_affected())
}

fn held(lease: Lease, rows: u64) -> Result<(), QueueError> {
    if rows == 0 { Err(QueueError::LeaseLost { id: lease.id, token: lease.token }) } else { Ok(()) }
}
