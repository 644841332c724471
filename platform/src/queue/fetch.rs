//! Claims jobs for the free slots of one worker, and nothing more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use sqlx::PgPool;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::leases::{Claimed, Leases};
use super::{Claim, Job, QueueError, claim, events};

/// At most this many jobs per claim, so that two programs share a burst.
const BATCH: usize = 32;

pub(super) struct Fetcher {
    pub pool: PgPool,
    pub claim: Claim,
    pub poll: Duration,
    pub slots: Arc<Semaphore>,
    pub leases: Arc<Leases>,
    /// Stirred by a commit that enqueued something.
    pub wake: Arc<Notify>,
    pub draining: CancellationToken,
    pub claimed: mpsc::UnboundedSender<Claimed>,
}

impl Fetcher {
    /// Until `stop`. A claim in flight is finished first: what it took must be known to be given back.
    pub async fn run(self, stop: CancellationToken) {
        let mut pauses = pauses();
        while let Some(slots) = stop.run_until_cancelled(self.free_slots()).await {
            let wait = match self.claim_for(slots).await {
                Ok(exhausted) => {
                    pauses = self::pauses();
                    if !exhausted {
                        continue;
                    }
                    self.poll
                }
                Err(error) => {
                    events::database_trouble("claim", &error);
                    pauses.next().unwrap_or(self.poll)
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.wake.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    async fn free_slots(&self) -> Vec<OwnedSemaphorePermit> {
        let mut slots = Vec::new();
        // The semaphore is never closed, so an error cannot come; without a slot we would just wait for the next round.
        slots.extend(Arc::clone(&self.slots).acquire_owned().await.ok());
        while slots.len() < BATCH
            && let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned()
        {
            slots.push(slot);
        }
        slots
    }

    /// True if there are no more due jobs for now.
    async fn claim_for(&self, slots: Vec<OwnedSemaphorePermit>) -> Result<bool, QueueError> {
        let (asked, sent) = (slots.len(), Instant::now());
        let jobs = self.claim_in_time(asked).await?;
        let exhausted = jobs.len() < asked;
        for (job, slot) in jobs.into_iter().zip(slots) {
            let claimed = self.leases.hold(job, slot, &self.draining, sent);
            // Nobody listens any more: dropping it stops its heartbeat and the lease expires.
            let _ = self.claimed.send(claimed);
        }
        Ok(exhausted)
    }

    async fn claim_in_time(&self, limit: usize) -> Result<Vec<Job>, QueueError> {
        timeout(self.claim.lease, claim(&self.pool, &self.claim, limit))
            .await
            .unwrap_or_else(|_| Err(QueueError::Database { action: "claim jobs in time", source: sqlx::Error::PoolTimedOut }))
    }
}

/// Between failed claims: 100 ms doubling to 5 s, for as long as it takes.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build()
}
