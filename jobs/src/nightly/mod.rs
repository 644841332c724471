//! The main job: one store's night, from facts to a published plan.
//!
//! load -> panel as of the cutoff -> features and models -> gates -> plan -> store -> publish. Run again on the same
//! facts, recipes and settings it finds its own result and changes nothing.

mod demand;
mod earlier;
mod error;
pub mod facts;
mod fingerprint;
mod forecast;
pub mod gates;
mod kept;
mod kitchen;
mod knowledge;
mod ladder;
pub mod load;
mod market;
pub(crate) mod matrices;
mod openings;
pub mod planning;
mod regressors;
mod replan;
mod rows;
mod run;
mod sales;
mod spans;
mod store;
mod wholes;

use std::sync::Arc;

use chrono::NaiveDate;
use domain::Rung;
use domain::ids::{RunId, StoreId};
use domain::plan::DayPlan;
use domain::time::BusinessCalendar;
use ingest::take::Workshop;
use models::{Effort, EngineConfig, GuardCount};
use payments::Payments;
use platform::auth::{InstallationSecret, OneTimeToken, Purpose};
use platform::clock::SharedClock;
use platform::config::{S3Config, SourcesConfig};
use platform::db::stores::StoreRow;
use platform::http::Polite;
use platform::mail::Mailer;
use platform::objects::Objects;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

pub use error::{KeptError, NightError};
pub use kept::{LastModel, last_model};
pub use knowledge::Knowledge;
pub use ladder::Refusal;
pub(crate) use load::DORMANT_AFTER;
pub(crate) use regressors::RAINY_MM;
pub use replan::{Replanned, replan};
pub use run::{Promise, keep_promise, rehearse, run, run_anew, run_for_job, run_in_shadow};

use gates::{Gate, GateBounds};
pub use platform::db::partition_ranges::{FEATURES, FORECASTS};

/// Days that a night forecasts unless told otherwise, from the business day it serves.
pub const HORIZON: u16 = 14;

/// What nights, backfills and ingest work with.
#[derive(Clone)]
pub struct Nightly {
    pub work: PgPool,
    /// Where models are kept.
    pub objects: Arc<dyn Objects>,
    pub clock: SharedClock,
    pub settings: Settings,
    pub outside: Outside,
}

/// How sources are asked, money is taken, and people told.
#[derive(Clone)]
pub struct Outside {
    pub http: Polite,
    pub sources: Arc<SourcesConfig>,
    pub s3: Arc<S3Config>,
    pub mail: Arc<dyn Mailer>,
    pub links: Links,
    /// Over the same database.
    pub payments: Payments,
}

/// How links in mails are made.
#[derive(Debug, Clone)]
pub struct Links {
    /// Where people reach the app, without a slash at the end.
    pub origin: String,
    /// From which one-time tokens are derived.
    pub secret: InstallationSecret,
}

impl Links {
    /// By which whoever has it chooses a password. After `#` it is sent to no server, neither in a log nor as the page that someone came from.
    #[must_use]
    pub fn to_choose_password(&self, token: Uuid, purpose: Purpose) -> String {
        let page = match purpose {
            Purpose::VerifyEmail | Purpose::JoinStore => "verify-email",
            Purpose::ResetPassword => "reset-password",
        };
        format!("{}/{page}#token={}", self.origin, OneTimeToken::of(token, purpose, &self.secret).expose())
    }
}

impl Nightly {
    /// What ingest works with.
    #[must_use]
    pub fn workshop(&self) -> Workshop<'_> {
        let Outside { http, sources, links, .. } = &self.outside;
        let (objects, clock) = (self.objects.as_ref(), self.clock.as_ref());
        Workshop { pool: &self.work, objects, clock, http, config: sources, secret: &links.secret }
    }
}

/// What a forecast depends on besides facts; part of the run's identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// Its horizon counts from the business day served.
    pub engine: EngineConfig,
    pub gates: GateBounds,
}

impl Default for Settings {
    fn default() -> Self {
        Self { engine: EngineConfig::new(HORIZON, 7).with_effort(Effort::Fast), gates: GateBounds::default() }
    }
}

/// How much time a night has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Enough to fit models.
    Calm,
    /// The deadline is near: the ladder begins below them.
    Hurried,
}

/// On whose behalf a night runs, how fast, and whether anybody sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub job_id: Option<uuid::Uuid>,
    pub pace: Pace,
    /// Stored beside what is published, which stays as it is.
    pub in_shadow: bool,
    /// Somebody asked for it in the course of the day: what is known by now counts, and what is on the screen is not made worse.
    pub is_anew: bool,
}

impl Order {
    fn calm(job_id: Option<uuid::Uuid>) -> Self {
        Self { job_id, pace: Pace::Calm, in_shadow: false, is_anew: false }
    }
}

/// Where a night is, for progress bars.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    Load,
    Features { series: usize },
    Models { done: usize, total: usize },
    Publish,
}

/// Hears of each [`Stage`], from any thread.
pub type ProgressFn = dyn Fn(Stage) + Send + Sync;

/// What a night did.
#[derive(Debug, Clone, Serialize)]
pub struct NightReport {
    pub store_id: StoreId,
    pub store: String,
    pub date: NaiveDate,
    pub run_id: RunId,
    /// The same input had been through before: nothing was computed.
    pub unchanged: bool,
    /// Whether the store's screen shows this run. A night older than the one on the screen is stored, not published.
    pub published: bool,
    pub rung: Rung,
    pub gates: Vec<Gate>,
    /// What the guards did to the forecasts.
    pub guards: Vec<GuardCount>,
    pub series: usize,
    /// Forecast cells stored.
    pub rows: u64,
    /// Active products that no longer sell and were left out.
    pub dormant: Vec<String>,
    /// Days without a known sale before this night, announced closings aside; `None` for up to two.
    pub stale_days: Option<u32>,
    pub recipe_fault: Option<String>,
    pub seconds: f64,
    /// Names the snapshot of the database in which its facts were read.
    pub read_in: String,
    /// Today's and tomorrow's plan; empty when nothing was computed.
    pub plans: Vec<DayPlan>,
}

/// How a store counts its days.
///
/// # Errors
/// [`NightError::TimeZone`].
pub fn calendar(store: &StoreRow) -> Result<BusinessCalendar, NightError> {
    let time_zone =
        store.time_zone.parse().map_err(|_| NightError::TimeZone { store: store.slug.clone(), zone: store.time_zone.clone() })?;
    Ok(BusinessCalendar { time_zone, cutoff: store.business_day_cutoff })
}
