//! Deliveries of programs that could not show who they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::ClientAddress;
use crate::error::ApiError;

const WINDOW: Duration = Duration::from_secs(60);
const NETWORKS: u64 = 10_000;
/// Deliveries of networks that have sent too much which are looked at at a time.
const TURNS: usize = 2;

/// How many each network has sent lately, by this machine's count. Deliveries that are signed cost nobody anything: a shop may sell as much
/// as it likes.
pub(crate) struct Unsigned {
    sent: Cache<String, Arc<AtomicU32>>,
    most: u32,
    turns: Semaphore,
}

impl Unsigned {
    /// As many of one network in a window as it may ask anything else.
    pub fn at_most(most: u32) -> Self {
        Self { sent: Cache::builder().max_capacity(NETWORKS).time_to_live(WINDOW).build(), most, turns: Semaphore::new(TURNS) }
    }

    /// Before a delivery is looked at: those of networks that have sent too much wait for each other, and take no connection from anybody else.
    /// Hold it until that is done.
    pub async fn turn(&self, address: ClientAddress) -> Option<SemaphorePermit<'_>> {
        let sent = self.sent.get(&address.network()).map_or(0, |sent| sent.load(Ordering::Relaxed));
        if sent < self.most { None } else { self.turns.acquire().await.ok() }
    }

    /// Counts one that was not signed; how it is refused. Not before it was looked at: others of that network, a vendor's cloud, may sign theirs.
    pub fn refuse(&self, address: ClientAddress, refusal: ApiError) -> ApiError {
        let before = self.sent.get_with(address.network(), Arc::default).fetch_add(1, Ordering::Relaxed);
        metrics::counter!("webhooks_refused_total").increment(1);
        if before < self.most { refusal } else { ApiError::TooManyAttempts { after: WINDOW } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_sends_too_much_is_told_and_others_are_not() {
        let unsigned = Unsigned::at_most(60);
        let of = |last: u8| ClientAddress(Some([203, 0, 113, last].into()));
        for sent in 0..60 {
            assert!(matches!(unsigned.refuse(of(9), ApiError::Unsigned), ApiError::Unsigned), "{sent}");
        }
        assert!(matches!(unsigned.refuse(of(9), ApiError::Unsigned), ApiError::TooManyAttempts { .. }));
        assert!(matches!(unsigned.refuse(of(8), ApiError::Unsigned), ApiError::Unsigned));
    }

    #[tokio::test]
    async fn networks_that_sent_too_much_take_turns_and_others_do_not_wait() {
        let unsigned = Unsigned::at_most(1);
        let of = |last: u8| ClientAddress(Some([203, 0, 113, last].into()));
        unsigned.refuse(of(9), ApiError::Unsigned);
        let held = [unsigned.turn(of(9)).await, unsigned.turn(of(9)).await];
        assert!(held.iter().all(Option::is_some));
        let mut third = std::pin::pin!(unsigned.turn(of(9)));
        assert!(futures::poll!(&mut third).is_pending());
        assert!(unsigned.turn(of(8)).await.is_none(), "nobody else waits");
        drop(held);
        assert!(third.await.is_some());
    }
}
