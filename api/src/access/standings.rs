//! What people may do just now, remembered while the database tells of every change of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use moka::future::Cache;
use platform::auth::{AccessClaims, AuthError};
use platform::cache::{Invalidation, ReadThrough, keys};
use platform::clock::SharedClock;
use platform::db::tenant::{ServePool, Tenant};
use platform::db::users::{Standing, standing};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::error::ApiError;

/// How long something is remembered. A sign-out, another role, another password are heard as they commit, on whichever machine; this is the
/// backstop, and by so much a session may outlive its term.
const LIFE: Duration = Duration::from_secs(60);
/// The same while nobody is heard: by so much a sign-out by way of another machine is late then. On this one it is at once.
const DEAF_LIFE: Duration = Duration::from_secs(5);
/// Whoever asks after this share of it is answered from memory, and it is asked anew behind their back: nobody who asks steadily ever waits.
const DUE: f64 = 0.6;

/// Whom it is remembered of: a person, and the session they came with.
type Key = (Uuid, Uuid);

/// Clones remember the same.
#[derive(Clone)]
pub(super) struct Standings(Arc<Inner>);

struct Inner {
    db: ServePool,
    changes: ReadThrough,
    clock: SharedClock,
    known: Cache<Key, Arc<Known>>,
    forgotten: Forgotten,
    /// Who waits for a standing, their own or the same as others: as many as may wait for a connection.
    asking: Semaphore,
}

struct Known {
    standing: Arc<Standing>,
    /// Before the database was asked: what changed since may not be in it.
    asked_at: Instant,
    is_asked_anew: AtomicBool,
}

impl Known {
    /// To the first who asks once it is due.
    fn should_be_asked_anew(&self, life: Duration) -> bool {
        self.asked_at.elapsed() >= life.mul_f64(DUE) && !self.is_asked_anew.swap(true, Ordering::Relaxed)
    }

    /// Seconds, as in the token: what was issued in the very second is refused by its session, which was ended with it.
    fn accepts(&self, claims: &AccessClaims) -> bool {
        self.standing.is_signed_in && self.standing.tokens_valid_from.is_none_or(|from| claims.iat >= from.timestamp())
    }
}

impl Standings {
    /// Of at most so many sessions, by the pool of the serving role. `changes` tells whom to forget.
    pub(super) fn new(db: ServePool, changes: ReadThrough, clock: SharedClock, most: u64) -> Self {
        let asking = Semaphore::new(db.places());
        let known = Cache::builder().max_capacity(most).time_to_live(LIFE).build();
        let heard = changes.forgotten();
        let inner = Arc::new(Inner { db, changes, clock, known, forgotten: Forgotten::default(), asking });
        tokio::spawn(hear(Arc::downgrade(&inner), heard));
        Self(inner)
    }

    /// What a person in a session may do now. Many requests of one session ask the database once.
    pub(super) async fn of(&self, claims: &AccessClaims) -> Result<Arc<Standing>, ApiError> {
        let known = match self.remembered(claims).await {
            Some(known) => known,
            None => Box::pin(self.wait_for((claims.sub, claims.sid))).await?,
        };
        if known.accepts(claims) { Ok(Arc::clone(&known.standing)) } else { Err(AuthError::InvalidToken.into()) }
    }

    /// The same if it is remembered and the session is not over.
    pub(super) async fn at_hand(&self, claims: &AccessClaims) -> Option<Arc<Standing>> {
        let known = self.remembered(claims).await.filter(|known| known.accepts(claims))?;
        Some(Arc::clone(&known.standing))
    }

    /// What still counts; it is asked anew where it is due.
    async fn remembered(&self, claims: &AccessClaims) -> Option<Arc<Known>> {
        let key = (claims.sub, claims.sid);
        let known = self.0.known.get(&key).await?;
        let life = self.0.life_of(key, &known)?;
        if known.should_be_asked_anew(life) {
            tokio::spawn(self.clone().ask_anew(key));
        }
        Some(known)
    }

    /// What was remembered of a person, or of a session, no longer counts: it ended, or they may do more or less than before.
    pub(super) fn forget(&self, whom: Uuid) {
        self.0.forgotten.note(whom);
    }

