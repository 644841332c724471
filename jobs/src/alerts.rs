//! What someone should look at: the queue, the ticks, and stores without a plan.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use platform::clock::SharedClock;
use platform::db::DbError;
use platform::db::published_runs::unserved_stores;
use platform::db::schedule_ticks::late_ticks;
use platform::queue::{self, Alert, LaneHealth, QueueError};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::events;

/// How often [`watch`] looks.
const LOOK: Duration = Duration::from_secs(60);

/// Why it could not be looked.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error("the queue could not be looked at")]
    Queue(#[from] QueueError),
    #[error("the database could not be looked at")]
    Database(#[from] DbError),
}

/// The queue's lanes and everything that is wrong now.
///
/// # Errors
/// [`AlertError`].
pub async fn look(pool: &PgPool, now: DateTime<Utc>) -> Result<(Vec<LaneHealth>, Vec<Alert>), AlertError> {
    let lanes = queue::health(pool).await?;
    let mut alerts = queue::alerts(&lanes);
    let late = late_ticks(pool, now - TimeDelta::days(1)).await?;
    if let Some(tick) = late.first() {
        let detail = format!("{} ticks of the last day were late, the last one {} at {}", late.len(), tick.job, tick.fire_at);
        alerts.push(Alert { name: "late_ticks", detail, hint: "viralcast runs list --state failed".to_owned() });
    }
    let unserved = unserved_stores(pool, now).await?;
    if !unserved.is_empty() {
        let detail = format!("no plan for today after 04:30: {}", unserved.join(", "));
        alerts.push(Alert { name: "stores_without_a_plan", detail, hint: "viralcast run nightly --store NAME".to_owned() });
    }
    Ok((lanes, alerts))
}

/// Keeps the gauges of this process current and says once when something begins to be wrong, until `shutdown`.
pub async fn watch(pool: PgPool, clock: SharedClock, shutdown: CancellationToken) {
    let mut known = BTreeSet::new();
    loop {
        match look(&pool, clock.now()).await {
            Ok((lanes, alerts)) => {
                events::queue_seen(&lanes, &alerts);
                let now: BTreeSet<&'static str> = alerts.iter().map(|alert| alert.name).collect();
                alerts.iter().filter(|alert| !known.contains(alert.name)).for_each(events::alerted);
                known = now;
            }
            Err(error) => events::alerts_failed(&error),
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}
