//! Every key of the cache, with its time to live. Changes invalidate by event; the time to live is the backstop.

use std::time::Duration;

use chrono::NaiveDate;
use domain::ids::{StoreId, UserId};

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

    /// One of the answers under a key: what begins with the key covers it.
    #[must_use]
    pub fn part(mut self, part: &str) -> Self {
        self.name.push(':');
        self.name.push_str(part);
        self
    }
}

#[must_use]
pub fn auth_tokens(user: UserId) -> Key {
    Key::new(format!("auth:tokens:{user}"), 7 * DAY)
}

/// Lives as long as the sign-in may be idle.
#[must_use]
pub fn auth_session(session: &str) -> Key {
    Key::new(format!("auth:sessions:{session}"), 7 * DAY)
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

#[must_use]
pub fn market_prices(date: NaiveDate) -> Key {
    Key::new(format!("market:prices:{date}"), DAY)
}

/// Of a user, an address, or whoever else is limited. It may go as soon as the whole quota is there again.
#[must_use]
pub fn rate_limit(who: &str) -> Key {
    Key::new(format!("api:rate_limit:{who}"), HOUR)
}
