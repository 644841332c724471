//! Claims jobs for the free slots of one program, and little more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use domain::job::Lane;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::claim::claim_from;
use super::detour::Detour;
use super::leases::{Claimed, Leases};
use super::shares::{Queue, Shares};
use super::slots::Slots;
use super::{Ask, Claim, Job, QueueError, claim_limited, events, limited_lanes, stage};

/// At most this many jobs per claim, so that two programs share a burst.
const BATCH: usize = 512;
/// One part in this many of the room is not worth another round trip.
const ENOUGH: usize = 4;
/// To a database that is far, and back: none of it is a walk. A claim that brought something says itself how long it took.
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// How often a busy program looks for what has become due, and for jobs with limits.
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Fetcher {
    pub pool: PgPool,
    /// Kept from claim to claim while there is work, since borrowing one costs a round trip; never while waiting, or a small
    /// pool would have none left for the work itself. Given up after an error.
    pub connection: Option<PoolConnection<Postgres>>,
    pub claim: Claim,
    pub shares: Arc<std::sync::Mutex<Shares>>,
    pub poll: Duration,
    pub slots: Arc<Slots>,
    pub leases: Arc<Leases>,
    /// Stirred by a commit that enqueued something.
    pub wake: Arc<Notify>,
    pub draining: CancellationToken,
    pub claimed: mpsc::UnboundedSender<Claimed>,
    /// When it last looked for what has become due and for jobs with limits.
    pub looked: Option<Instant>,
    pub detour: Detour,
}

/// Whether there is more to claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    More,
    Nothing,
    /// Another program is at the jobs with limits.
    Contended,
}

impl Fetcher {
    /// Until `stop`. A claim in flight is finished first: what it took must be known to be given back.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pauses = pauses();
        let slots = Arc::clone(&self.slots);
        loop {
            if slots.room_now().is_none() {
                self.connection = None;
            }
            let Some(room) = stop.run_until_cancelled(slots.room()).await else { return };
            let wait = match self.fill(room.min(BATCH)).await {
                Ok(found) => {
                    pauses = self::pauses();
                    match found {
                        Found::More => continue,
                        // What was gone round is looked at again before long.
                        Found::Nothing => self.detour.left(Instant::now()).map_or(self.poll, |left| left.min(self.poll)),
                        Found::Contended => LOOK / 10,
                    }
                }
                Err(error) => {
                    // Not back to the pool: it may still wait for its answer.
                    drop(self.connection.take().map(PoolConnection::detach));
                    events::database_trouble("claim", &error);
                    pauses.next().unwrap_or(self.poll)
                }
            };
            self.connection = None;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Claims for at most `room` jobs.
    async fn fill(&mut self, room: usize) -> Result<Found, QueueError> {
        let look = self.looked.is_none_or(|at| at.elapsed() >= LOOK.min(self.poll));
        if look {
            self.looked = Some(Instant::now());
            let lease = self.claim.lease;
            in_time(lease, stage(self.connection().await?)).await?;
        }
        // A program that is busy without them asks for jobs with limits only now and then.
        let waiting = if look { self.waiting_with_limits().await? } else { Vec::new() };
        if self.shares().are_next(&waiting) {
            let (left, limited) = self.fill_within_limits(room, &waiting).await?;
            return Ok(match self.fill_freely(left).await? {
                0 => Found::More,
                after if after < left => Found::More,
                _ => limited,
            });
        }
        let left = self.fill_freely(room).await?;
        let found = if left > room / ENOUGH { Found::Nothing } else { Found::More };
        if left == 0 || (waiting.is_empty() && left < room) {
            return Ok(found);
        }
        let waiting = if look { waiting } else { self.waiting_with_limits().await? };
        let (_, limited) = self.fill_within_limits(left, &waiting).await?;
        Ok(if found == Found::More { found } else { limited })
    }

    /// Lanes where jobs with limits wait. The others hear that they have none.
    async fn waiting_with_limits(&self) -> Result<Vec<Lane>, QueueError> {
        let waiting = in_time(self.claim.lease, limited_lanes(&self.pool, &self.claim)).await?;
        let mut shares = self.shares();
        Lane::ALL.into_iter().filter(|lane| !waiting.contains(lane)).for_each(|lane| shares.answered(Queue::Limited, lane, 1, 0));
        Ok(waiting)
    }

    async fn connection(&mut self) -> Result<&mut PgConnection, QueueError> {
        let open = match self.connection.take() {
            Some(open) => open,
            None => self.pool.acquire().await.map_err(QueueError::database("claim jobs"))?,
        };
        Ok(self.connection.insert(open))
    }

    /// Answers how many slots are left. Lanes that had less than they were asked for leave their slots to the others.
    async fn fill_freely(&mut self, room: usize) -> Result<usize, QueueError> {
        let (mut left, mut exhausted) = (room, Vec::new());
        while left > room / ENOUGH {
            let asks = self.shares().asks(Queue::Free, left, &exhausted);
            if asks.is_empty() {
                break;
            }
            let sent = Instant::now();
            let wanted = self.claim.clone();
            let least = self.detour.begin(&asks, sent);
            let walk = in_time(wanted.lease, claim_from(self.connection().await?, &wanted, &asks, &least)).await?;
            self.detour.ended(&asks, &walk.jobs, walk.took.unwrap_or_else(|| sent.elapsed().saturating_sub(ROUND_TRIP)), sent);
            left -= self.deliver(Queue::Free, walk.jobs, &asks, &mut exhausted, sent);
        }
        Ok(left)
    }

    /// Answers how many slots are left, and whether there may be more.
    async fn fill_within_limits(&self, room: usize, waiting: &[Lane]) -> Result<(usize, Found), QueueError> {
        let mut exhausted: Vec<Lane> = Lane::ALL.into_iter().filter(|lane| !waiting.contains(lane)).collect();
        let mut left = room;
        while left > 0 {
            let asks = self.shares().asks(Queue::Limited, left, &exhausted);
            if asks.is_empty() {
                break;
            }
            let sent = Instant::now();
            let Some(jobs) = in_time(self.claim.lease, claim_limited(&self.pool, &self.claim, &asks)).await? else {
                return Ok((left, if left < room { Found::More } else { Found::Contended }));
            };
            left -= self.deliver(Queue::Limited, jobs, &asks, &mut exhausted, sent);
        }
        Ok((left, if left < room { Found::More } else { Found::Nothing }))
    }

    /// Sends jobs on their way; returns how many.
    fn deliver(&self, queue: Queue, jobs: Vec<Job>, asks: &[Ask], exhausted: &mut Vec<Lane>, sent: Instant) -> usize {
        let mut shares = self.shares();
        for (lane, asked) in asks {
            let got = jobs.iter().filter(|job| job.lane == *lane).count();
            shares.answered(queue, *lane, *asked, got);
            if got < *asked {
                exhausted.push(*lane);
            }
        }
        drop(shares);
        let count = jobs.len();
        for job in jobs {
            let claimed = self.leases.hold(job, self.slots.take(), &self.draining, sent);
            // Nobody listens any more: dropping it stops its heartbeat and the lease expires.
            let _ = self.claimed.send(claimed);
        }
        count
    }

    fn shares(&self) -> std::sync::MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A connection that is silently dead must not stop the claims.
async fn in_time<T>(lease: Duration, query: impl Future<Output = Result<T, QueueError>>) -> Result<T, QueueError> {
    timeout(lease, query)
        .await
        .unwrap_or_else(|_| Err(QueueError::Database { action: "claim jobs in time", source: sqlx::Error::PoolTimedOut }))
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
