//! Fan-out and fan-in: a job that runs when others have ended.

use domain::ids::JobId;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use super::{CHANNEL, NewJob, QueueError, State, enqueue_all};

/// What became of [`enqueue_family`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    pub parent: JobId,
    /// The children that are new. One whose unique key was taken is not waited for: it belongs to whoever queued it first.
    pub children: Vec<JobId>,
}

/// How the children of a job have ended so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Children {
    pub completed: u64,
    pub cancelled: u64,
    pub discarded: u64,
    pub unfinished: u64,
}

/// Queues `children` and a `parent` that becomes available when the last of them has ended, however each ended; at once if none
/// is new. In the caller's transaction.
///
/// # Errors
/// [`QueueError::Contended`] if a parent with this unique key is unfinished, [`QueueError::Database`].
pub async fn enqueue_family(connection: &mut PgConnection, children: Vec<NewJob>, parent: NewJob) -> Result<Family, QueueError> {
    let id = parent.id();
    let children: Vec<NewJob> = children.into_iter().map(|child| child.child_of(id)).collect();
    let children = enqueue_all(connection, &children).await?;
    let parent = parent.waiting_for(children.len());
    match enqueue_all(connection, std::slice::from_ref(&parent)).await?.pop() {
        Some(parent) => Ok(Family { parent, children }),
        None => Err(QueueError::Contended { kind: parent.kind(), key: parent.unique_key() }),
    }
}

/// Counts the children of a job.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn children(executor: impl PgExecutor<'_>, parent: JobId) -> Result<Children, QueueError> {
    let rows = sqlx::query!(r#"select state, count(*) as "jobs!" from jobs where parent_id = $1 group by state"#, parent.0)
        .fetch_all(executor)
        .await
        .map_err(QueueError::database("count the children of a job"))?;
    let mut counts = Children::default();
    for row in rows {
        let count = u64::try_from(row.jobs).unwrap_or_default();
        match State::parse(&row.state) {
            Some(State::Completed) => counts.completed += count,
            Some(State::Cancelled) => counts.cancelled += count,
            Some(State::Discarded) => counts.discarded += count,
            _ => counts.unfinished += count,
        }
    }
    Ok(counts)
}

/// Makes children of a job available now that wait for a later time.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn hurry_children(executor: impl PgExecutor<'_>, parent: JobId) -> Result<(), QueueError> {
    sqlx::query!(
        "with hurried as (
             update jobs set state = 'available', run_at = clock_timestamp()
             where parent_id = $1 and state in ('scheduled', 'retryable')
             returning lane
         )
         select pg_notify($2, lane)::text as woken from hurried group by lane",
        parent.0,
        CHANNEL,
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("hurry jobs"))?;
    Ok(())
}
