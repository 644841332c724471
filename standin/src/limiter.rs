//! What one address may ask for in a minute, shared by the services that count it.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::http::Extensions;

/// The last minute's requests of each address, with what each of them counts for.
pub(crate) struct Limiter {
    per_minute: usize,
    clients: Mutex<HashMap<IpAddr, VecDeque<(Instant, usize)>>>,
}

impl Limiter {
    pub(crate) fn per_minute(per_minute: usize) -> Self {
        Limiter { per_minute, clients: Mutex::default() }
    }

    /// Whether a request that counts for `weight` still fits into this minute; one that does not is not counted.
    pub(crate) fn allows(&self, client: IpAddr, weight: usize, now: Instant) -> bool {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = clients.entry(client).or_default();
        while recent.front().is_some_and(|(first, _)| now.duration_since(*first) >= Duration::from_secs(60)) {
            recent.pop_front();
        }
        let used: usize = recent.iter().map(|(_, weight)| weight).sum();
        // One heavy request alone is let through, as it could never be made otherwise.
        let allowed = used + weight <= self.per_minute || used == 0;
        if allowed {
            recent.push_back((now, weight));
        }
        allowed
    }
}

/// The address that asks; without a connection (in-process tests) the loopback.
pub(crate) fn client(extensions: &Extensions) -> IpAddr {
    extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixty_first_request_of_a_minute_waits_for_the_next() {
        let limiter = Limiter::per_minute(60);
        let (here, there) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
        let start = Instant::now();
        assert!((0..60).all(|_| limiter.allows(here, 1, start)));
        assert!(!limiter.allows(here, 1, start + Duration::from_secs(59)));
        assert!(limiter.allows(there, 1, start));
        assert!(limiter.allows(here, 1, start + Duration::from_secs(60)));
    }

    #[test]
    fn heavy_requests_count_for_several() {
        let limiter = Limiter::per_minute(10);
        let (here, start) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Instant::now());
        assert!(limiter.allows(here, 25, start), "alone it is let through");
        assert!(!limiter.allows(here, 1, start));
    }
}
