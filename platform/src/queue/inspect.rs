//! What operators see and do: counts, lists, dead letters and their replay.

use chrono::{DateTime, Utc};
use domain::ids::JobId;
use domain::job::Lane;
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::claim::count;
use super::{CHANNEL, QueueError, State};

/// Jobs of one kind, lane and state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueStat {
    pub kind: String,
    pub lane: String,
    pub state: String,
    pub jobs: u64,
    /// When the one that waits or waited longest was due.
    pub oldest_run_at: DateTime<Utc>,
}

/// Everything about one job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRow {
    pub id: JobId,
    pub kind: String,
    pub state: String,
    pub lane: String,
    pub priority: i16,
    pub attempt: u16,
    pub max_attempts: u16,
    pub run_at: DateTime<Utc>,
    pub unique_key: Option<String>,
    pub args: serde_json::Value,
    pub trace_id: Option<String>,
    /// Who worked on it last.
    pub worker: Option<String>,
    /// The last failures, oldest first: `attempt`, `at`, `error`.
    pub errors: serde_json::Value,
    pub created_at: DateTime<Utc>,
    pub attempted_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which jobs; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    pub id: Option<JobId>,
    pub kind: Option<String>,
    pub state: Option<State>,
    pub lane: Option<Lane>,
    /// Part of the text of the last failure, whatever its case.
    pub error: Option<String>,
    /// Ended since then.
    pub since: Option<DateTime<Utc>>,
    /// The newest this many; `None` is 100.
    pub limit: Option<u32>,
}

/// Counts by kind, lane and state, in that order.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn stats(executor: impl PgExecutor<'_>) -> Result<Vec<QueueStat>, QueueError> {
    let rows = sqlx::query!(
        r#"select kind, lane, state, count(*) as "jobs!", min(run_at) as "oldest_run_at!"
           from jobs group by kind, lane, state order by kind, lane, state"#
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("count jobs"))?;
    Ok(rows
        .into_iter()
        .map(|row| QueueStat {
            kind: row.kind,
            lane: row.lane,
            state: row.state,
            jobs: u64::try_from(row.jobs).unwrap_or_default(),
            oldest_run_at: row.oldest_run_at,
        })
        .collect())
}

/// Newest first.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn list(executor: impl PgExecutor<'_>, filter: &JobFilter) -> Result<Vec<JobRow>, QueueError> {
    let rows = sqlx::query!(
        "select id, kind, state, lane, priority, attempt, max_attempts, run_at, unique_key, args, trace_id, worker, errors,
                created_at, attempted_at, finished_at
         from jobs
         where ($1::uuid is null or id = $1) and ($2::text is null or kind = $2) and ($3::text is null or state = $3)
             and ($5::text is null or lane = $5)
             and ($6::text is null or strpos(lower(errors -> -1 ->> 'error'), lower($6)) > 0)
             and ($7::timestamptz is null or finished_at >= $7)
         order by created_at desc, id desc
         limit $4",
        filter.id.map(|id| id.0) as Option<Uuid>,
        filter.kind.as_deref() as Option<&str>,
        filter.state.map(State::as_str) as Option<&str>,
        i64::from(filter.limit.unwrap_or(100)),
        filter.lane.map(Lane::as_str) as Option<&str>,
        filter.error.as_deref() as Option<&str>,
        filter.since,
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("list jobs"))?;
    Ok(rows
        .into_iter()
        .map(|row| JobRow {
            id: JobId(row.id),
            kind: row.kind,
            state: row.state,
            lane: row.lane,
            priority: row.priority,
            attempt: count(row.attempt),
            max_attempts: count(row.max_attempts),
            run_at: row.run_at,
            unique_key: row.unique_key,
            args: row.args,
            trace_id: row.trace_id,
            worker: row.worker,
            errors: row.errors,
            created_at: row.created_at,
            attempted_at: row.attempted_at,
            finished_at: row.finished_at,
        })
        .collect())
}

/// One job.
///
/// # Errors
/// [`QueueError::NotFound`], [`QueueError::Database`].
pub async fn show(executor: impl PgExecutor<'_>, id: JobId) -> Result<JobRow, QueueError> {
    let found = list(executor, &JobFilter { id: Some(id), ..JobFilter::default() }).await?;
    found.into_iter().next().ok_or(QueueError::NotFound { id })
}

