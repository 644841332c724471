//! Writes a night's result and moves the pointer, in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::Rung;
use domain::event::{Event, RunPublished};
use domain::ids::ProductId;
use domain::job::MailNews;
use domain::plan::DayPlan;
use domain::text::{Language, plan_sentence};
use domain::time::Night;
use models::guard::tally;
use platform::bus::outbox;
use platform::database::begin;
use platform::db::backfills::speak_for_day;
use platform::db::forecast_runs::{ForecastRunRow, get_forecast_run, upsert_forecast_run};
use platform::db::forecasts::replace_forecasts;
use platform::db::notifications::{News, tell_members};
use platform::db::overrides::{OverrideRow, list_overrides, lock_overrides};
use platform::db::partition_ranges::{Made, mark_day};
use platform::db::plan_items::replace_plan_items;
use platform::db::published_runs::{Publication, lock_pointer, publish_unless_newer, published_run};
use platform::db::runs::{RunResult, RunRow, finish_run, get_run};
use platform::db::stores::StoreRow;
use platform::queue::{EnqueueOptions, enqueue};
use platform::telemetry;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::NightError;
use super::forecast::Forecast;
use super::kept::{self, Kept};
use super::load::Loaded;
use super::planning::planned_days;
use super::{FORECASTS, Nightly, Order, Pace, calendar, gates, replan, rows};

/// What a night has come to.
pub(super) struct Outcome<'a> {
    pub store_id: Uuid,
    pub run_id: Uuid,
    pub night: Night,
    /// Days from the night's own on.
    pub horizon: u16,
    pub loaded: &'a Loaded,
    pub forecast: &'a Forecast,
    /// Tonight's models, where they were kept.
    pub models: Option<&'a Kept>,
    pub spent: Spent,
}

/// Seconds that a night has taken before its result is stored.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Spent {
    pub load: f64,
    /// Features, fits, backtest, gates and plan.
    pub forecast: f64,
    /// Packing models and writing them away.
    pub keep: f64,
}

pub(super) struct Stored {
    /// Forecast cells.
    pub cells: u64,
    /// Whether the store's screen shows the run.
    pub published: bool,
}

/// Forecasts, plan, run, models and pointer, and the event that tells of them: all or nothing.
pub(super) async fn store_and_publish(
    nightly: &Nightly,
    store: &StoreRow,
    outcome: &Outcome<'_>,
    order: Order,
) -> Result<Stored, NightError> {
    let (run_id, now) = (outcome.run_id, nightly.clock.now());
    let mut tx = begin(&nightly.work).await?;
    upsert_forecast_run(&mut *tx, &forecast_run(store, outcome)).await?;
    let cells = replace_forecasts(&mut tx, run_id, store.id, &rows::cells(outcome)).await?;
    let plan = rows::plan_items(&outcome.forecast.plans, &outcome.loaded.kitchen.kitchen);
    replace_plan_items(&mut tx, run_id, store.id, &plan).await?;
    if let Some(models) = outcome.models {
        kept::note(&mut tx, nightly, outcome, models).await?;
    }
    let result = RunResult {
        finished_at: now,
        rung: Some(outcome.forecast.rung.as_str()),
        row_count: i64::try_from(cells).unwrap_or(i64::MAX),
        details: details(outcome),
    };
    finish_run(&mut *tx, run_id, &result).await?;
    let (scope, read_in) = (store.id.to_string(), Some(outcome.loaded.read_in.as_str()));
    mark_day(&mut tx, FORECASTS, &scope, Made::Materialised, outcome.night.date, read_in).await?;
    let (night, rung) = (outcome.night, outcome.forecast.rung);
    let published = !order.in_shadow && {
        let yields = stands_back(&mut tx, store.id, order, night, rung).await?;
        show(&mut tx, store, run_id, night.date, rung, now, yields).await?
    };
    if published {
        let plans = plans_of_now(&mut tx, store, outcome).await?;
        tell(&mut tx, run_id, store, night.date, rung, &plans, now).await?;
    }
    tx.commit().await?;
    Ok(Stored { cells, published })
}

/// Whether a run of this night leaves the screen to what that shows for the same day: one that was made in a hurry to any, one that
/// somebody asked for to one on a higher rung, and any other to one that knew more and stands no lower.
async fn stands_back(tx: &mut PgConnection, store_id: Uuid, order: Order, night: Night, rung: Rung) -> Result<bool, NightError> {
    if order.pace == Pace::Hurried {
        return Ok(true);
    }
    // Nobody moves the pointer between this look and our own move.
    let shown = lock_pointer(&mut *tx, store_id).await?.filter(|shown| shown.business_date == night.date);
    let Some(shown) = shown else { return Ok(false) };
    let Some(stands_on) = get_run(&mut *tx, shown.run_id).await?.and_then(|run| run.rung?.parse::<Rung>().ok()) else { return Ok(false) };
    if order.is_anew {
        return Ok(stands_on < rung);
    }
    let knew_more = get_forecast_run(&mut *tx, shown.run_id).await?.is_some_and(|run| run.cutoff > night.cutoff());
    Ok(knew_more && stands_on <= rung)
}

/// The plans that the screen shows from now on, with numbers that people have set since the night read them. Whoever sets one from here
/// on waits, and then finds this run to plan again.
async fn plans_of_now(tx: &mut PgConnection, store: &StoreRow, outcome: &Outcome<'_>) -> Result<Vec<DayPlan>, NightError> {
    lock_overrides(&mut *tx, store.id).await?;
    let (first, last) = planned_days(outcome.night.date);
    let set = list_overrides(&mut *tx, store.id, first, last).await?;
    let read = &outcome.loaded.kitchen.kitchen.overrides;
    let was_read = |row: &OverrideRow| {
        let number = read.get(&(ProductId(row.product_id), row.target_date));
        number.is_some_and(|number| number.quantity == row.quantity && number.reason == row.reason)
    };
    if set.len() == read.len() && set.iter().all(was_read) {
        return Ok(outcome.forecast.plans.clone());
    }
    Ok(replan::plan_again(tx, store).await?.map_or_else(Vec::new, |(_, plans, _)| plans))
}

