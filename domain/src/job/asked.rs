//! Jobs that somebody of a store asks for and waits for; what comes of them is kept in `asked_jobs`.

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{JobArgs, Lane, Limit};
use crate::forecast::Rung;
use crate::ids::StoreId;
use crate::supposition::Supposition;

/// Forecast, plan and publish a store's business day once more, with what is known by the time that it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastAfresh {
    pub store_id: StoreId,
}

impl JobArgs for ForecastAfresh {
    const KIND: &'static str = "forecast_afresh";
    const LANE: Lane = Lane::Interactive;
    const MAX_ATTEMPTS: u16 = 3;

    fn unique_key(&self) -> Option<String> {
        Some(self.store_id.to_string())
    }

    /// Not beside a night of the same store, and not so many that nothing else is interactive any more.
    fn limits(&self) -> Vec<Limit> {
        vec![Limit::of_store(self.store_id, 1), Limit::of_kind(Self::KIND, 2)]
    }
}

/// What comes of [`ForecastAfresh`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeAfresh {
    /// The run that is on the store's screen now.
    pub run_id: Uuid,
    pub business_date: NaiveDate,
    pub rung: Rung,
    /// Nothing new was known: it is the run that was there before.
    pub is_unchanged: bool,
}

/// Make the plan of a store's published run again, from its forecasts as they are: a person has put a number in the place of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replan {
    pub store_id: StoreId,
}

impl JobArgs for Replan {
    const KIND: &'static str = "replan";
    const LANE: Lane = Lane::Interactive;
    const TIMEOUT: Duration = Duration::from_secs(2 * 60);
    const MAX_ATTEMPTS: u16 = 10;
    const BACKOFF_BASE: Duration = Duration::from_secs(1);

    fn unique_key(&self) -> Option<String> {
        Some(self.store_id.to_string())
    }

    /// A night that has read its overrides already must end first: what it publishes is planned again.
    fn limits(&self) -> Vec<Limit> {
        vec![Limit::of_store(self.store_id, 1)]
    }
}

/// What comes of [`Replan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeAgain {
    /// The run whose plan it is.
    pub run_id: Uuid,
}

/// Ask the kept models of a store what would be if.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppose {
    pub store_id: StoreId,
    /// The business day whose morning is looked from.
    pub today: NaiveDate,
    pub supposition: Supposition,
}

impl JobArgs for Suppose {
    const KIND: &'static str = "suppose";
    const LANE: Lane = Lane::Interactive;
    const TIMEOUT: Duration = Duration::from_secs(5 * 60);
    const MAX_ATTEMPTS: u16 = 3;

    /// It reads only, so nights need not wait for it.
    fn limits(&self) -> Vec<Limit> {
        vec![Limit { key: format!("suppose:{}", self.store_id), count: 1 }, Limit::of_kind(Self::KIND, 4)]
    }
}
