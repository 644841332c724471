//! How often someone may try a password or have a mail sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::future::Cache;
use sha2::{Digest, Sha256};

use super::ClientAddress;
use crate::error::ApiError;

#[derive(Clone)]
pub struct Attempts {
    counts: Cache<String, Arc<AtomicU32>>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { counts: Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(60)).build() }
    }
}

impl Attempts {
    pub(crate) async fn check(&self, address: ClientAddress, account: &str) -> Result<(), ApiError> {
        let account = hex::encode(&Sha256::digest(account.to_lowercase().as_bytes())[..16]);
        for key in [address.text().unwrap_or_default(), account] {
            let count = self.counts.get_with(key, async { Arc::default() }).await;
            if count.fetch_add(1, Ordering::Relaxed) >= 10 {
                return Err(ApiError::TooManyAttempts { after: Duration::from_secs(60) });
            }
        }
        Ok(())
    }
}
