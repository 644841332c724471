//! Room of one program: how many jobs run, and how many more are claimed ahead of that.
//!
//! A claim costs a round trip, so short jobs are claimed ahead: as many as will have begun within [`AHEAD`]. Long jobs are never
//! claimed ahead; they would wait here while another program is idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// What is claimed ahead should have begun after this long.
const AHEAD: Duration = Duration::from_millis(50);
/// However short jobs are.
const MOST_AHEAD: usize = 1024;
/// What has not begun by then was claimed by mistake and goes back.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Slots {
    concurrency: usize,
    running: Arc<Semaphore>,
    /// Claimed and not settled.
    held: AtomicUsize,
    freed: Notify,
    /// Mean time of a job in microseconds, exponentially weighted.
    mean: AtomicU64,
}

/// Room for one claimed job, from claim to settlement.
#[derive(Debug)]
pub(super) struct Slot(Arc<Slots>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

impl Slots {
    pub fn new(concurrency: usize) -> Arc<Self> {
        let concurrency = concurrency.max(1);
        Arc::new(Self {
            concurrency,
            running: Arc::new(Semaphore::new(concurrency)),
            held: AtomicUsize::new(0),
            freed: Notify::new(),
            mean: AtomicU64::new(micros(AHEAD) * 64),
        })
    }

    /// For how many jobs there is room; `None` while a claim is not worth its round trip.
    pub fn room_now(&self) -> Option<usize> {
        let ahead = self.ahead();
        let room = (self.concurrency + ahead).saturating_sub(self.held.load(Ordering::Acquire));
        (room > ahead / 2).then_some(room)
    }

    /// Waits until a claim is worth its round trip.
    pub async fn room(&self) -> usize {
        loop {
            if let Some(room) = self.room_now() {
                return room;
            }
            self.freed.notified().await;
        }
    }

    pub fn take(self: &Arc<Self>) -> Slot {
        self.held.fetch_add(1, Ordering::AcqRel);
        Slot(Arc::clone(self))
    }

    /// The right to run, in the order of asking. `None` if the wait is longer than it should ever be: another program may be
    /// idle. Then nothing is claimed ahead until jobs have become short again.
    pub async fn begin(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Some(permit);
        }
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.running).acquire_owned()).await {
            Ok(permit) => permit.ok(),
            Err(_) => {
                self.mean.store(micros(PATIENCE) * 64, Ordering::Relaxed);
                None
            }
        }
    }

    /// Takes note of how long a job ran.
    pub fn ran(&self, took: Duration) {
        let mean = self.mean.load(Ordering::Relaxed);
        self.mean.store((mean * 15 + micros(took)) / 16, Ordering::Relaxed);
    }

    fn ahead(&self) -> usize {
        let fits = self.concurrency as u64 * micros(AHEAD) / self.mean.load(Ordering::Relaxed).max(1);
        usize::try_from(fits).unwrap_or(MOST_AHEAD).min(MOST_AHEAD)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_short_jobs_are_claimed_ahead() {
        let slots = Slots::new(4);
        assert_eq!(slots.room().await, 4, "before anything is known");
        (0..200).for_each(|_| slots.ran(Duration::from_millis(1)));
        assert!(slots.room().await >= 150, "{}", slots.room().await);
        (0..200).for_each(|_| slots.ran(Duration::from_secs(5)));
        assert_eq!(slots.room().await, 4);
        let held: Vec<Slot> = (0..4).map(|_| slots.take()).collect();
        assert!(tokio::time::timeout(Duration::from_millis(20), slots.room()).await.is_err(), "full");
        drop(held);
        assert_eq!(slots.room().await, 4);
    }

    #[tokio::test]
    async fn a_job_that_would_wait_long_is_told_so() {
        let slots = Slots::new(1);
        let running = slots.begin().await.expect("room");
        assert!(slots.begin().await.is_none());
        drop(running);
        assert!(slots.begin().await.is_some());
    }
}
