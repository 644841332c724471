//! Reads that come from the cache where it has the value, and from their loader where it has not.
//!
//! **Why no old value comes back.** A load takes a *lease* before it begins: a random token in the place of the value. It stores only by
//! replacing its own lease ([`Cache::replace`]), and an invalidation deletes values and leases alike. So whatever was loaded before an
//! invalidation finds its lease gone and is not stored, in whichever process it was loaded, and whether the invalidation was of a key
//! or of a prefix. Who finds the lease of another process loads for itself and stores nothing.
//!
//! The same holds for values [`Near`]: they are kept only by a load that is still listed, and an invalidation takes it off the list first.
//!
//! **What it relies on.** An invalidation comes after the commit of the change, and loaders read what was committed, not a replica that lags. The
//! database itself says what changes of what is on the screen, when it commits (`app.forget_shown`); of other changes a process that dies
//! between commit and invalidation leaves the old value until its time to live ends.

use std::any::Any;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::flights::{Flight, Flights, is_lease};
use super::near::Near;
use super::owed::{Debt, Owed};
use super::{Cache, Invalidation, Key, MemoryCache, RedisCache, events, following, keys};
use crate::config::CacheConfig;
use crate::redis::RedisError;

/// A load that takes longer is not stored.
const LEASE: Duration = Duration::from_secs(30);
/// Between two tries to tell the cache what it could not be told.
const AGAIN: Duration = Duration::from_millis(500);
/// Of values near to the program.
const NEAR_BYTES: u64 = 64 << 20;
/// Forgotten values that a listener may be behind.
const FORGOTTEN: usize = 4096;
/// Values that were stored together do not all go together: each lives this share of its time at least.
const SHORTEST: f64 = 0.9;

/// A cache in front of loaders. Clones are the same one.
#[derive(Clone)]
pub struct ReadThrough(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub cache: Arc<dyn Cache>,
    /// `None` where nobody says what others change.
    near: Option<Near>,
    pub flights: Flights,
    owed: Owed,
    /// Over which other processes are told; none where there are no others, or they keep nothing near.
    others: Option<PgPool>,
    /// What is forgotten because somebody said so.
    pub forgotten: broadcast::Sender<Invalidation>,
    /// Others cannot be heard: what they have changed is unknown.
    pub deaf: AtomicBool,
    /// Since when they are, without a break.
    pub heard_since: RwLock<Option<Instant>>,
}

/// Why there is no value in the cache.
enum Missing {
    /// Nothing is there, or a lease.
    Nothing,
    /// Bytes of another shape, as another version of the program writes them.
    Odd(Vec<u8>),
    /// It does not answer, or is not to be believed.
    Unavailable,
}

