//! A cache in front of PostgreSQL, which alone is the truth: losing the cache costs time, never data.
//!
//! [`Cache`] holds bytes under text keys; [`Json`] adds types. Every key and its time to live comes from [`keys`]. [`ReadThrough`] is
//! how reads use it: it loads what is missing, once, and never fails for the cache's sake.

mod error;
mod events;
mod flights;
mod following;
mod invalidation;
mod json;
pub mod keys;
mod memory;
mod near;
mod owed;
mod read_through;
mod redis;
pub mod testing;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::config::CacheConfig;
use crate::redis::RedisError;

pub use self::redis::RedisCache;
pub use error::CacheError;
pub use invalidation::Invalidation;
pub use json::Json;
pub use keys::Key;
pub use memory::MemoryCache;
pub use read_through::ReadThrough;

/// The cache that the settings name: Redis, or one inside this process. Within a Tokio runtime.
///
/// # Errors
/// [`RedisError::Address`]; that Redis does not answer yet is none.
pub fn open(config: &CacheConfig) -> Result<Arc<dyn Cache>, RedisError> {
    Ok(match &config.redis_url {
        Some(url) => Arc::new(RedisCache::open(url)?),
        None => Arc::new(MemoryCache::default()),
    })
}

/// Bytes by key, each with its time to live.
#[async_trait]
pub trait Cache: Send + Sync {
    /// `None` if it was never set, was deleted, has expired or was evicted.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError>;

    /// Replaces what is there, and its time to live. A time to live of zero deletes.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    async fn set(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<(), CacheError>;

    /// As [`Cache::set`], but only if nothing is there; whether it was done.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    async fn add(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<bool, CacheError>;

    /// As [`Cache::set`], but only if exactly `expected` is there; whether it was done. No other change comes in between.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    async fn replace(&self, key: &str, expected: &[u8], value: Vec<u8>, time_to_live: Duration) -> Result<bool, CacheError>;

    /// Deleting what is not there is fine.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    async fn delete(&self, key: &str) -> Result<(), CacheError>;

    /// Deletes every key that begins with `prefix`, taken literally: for example all predictions of one store.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    async fn delete_prefix(&self, prefix: &str) -> Result<(), CacheError>;

    /// Whether it did not answer when it was last asked.
    fn is_degraded(&self) -> bool {
        false
    }
}
