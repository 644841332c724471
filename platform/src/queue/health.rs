//! How the queue is, lane by lane, and what someone should look at.

use std::time::Duration;

use domain::job::Lane;
use serde::Serialize;
use sqlx::PgExecutor;

use super::QueueError;

/// A lease that ran out this long ago has nobody to rescue it.
const STUCK: Duration = Duration::from_secs(60);

/// One lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneHealth {
    pub lane: String,
    /// Due and not begun.
    pub waiting: i64,
    /// Seconds since the first of them was due.
    pub oldest_wait_seconds: f64,
    /// Not due yet, or to be tried again.
    pub later: i64,
    pub running: i64,
    /// Running by their row, with a lease that ran out long ago.
    pub stuck: i64,
    pub dead: i64,
}

/// Something that someone should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// As in `dead_letters`; the same in metrics.
    pub name: &'static str,
    pub detail: String,
    /// What to do.
    pub hint: String,
}

/// Every lane that has anything.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn health(executor: impl PgExecutor<'_>) -> Result<Vec<LaneHealth>, QueueError> {
    sqlx::query_file_as!(LaneHealth, "src/queue/health.sql", STUCK.as_secs_f64())
        .fetch_all(executor)
        .await
        .map_err(QueueError::database("look at the queue"))
}

/// How long a due job of a lane may wait.
#[must_use]
pub fn patience(lane: &str) -> Duration {
    let minutes = match lane.parse() {
        Ok(Lane::Interactive) => 1,
        Ok(Lane::Nightly) => 10,
        Ok(Lane::Backfill) => 6 * 60,
        Ok(Lane::Default) | Err(_) => 15,
    };
    Duration::from_secs(minutes * 60)
}

/// What is wrong, lane by lane.
#[must_use]
pub fn alerts(lanes: &[LaneHealth]) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for lane in lanes {
        let name = &lane.lane;
        if lane.dead > 0 {
            let detail = format!("{} dead letters in lane {name}", lane.dead);
            alerts.push(Alert { name: "dead_letters", detail, hint: format!("viralcast dead list --lane {name}") });
        }
        if lane.stuck > 0 {
            let detail = format!("{} jobs of lane {name} belong to workers that are gone, and nobody takes them over", lane.stuck);
            alerts.push(Alert { name: "stuck_leases", detail, hint: "start a worker: viralcast work".to_owned() });
        }
        if lane.oldest_wait_seconds > patience(name).as_secs_f64() {
            let detail = format!("{} jobs of lane {name} wait, the first for {:.0} minutes", lane.waiting, lane.oldest_wait_seconds / 60.0);
            alerts.push(Alert { name: "growing_lag", detail, hint: "start more workers: viralcast work".to_owned() });
        }
    }
    alerts
}
