//! Arguments of background jobs: data here, code in `jobs`, so that whoever enqueues need not link whoever works.

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::ids::StoreId;

/// Arguments of one kind of job.
pub trait JobArgs: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Verb phrase; the same in code, schedule, table and metric label.
    const KIND: &'static str;
    /// Attempts before the job becomes a dead letter.
    const MAX_ATTEMPTS: u16 = 5;
    /// An attempt that takes longer has failed.
    const TIMEOUT: Duration = Duration::from_secs(15 * 60);
    /// The wait after the first failure; it doubles with each further one. Half of every wait is random.
    const BACKOFF_BASE: Duration = Duration::from_secs(5);
    /// The longest wait between two attempts.
    const BACKOFF_MAX: Duration = Duration::from_secs(60 * 60);

    /// At most one unfinished job of this kind has this key; enqueueing a second one changes nothing.
    fn unique_key(&self) -> Option<String> {
        None
    }
}

/// What became of one attempt.
#[derive(Debug)]
pub enum Outcome {
    Done,
    /// Failed; try again after the kind's back-off, or give up when its attempts are used.
    Retry(Box<dyn std::error::Error + Send + Sync>),
    /// Not now, and not this job's fault: run again after this long without counting the attempt.
    Snooze(Duration),
    /// Never again, and not an error.
    Cancel(String),
}

/// Forecast, plan and publish one store's business day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunNightly {
    pub store_id: StoreId,
    /// The business day served.
    pub date: NaiveDate,
}

impl JobArgs for RunNightly {
    const KIND: &'static str = "run_nightly";

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.store_id, self.date))
    }
}

/// Hand one outbox event to whoever subscribed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayOutbox {
    /// Events per batch.
    pub batch: u32,
}

impl JobArgs for RelayOutbox {
    const KIND: &'static str = "relay_outbox";

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}
