//! What every request needs.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use payments::Payments;
use platform::cache::ReadThrough;
use platform::clock::SharedClock;
use platform::config::HttpConfig;
use platform::db::tenant::ServePool;
use platform::limits::RateLimiter;
use platform::objects::Objects;
use platform::telemetry::Metrics;

use crate::access::{Auth, Unsigned};
use crate::front::Front;
use crate::http::AtHand;
use crate::live::Live;

/// What all requests share, as routes take it: a clone is a pointer.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// The services, and what was made with them.
pub struct Shared {
    services: Services,
    pub(crate) at_hand: AtHand,
    pub(crate) unsigned: Unsigned,
}

impl From<Services> for AppState {
    fn from(services: Services) -> Self {
        let unsigned = Unsigned::at_most(services.limits.requests_a_minute);
        Self(Arc::new(Shared { services, at_hand: AtHand::default(), unsigned }))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Deref for Shared {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

/// What the API works with.
#[derive(Clone)]
pub struct Services {
    /// Pool of the serving role (`platform::database::Database::serve`): it sees what row-level security lets through, and
    /// nothing outside of a transaction that names the caller.
    pub db: ServePool,
    /// In front of it.
    pub cache: ReadThrough,
    /// Who watches what happens.
    pub live: Live,
    pub clock: SharedClock,
    /// Renders the process's metrics.
    pub metrics: Metrics,
    pub limits: Limits,
    pub auth: Arc<Auth>,
    /// Counts what people ask, on all machines.
    pub limiter: Arc<dyn RateLimiter>,
    pub front: Arc<Front>,
    /// Over the same pool.
    pub payments: Payments,
    pub objects: Arc<dyn Objects>,
}

/// Bounds on what one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the head of a request is there: who sends it letter by letter holds a connection for so long, and no longer.
    pub head: Duration,
    /// Until the response begins; then it is a 503.
    pub timeout: Duration,
    /// Largest request body; beyond it is a 413.
    pub body_bytes: usize,
    /// Of one user, or one address.
    pub requests_a_minute: u32,
    /// Live streams of one user.
    pub streams_a_person: usize,
    /// How long a dependency may take to answer a probe before it counts as down.
    pub probe: Duration,
    /// How long requests in flight may go on after the server was told to stop.
    pub drain: Duration,
}

/// What takes more than other routes: a thousand orders, a picture.
const LARGE: [(&str, usize); 2] = [("/orders/bulk", 2 << 20), ("/users/me/avatar", 256 << 10)];

impl Limits {
    /// Largest body of a request to this path.
    pub(crate) fn body_bytes_of(&self, path: &str) -> usize {
        let large = LARGE.into_iter().find(|(end, _)| path.ends_with(end));
        large.map_or(self.body_bytes, |(_, bytes)| self.body_bytes.max(bytes))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            timeout: Duration::from_secs(15),
            body_bytes: 64 * 1024,
            requests_a_minute: 300,
            streams_a_person: 10,
            probe: Duration::from_secs(1),
            drain: Duration::from_secs(10),
        }
    }
}

impl From<&HttpConfig> for Limits {
    fn from(config: &HttpConfig) -> Self {
        Self {
            timeout: Duration::from_secs(config.request_timeout_seconds),
            drain: Duration::from_secs(config.shutdown_seconds),
            requests_a_minute: config.requests_a_minute,
            streams_a_person: config.streams_a_person,
            ..Self::default()
        }
    }
}
