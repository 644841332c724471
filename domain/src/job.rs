//! Arguments of background jobs: data here, code in `jobs`, so that whoever enqueues need not link whoever works.

mod asked;

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::ids::StoreId;

pub use asked::{ForecastAfresh, MadeAfresh, MadeAgain, Replan, Suppose};

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

    /// Whether a completed job is kept for whoever asks how it ended. What is done by the thousand and asked by nobody leaves
    /// nothing behind, at half the cost; a job that fails for good is kept all the same.
    const IS_KEPT: bool = true;
    /// Where its jobs queue, unless whoever enqueues says otherwise.
    const LANE: Lane = Lane::Default;

    /// At most one unfinished job of this kind has this key; enqueueing a second one changes nothing.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// What it shares with other jobs and may not crowd.
    fn limits(&self) -> Vec<Limit> {
        Vec::new()
    }
}

/// A queue of its own with a share of the workers that nobody can take from it, and no more than that while others wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// A person waits for it.
    Interactive,
    /// The 04:30 promise.
    Nightly,
    /// The rest: ingest, mails, housekeeping.
    Default,
    /// The past, which can wait a little but not for ever.
    Backfill,
}

impl Lane {
    pub const ALL: [Self; 4] = [Self::Interactive, Self::Nightly, Self::Default, Self::Backfill];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Nightly => "nightly",
            Self::Default => "default",
            Self::Backfill => "backfill",
        }
    }

    /// Parts of a hundred of a program's time that the lane gets when all lanes are full.
    #[must_use]
    pub fn share(self) -> u32 {
        match self {
            Self::Interactive => 20,
            Self::Nightly => 40,
            Self::Default | Self::Backfill => 20,
        }
    }
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Lane {
    type Err = UnknownLane;

    fn from_str(text: &str) -> Result<Self, UnknownLane> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == text).ok_or_else(|| UnknownLane(text.to_owned()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no lane; there are interactive, nightly, default and backfill")]
pub struct UnknownLane(String);

/// At most `count` jobs that name `key` run at a time, over all programs: one night of a store, three calls to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    pub key: String,
    pub count: u16,
}

impl Limit {
    /// Jobs of one kind.
    #[must_use]
    pub fn of_kind(kind: &str, count: u16) -> Self {
        Self { key: format!("kind:{kind}"), count }
    }

    /// Jobs that talk to one outside host.
    #[must_use]
    pub fn of_host(host: &str, count: u16) -> Self {
        Self { key: format!("host:{host}"), count }
    }

    /// Jobs that work on one store.
    #[must_use]
    pub fn of_store(store: StoreId, count: u16) -> Self {
        Self { key: format!("store:{store}"), count }
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
    const LANE: Lane = Lane::Nightly;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.store_id, self.date))
    }

    /// Two nights of one store would both read its last models and race for its screen.
    fn limits(&self) -> Vec<Limit> {
        vec![Limit::of_store(self.store_id, 1)]
    }
}

/// See that a store has a plan for its business day; if the night has none by now, publish the best rung that needs no models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepPromise {
    pub store_id: StoreId,
    /// The business day served.
    pub date: NaiveDate,
}

impl JobArgs for KeepPromise {
    const KIND: &'static str = "keep_promise";
    const TIMEOUT: Duration = Duration::from_secs(5 * 60);
    const MAX_ATTEMPTS: u16 = 10;
    const BACKOFF_BASE: Duration = Duration::from_secs(2);
    const BACKOFF_MAX: Duration = Duration::from_secs(60);
    const LANE: Lane = Lane::Nightly;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.store_id, self.date))
    }
}

/// Forget what nobody will ask for any more: ended jobs, read events, old ticks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prune {}

impl JobArgs for Prune {
    const KIND: &'static str = "prune";

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Mail news of a store to those of its members who have not had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailNews {
    pub store_id: StoreId,
    /// As in `notifications`.
    pub unique_key: String,
}

impl JobArgs for MailNews {
    const KIND: &'static str = "mail_news";
    const MAX_ATTEMPTS: u16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.store_id, self.unique_key))
    }
}

/// Which mail with a link someone gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Letter {
    /// Of someone who registers.
    VerifyEmail,
    /// Someone registers an address that has an account: its owner is told, and the other one is not.
    AlreadyRegistered,
    ResetPassword,
    /// Someone was made a member of a store.
    JoinStore,
}

/// Mail a link that works once. Neither link nor token is in here: the token is derived from the id when the mail is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailLink {
    /// Of `one_time_tokens`.
    pub token_id: Uuid,
    pub letter: Letter,
}

impl JobArgs for MailLink {
    const KIND: &'static str = "mail_link";
    const MAX_ATTEMPTS: u16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(self.token_id.to_string())
    }
}

/// Add the stores' own orders up to daily sales, as far as they have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddUpOrders {}

impl JobArgs for AddUpOrders {
    const KIND: &'static str = "add_up_orders";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Understand the orders that a till has pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakePush {
    /// Of `webhook_events`.
    pub event_id: Uuid,
    pub store_id: StoreId,
}

