use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;

use super::gcra::{Gcra, micros};
use super::{Quota, RateLimiter, Verdict, events};

const SHARDS: usize = 256;
/// Keys in a shard. All in all 131,072 of 16 bytes each, about 4 MB.
const ROOM: usize = 512;

/// The embedded limiter: inside this process, in bounded memory however many keys there are.
///
/// Ours, since `governor` keeps every key until it is told to look for old ones, and one quota per limiter. When a shard is full, the key that is
/// nearest to its whole quota gives way: it loses least. So whoever floods us with ever new keys pushes out his own, and not those
/// that have used their quota up.
///
/// Of a key only a keyed hash is kept. Two keys that share one would share their quota; in a full map the chance is one in 10^14 for each new key.
#[derive(Debug)]
pub struct MemoryLimiter {
    shards: Vec<Mutex<HashMap<u64, u64>>>,
    hasher: RandomState,
    began: Instant,
}

impl Default for MemoryLimiter {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, hasher: RandomState::new(), began: Instant::now() }
    }
}

impl MemoryLimiter {
    /// As [`RateLimiter::take`], for those who cannot wait.
    pub fn take_now(&self, key: &str, quota: Quota) -> Verdict {
        self.take_at(key, quota, micros(self.began.elapsed()))
    }

    fn take_at(&self, key: &str, quota: Quota, now: u64) -> Verdict {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shards[hash as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner);
        let (verdict, due) = Gcra::of(quota).take(shard.get(&hash).copied(), now);
        if let Some(due) = due {
            if shard.len() >= ROOM && !shard.contains_key(&hash) {
                make_room(&mut shard, now);
            }
            shard.insert(hash, due);
        }
        verdict
    }
}

#[async_trait]
impl RateLimiter for MemoryLimiter {
    async fn take(&self, key: &str, quota: Quota) -> Verdict {
        let verdict = self.take_now(key, quota);
        events::taken(&verdict);
        verdict
    }
}

/// First go those that say nothing any more.
fn make_room(shard: &mut HashMap<u64, u64>, now: u64) {
    shard.retain(|_, due| *due > now);
    if shard.len() >= ROOM
        && let Some(nearest) = shard.iter().min_by_key(|(_, due)| **due).map(|(hash, _)| *hash)
    {
        shard.remove(&nearest);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const QUOTA: Quota = Quota { requests: 10, window: Duration::from_secs(60) };

    fn keys(limiter: &MemoryLimiter) -> usize {
        limiter.shards.iter().map(|shard| shard.lock().expect("a shard").len()).sum()
    }

    #[test]
    fn any_number_of_keys_takes_no_more_room_and_do_not_free_who_is_limited() {
        let limiter = MemoryLimiter::default();
        while limiter.take_at("hammering", QUOTA, 0).allowed {}
        for number in 0..300_000_u64 {
            assert!(limiter.take_at(&number.to_string(), QUOTA, number).allowed, "a new key has its quota");
        }
        assert!(keys(&limiter) <= SHARDS * ROOM, "{} keys", keys(&limiter));
        assert!(!limiter.take_at("hammering", QUOTA, 300_000).allowed, "and one that has none left still has none");
    }

    #[test]
    fn keys_whose_quota_is_whole_again_are_dropped_first() {
        let limiter = MemoryLimiter::default();
        for number in 0..2 * SHARDS * ROOM {
            limiter.take_at(&format!("old {number}"), QUOTA, 0);
        }
        let later = micros(QUOTA.window);
        for number in 0..SHARDS * ROOM / 2 {
            limiter.take_at(&format!("new {number}"), QUOTA, later);
        }
        let known = (0..SHARDS * ROOM / 2).filter(|number| limiter.take_at(&format!("new {number}"), QUOTA, later).remaining == 8).count();
        assert_eq!(known, SHARDS * ROOM / 2, "none of the new ones was forgotten");
    }
}