/// Dead letters, newest first.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn dead_list(executor: impl PgExecutor<'_>, filter: &JobFilter) -> Result<Vec<JobRow>, QueueError> {
    list(executor, &JobFilter { state: Some(State::Discarded), ..filter.clone() }).await
}

/// Makes dead letters available again with all their attempts; their failures stay on record. Of several with the same unique
/// key only the newest runs, and none if a living job has the key. Answers how many.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn replay(executor: impl PgExecutor<'_>, filter: &JobFilter) -> Result<u64, QueueError> {
    let replayed = sqlx::query_file!(
        "src/queue/replay.sql",
        filter.id.map(|id| id.0) as Option<Uuid>,
        filter.kind.as_deref() as Option<&str>,
        i64::from(filter.limit.unwrap_or(100)),
        CHANNEL,
        filter.lane.map(Lane::as_str) as Option<&str>,
        filter.error.as_deref() as Option<&str>,
        filter.since,
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("replay dead letters"))?;
    Ok(replayed.len() as u64)
}

/// Cancels a job that waits; asks one that runs to stop, which its heartbeat passes on. A finished job stays as it is.
///
/// # Errors
/// [`QueueError::NotFound`], [`QueueError::Database`].
pub async fn request_cancel(executor: impl PgExecutor<'_>, id: JobId) -> Result<State, QueueError> {
    let state = sqlx::query_scalar!(
        "update jobs
         set cancel_requested_at = case when finished_at is null then clock_timestamp() else cancel_requested_at end,
             finished_at = case when state in ('available', 'scheduled', 'retryable') then clock_timestamp() else finished_at end,
             state = case when state in ('available', 'scheduled', 'retryable') then 'cancelled' else state end
         where id = $1
         returning state",
        id.0,
    )
    .fetch_optional(executor)
    .await
    .map_err(QueueError::database("cancel a job"))?
    .ok_or(QueueError::NotFound { id })?;
    State::parse(&state).ok_or(QueueError::UnknownState { id, state })
}

/// Where a job is in its life; `None` where there is none, or none any more.
///
/// # Errors
/// [`QueueError::UnknownState`], [`QueueError::Database`].
pub async fn state_of(executor: impl PgExecutor<'_>, id: JobId) -> Result<Option<State>, QueueError> {
    let state = sqlx::query_scalar!("select state from jobs where id = $1", id.0)
        .fetch_optional(executor)
        .await
        .map_err(QueueError::database("look for a job"))?;
    state.map(|state| State::parse(&state).ok_or(QueueError::UnknownState { id, state })).transpose()
}

/// Unfinished jobs of a kind.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn unfinished(executor: impl PgExecutor<'_>, kind: &str) -> Result<u64, QueueError> {
    let jobs = sqlx::query_scalar!(r#"select count(*) as "jobs!" from jobs where kind = $1 and finished_at is null"#, kind)
        .fetch_one(executor)
        .await
        .map_err(QueueError::database("count jobs"))?;
    Ok(u64::try_from(jobs).unwrap_or_default())
}

/// Deletes every job of a kind. For measurements, which leave nothing behind.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn forget_kind(executor: impl PgExecutor<'_>, kind: &str) -> Result<u64, QueueError> {
    let done =
        sqlx::query!("delete from jobs where kind = $1", kind).execute(executor).await.map_err(QueueError::database("forget jobs"))?;
    Ok(done.rows_affected())
}

/// A dead letter as operators see it from outside: without its arguments, which may hold what is nobody's business.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    pub id: JobId,
    pub kind: String,
    pub lane: String,
    pub attempts: i32,
    /// The last failures, oldest first: `attempt`, `at`, `error`.
    pub errors: serde_json::Value,
    pub trace_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Dead letters, newest first, or one of them.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn dead_letters(executor: impl PgExecutor<'_>, id: Option<JobId>, limit: i64) -> Result<Vec<DeadLetter>, QueueError> {
    sqlx::query_as!(
        DeadLetter,
        "select id, kind, lane, attempt as attempts, errors, trace_id, created_at, finished_at
         from jobs
         where phase = 'dead' and ($1::uuid is null or id = $1)
         order by finished_at desc
         limit $2",
        id.map(|id| id.0) as Option<Uuid>,
        limit,
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("list dead letters"))
}
