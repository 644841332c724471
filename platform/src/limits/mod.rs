//! How often someone may ask: a quota that refills evenly (GCRA), counted by Redis for many machines or inside the process.
//!
//! A key may ask `requests` times at once and gets them back one by one over the window. Taking never fails and never hangs: where Redis
//! does not answer, the same quota is counted inside each process.

mod events;
mod gcra;
mod memory;
mod redis;
pub mod testing;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::config::CacheConfig;
use crate::redis::RedisError;

pub use self::redis::RedisLimiter;
pub use memory::MemoryLimiter;

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// None at all if it is zero.
    pub requests: u32,
    pub window: Duration,
}

/// What became of one request, and what the headers `RateLimit`, `RateLimit-Policy` and `Retry-After` tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub allowed: bool,
    /// The quota's requests.
    pub limit: u32,
    /// How many more are allowed right now.
    pub remaining: u32,
    /// Until the whole quota is there again if nothing is asked meanwhile.
    pub reset_after: Duration,
    /// Until one more is allowed; zero for one that was.
    pub retry_after: Duration,
}

/// Counts requests.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// One request of `key`, for example a user or an address. A key belongs to one quota: for another choose another key.
    async fn take(&self, key: &str, quota: Quota) -> Verdict;

    /// Whether each process counts for itself because what they share does not answer.
    fn is_degraded(&self) -> bool {
        false
    }
}

/// The limiter that the settings name: one that all processes share through Redis, or one inside this process. Within a Tokio runtime.
///
/// # Errors
/// [`RedisError::Address`]; that Redis does not answer yet is none.
pub fn open(config: &CacheConfig) -> Result<Arc<dyn RateLimiter>, RedisError> {
    Ok(match &config.redis_url {
        Some(url) => Arc::new(RedisLimiter::open(url)?),
        None => Arc::new(MemoryLimiter::default()),
    })
}
