//! Keeps leases alive and rescues those of silent workers, in a task of its own: neither a full buffer nor a busy worker
//! delays it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::leases::Leases;
use super::rescue::AT_ONCE;
use super::{QueueError, events, heartbeat, rescue};

/// Looking for jobs of silent workers walks over all that is due, since no index tells what runs: each claim would have to pay for
/// it. It costs a twentieth of the time at most, but for a rest that is never longer than a lease.
const REST: u32 = 20;

/// Beats three times per lease until `stop`; after an error sooner.
pub(super) async fn keep(pool: PgPool, leases: Arc<Leases>, lease: Duration, stop: CancellationToken) {
    let (calm, worried) = (lease / 3, (lease / 10).min(Duration::from_secs(1)));
    let (mut wait, mut next_look) = (calm, Instant::now());
    while stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
        let begun = Instant::now();
        wait = match turn(&pool, &leases, lease, &mut next_look).await {
            // A long look must not make the next beat late.
            Ok(()) => calm.saturating_sub(begun.elapsed()),
            Err(error) => {
                leases.give_up_unconfirmed(lease);
                events::database_trouble("heartbeat", &error);
                worried
            }
        };
    }
}

async fn turn(pool: &PgPool, leases: &Leases, lease: Duration, next_look: &mut Instant) -> Result<(), QueueError> {
    let (held, sent) = (leases.held(), Instant::now());
    if !held.is_empty() {
        let answered = in_time(lease, heartbeat(pool, &held, lease)).await?;
        leases.confirm(&held, &answered, sent);
    }
    if Instant::now() >= *next_look { look(pool, lease, next_look).await } else { Ok(()) }
}

async fn look(pool: &PgPool, lease: Duration, next_look: &mut Instant) -> Result<(), QueueError> {
    // Until then the next beats come first, whatever becomes of this.
    *next_look = Instant::now() + lease / 3;
    let mut line = in_time(lease, async { pool.acquire().await.map_err(QueueError::database("rescue jobs of silent workers")) }).await?;
    let begun = Instant::now();
    let rescued = in_time(lease, rescue(&mut *line)).await;
    *next_look = begun + (begun.elapsed() * REST).min(lease);
    match rescued {
        Ok(rescued) => {
            rescued.iter().for_each(events::rescued);
            if rescued.len() >= AT_ONCE {
                *next_look = begun;
            }
            Ok(())
        }
        Err(error) => {
            // Not back to the pool: it may still wait for its answer.
            drop(line.detach());
            Err(error)
        }
    }
}

/// A connection that is silently dead must not stop the heart.
async fn in_time<T>(lease: Duration, query: impl Future<Output = Result<T, QueueError>>) -> Result<T, QueueError> {
    timeout(lease / 3, query)
        .await
        .unwrap_or_else(|_| Err(QueueError::Database { action: "answer in time", source: sqlx::Error::PoolTimedOut }))
}
