use std::time::Duration;

use domain::ids::JobId;
use sqlx::PgExecutor;

use super::{Job, Lease, QueueError};

/// What a worker is ready to take.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Kinds that this program knows. A job of another kind stays for a newer program.
    pub kinds: Vec<String>,
    /// Empty means every lane.
    pub lanes: Vec<String>,
    /// Host, process and a random part.
    pub worker: String,
    pub lease: Duration,
}

/// Takes up to `limit` due jobs in one short statement, most urgent first. Each counts as an attempt from now on.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn claim(executor: impl PgExecutor<'_>, claim: &Claim, limit: usize) -> Result<Vec<Job>, QueueError> {
    let rows = sqlx::query_file!(
        "src/queue/claim.sql",
        &claim.kinds,
        &claim.lanes,
        i64::try_from(limit).unwrap_or(i64::MAX),
        claim.worker,
        claim.lease.as_secs_f64(),
    )
    .fetch_all(executor)
    .await
    .map_err(QueueError::database("claim jobs"))?;
    Ok(rows
        .into_iter()
        .map(|row| Job {
            lease: Lease { id: JobId(row.id), token: row.lease_token },
            kind: row.kind,
            args: row.args,
            attempt: count(row.attempt),
            max_attempts: count(row.max_attempts),
            trace_id: row.trace_id,
        })
        .collect())
}

/// Attempts come from a `u16` and are checked by the table.
pub(super) fn count(attempts: i32) -> u16 {
    u16::try_from(attempts).unwrap_or(u16::MAX)
}