/// Makes sure that an earlier run on the same input is the one on the screen, unless that shows a later day. Returns whether
/// it is: as when it was made, it makes nothing worse.
pub(super) async fn republish(nightly: &Nightly, store: &StoreRow, run: &RunRow, night: Night, order: Order) -> Result<bool, NightError> {
    let now = nightly.clock.now();
    let rung = run.rung.as_deref().and_then(|rung| rung.parse().ok()).unwrap_or(Rung::Fresh);
    let mut tx = begin(&nightly.work).await?;
    let before = published_run(&mut *tx, store.id).await?.map(|shown| shown.run_id);
    let yields = stands_back(&mut tx, store.id, order, night, rung).await?;
    let published = show(&mut tx, store, run.id, night.date, rung, now, yields).await?;
    if published && before != Some(run.id) {
        replan::plan_again(&mut tx, store).await?;
    }
    tx.commit().await?;
    Ok(published)
}

/// Moves the pointer, and tells of it if it moved. Returns whether it points at the run now. With `yields` another run of the
/// same day keeps its place.
pub(super) async fn show(
    tx: &mut PgConnection,
    store: &StoreRow,
    run_id: Uuid,
    date: NaiveDate,
    rung: Rung,
    now: DateTime<Utc>,
    yields: bool,
) -> Result<bool, NightError> {
    let publication = publish_unless_newer(&mut *tx, store.id, run_id, date, now, yields).await?;
    if let Publication::Moved { .. } = publication {
        let event = Event::RunPublished(RunPublished { store_id: store.id.into(), run_id: run_id.into(), business_date: date, rung });
        outbox::record(tx, &event.seal(now)?).await?;
        speak_for_day(&mut *tx, store.id, date, run_id, now).await?;
    }
    Ok(!matches!(publication, Publication::NewerStays(_)))
}

/// Tells the people of a store of its plan, once a day; a better one takes the place of the earlier. Mail goes out at the deadline,
/// when no better one is to be expected.
pub(super) async fn tell(
    tx: &mut PgConnection,
    run_id: Uuid,
    store: &StoreRow,
    date: NaiveDate,
    rung: Rung,
    plans: &[DayPlan],
    now: DateTime<Utc>,
) -> Result<(), NightError> {
    let Some(plan) = plans.iter().find(|plan| plan.date == date) else { return Ok(()) };
    let news = News {
        store_id: store.id,
        kind: "plan_published",
        title: &format!("Rencana {} untuk {date}", store.name),
        body: &plan_sentence(plan, Language::Indonesian),
        data: json!({ "run_id": run_id, "business_date": date, "rung": rung.as_str() }),
        unique_key: &format!("plan:{}:{date}", store.id),
    };
    if tell_members(&mut *tx, &news).await? > 0 {
        let mail = MailNews { store_id: store.id.into(), unique_key: news.unique_key.to_owned() };
        // A night of the past has nothing to wait for, and has not waited since then.
        let run_at = Some(Night::of(date, calendar(store)?).deadline().max(now));
        enqueue(tx, &mail, EnqueueOptions { run_at, trace_id: Some(telemetry::cause()), ..EnqueueOptions::default() }).await?;
    }
    Ok(())
}

fn forecast_run(store: &StoreRow, outcome: &Outcome<'_>) -> ForecastRunRow {
    let (night, forecast, facts) = (outcome.night, outcome.forecast, &outcome.loaded.facts);
    ForecastRunRow {
        run_id: outcome.run_id,
        store_id: store.id,
        cutoff: night.cutoff(),
        last_day: night.last_day(),
        first_day: night.date,
        horizon: i32::from(outcome.horizon),
        gates: json!(forecast.gates),
        gates_passed: Some(gates::all_passed(&forecast.gates)),
        metrics: json!({
            "coverage80": forecast.backtest.coverage80, "bias": forecast.backtest.bias,
            "guards": { "published": tally(&forecast.guard_hits), "all_models": tally(&forecast.all_guard_hits) },
        }),
        inputs: json!({
            "sales": { "versions": facts.sales.len(), "first": facts.sales.iter().map(|sale| sale.day).min(), "last": night.last_day() },
            "stockouts": facts.stockouts.len(), "calendar_events": facts.events.len(), "promos": facts.promos.len(),
            "weather_issues": facts.weather.len(), "news_signals": facts.news.len(), "market_prices": facts.market_prices.len(),
            "complete_until": outcome.loaded.freshness,
        }),
        guard_hits: i32::try_from(forecast.guard_hits.len()).unwrap_or(i32::MAX),
    }
}

fn details(outcome: &Outcome<'_>) -> serde_json::Value {
    let mut chosen: BTreeMap<&str, usize> = BTreeMap::new();
    for forecast in &outcome.forecast.forecasts {
        *chosen.entry(&forecast.chosen).or_default() += 1;
    }
    json!({
        "chosen": chosen,
        "dormant": outcome.loaded.dormant,
        "demand": outcome.forecast.demand,
        "stale_days": outcome.loaded.stale_days,
        "recipe_fault": outcome.loaded.kitchen.fault,
        "left_out": outcome.forecast.left_out,
        "idle_families": outcome.forecast.idle_families,
        "refused_by": outcome.forecast.refused,
        "seconds": outcome.spent,
        "model_bytes": outcome.models.map(Kept::length),
    })
}
