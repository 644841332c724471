//! A cache in front of PostgreSQL, which alone is the truth: losing the cache costs time, never data.
//!
//! [`Cache`] holds bytes under text keys; [`Json`] adds types. Every key and its time to live comes from [`keys`].

mod error;
mod json;
pub mod keys;
mod memory;
pub mod testing;

use std::time::Duration;

use async_trait::async_trait;

pub use error::CacheError;
pub use json::Json;
pub use keys::Key;
pub use memory::MemoryCache;

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
}
