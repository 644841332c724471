use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use moka::Expiry;
use moka::future::Cache as Moka;
use moka::ops::compute::{CompResult, Op};

use super::{Cache, CacheError};

/// The embedded cache: in this process, bounded by bytes, evicting what is used least.
#[derive(Debug, Clone)]
pub struct MemoryCache {
    entries: Moka<String, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    value: Arc<[u8]>,
    time_to_live: Duration,
}

impl MemoryCache {
    /// Holds about `bytes` of keys and values.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let weigh = |key: &String, entry: &Entry| u32::try_from(key.len() + entry.value.len()).unwrap_or(u32::MAX);
        Self { entries: Moka::builder().max_capacity(bytes).weigher(weigh).expire_after(PerEntry).build() }
    }
}

impl Default for MemoryCache {
    /// 64 MiB.
    fn default() -> Self {
        Self::new(64 << 20)
    }
}

/// Changes of one key go one after the other: a value that replaces another cannot come after a deletion that it has not seen.
impl MemoryCache {
    async fn change(&self, key: &str, decide: impl FnOnce(Option<&[u8]>) -> Op<Entry> + Send) -> bool {
        let now = |entry: Option<moka::Entry<String, Entry>>| {
            ready(decide(entry.map(moka::Entry::into_value).as_ref().map(|entry| &*entry.value)))
        };
        let changed = self.entries.entry_by_ref(key).and_compute_with(now).await;
        matches!(changed, CompResult::Inserted(_) | CompResult::ReplacedWith(_))
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        Ok(self.entries.get(key).await.map(|entry| entry.value.to_vec()))
    }

    async fn set(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<(), CacheError> {
        if time_to_live.is_zero() {
            return self.delete(key).await;
        }
        self.change(key, |_| put(value, time_to_live)).await;
        Ok(())
    }

    async fn add(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<bool, CacheError> {
        Ok(self.change(key, |there| if there.is_none() { put(value, time_to_live) } else { Op::Nop }).await)
    }

    async fn replace(&self, key: &str, expected: &[u8], value: Vec<u8>, time_to_live: Duration) -> Result<bool, CacheError> {
        Ok(self.change(key, |there| if there == Some(expected) { put(value, time_to_live) } else { Op::Nop }).await)
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        self.change(key, |_| Op::Remove).await;
        Ok(())
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<(), CacheError> {
        let keys: Vec<Arc<String>> = self.entries.iter().map(|(key, _)| key).filter(|key| key.starts_with(prefix)).collect();
        for key in keys {
            self.delete(key.as_str()).await?;
        }
        Ok(())
    }
}

fn put(value: Vec<u8>, time_to_live: Duration) -> Op<Entry> {
    Op::Put(Entry { value: value.into(), time_to_live })
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
