//! Completes jobs in batches: while one statement is under way, the next one gathers.

use std::collections::HashSet;
use std::time::Duration;

use domain::chain;
use domain::ids::JobId;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Lease, QueueError};

/// For an answer of the database.
const PATIENCE: Duration = Duration::from_secs(10);
/// Jobs of one statement.
const BATCH: usize = 1024;

/// What became of a completion.
pub(super) enum Completed {
    Done,
    LeaseLost,
    /// The database did not answer; `reason` in words, since many share it.
    Failed {
        reason: String,
    },
}

/// Hands completions to the task that writes them.
#[derive(Debug, Clone)]
pub(super) struct Settler(mpsc::UnboundedSender<Request>);

struct Request {
    lease: Lease,
    is_kept: bool,
    answer: oneshot::Sender<Completed>,
}

impl Settler {
    /// The task ends with the last clone.
    pub fn start(pool: PgPool) -> Self {
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(write(pool, requests));
        Self(sender)
    }

    pub async fn complete(&self, lease: Lease, is_kept: bool) -> Completed {
        let (answer, answered) = oneshot::channel();
        // Neither can fail while this clone lives, but for a runtime that is being torn down.
        let _ = self.0.send(Request { lease, is_kept, answer });
        answered.await.unwrap_or(Completed::Failed { reason: "the runtime is stopping".to_owned() })
    }
}

async fn write(pool: PgPool, mut requests: mpsc::UnboundedReceiver<Request>) {
    let mut batch = Vec::new();
    // Kept from batch to batch while there are any, since borrowing one costs a round trip. Given up after an error.
    let mut line: Option<PoolConnection<Postgres>> = None;
    while requests.recv_many(&mut batch, BATCH).await > 0 {
        let (kept, forgotten): (Vec<Request>, Vec<Request>) = batch.drain(..).partition(|request| request.is_kept);
        if !kept.is_empty() {
            let done = in_time(async { complete_all(connection(&pool, &mut line).await?, &leases(&kept)).await }).await;
            if done.is_err() {
                drop(line.take().map(PoolConnection::detach));
            }
            answer(kept, &done);
        }
        if !forgotten.is_empty() {
            let done = in_time(async { forget_all(connection(&pool, &mut line).await?, &leases(&forgotten)).await }).await;
            if done.is_err() {
                drop(line.take().map(PoolConnection::detach));
            }
            answer(forgotten, &done);
        }
        if requests.is_empty() {
            line = None;
        }
    }
}

async fn connection<'a>(pool: &PgPool, line: &'a mut Option<PoolConnection<Postgres>>) -> Result<&'a mut PgConnection, QueueError> {
    let open = match line.take() {
        Some(open) => open,
        None => pool.acquire().await.map_err(QueueError::database("complete jobs"))?,
    };
    Ok(line.insert(open))
}

/// A connection that is silently dead must not hold up every completion of the program.
async fn in_time<T>(query: impl Future<Output = Result<T, QueueError>>) -> Result<T, QueueError> {
    timeout(PATIENCE, query)
        .await
        .unwrap_or_else(|_| Err(QueueError::Database { action: "complete jobs in time", source: sqlx::Error::PoolTimedOut }))
}

/// In the order of their ids, as the heartbeat's: two statements over the same rows then wait for each other and never in a ring.
fn leases(requests: &[Request]) -> Vec<Lease> {
    let mut leases: Vec<Lease> = requests.iter().map(|request| request.lease).collect();
    leases.sort_unstable_by_key(|lease| lease.id);
    leases
}

fn answer(requests: Vec<Request>, done: &Result<HashSet<JobId>, QueueError>) {
    for request in requests {
        let completed = match done {
            Ok(done) if done.contains(&request.lease.id) => Completed::Done,
            Ok(_) => Completed::LeaseLost,
            Err(error) => Completed::Failed { reason: chain(error) },
        };
        // Who asked may have been dropped.
        let _ = request.answer.send(completed);
    }
}

/// Completes those of the jobs whose lease still holds, and answers which are complete. A worker may have completed its job in
/// the transaction of its effects already: the same token says so, and nothing is written.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn complete_all(executor: impl PgExecutor<'_>, leases: &[Lease]) -> Result<HashSet<JobId>, QueueError> {
    let ids: Vec<Uuid> = leases.iter().map(|lease| lease.id.0).collect();
    let tokens: Vec<i64> = leases.iter().map(|lease| lease.token).collect();
    let done = sqlx::query_scalar!(
        r#"with held as (
               select * from unnest($1::uuid[], $2::bigint[]) as held (id, token)
           ), done as (
               update jobs
               set state = 'completed', finished_at = clock_timestamp(), lease_until = null
               from held
               where jobs.id = held.id and jobs.lease_token = held.token and jobs.lease_until is not null
               returning jobs.id
           )
           select id as "id!" from done
           union all
           select jobs.id from jobs join held on jobs.id = held.id and jobs.lease_token = held.token where jobs.state = 'completed'"#,
        &ids,
        &tokens,
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("complete jobs"))?;
    Ok(done.into_iter().map(JobId).collect())
}

/// As [`complete_all`], for jobs that leave nothing behind.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn forget_all(executor: impl PgExecutor<'_>, leases: &[Lease]) -> Result<HashSet<JobId>, QueueError> {
    let ids: Vec<Uuid> = leases.iter().map(|lease| lease.id.0).collect();
    let tokens: Vec<i64> = leases.iter().map(|lease| lease.token).collect();
    let done = sqlx::query_scalar!(
        "delete from jobs using unnest($1::uuid[], $2::bigint[]) as held (id, token)
         where jobs.id = held.id and jobs.lease_token = held.token and jobs.lease_until is not null
         returning jobs.id",
        &ids,
        &tokens,
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("complete jobs"))?;
    Ok(done.into_iter().map(JobId).collect())
}