    async fn wait_for(&self, key: Key) -> Result<Arc<Known>, ApiError> {
        let _place = self.0.asking.try_acquire().map_err(|_| ApiError::Busy)?;
        if self.0.known.get(&key).await.is_some_and(|known| self.0.life_of(key, &known).is_none()) {
            self.0.known.invalidate(&key).await;
        }
        let known = self.0.known.try_get_with(key, self.ask(key)).await.map_err(ApiError::Shared)?;
        if self.0.life_of(key, &known).is_some() {
            return Ok(known);
        }
        // Somebody had asked before it changed; whoever comes after the change is told of it.
        let known = self.ask(key).await?;
        self.0.known.insert(key, Arc::clone(&known)).await;
        Ok(known)
    }

    /// Where it fails, what is remembered ends in its time, and somebody waits.
    async fn ask_anew(self, key: Key) {
        match self.ask(key).await {
            Ok(known) => self.0.known.insert(key, known).await,
            Err(error) => tracing::debug!(error = %domain::chain(&error), "a standing was not asked anew"),
        }
    }

    async fn ask(&self, (user, session): Key) -> Result<Arc<Known>, ApiError> {
        let asked_at = Instant::now();
        let mut transaction = self.0.db.begin_read(Tenant::User(user)).await?;
        let found = standing(&mut *transaction, user, session, self.0.clock.now()).await?;
        let standing = Arc::new(found.ok_or(AuthError::InvalidToken)?);
        Ok(Arc::new(Known { standing, asked_at, is_asked_anew: AtomicBool::new(false) }))
    }
}

impl Inner {
    /// How long it counts from when it was asked; `None` if it no longer does.
    fn life_of(&self, (user, session): Key, known: &Known) -> Option<Duration> {
        let is_told_of = self.changes.heard_since().is_some_and(|since| since <= known.asked_at);
        let life = if is_told_of { LIFE } else { DEAF_LIFE };
        let counts = known.asked_at.elapsed() < life && self.forgotten.last(user, session).is_none_or(|at| at < known.asked_at);
        counts.then_some(life)
    }
}

/// When persons and sessions were last forgotten. Whatever was asked before that does not count, whoever is still on the way with it.
#[derive(Default)]
struct Forgotten(RwLock<When>);

#[derive(Default)]
struct When {
    one: HashMap<Uuid, Instant>,
    all: Option<Instant>,
    /// With so many notes those that nobody can need any more are taken out.
    most: usize,
}

const NOTES: usize = 1_000;

impl Forgotten {
    fn note(&self, whom: Uuid) {
        let mut when = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if when.one.len() >= when.most.max(NOTES) {
            when.one.retain(|_, at| now - *at < LIFE);
            when.most = 2 * when.one.len();
        }
        when.one.insert(whom, now);
    }

    fn note_all(&self) {
        let mut when = self.0.write().unwrap_or_else(PoisonError::into_inner);
        when.all = Some(Instant::now());
        when.one.clear();
    }

    fn last(&self, user: Uuid, session: Uuid) -> Option<Instant> {
        let when = self.0.read().unwrap_or_else(PoisonError::into_inner);
        [when.one.get(&user).copied(), when.one.get(&session).copied(), when.all].into_iter().flatten().max()
    }
}

/// Until nobody remembers anything any more.
async fn hear(standings: Weak<Inner>, mut changes: Receiver<Invalidation>) {
    loop {
        let heard = changes.recv().await;
        let Some(standings) = standings.upgrade() else { return };
        match heard {
            Ok(what) if what.is_everything() => standings.forgotten.note_all(),
            Ok(what) => {
                let whom = keys::person_of_tokens(&what).map(|person| person.0).or_else(|| keys::ended_session(&what));
                whom.into_iter().for_each(|whom| standings.forgotten.note(whom));
            }
            Err(RecvError::Lagged(_)) => standings.forgotten.note_all(),
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_before_it_was_forgotten_does_not_count() {
        let (user, session, other) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let forgotten = Forgotten::default();
        assert_eq!(forgotten.last(user, session), None);
        let before = Instant::now();
        forgotten.note(other);
        assert_eq!(forgotten.last(user, session), None);
        forgotten.note(session);
        let ended = forgotten.last(user, session).expect("noted");
        assert!(before <= ended && forgotten.last(user, other).is_some());
        forgotten.note_all();
        assert!(forgotten.last(user, Uuid::now_v7()).is_some_and(|at| at >= ended));
    }

    #[test]
    fn notes_that_still_matter_are_never_taken_out() {
        let forgotten = Forgotten::default();
        let all: Vec<Uuid> = (0..3 * NOTES).map(|_| Uuid::now_v7()).collect();
        all.iter().for_each(|whom| forgotten.note(*whom));
        assert!(all.iter().all(|whom| forgotten.last(*whom, Uuid::nil()).is_some()));
    }
}
