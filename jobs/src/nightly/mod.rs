//! The main job: one store's night, from facts to a published plan.
//!
//! load -> panel as of the cutoff -> features and models -> gates -> plan -> store -> publish. Run again on the same
//! facts, recipes and settings it finds its own result and changes nothing.

mod error;
pub mod facts;
mod fingerprint;
pub mod gates;
mod knowledge;
mod load;
pub mod planning;
mod store;

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::frequency::days_since_epoch;
use domain::ids::{RunId, StoreId};
use domain::plan::DayPlan;
use domain::time::{BusinessCalendar, Night};
use domain::{FeatureSource as _, History, Rung, SeriesForecast};
use models::{EngineConfig, EngineOutput};
use pipeline::{FeatureConfig, PanelFeatures};
use platform::clock::SharedClock;
use platform::db::runs::{NewRun, StartedRun, fail_run, start_run};
use platform::db::stores::StoreRow;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

pub use error::NightError;
pub use knowledge::Knowledge;

use gates::{BacktestSummary, Gate, GateBounds};
use load::Loaded;

/// Days that a night forecasts, from the business day it serves.
pub const HORIZON: u16 = 14;
/// Days that a night plans: the one it serves and the next.
const PLANNED_DAYS: u64 = 2;

/// What every night needs.
#[derive(Clone)]
pub struct Nightly {
    pub work: PgPool,
    pub clock: SharedClock,
    pub settings: Settings,
}

/// What a forecast depends on besides facts; part of the run's identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    pub engine: EngineConfig,
    pub gates: GateBounds,
}

