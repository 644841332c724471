//! Loads that are under way in this process: whoever wants the same meanwhile waits for the one that runs.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{Cache, Invalidation};

/// A value or an error, of the types of whoever loaded it.
pub(super) type Landed = Result<Arc<dyn Any + Send + Sync>, Arc<dyn Any + Send + Sync>>;

/// One load. If the one who loads goes away, a waiting one takes over: that is what [`OnceCell`] does.
pub(super) struct Flight {
    /// Holds the value's place in the cache while the load runs.
    pub lease: Vec<u8>,
    pub landed: OnceCell<Landed>,
}

/// No JSON text begins with it.
const LEASE: u8 = 0;

pub(super) fn is_lease(value: &[u8]) -> bool {
    value.first() == Some(&LEASE)
}

pub(super) struct Flights {
    cache: Arc<dyn Cache>,
    listed: Mutex<HashMap<String, Arc<Flight>>>,
}

impl Flights {
    pub fn over(cache: Arc<dyn Cache>) -> Self {
        Self { cache, listed: Mutex::default() }
    }

    /// The load of `name` that is under way, or a new one.
    pub fn board(&self, name: &str) -> Seat<'_> {
        let mut flights = self.lock();
        let flight = flights.entry(name.to_owned()).or_insert_with(|| {
            let lease = [&[LEASE], Uuid::now_v7().as_bytes().as_slice()].concat();
            Arc::new(Flight { lease, landed: OnceCell::new() })
        });
        Seat { flights: self, name: name.to_owned(), flight: Arc::clone(flight) }
    }

    /// Whoever comes from now on does not get what was loaded before.
    pub fn detach(&self, what: &Invalidation) {
        match what {
            Invalidation::Key(name) => drop(self.lock().remove(name)),
            Invalidation::Prefix(_) => self.lock().retain(|name, _| !what.covers(name)),
        }
    }

    /// Does something unless the flight was detached; nobody detaches it meanwhile.
    pub fn while_listed(&self, name: &str, flight: &Arc<Flight>, act: impl FnOnce()) {
        let listed = self.lock();
        if listed.get(name).is_some_and(|listed| Arc::ptr_eq(listed, flight)) {
            act();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Flight>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a lease back: it ends at once, if it is still there.
async fn give_back(cache: Arc<dyn Cache>, name: String, lease: Vec<u8>) {
    // Where the cache does not answer, the lease ends by itself.
    let _ = cache.replace(&name, &lease, lease.clone(), Duration::from_millis(1)).await;
}

/// One of those who wait for a load. The last to leave clears up, also when all of them are cancelled.
pub(super) struct Seat<'a> {
    flights: &'a Flights,
    name: String,
    pub flight: Arc<Flight>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut listed = self.flights.lock();
        // Seats are only taken under this lock, so nobody boards while we look. Two hold the flight: the list, and who leaves.
        let is_last = Arc::strong_count(&self.flight) == 2;
        let has_landed = self.flight.landed.initialized();
        if !listed.get(&self.name).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) || !(has_landed || is_last) {
            return;
        }
        listed.remove(&self.name);
        if !has_landed && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(give_back(Arc::clone(&self.flights.cache), self.name.clone(), self.flight.lease.clone()));
        }
    }
}
