use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::ids::JobId;
use domain::job::JobArgs;
use sqlx::PgConnection;

use super::{CHANNEL, QueueError};

/// How a job is queued; the defaults suit most.
#[derive(Debug, Clone)]
pub struct EnqueueOptions {
    /// Workers may be told to serve some lanes only.
    pub lane: String,
    /// Smaller runs first.
    pub priority: i16,
    /// Not before this instant; `None` is now by the database's clock.
    pub run_at: Option<DateTime<Utc>>,
    /// `None` is the kind's own.
    pub max_attempts: Option<u16>,
    /// W3C trace id of the request or tick that causes the job.
    pub trace_id: Option<String>,
}

impl Default for EnqueueOptions {
    fn default() -> Self {
        Self { lane: "default".to_owned(), priority: 0, run_at: None, max_attempts: None, trace_id: None }
    }
}

/// The job that will do the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    pub id: JobId,
    /// An unfinished job with the same kind and unique key was there already; nothing was written.
    pub existed: bool,
}

/// Queues a job in the caller's transaction. Workers are woken when it commits.
///
/// # Errors
/// [`QueueError::Arguments`] if the arguments have no JSON form, [`QueueError::Database`] otherwise.
pub async fn enqueue<A: JobArgs>(connection: &mut PgConnection, args: &A, options: EnqueueOptions) -> Result<Enqueued, QueueError> {
    let new = NewJob::of(args, options)?;
    // A duplicate may finish between our insert, which it blocks, and our look at it: then there is room for a new one.
    for _ in 0..5 {
        if let Some(id) = insert(connection, &new).await? {
            return Ok(Enqueued { id, existed: false });
        }
        if let Some(id) = unfinished(connection, &new).await? {
            return Ok(Enqueued { id, existed: true });
        }
    }
    Err(QueueError::Contended { kind: A::KIND, key: new.unique_key.unwrap_or_default() })
}

struct NewJob {
    kind: &'static str,
    args: serde_json::Value,
    unique_key: Option<String>,
    max_attempts: i32,
    backoff_base: f64,
    backoff_max: f64,
    options: EnqueueOptions,
}

impl NewJob {
    fn of<A: JobArgs>(args: &A, options: EnqueueOptions) -> Result<Self, QueueError> {
        let json = serde_json::to_value(args).map_err(|source| QueueError::Arguments { kind: A::KIND, source })?;
        let base = A::BACKOFF_BASE.max(Duration::from_millis(1));
        Ok(Self {
            kind: A::KIND,
            args: json,
            unique_key: args.unique_key(),
            max_attempts: i32::from(options.max_attempts.unwrap_or(A::MAX_ATTEMPTS).max(1)),
            backoff_base: base.as_secs_f64(),
            backoff_max: A::BACKOFF_MAX.max(base).as_secs_f64(),
            options,
        })
    }
}

async fn insert(connection: &mut PgConnection, new: &NewJob) -> Result<Option<JobId>, QueueError> {
    let inserted = sqlx::query_file!(
        "src/queue/enqueue.sql",
        JobId::new().0,
        new.kind,
        new.args,
        new.options.lane,
        new.options.priority,
        new.options.run_at,
        new.max_attempts,
        new.unique_key,
        new.options.trace_id,
        new.backoff_base,
        new.backoff_max,
        CHANNEL,
    )
    .fetch_optional(connection)
    .await
    .map_err(QueueError::database("enqueue a job"))?;
    Ok(inserted.map(|row| JobId(row.id)))
}

async fn unfinished(connection: &mut PgConnection, new: &NewJob) -> Result<Option<JobId>, QueueError> {
    sqlx::query_scalar!(
        "select id from jobs
         where kind = $1 and unique_key = $2 and state not in ('completed', 'cancelled', 'discarded')",
        new.kind,
        new.unique_key,
    )
    .fetch_optional(connection)
    .await
    .map(|id| id.map(JobId))
    .map_err(QueueError::database("look for the same job"))
}
