//! Keeps leases alive and rescues those of silent workers, in a task of its own: neither a full buffer nor a busy worker
//! delays it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::leases::Leases;
use super::{QueueError, Rescued, events, heartbeat, rescue};

/// Beats three times per lease until `stop`; after an error sooner.
pub(super) async fn keep(pool: PgPool, leases: Arc<Leases>, lease: Duration, stop: CancellationToken) {
    let (calm, worried) = (lease / 3, (lease / 10).min(Duration::from_secs(1)));
    let mut wait = calm;
    while stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
        wait = match beat(&pool, &leases, lease).await {
            Ok(rescued) => {
                rescued.iter().for_each(events::rescued);
                calm
            }
            Err(error) => {
                leases.give_up_unconfirmed(lease);
                events::database_trouble("heartbeat", &error);
                worried
            }
        };
    }
}

async fn beat(pool: &PgPool, leases: &Leases, lease: Duration) -> Result<Vec<Rescued>, QueueError> {
    let (held, sent) = (leases.held(), Instant::now());
    if !held.is_empty() {
        let answered = in_time(lease, heartbeat(pool, &held, lease)).await?;
        leases.confirm(&held, &answered, sent);
    }
    in_time(lease, rescue(pool)).await
}

/// A connection that is silently dead must not stop the heart.
async fn in_time<T>(lease: Duration, query: impl Future<Output = Result<T, QueueError>>) -> Result<T, QueueError> {
    timeout(lease / 3, query)
        .await
        .unwrap_or_else(|_| Err(QueueError::Database { action: "answer in time", source: sqlx::Error::PoolTimedOut }))
}
