//! Values as the program uses them, nearest to it: nothing to decode, nobody to ask. Only where this process hears what others change.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache as Moka;

use super::{Invalidation, Key, keys};

#[derive(Clone)]
struct Entry {
    value: Arc<dyn Any + Send + Sync>,
    /// Bytes of its JSON form: about what it holds in memory.
    bytes: usize,
    time_to_live: Duration,
}

/// Bounded by bytes; what is used least goes first.
pub(super) struct Near {
    entries: Moka<String, Entry>,
    /// How often something was forgotten that keys are made of.
    version: AtomicU64,
}

impl Near {
    pub fn new(bytes: u64) -> Self {
        let weigh = |key: &String, entry: &Entry| u32::try_from(key.len() + entry.bytes).unwrap_or(u32::MAX);
        Self { entries: Moka::builder().max_capacity(bytes).weigher(weigh).expire_after(PerEntry).build(), version: AtomicU64::new(0) }
    }

    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// `None` also if a value of another type is there.
    pub fn get<T: Clone + 'static>(&self, name: &str) -> Option<T> {
        self.entries.get(name)?.value.downcast_ref::<T>().cloned()
    }

    pub fn keep(&self, key: &Key, value: Arc<dyn Any + Send + Sync>, bytes: usize) {
        self.entries.insert(key.name.clone(), Entry { value, bytes, time_to_live: key.time_to_live });
    }

    pub fn forget(&self, what: &Invalidation) {
        match what {
            Invalidation::Key(name) => self.entries.invalidate(name),
            Invalidation::Prefix(prefix) if prefix.is_empty() => self.entries.invalidate_all(),
            Invalidation::Prefix(prefix) => {
                for (name, _) in self.entries.iter().filter(|(name, _)| name.starts_with(prefix)) {
                    self.entries.invalidate(&*name);
                }
            }
        }
        // Last: a key that was made of what is gone has the version of before.
        if keys::is_of_keys(what) {
            self.version.fetch_add(1, Ordering::SeqCst);
        }
    }
}

struct PerEntry;

impl Expiry<String, Entry> for PerEntry {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.time_to_live)
    }

    fn expire_after_update(&self, _: &String, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.time_to_live)
    }
}
