//! Every key of the cache, with its time to live. Changes invalidate by event; the time to live is the backstop.

use std::time::Duration;

use chrono::NaiveDate;
use domain::ids::{StoreId, UserId};
use uuid::Uuid;

use super::Invalidation;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How all keys begin under which copies of the database are kept.
pub(super) const KINDS: [&str; 6] = ["user:profile:", "store:data:", "products:list:", "orders:stats:", "predictions:", "market:prices:"];

/// A key and how long its value may live.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub name: String,
    pub time_to_live: Duration,
}

impl Key {
    fn new(name: String, seconds: u64) -> Self {
        Self { name, time_to_live: Duration::from_secs(seconds) }
    }

    /// The same with a shorter life.
    #[must_use]
    pub fn for_at_most(self, time_to_live: Duration) -> Self {
        Self { time_to_live: self.time_to_live.min(time_to_live), ..self }
    }

    /// One of the answers under a key: what begins with the key covers it.
    #[must_use]
    pub fn part(mut self, part: &str) -> Self {
        self.name.push(':');
        self.name.push_str(part);
        self
    }
}

/// Whose tokens may be good for something else from now on, if that is what it tells of: `auth:tokens:{user_id}`. What they are good for is kept
/// under no key, since whoever can write to Redis could then make themselves anybody.
#[must_use]
pub fn person_of_tokens(forgotten: &Invalidation) -> Option<UserId> {
    let Invalidation::Key(key) = forgotten else { return None };
    key.strip_prefix("auth:tokens:")?.parse().ok()
}

/// Whether it is about what is kept under no key.
pub(super) fn is_kept_by_nobody(forgotten: &Invalidation) -> bool {
    person_of_tokens(forgotten).is_some() || ended_session(forgotten).is_some()
}

/// Whether other keys are made of what it tells of: where a store is, and when its days begin.
pub(super) fn is_of_keys(forgotten: &Invalidation) -> bool {
    const STORES: &str = "store:data:";
    match forgotten {
        Invalidation::Key(key) => key.starts_with(STORES),
        Invalidation::Prefix(prefix) => prefix.starts_with(STORES) || STORES.starts_with(prefix.as_str()),
    }
}

/// Which session has ended, if that is what it tells of: `auth:sessions:{session_id}`.
#[must_use]
pub fn ended_session(forgotten: &Invalidation) -> Option<Uuid> {
    let Invalidation::Key(key) = forgotten else { return None };
    key.strip_prefix("auth:sessions:")?.parse().ok()
}

#[must_use]
pub fn user_profile(user: UserId) -> Key {
    Key::new(format!("user:profile:{user}"), HOUR)
}

#[must_use]
pub fn store_data(store: StoreId) -> Key {
    Key::new(format!("store:data:{store}"), HOUR)
}

#[must_use]
pub fn products_list(store: StoreId) -> Key {
    Key::new(format!("products:list:{store}"), 30 * MINUTE)
}

#[must_use]
pub fn orders_stats(store: StoreId) -> Key {
    Key::new(format!("orders:stats:{store}"), 15 * MINUTE)
}

/// `kind`: product, ingredient, sales or all.
#[must_use]
pub fn predictions(store: StoreId, kind: &str) -> Key {
    Key::new(format!("predictions:{store}:{kind}"), 6 * HOUR)
}

/// What was made of the predictions: it comes and goes with them.
#[must_use]
pub fn plan(store: StoreId) -> Key {
    Key::new(format!("predictions:{store}:plan"), 6 * HOUR)
}

/// Prefix of all predictions of a store, for [`super::Cache::delete_prefix`] when a run is published.
#[must_use]
pub fn predictions_of(store: StoreId) -> String {
    format!("predictions:{store}:")
}

/// Whose predictions were forgotten, if that is what it tells of.
#[must_use]
pub fn store_of_predictions(forgotten: &Invalidation) -> Option<StoreId> {
    let Invalidation::Prefix(prefix) = forgotten else { return None };
    prefix.strip_prefix("predictions:")?.strip_suffix(':')?.parse().ok()
}

#[must_use]
pub fn market_prices(date: NaiveDate) -> Key {
    Key::new(format!("market:prices:{date}"), DAY)
}

/// Of a user, an address, or whoever else is limited. It may go as soon as the whole quota is there again.
#[must_use]
pub fn rate_limit(who: &str) -> Key {
    Key::new(format!("api:rate_limit:{who}"), HOUR)
}
