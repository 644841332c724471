use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::ids::JobId;
use domain::job::{JobArgs, Lane, Limit};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{CHANNEL, QueueError};

/// How a job is queued; the defaults suit most.
#[derive(Debug, Clone, Default)]
pub struct EnqueueOptions {
    /// `None` is the kind's own.
    pub lane: Option<Lane>,
    /// Smaller runs first, -60 to 60; one step is worth a minute of waiting.
    pub priority: i16,
    /// Not before this instant; `None` is now by the database's clock.
    pub run_at: Option<DateTime<Utc>>,
    /// `None` is the kind's own.
    pub max_attempts: Option<u16>,
    /// W3C trace id of the request or tick that causes the job.
    pub trace_id: Option<String>,
}

/// The job that will do the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    pub id: JobId,
    /// An unfinished job with the same kind and unique key was there already; nothing was written.
    pub existed: bool,
}

/// A job that is not in the queue yet, whatever its kind.
#[derive(Debug, Clone, Serialize)]
pub struct NewJob {
    id: Uuid,
    kind: &'static str,
    args: serde_json::Value,
    lane: Lane,
    priority: i16,
    run_at: Option<DateTime<Utc>>,
    max_attempts: u16,
    unique_key: Option<String>,
    trace_id: Option<String>,
    backoff_base: f64,
    backoff_max: f64,
    limit_keys: Vec<String>,
    limit_counts: Vec<u16>,
    parent_id: Option<Uuid>,
    children_left: usize,
    is_kept: bool,
}

impl NewJob {
    /// # Errors
    /// [`QueueError::Arguments`] if the arguments have no JSON form.
    pub fn of<A: JobArgs>(args: &A, options: EnqueueOptions) -> Result<Self, QueueError> {
        let json = serde_json::to_value(args).map_err(|source| QueueError::Arguments { kind: A::KIND, source })?;
        let base = A::BACKOFF_BASE.max(Duration::from_millis(1));
        let (limit_keys, limit_counts) = args.limits().into_iter().map(|Limit { key, count }| (key, count.max(1))).unzip();
        Ok(Self {
            id: JobId::new().0,
            kind: A::KIND,
            args: json,
            lane: options.lane.unwrap_or(A::LANE),
            priority: options.priority.clamp(-60, 60),
            run_at: options.run_at,
            max_attempts: options.max_attempts.unwrap_or(A::MAX_ATTEMPTS).max(1),
            unique_key: args.unique_key(),
            trace_id: options.trace_id,
            backoff_base: base.as_secs_f64(),
            backoff_max: A::BACKOFF_MAX.max(base).as_secs_f64(),
            limit_keys,
            limit_counts,
            parent_id: None,
            children_left: 0,
            is_kept: A::IS_KEPT,
        })
    }

    #[must_use]
    pub fn id(&self) -> JobId {
        JobId(self.id)
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn unique_key(&self) -> String {
        self.unique_key.clone().unwrap_or_default()
    }

    pub(super) fn child_of(mut self, parent: JobId) -> Self {
        self.parent_id = Some(parent.0);
        // The parent will ask how it ended.
        self.is_kept = true;
        self
    }

    pub(super) fn waiting_for(mut self, children: usize) -> Self {
        self.children_left = children;
        self
    }
}

/// Queues a job in the caller's transaction. Workers are woken when it commits.
///
/// # Errors
/// [`QueueError::Arguments`] if the arguments have no JSON form, [`QueueError::Database`] otherwise.
pub async fn enqueue<A: JobArgs>(connection: &mut PgConnection, args: &A, options: EnqueueOptions) -> Result<Enqueued, QueueError> {
    enqueue_new(connection, &NewJob::of(args, options)?).await
}

/// As [`enqueue`], for a job whose kind is known only at run time.
///
/// # Errors
/// [`QueueError::Contended`], [`QueueError::Database`].
pub async fn enqueue_new(connection: &mut PgConnection, new: &NewJob) -> Result<Enqueued, QueueError> {
    // A duplicate may finish between our insert, which it blocks, and our look at it: then there is room for a new one.
    for _ in 0..5 {
        if let Some(id) = enqueue_all(connection, std::slice::from_ref(new)).await?.pop() {
            return Ok(Enqueued { id, existed: false });
        }
        if let Some(id) = unfinished(connection, new).await? {
            return Ok(Enqueued { id, existed: true });
        }
    }
    Err(QueueError::Contended { kind: new.kind, key: new.unique_key() })
}

/// Queues any number of jobs in one statement, and answers which are new: those whose unique key was free.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn enqueue_all(connection: &mut PgConnection, new: &[NewJob]) -> Result<Vec<JobId>, QueueError> {
    let inserted = sqlx::query_file!("src/queue/enqueue.sql", sqlx::types::Json(new) as _, CHANNEL)
        .fetch_all(connection)
        .await
        .map_err(QueueError::database("enqueue jobs"))?;
    Ok(inserted.into_iter().map(|row| JobId(row.id)).collect())
}

async fn unfinished(connection: &mut PgConnection, new: &NewJob) -> Result<Option<JobId>, QueueError> {
    sqlx::query_scalar!(
        "select id from jobs
         where kind = $1 and unique_key = $2 and finished_at is null",
        new.kind,
        new.unique_key,
    )
    .fetch_optional(connection)
    .await
    .map(|id| id.map(JobId))
    .map_err(QueueError::database("look for the same job"))
}
