use std::time::Duration;

use domain::ids::JobId;
use domain::job::Lane;
use sqlx::PgExecutor;

use super::{CHANNEL, Job, Lease, QueueError};

/// What a worker is ready to take.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Kinds that this program knows. A job of another kind stays for a newer program.
    pub kinds: Vec<String>,
    /// Host, process and a random part.
    pub worker: String,
    pub lease: Duration,
}

/// At most this many jobs of a lane.
pub type Ask = (Lane, usize);

/// Takes due jobs that have no limits to keep, in one short statement, those of each lane that waited longest for their
/// priority. Each counts as an attempt from now on.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn claim(executor: impl PgExecutor<'_>, claim: &Claim, asks: &[Ask]) -> Result<Vec<Job>, QueueError> {
    Ok(claim_from(executor, claim, asks, &vec![f64::NEG_INFINITY; asks.len()]).await?.jobs)
}

/// What a claim brought.
pub(super) struct Walk {
    pub jobs: Vec<Job>,
    /// For finding and taking them, as the server says: waiting for the disk is not in it. `None` where there were none.
    pub took: Option<Duration>,
}

/// As [`claim`], from these places of the lanes on.
pub(super) async fn claim_from(executor: impl PgExecutor<'_>, claim: &Claim, asks: &[Ask], least: &[f64]) -> Result<Walk, QueueError> {
    let (lanes, jobs) = columns(asks);
    let rows =
        sqlx::query_file_as!(Row, "src/queue/claim.sql", &claim.kinds, &lanes, &jobs, claim.worker, claim.lease.as_secs_f64(), least)
            .fetch_all(executor)
            .await
            .map_err(QueueError::database("claim jobs"))?;
    let took = rows.last().map(|last| Duration::try_from_secs_f64(last.took).unwrap_or_default());
    Ok(Walk { jobs: rows.into_iter().map(Row::job).collect(), took })
}

/// Makes scheduled and retryable jobs available whose time has come, at most a thousand, and wakes workers. Answers how many.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn stage(executor: impl PgExecutor<'_>) -> Result<u64, QueueError> {
    let row =
        sqlx::query_file!("src/queue/stage.sql", CHANNEL).fetch_one(executor).await.map_err(QueueError::database("stage due jobs"))?;
    Ok(u64::try_from(row.staged).unwrap_or_default())
}

pub(super) fn columns(asks: &[Ask]) -> (Vec<String>, Vec<i32>) {
    asks.iter().map(|(lane, jobs)| (lane.as_str().to_owned(), i32::try_from(*jobs).unwrap_or(i32::MAX))).unzip()
}

/// A claimed row.
pub(super) struct Row {
    pub id: uuid::Uuid,
    pub kind: String,
    pub args: serde_json::Value,
    pub lane: String,
    pub attempt: i32,
    pub max_attempts: i32,
    pub lease_token: i64,
    pub trace_id: Option<String>,
    pub is_kept: bool,
    pub claim_order: f64,
    pub waited: f64,
    pub took: f64,
}

impl Row {
    pub fn job(self) -> Job {
        Job {
            lease: Lease { id: JobId(self.id), token: self.lease_token },
            kind: self.kind,
            args: self.args,
            // Only lanes that were asked for come back.
            lane: self.lane.parse().unwrap_or(Lane::Default),
            attempt: count(self.attempt),
            max_attempts: count(self.max_attempts),
            trace_id: self.trace_id,
            is_kept: self.is_kept,
            place: self.claim_order,
            waited: Duration::try_from_secs_f64(self.waited).unwrap_or_default(),
        }
    }
}

/// Attempts come from a `u16` and are checked by the table.
pub(super) fn count(attempts: i32) -> u16 {
    u16::try_from(attempts).unwrap_or(u16::MAX)
}