impl Default for Settings {
    fn default() -> Self {
        Self { engine: EngineConfig::new(HORIZON, 7), gates: GateBounds::default() }
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

/// What a night did.
#[derive(Debug, Clone, Serialize)]
pub struct NightReport {
    pub store_id: StoreId,
    pub store: String,
    pub date: NaiveDate,
    pub run_id: RunId,
    /// The same input had been through before: nothing was computed.
    pub unchanged: bool,
    pub rung: Rung,
    pub gates: Vec<Gate>,
    pub series: usize,
    /// Forecast cells stored.
    pub rows: u64,
    /// Active products that no longer sell and were left out.
    pub dormant: Vec<String>,
    pub recipe_fault: Option<String>,
    pub seconds: f64,
    /// Today's and tomorrow's plan; empty when nothing was computed.
    pub plans: Vec<DayPlan>,
}

/// A store with its calendar parsed.
pub(crate) fn calendar(store: &StoreRow) -> Result<BusinessCalendar, NightError> {
    let time_zone =
        store.time_zone.parse().map_err(|_| NightError::TimeZone { store: store.slug.clone(), zone: store.time_zone.clone() })?;
    Ok(BusinessCalendar { time_zone, cutoff: store.business_day_cutoff })
}

/// Runs the night of business day `date` for one store and publishes its plan.
///
/// # Errors
/// [`NightError`]; what was published before stays, and the run history says what went wrong.
pub async fn run(
    nightly: &Nightly,
    store: &StoreRow,
    date: NaiveDate,
    progress: Arc<dyn Fn(Stage) + Send + Sync>,
) -> Result<NightReport, NightError> {
    let started_at = nightly.clock.now();
    let night = Night { date, calendar: calendar(store)? };
    progress(Stage::Load);
    let mut connection = nightly.work.acquire().await?;
    let loaded = load::load(&mut connection, store, night).await?;
    let input_hash = fingerprint::of_facts(&loaded, date);
    let config_hash = fingerprint::of_settings(&nightly.settings);
    let run = NewRun {
        kind: "nightly",
        store_id: Some(store.id),
        business_date: Some(date),
        input_hash: &fingerprint::combine(&input_hash, &config_hash),
        config_hash: Some(&config_hash),
        code_version: fingerprint::CODE_VERSION,
        job_id: None,
        started_at,
    };
    let run_id = match start_run(&mut connection, &run).await? {
        StartedRun::New(run_id) => run_id,
        StartedRun::Finished(earlier) => {
            store::republish(&mut connection, store, &earlier, night, nightly.clock.now()).await?;
            return Ok(unchanged(store, date, &earlier, loaded));
        }
    };
    drop(connection);

    match forecast_and_publish(nightly, store, night, run_id, loaded, progress).await {
        Ok(report) => Ok(NightReport { seconds: seconds(started_at, nightly.clock.now()), ..report }),
        Err(error) => {
            fail_run(&nightly.work, run_id, nightly.clock.now(), &chain(&error)).await?;
            Err(error)
        }
    }
}

fn unchanged(store: &StoreRow, date: NaiveDate, earlier: &platform::db::runs::RunRow, loaded: Loaded) -> NightReport {
    NightReport {
        store_id: store.id.into(),
        store: store.slug.clone(),
        date,
        run_id: earlier.id.into(),
        unchanged: true,
        rung: earlier.rung.as_deref().and_then(|rung| rung.parse().ok()).unwrap_or(Rung::Fresh),
        gates: Vec::new(),
        series: loaded.facts.products.len(),
        rows: earlier.row_count.unwrap_or_default().unsigned_abs(),
        dormant: loaded.dormant,
        recipe_fault: loaded.recipe_fault,
        seconds: 0.0,
        plans: Vec::new(),
    }
}

async fn forecast_and_publish(
    nightly: &Nightly,
    store: &StoreRow,
    night: Night,
    run_id: uuid::Uuid,
    loaded: Loaded,
    progress: Arc<dyn Fn(Stage) + Send + Sync>,
) -> Result<NightReport, NightError> {
    let (settings, slug, report) = (nightly.settings.clone(), store.slug.clone(), Arc::clone(&progress));
    // Fitting takes seconds of pure arithmetic: never on the async threads.
    let task = tokio::task::spawn_blocking(move || {
        let forecast = forecast(&slug, night, &loaded, &settings, report.as_ref())?;
        Ok::<_, NightError>((loaded, forecast))
    });
    let (loaded, forecast) = task.await.map_err(|error| NightError::Task { store: store.slug.clone(), reason: error.to_string() })??;

    progress(Stage::Publish);
    let days = (0..PLANNED_DAYS).filter_map(|ahead| night.date.checked_add_days(Days::new(ahead)));
    let plans = planning::plan_days(&loaded.kitchen, &forecast.forecasts, days);
    let outcome = store::Outcome { run_id, night, loaded: &loaded, forecast: &forecast, plans: &plans };
    let rows = store::store_and_publish(&nightly.work, store, &outcome, nightly.clock.now()).await?;
    Ok(NightReport {
        store_id: store.id.into(),
        store: store.slug.clone(),
        date: night.date,
        run_id: run_id.into(),
        unchanged: false,
        rung: forecast.rung,
        gates: forecast.gates,
        series: loaded.facts.products.len(),
        rows,
        dormant: loaded.dormant,
        recipe_fault: loaded.recipe_fault,
        seconds: 0.0,
        plans,
    })
}

/// A night's forecasts, after the gates.
pub(crate) struct Forecast {
    pub rung: Rung,
    pub forecasts: Vec<SeriesForecast>,
    /// Of the forecasts that are published.
    pub gates: Vec<Gate>,
    /// Of fresh forecasts that were not, if they failed.
    pub refused: Vec<Gate>,
    pub output: EngineOutput,
}

fn forecast(
    store: &str,
    night: Night,
    loaded: &Loaded,
    settings: &Settings,
    progress: &(dyn Fn(Stage) + Send + Sync),
) -> Result<Forecast, NightError> {
    let panel = facts::panel(&loaded.facts, night.calendar, night.last_day());
    progress(Stage::Features { series: panel.series.len() });
    let source =
        PanelFeatures::new(panel, FeatureConfig::default()).map_err(|source| NightError::Pipeline { store: store.to_owned(), source })?;
    let cutoff = days_since_epoch(night.last_day());
    // Where the last complete day is two days back, one more step reaches the same last day.
    let behind = days_since_epoch(night.date) - cutoff - 1;
    let config = EngineConfig { horizon: HORIZON + u16::try_from(behind).unwrap_or(0), ..settings.engine.clone() };
    let fits = |at: models::Progress| progress(Stage::Models { done: at.done, total: at.total });
    let output =
        models::forecast(&source, &config, cutoff, &fits).map_err(|source| NightError::Models { store: store.to_owned(), source })?;
    let histories = source.histories(cutoff).map_err(|source| NightError::Features { store: store.to_owned(), source })?;
    Ok(through_gates(output, &histories, config.horizon, settings.gates))
}

/// Fresh forecasts if they pass; else the seasonal naive ones, which need no calibration to be honest.
fn through_gates(output: EngineOutput, histories: &[History], horizon: u16, bounds: GateBounds) -> Forecast {
    let expected: Vec<u32> = (0..).zip(histories).filter(|(_, history)| !history.values.is_empty()).map(|(series, _)| series).collect();
    let summary = BacktestSummary { coverage80: output.coverage(0.8), bias: output.bias() };
    let fresh = gates::judge(&output.forecasts, &expected, horizon, histories, summary, bounds);
    if gates::all_passed(&fresh) {
        return Forecast { rung: Rung::Fresh, forecasts: output.forecasts.clone(), gates: fresh, refused: Vec::new(), output };
    }
    let naive = output.of_model(models::BASELINE);
    let gates = gates::judge(&naive, &expected, horizon, histories, BacktestSummary::default(), bounds);
    Forecast { rung: Rung::SeasonalNaive, forecasts: naive, gates, refused: fresh, output }
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_milliseconds() as f64 / 1000.0
}

/// An error with its causes, for the run history.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