impl JobArgs for TakePush {
    const KIND: &'static str = "take_push";
    const IS_KEPT: bool = false;

    fn unique_key(&self) -> Option<String> {
        Some(self.event_id.to_string())
    }
}

/// Look for sales files that were left since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeSalesFiles {}

impl JobArgs for TakeSalesFiles {
    const KIND: &'static str = "take_sales_files";
    const TIMEOUT: Duration = Duration::from_secs(4 * 60 * 60);
    const IS_KEPT: bool = false;

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Ask a source about everything that it is to be asked about, up to now: a job for each window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSource {
    /// As in `bmkg_forecast`.
    pub source: String,
}

impl JobArgs for IngestSource {
    const KIND: &'static str = "ingest_source";
    const MAX_ATTEMPTS: u16 = 5;

    fn unique_key(&self) -> Option<String> {
        Some(self.source.clone())
    }
}

/// Ask a source about one scope and the days `[first_day, end_day)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestWindow {
    pub source: String,
    /// Region, province, topic, ...
    pub scope: String,
    pub first_day: NaiveDate,
    pub end_day: NaiveDate,
}

impl JobArgs for IngestWindow {
    const KIND: &'static str = "ingest_window";
    const MAX_ATTEMPTS: u16 = 8;
    const BACKOFF_BASE: Duration = Duration::from_secs(30);

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}:{}", self.source, self.scope, self.first_day))
    }

    /// Quotas tell how often a vendor may be asked; this, how many of us stand in line for it.
    fn limits(&self) -> Vec<Limit> {
        vec![Limit { key: format!("source:{}", self.source), count: 4 }]
    }
}

/// Make partitions of a backfill in one scope for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FillPartitions {
    pub backfill_id: Uuid,
    /// A store's id; empty: the whole asset.
    pub scope: String,
}

impl JobArgs for FillPartitions {
    const KIND: &'static str = "fill_partitions";
    const LANE: Lane = Lane::Backfill;
    const MAX_ATTEMPTS: u16 = 20;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.backfill_id, self.scope))
    }
}

/// Judge a backfill whose partitions are all made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeBackfill {
    pub backfill_id: Uuid,
}

impl JobArgs for JudgeBackfill {
    const KIND: &'static str = "judge_backfill";
    const LANE: Lane = Lane::Backfill;
    // Comparing millions of cells takes its time, and without a judgement a backfill never ends.
    const TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);
    const MAX_ATTEMPTS: u16 = 20;

    fn unique_key(&self) -> Option<String> {
        Some(self.backfill_id.to_string())
    }
}

/// Understand what the payment gateway has told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakePaymentEvent {
    /// Of `webhook_events`.
    pub event_id: Uuid,
}

impl JobArgs for TakePaymentEvent {
    const KIND: &'static str = "take_payment_event";
    const IS_KEPT: bool = false;
    const LANE: Lane = Lane::Interactive;
    const TIMEOUT: Duration = Duration::from_secs(2 * 60);
    // The gateway's own word may come later than its webhook, and its outages last hours.
    const MAX_ATTEMPTS: u16 = 20;
    const BACKOFF_BASE: Duration = Duration::from_secs(2);

    fn unique_key(&self) -> Option<String> {
        Some(self.event_id.to_string())
    }

    fn limits(&self) -> Vec<Limit> {
        vec![at_the_gateway()]
    }
}

/// Ask the gateway what became of a payment: beside the webhook, which may be lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollPayment {
    pub payment_id: Uuid,
    /// Now and not again: there is another that goes on.
    pub once: bool,
}

impl JobArgs for PollPayment {
    const KIND: &'static str = "poll_payment";
    const IS_KEPT: bool = false;
    const LANE: Lane = Lane::Interactive;
    const TIMEOUT: Duration = Duration::from_secs(2 * 60);
    const MAX_ATTEMPTS: u16 = 20;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.payment_id, self.once))
    }

    fn limits(&self) -> Vec<Limit> {
        vec![at_the_gateway()]
    }
}

/// Ask the gateway what became of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollRefund {
    pub refund_id: Uuid,
}

impl JobArgs for PollRefund {
    const KIND: &'static str = "poll_refund";
    const IS_KEPT: bool = false;
    const TIMEOUT: Duration = Duration::from_secs(2 * 60);
    const MAX_ATTEMPTS: u16 = 20;

    fn unique_key(&self) -> Option<String> {
        Some(self.refund_id.to_string())
    }

    fn limits(&self) -> Vec<Limit> {
        vec![at_the_gateway()]
    }
}

/// Hold every open and recent payment against the gateway's books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcilePayments {}

impl JobArgs for ReconcilePayments {
    const KIND: &'static str = "reconcile_payments";
    // One question a payment, and the gateway takes 60 a minute of a test account.
    const TIMEOUT: Duration = Duration::from_secs(4 * 60 * 60);

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// How many jobs stand in line for the payment gateway.
fn at_the_gateway() -> Limit {
    Limit::of_host("payment_gateway", 8)
}
