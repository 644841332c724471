//! Streams of what happens in a store, as server-sent events (WHATWG HTML, section 9.2): each event with its place, so that who comes back
//! goes on from there.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::sse::Event;
use futures::Stream;
use platform::bus::live::{Found, LiveEvent, Watch, Watching, live_events};
use platform::bus::outbox::Cursor;
use platform::db::tenant::{ServePool, Tenant};
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::ApiError;

/// Streams of one process. An idle one takes 46 KiB (docs/benchmarks.md).
const STREAMS: usize = 20_000;
/// Events that are read at once.
const BATCH: u32 = 100;
/// While something older may still appear, it is looked for again after so long, then twice as long, up to the longest.
const AGAIN: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Who watches what happens. Clones are the same one.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    watch: Arc<Watch>,
    stopping: CancellationToken,
    places: Arc<Semaphore>,
    by_person: Mutex<HashMap<Uuid, usize>>,
}

/// A place for a stream, until it is dropped.
pub(crate) struct Place {
    live: Live,
    person: Uuid,
    _permit: OwnedSemaphorePermit,
}

impl Live {
    /// Streams end when `stop` is cancelled. `direct` must reach the server past any pooler.
    #[must_use]
    pub fn start(direct: PgPool, stop: CancellationToken) -> Self {
        let watch = Watch::start(direct, stop.clone());
        let places = Arc::new(Semaphore::new(STREAMS));
        Self(Arc::new(Inner { watch, stopping: stop, places, by_person: Mutex::default() }))
    }

    /// # Errors
    /// [`ApiError::TooManyAttempts`] for who has too many open, [`ApiError::Busy`] where all places are taken.
    pub(crate) fn place(&self, person: Uuid, most: usize) -> Result<Place, ApiError> {
        let permit = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| ApiError::Busy)?;
        let mut by_person = self.0.by_person.lock().unwrap_or_else(PoisonError::into_inner);
        let open = by_person.entry(person).or_default();
        if *open >= most {
            return Err(ApiError::TooManyAttempts { after: Duration::from_secs(30) });
        }
        *open += 1;
        metrics::gauge!("live_streams").increment(1.0);
        Ok(Place { live: self.clone(), person, _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_person = self.live.0.by_person.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = by_person.get_mut(&self.person) {
            *open -= 1;
            if *open == 0 {
                by_person.remove(&self.person);
            }
        }
        metrics::gauge!("live_streams").decrement(1.0);
    }
}

/// What a stream shows, of which store and to whom.
pub(crate) struct Shown {
    pub place: Place,
    pub db: ServePool,
    pub tenant: Tenant,
    pub store: Uuid,
    /// Everything up to here is known.
    pub cursor: Cursor,
    /// What is said first.
    pub greeting: &'static str,
    /// When the token that opened it ends: the stream ends with it, and whoever may still see it opens another.
    pub until: Instant,
}

/// Events as they commit, without end but for the server's or the token's.
pub(crate) fn stream(shown: Shown) -> impl Stream<Item = Result<Event, Infallible>> {
    let greeting = Event::default().event(shown.greeting).id(shown.cursor.to_string()).data("{}");
    let watching = shown.place.live.0.watch.of(shown.store);
    let open = Open { shown, watching, waiting: VecDeque::from([greeting]), again: Some(Duration::ZERO) };
    futures::stream::unfold(open, |mut open| async { open.next().await.map(|event| (Ok(event), open)) })
}

struct Open {
    shown: Shown,
    watching: Watching,
    waiting: VecDeque<Event>,
    /// After how long to look even if nobody wakes.
    again: Option<Duration>,
}

impl Open {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            tokio::select! {
                () = self.shown.place.live.0.stopping.cancelled() => return None,
                () = sleep_until(self.shown.until) => return None,
                () = self.watching.woken() => self.again = Some(Duration::ZERO),
                () = pause(self.again) => {}
            }
            match self.look().await {
                Ok(found) => self.take(found),
                // Whoever watches comes back, and goes on where it was.
                Err(error) => {
                    tracing::warn!(error = %domain::chain(&error), "a live stream ends because its events cannot be read");
                    return None;
                }
            }
        }
    }

    async fn look(&self) -> Result<Found, ApiError> {
        let mut transaction = self.shown.db.begin_read(self.shown.tenant).await?;
        live_events(&mut *transaction, self.shown.store, &self.shown.cursor, BATCH).await.map_err(ApiError::Bus)
    }

    fn take(&mut self, found: Found) {
        let is_full = found.events.len() >= BATCH as usize;
        self.again = match (is_full, found.held_back) {
            (true, _) => Some(Duration::ZERO),
            (false, true) => Some(self.again.map_or(AGAIN, |last| (2 * last).clamp(AGAIN, LONGEST))),
            (false, false) => None,
        };
        if let Some(last) = found.events.last() {
            self.shown.cursor = last.cursor.clone();
        }
        self.waiting.extend(found.events.iter().map(told));
    }
}

async fn pause(long: Option<Duration>) {
    match long {
        Some(long) => sleep(long).await,
        None => std::future::pending().await,
    }
}

fn told(event: &LiveEvent) -> Event {
    let data = json!({ "occurred_at": event.occurred_at, "payload": event.payload });
    Event::default().event(&event.name).id(event.cursor.to_string()).data(data.to_string())
}
