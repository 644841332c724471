//! Deliveries of programs that could not show who they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::ClientAddress;
use crate::error::ApiError;

const WINDOW: Duration = Duration::from_secs(60);
const NETWORKS: u64 = 10_000;

/// How many each network has sent lately, by this machine's count. Deliveries that are signed cost nobody anything: a shop may sell as much
/// as it likes.
pub(crate) struct Unsigned {
    sent: Cache<String, Arc<AtomicU32>>,
    most: u32,
}

impl Unsigned {
    /// As many of one network in a window as it may ask anything else.
    pub fn at_most(most: u32) -> Self {
        Self { sent: Cache::builder().max_capacity(NETWORKS).time_to_live(WINDOW).build(), most }
    }

    /// Before anything is looked up for a delivery.
    ///
    /// # Errors
    /// [`ApiError::TooManyAttempts`].
    pub fn check(&self, address: ClientAddress) -> Result<(), ApiError> {
        let sent = self.sent.get(&address.network()).map_or(0, |sent| sent.load(Ordering::Relaxed));
        if sent < self.most { Ok(()) } else { Err(ApiError::TooManyAttempts { after: WINDOW }) }
    }

    /// Counts one; the refusal of it.
    pub fn refuse(&self, address: ClientAddress, refusal: ApiError) -> ApiError {
        self.sent.get_with(address.network(), Arc::default).fetch_add(1, Ordering::Relaxed);
        metrics::counter!("webhooks_refused_total").increment(1);
        self.check(address).err().unwrap_or(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_sends_too_much_is_heard_no_more_and_others_are() {
        let unsigned = Unsigned::at_most(60);
        let of = |last: u8| ClientAddress(Some([203, 0, 113, last].into()));
        for sent in 1..60 {
            assert!(matches!(unsigned.refuse(of(9), ApiError::Unsigned), ApiError::Unsigned), "{sent}");
        }
        assert!(unsigned.check(of(9)).is_ok());
        assert!(matches!(unsigned.refuse(of(9), ApiError::Unsigned), ApiError::TooManyAttempts { .. }));
        assert!(unsigned.check(of(9)).is_err() && unsigned.check(of(8)).is_ok());
    }
}
