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

/// Pages of one statement: it holds the locks of what it deletes.
const PAGES: i64 = 500;

/// Deletes jobs that ended long enough ago, in short statements that together read the table once: no index is kept for it, since
/// every job would pay for that. Children of a job that has not ended stay: it will ask how they ended. Answers how many went.
///
/// # Errors
/// [`QueueError::Database`]; what was deleted before it stays deleted.
pub async fn prune(pool: &PgPool, retention: Retention) -> Result<u64, QueueError> {
    let pages = sqlx::query_scalar!(r#"select pg_relation_size('jobs') / current_setting('block_size')::bigint as "pages!""#)
        .fetch_one(pool)
        .await
        .map_err(QueueError::database("prune jobs"))?;
    let mut pruned = 0;
    for first in (0..pages).step_by(PAGES as usize) {
        let done = sqlx::query_file!(
            "src/queue/prune.sql",
            retention.completed.as_secs_f64(),
            retention.cancelled.as_secs_f64(),
            retention.discarded.as_secs_f64(),
            first,
            PAGES,
        )
        .execute(pool)
        .await
        .map_err(QueueError::database("prune jobs"))?;
        pruned += done.rows_affected();
    }
    Ok(pruned)
}
