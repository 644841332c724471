use std::time::Duration;

use domain::ids::JobId;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Lease, QueueError, State};

/// Jobs of one look; where there are as many there may be more.
pub(super) const AT_ONCE: usize = 1_000;

/// What the heartbeat learned about one lease that is still ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    pub id: JobId,
    /// Someone asked for the job to be cancelled.
    pub cancel_requested: bool,
}

/// Extends the leases that are still ours to `lease` from now; one that is missing from the answer is lost.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn heartbeat(executor: impl PgExecutor<'_>, held: &[Lease], lease: Duration) -> Result<Vec<Heartbeat>, QueueError> {
    let ids: Vec<Uuid> = held.iter().map(|lease| lease.id.0).collect();
    let tokens: Vec<i64> = held.iter().map(|lease| lease.token).collect();
    let rows = sqlx::query!(
        r#"update jobs
           set lease_until = clock_timestamp() + $3::float8 * interval '1 second'
           from unnest($1::uuid[], $2::bigint[]) as held (id, token)
           where jobs.id = held.id and jobs.lease_token = held.token and jobs.lease_until is not null
           returning jobs.id, jobs.cancel_requested_at is not null as "cancel_requested!""#,
        &ids,
        &tokens,
        lease.as_secs_f64(),
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("extend leases"))?;
    Ok(rows.into_iter().map(|row| Heartbeat { id: JobId(row.id), cancel_requested: row.cancel_requested }).collect())
}

/// A job whose worker went silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    pub id: JobId,
    pub kind: String,
    /// `retryable`, `discarded` or `cancelled`.
    pub state: State,
}

/// Ends the attempts whose lease has expired. They count as failed: a job that kills its process ends as a dead letter.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn rescue(executor: impl PgExecutor<'_>) -> Result<Vec<Rescued>, QueueError> {
    let rows = sqlx::query_file!("src/queue/rescue.sql")
        .fetch_all(executor)
        .await
        .map_err(QueueError::database("rescue jobs of silent workers"))?;
    rows.into_iter()
        .map(|row| {
            let id = JobId(row.id);
            let state = State::parse(&row.state).ok_or(QueueError::UnknownState { id, state: row.state })?;
            Ok(Rescued { id, kind: row.kind, state })
        })
        .collect()
}