impl ReadThrough {
    /// Over a cache that nobody else has, or that all processes share. Nothing is kept nearer than there.
    #[must_use]
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self::with(cache, None, None)
    }

    /// In step with other processes on the same database: what one of them invalidates, or the database says has changed, all forget. So each
    /// can keep values near, whether the cache behind is its own or shared. Until `stop`. `direct` must reach the server past any pooler.
    #[must_use]
    pub fn in_step(cache: Arc<dyn Cache>, pool: PgPool, direct: PgPool, stop: CancellationToken) -> Self {
        let this = Self::with(cache, Some(Near::new(NEAR_BYTES)), Some(pool));
        this.0.deaf.store(true, Ordering::SeqCst);
        tokio::spawn(following::follow(Arc::clone(&this.0), direct, stop));
        this
    }

    /// As the settings say: over Redis, or over a cache of this process. Within a Tokio runtime.
    ///
    /// # Errors
    /// [`RedisError::Address`].
    pub fn open(config: &CacheConfig, pool: PgPool, direct: PgPool, stop: CancellationToken) -> Result<Self, RedisError> {
        let cache: Arc<dyn Cache> = match &config.redis_url {
            Some(url) => Arc::new(RedisCache::open(url)?),
            None => Arc::new(MemoryCache::default()),
        };
        Ok(Self::in_step(cache, pool, direct, stop))
    }

    fn with(cache: Arc<dyn Cache>, near: Option<Near>, others: Option<PgPool>) -> Self {
        let flights = Flights::over(Arc::clone(&cache));
        let (forgotten, _) = broadcast::channel(FORGOTTEN);
        Self(Arc::new(Inner {
            cache,
            near,
            flights,
            owed: Owed::default(),
            others,
            forgotten,
            deaf: AtomicBool::new(false),
            heard_since: RwLock::default(),
        }))
    }

    /// The value of `key` if this process has it as it is: nobody waits and nobody is asked.
    #[must_use]
    pub fn at_hand<T: Clone + 'static>(&self, key: &Key) -> Option<T> {
        let near = self.0.near.as_ref().filter(|_| !self.0.is_doubtful(key))?;
        near.get(&key.name).inspect(|_| events::found_near())
    }

    /// Changes whenever something is forgotten that keys are made of, so that a key may be kept as long as it is the same.
    #[must_use]
    pub fn version_of_keys(&self) -> u64 {
        self.0.near.as_ref().map_or(0, Near::version)
    }

    /// The value of `key`, from the cache or from `load`. Of those in this process who want it at the same time one loads for all; they share
    /// its error too, which is not kept. A cache that fails is passed by.
    ///
    /// # Errors
    /// The loader's.
    pub async fn get<T, E>(&self, key: &Key, load: impl Future<Output = Result<T, E>> + Send) -> Result<T, Arc<E>>
    where
        T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        if let Some(value) = self.at_hand(key) {
            return Ok(value);
        }
        let mut load = pin!(load);
        let seat = self.0.flights.board(&key.name);
        let lease = &seat.flight.lease;
        let landed = seat.flight.landed.get_or_init(|| async {
            let missing = match self.0.look::<T>(key).await {
                Ok((value, bytes)) => return Ok(self.0.keep_near(key, &seat.flight, value, bytes)),
                Err(missing) => missing,
            };
            let leased = self.0.lease(key, &missing, lease).await;
            match load.as_mut().await {
                Ok(value) => {
                    let bytes = self.0.store(key, leased.then_some(lease), &value).await;
                    Ok(self.0.keep_near(key, &seat.flight, value, bytes))
                }
                Err(error) => Err(Arc::new(error) as Arc<dyn Any + Send + Sync>),
            }
        });
        match landed.await {
            Ok(value) if let Some(value) = value.downcast_ref::<T>() => Ok(value.clone()),
            Err(error) if let Ok(error) = Arc::clone(error).downcast::<E>() => Err(error),
            // Somebody else loads a value of another type under this key.
            _ => load.await.map_err(Arc::new),
        }
    }

    /// Forgets what was changed, here and in all other processes. Call it after the commit. It never fails, and goes on if its caller is
    /// cancelled: what cannot be told now is told later, and until then this process does not read it from the cache.
    pub async fn invalidate(&self, what: Invalidation) {
        let inner = Arc::clone(&self.0);
        // Only a runtime that shuts down keeps it from ending well.
        drop(tokio::spawn(invalidate(inner, what)).await);
    }

    /// What is forgotten from now on because somebody said so, after it was: another process, this one, the database. Of a cache that is in step with
    /// nobody nothing is said.
    #[must_use]
    pub fn forgotten(&self) -> broadcast::Receiver<Invalidation> {
        self.0.forgotten.subscribe()
    }

    /// Since when, without a break, this process is told of every change: what it learnt later and has not forgotten since is so still. `None`
    /// while it is told of none.
    #[must_use]
    pub fn heard_since(&self) -> Option<Instant> {
        *self.0.heard_since.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether values come from the loaders because the cache does not answer, or cannot be trusted for now.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.0.deaf.load(Ordering::SeqCst) || self.0.owed.count() > 0 || self.0.cache.is_degraded()
    }
}

impl Inner {
    /// What is kept may be old, and nobody would say so.
    fn is_doubtful(&self, key: &Key) -> bool {
        self.deaf.load(Ordering::SeqCst) || self.owed.covers(&key.name)
    }

