//! Every key of the cache, with its time to live. Changes invalidate by event; the time to live is the backstop.

use std::time::Duration;

use chrono::NaiveDate;
use domain::ids::{StoreId, UserId};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

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
}

/// What a prediction is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredictionType {
    Product,
    Ingredient,
    Sales,
}

impl PredictionType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Ingredient => "ingredient",
            Self::Sales => "sales",
        }
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

#[must_use]
pub fn predictions(store: StoreId, about: PredictionType) -> Key {
    Key::new(format!("predictions:{store}:{}", about.as_str()), 6 * HOUR)
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
