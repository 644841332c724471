use std::time::Duration;

use sqlx::PgPool;

use super::QueueError;

/// How long jobs that have ended are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub completed: Duration,
    pub cancelled: Duration,
    /// Dead letters: someone should look at them first.
    pub discarded: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Retention {
    fn default() -> Self {
        Self { completed: DAY, cancelled: DAY * 7, discarded: DAY * 30 }
    }
}

/// Rows of one statement: it holds their locks.
const BATCH: i64 = 5_000;

/// Deletes jobs that ended long enough ago, in short statements. Children of a job that has not ended stay: it will ask how
/// they ended. Answers how many went.
///
/// # Errors
/// [`QueueError::Database`]; what was deleted before it stays deleted.
pub async fn prune(pool: &PgPool, retention: Retention) -> Result<u64, QueueError> {
    let mut pruned = 0;
    loop {
        let deleted = sqlx::query_file!(
            "src/queue/prune.sql",
            retention.completed.as_secs_f64(),
            retention.cancelled.as_secs_f64(),
            retention.discarded.as_secs_f64(),
            BATCH,
        )
        .execute(pool)
        .await
        .map_err(QueueError::database("prune jobs"))?
        .rows_affected();
        pruned += deleted;
        if deleted < BATCH.unsigned_abs() {
            return Ok(pruned);
        }
    }
}