    /// Keeps a value unless it was forgotten while it was on its way.
    fn keep_near<T: Send + Sync + 'static>(&self, key: &Key, flight: &Arc<Flight>, value: T, bytes: usize) -> Arc<dyn Any + Send + Sync> {
        let value: Arc<dyn Any + Send + Sync> = Arc::new(value);
        if let Some(near) = self.near.as_ref().filter(|_| !self.is_doubtful(key)) {
            self.flights.while_listed(&key.name, flight, || near.keep(key, Arc::clone(&value), bytes));
        }
        value
    }

    /// With the bytes it takes.
    async fn look<T: DeserializeOwned>(&self, key: &Key) -> Result<(T, usize), Missing> {
        let seen = match self.is_doubtful(key) {
            true => Err(Missing::Unavailable),
            false => match self.cache.get(&key.name).await {
                Ok(None) => Err(Missing::Nothing),
                Ok(Some(bytes)) if is_lease(&bytes) => Err(Missing::Nothing),
                Ok(Some(bytes)) => match serde_json::from_slice(&bytes) {
                    Ok(value) => Ok((value, bytes.len())),
                    Err(_) => Err(Missing::Odd(bytes)),
                },
                Err(_) => Err(Missing::Unavailable),
            },
        };
        events::asked(match seen {
            Ok(_) => "hit",
            Err(Missing::Nothing | Missing::Odd(_)) => "miss",
            Err(Missing::Unavailable) => "unavailable",
        });
        seen
    }

    /// Whether the value's place is ours while it is loaded.
    async fn lease(&self, key: &Key, missing: &Missing, lease: &[u8]) -> bool {
        let name = key.name.as_str();
        let taken = match missing {
            Missing::Nothing => self.cache.add(name, lease.to_vec(), LEASE).await,
            Missing::Odd(bytes) => self.cache.replace(name, bytes, lease.to_vec(), LEASE).await,
            Missing::Unavailable => return false,
        };
        match taken {
            // It is ours already where we take over from one who was cancelled.
            Ok(false) => self.cache.replace(name, lease, lease.to_vec(), LEASE).await.unwrap_or(false),
            taken => taken.unwrap_or(false),
        }
    }

    /// Stores a value in its place, if that is ours. The bytes it takes; 0 where it has no form.
    async fn store<T: Serialize>(&self, key: &Key, lease: Option<&Vec<u8>>, value: &T) -> usize {
        let bytes = match serde_json::to_vec(value) {
            Ok(bytes) => bytes,
            Err(error) => {
                events::has_no_form(&key.name, &error);
                return 0;
            }
        };
        let length = bytes.len();
        let Some(lease) = lease else { return length };
        let time_to_live = key.time_to_live.mul_f64(rand::thread_rng().gen_range(SHORTEST..=1.0));
        if let Err(error) = self.cache.replace(&key.name, lease, bytes, time_to_live).await {
            events::not_stored(&error);
        }
        length
    }

    /// Tells this cache and the others.
    async fn spread(&self, what: &Invalidation) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.forget(what).await?;
        if let Some(pool) = &self.others {
            following::tell(pool, what).await?;
        }
        Ok(())
    }

    pub fn say_forgotten(&self, what: Invalidation) {
        // Nobody may want to know.
        let _ = self.forgotten.send(what);
    }

    /// Whether others are heard from now on.
    pub fn hears(&self, hears: bool) {
        self.deaf.store(!hears, Ordering::SeqCst);
        *self.heard_since.write().unwrap_or_else(PoisonError::into_inner) = hears.then(Instant::now);
    }

    pub async fn forget(&self, what: &Invalidation) -> Result<(), super::CacheError> {
        let forgotten = match what {
            Invalidation::Key(name) => self.cache.delete(name).await,
            // Others keep in the same Redis what is no copy of anything: how often somebody has asked.
            Invalidation::Prefix(prefix) if prefix.is_empty() => self.forget_all_kinds().await,
            Invalidation::Prefix(prefix) => self.cache.delete_prefix(prefix).await,
        };
        // Last: what a load finds from here on is new.
        self.forget_near(what);
        forgotten
    }

    pub fn forget_near(&self, what: &Invalidation) {
        self.flights.detach(what);
        if let Some(near) = &self.near {
            near.forget(what);
        }
    }

    async fn forget_all_kinds(&self) -> Result<(), super::CacheError> {
        for kind in keys::KINDS {
            self.cache.delete_prefix(kind).await?;
        }
        Ok(())
    }
}

async fn invalidate(inner: Arc<Inner>, what: Invalidation) {
    inner.flights.detach(&what);
    if let Err(error) = inner.spread(&what).await {
        owe(&inner, Debt { what, is_for_others: true }, &*error);
    }
}

/// Until it is told, what it is about is not read from the cache.
pub(super) fn owe(inner: &Arc<Inner>, debt: Debt, error: &(dyn std::error::Error + 'static)) {
    let begins = inner.owed.add(debt);
    events::owed(error, inner.owed.count());
    if begins {
        tokio::spawn(settle(Arc::clone(inner)));
    }
}

/// Until nothing is owed.
async fn settle(inner: Arc<Inner>) {
    while let Some((ticket, Debt { what, is_for_others })) = inner.owed.oldest() {
        let is_told = match is_for_others {
            true => inner.spread(&what).await.is_ok(),
            false => inner.forget(&what).await.is_ok(),
        };
        match is_told {
            true => inner.owed.settle(ticket),
            false => tokio::time::sleep(AGAIN).await,
        }
    }
    events::settled();
}
