//! Reads that come from the cache where it has the value, and from their loader where it has not.
//!
//! **Why no old value comes back.** A load takes a *lease* before it begins: a random token in the place of the value. It stores only by
//! replacing its own lease ([`Cache::replace`]), and an invalidation deletes values and leases alike. So whatever was loaded before an
//! invalidation finds its lease gone and is not stored, in whichever process it was loaded, and whether the invalidation was of a key
//! or of a prefix. Who finds the lease of another process loads for itself and stores nothing.
//!
//! **What it relies on.** An invalidation comes after the commit of the change, and loaders read what was committed, not a replica that lags. A
//! process that dies between commit and invalidation leaves the old value until its time to live ends.

use std::any::Any;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::flights::{Flights, is_lease};
use super::owed::Owed;
use super::{Cache, Invalidation, Key, MemoryCache, RedisCache, events, following};
use crate::config::CacheConfig;
use crate::redis::RedisError;

/// A load that takes longer is not stored.
const LEASE: Duration = Duration::from_secs(30);
/// Between two tries to tell the cache what it could not be told.
const AGAIN: Duration = Duration::from_millis(500);
/// Values that were stored together do not all go together: each lives this share of its time at least.
const SHORTEST: f64 = 0.9;

/// A cache in front of loaders. Clones are the same one.
#[derive(Clone)]
pub struct ReadThrough(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub cache: Arc<dyn Cache>,
    pub flights: Flights,
    owed: Owed,
    /// Over which other processes, each with a cache of its own, are told; they share this one where there is none.
    others: Option<PgPool>,
    /// Others cannot be heard: what they have changed is unknown.
    pub deaf: AtomicBool,
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
    /// Over a cache that nobody else has, or that all processes share.
    #[must_use]
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self::with(cache, None)
    }

    /// Over a cache inside this process, in step with those of other processes on the same database: what one of them invalidates, all
    /// do. Until `stop`. `direct` must reach the server past any pooler.
    #[must_use]
    pub fn in_step(cache: Arc<dyn Cache>, pool: PgPool, direct: PgPool, stop: CancellationToken) -> Self {
        let this = Self::with(cache, Some(pool));
        this.0.deaf.store(true, Ordering::SeqCst);
        tokio::spawn(following::follow(Arc::clone(&this.0), direct, stop));
        this
    }

    /// As the settings say: over Redis, or over a cache of this process in step with the others. Within a Tokio runtime.
    ///
    /// # Errors
    /// [`RedisError::Address`].
    pub fn open(config: &CacheConfig, pool: PgPool, direct: PgPool, stop: CancellationToken) -> Result<Self, RedisError> {
        Ok(match &config.redis_url {
            Some(url) => Self::new(Arc::new(RedisCache::open(url)?)),
            None => Self::in_step(Arc::new(MemoryCache::default()), pool, direct, stop),
        })
    }

    fn with(cache: Arc<dyn Cache>, others: Option<PgPool>) -> Self {
        let flights = Flights::over(Arc::clone(&cache));
        Self(Arc::new(Inner { cache, flights, owed: Owed::default(), others, deaf: AtomicBool::new(false) }))
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
        let missing = match self.0.look(key).await {
            Ok(value) => return Ok(value),
            Err(missing) => missing,
        };
        let mut load = pin!(load);
        let seat = self.0.flights.board(&key.name);
        let lease = &seat.flight.lease;
        let landed = seat.flight.landed.get_or_init(|| async {
            let leased = self.0.lease(key, &missing, lease).await;
            match load.as_mut().await {
                Ok(value) => {
                    if leased {
                        self.0.store(key, lease, &value).await;
                    }
                    Ok(Arc::new(value) as Arc<dyn Any + Send + Sync>)
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

    /// Whether values come from the loaders because the cache does not answer, or cannot be trusted for now.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.0.deaf.load(Ordering::SeqCst) || self.0.owed.count() > 0 || self.0.cache.is_degraded()
    }
}

impl Inner {
    async fn look<T: DeserializeOwned>(&self, key: &Key) -> Result<T, Missing> {
        let seen = match self.deaf.load(Ordering::SeqCst) || self.owed.covers(&key.name) {
            true => Err(Missing::Unavailable),
            false => match self.cache.get(&key.name).await {
                Ok(None) => Err(Missing::Nothing),
                Ok(Some(bytes)) if is_lease(&bytes) => Err(Missing::Nothing),
                Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_err(|_| Missing::Odd(bytes)),
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

    async fn store<T: Serialize>(&self, key: &Key, lease: &[u8], value: &T) {
        let bytes = match serde_json::to_vec(value) {
            Ok(bytes) => bytes,
            Err(error) => return events::has_no_form(&key.name, &error),
        };
        let time_to_live = key.time_to_live.mul_f64(rand::thread_rng().gen_range(SHORTEST..=1.0));
        if let Err(error) = self.cache.replace(&key.name, lease, bytes, time_to_live).await {
            events::not_stored(&error);
        }
    }

    /// Tells this cache and the others.
    async fn spread(&self, what: &Invalidation) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.forget(what).await?;
        if let Some(pool) = &self.others {
            following::tell(pool, what).await?;
        }
        Ok(())
    }

    pub async fn forget(&self, what: &Invalidation) -> Result<(), super::CacheError> {
        match what {
            Invalidation::Key(name) => self.cache.delete(name).await,
            Invalidation::Prefix(prefix) => self.cache.delete_prefix(prefix).await,
        }
    }
}

async fn invalidate(inner: Arc<Inner>, what: Invalidation) {
    inner.flights.detach(&what);
    if let Err(error) = inner.spread(&what).await {
        let begins = inner.owed.add(what);
        events::owed(&*error, inner.owed.count());
        if begins {
            tokio::spawn(settle(inner));
        }
    }
}

/// Until nothing is owed.
async fn settle(inner: Arc<Inner>) {
    while let Some((ticket, what)) = inner.owed.oldest() {
        match inner.spread(&what).await {
            Ok(()) => inner.owed.settle(ticket),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
    events::settled();
}
