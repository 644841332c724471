//! The leases that this process holds, and what each attempt is told about its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::ids::JobId;
use tokio_util::sync::CancellationToken;

use super::slots::Slot;
use super::{Heartbeat, Job, Lease};

/// Every lease between claim and settlement; the heartbeat extends exactly these.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: Mutex<HashMap<JobId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    token: i64,
    /// When the database last confirmed it, by this process' monotonic clock.
    confirmed: Instant,
    cancel: CancellationToken,
    lost: CancellationToken,
}

/// A claimed job on its way through the worker. Dropping the last clone ends the heartbeat and frees the slot.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub job: Job,
    pub(super) hold: Arc<Hold>,
}

#[derive(Debug)]
pub(super) struct Hold {
    pub lease: Lease,
    /// Asks the work to stop: shutdown, cancellation, lost lease, time-out.
    pub cancel: CancellationToken,
    /// The lease belongs to someone else now.
    pub lost: CancellationToken,
    /// Set when the worker has completed the job in a transaction of its own.
    pub completed: Arc<AtomicBool>,
    leases: Arc<Leases>,
    _slot: Slot,
}

impl Hold {
    pub fn was_completed(&self) -> bool {
        self.completed.load(Ordering::Relaxed)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.cancel.cancel();
        let mut held = self.leases.lock();
        if held.get(&self.lease.id).is_some_and(|entry| entry.token == self.lease.token) {
            held.remove(&self.lease.id);
        }
    }
}

impl Leases {
    /// `confirmed` is taken before the claim was sent, so that we never believe in a lease longer than the database does.
    pub fn hold(self: &Arc<Self>, job: Job, slot: Slot, draining: &CancellationToken, confirmed: Instant) -> Claimed {
        let (lease, cancel, lost) = (job.lease, draining.child_token(), CancellationToken::new());
        let entry = Entry { token: lease.token, confirmed, cancel: cancel.clone(), lost: lost.clone() };
        self.lock().insert(lease.id, entry);
        Claimed { job, hold: Arc::new(Hold { lease, cancel, lost, completed: Arc::default(), leases: Arc::clone(self), _slot: slot }) }
    }

    /// In the order of their ids.
    pub fn held(&self) -> Vec<Lease> {
        let mut held: Vec<Lease> = self.lock().iter().map(|(id, entry)| Lease { id: *id, token: entry.token }).collect();
        held.sort_unstable_by_key(|lease| lease.id);
        held
    }

    /// Takes note of a heartbeat over `asked` that was sent at `sent`.
    pub fn confirm(&self, asked: &[Lease], answered: &[Heartbeat], sent: Instant) {
        let answered: HashMap<JobId, bool> = answered.iter().map(|beat| (beat.id, beat.cancel_requested)).collect();
        let mut held = self.lock();
        for lease in asked {
            let Some(entry) = held.get_mut(&lease.id).filter(|entry| entry.token == lease.token) else { continue };
            match answered.get(&lease.id) {
                Some(cancel_requested) => {
                    entry.confirmed = sent;
                    if *cancel_requested {
                        entry.cancel.cancel();
                    }
                }
                None => entry.give_up(),
            }
        }
    }

    /// Without an answer from the database for a whole lease, others may have our jobs: stop working on them.
    pub fn give_up_unconfirmed(&self, lease: Duration) {
        self.lock().values().filter(|entry| entry.confirmed.elapsed() >= lease).for_each(Entry::give_up);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Entry>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn give_up(&self) {
        self.lost.cancel();
        self.cancel.cancel();
    }
}
