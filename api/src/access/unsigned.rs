//! Deliveries of programs that could not show who they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::ClientAddress;
use crate::error::ApiError;

const WINDOW: Duration = Duration::from_secs(60);
/// Of one network in a window. Whoever has set up a till, or the gateway, wrongly sees why long before.
const MOST: u32 = 60;
const NETWORKS: u64 = 10_000;

/// How many each network has sent lately, by this machine's count. Deliveries that are signed cost nobody anything: a shop may sell as much
/// as it likes.
pub(crate) struct Unsigned(Cache<String, Arc<AtomicU32>>);

impl Default for Unsigned {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(NETWORKS).time_to_live(WINDOW).build())
    }
}

impl Unsigned {
    /// Before anything is looked up for a delivery.
    ///
    /// # Errors
    /// [`ApiError::TooManyAttempts`].
    pub fn check(&self, address: ClientAddress) -> Result<(), ApiError> {
        let sent = self.0.get(&address.network()).map_or(0, |sent| sent.load(Ordering::Relaxed));
        if sent < MOST { Ok(()) } else { Err(ApiError::TooManyAttempts { after: WINDOW }) }
    }

    /// Counts one; the refusal of it.
    pub fn refuse(&self, address: ClientAddress, refusal: ApiError) -> ApiError {
        self.0.get_with(address.network(), Arc::default).fetch_add(1, Ordering::Relaxed);
        metrics::counter!("webhooks_refused_total").increment(1);
        self.check(address).err().unwrap_or(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_sends_too_much_is_heard_no_more_and_others_are() {
        let unsigned = Unsigned::default();
        let of = |last: u8| ClientAddress(Some([203, 0, 113, last].into()));
        for sent in 1..MOST {
            assert!(matches!(unsigned.refuse(of(9), ApiError::Unsigned), ApiError::Unsigned), "{sent}");
        }
        assert!(unsigned.check(of(9)).is_ok());
        assert!(matches!(unsigned.refuse(of(9), ApiError::Unsigned), ApiError::TooManyAttempts { .. }));
        assert!(unsigned.check(of(9)).is_err() && unsigned.check(of(8)).is_ok());
    }
}
