//! The third rung: what the last published run said of this day.
//!
//! It needs neither features nor models nor tonight's facts, only the forecasts that are on the screen. They reach as far ahead as
//! they did; their steps are counted anew. The plan is made again from them, with today's stock and recipes where these can be read.

use std::collections::HashMap;

use chrono::NaiveDate;
use domain::frequency::days_since_epoch;
use domain::plan::DayPlan;
use domain::time::Night;
use domain::{Quantiles, Rung, SeriesForecast, StepForecast};
use platform::database::begin;
use platform::db::forecast_runs::{get_forecast_run, upsert_forecast_run};
use platform::db::forecasts::{ForecastRow, forecasts_of_run, replace_forecasts};
use platform::db::overrides::lock_overrides;
use platform::db::plan_items::{PlanItemRow, published_plan, replace_plan_items};
use platform::db::products::{ProductRow, list_products};
use platform::db::published_runs::{PublishedRun, lock_pointer, published_run};
use platform::db::runs::{RunResult, finish_run};
use platform::db::stores::StoreRow;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::error::NightError;
use super::ladder::Refusal;
use super::planning::{plan_days, planned_days};
use super::store::{self, Stored};
use super::{Nightly, kitchen, rows};
use crate::events;

/// Whether the store's screen shows a plan for `date` or a later day.
pub(super) async fn is_served(nightly: &Nightly, store: &StoreRow, date: NaiveDate) -> Result<bool, NightError> {
    Ok(published_run(&nightly.work, store.id).await?.is_some_and(|published| published.business_date >= date))
}

/// Whether there is something to show on this rung.
pub(super) async fn covers(nightly: &Nightly, store: &StoreRow, night: Night) -> Result<bool, NightError> {
    let Some((_, cells)) = last(nightly, store, night).await? else { return Ok(false) };
    Ok(cells.iter().any(|cell| cell.target_date == night.date))
}

/// The last published run before this night, and what it says from the night's day on.
async fn last(nightly: &Nightly, store: &StoreRow, night: Night) -> Result<Option<(PublishedRun, Vec<ForecastRow>)>, NightError> {
    let published = published_run(&nightly.work, store.id).await?;
    let Some(published) = published.filter(|published| published.business_date < night.date) else { return Ok(None) };
    let mut cells = forecasts_of_run(&nightly.work, published.run_id).await?;
    cells.retain(|cell| cell.target_date >= night.date);
    Ok(Some((published, cells)))
}

/// Publishes the last published forecasts as this night's, as run `run_id`. `None` if they do not reach its day.
pub(super) async fn show(
    nightly: &Nightly,
    store: &StoreRow,
    night: Night,
    run_id: Uuid,
    refused: &[Refusal],
) -> Result<Option<Stored>, NightError> {
    let Some((published, mut cells)) = last(nightly, store, night).await? else { return Ok(None) };
    let Some(mut run) = get_forecast_run(&nightly.work, published.run_id).await? else { return Ok(None) };
    if !cells.iter().any(|cell| cell.target_date == night.date) {
        return Ok(None);
    }
    for cell in &mut cells {
        let ahead = cell.target_date.signed_duration_since(night.date).num_days();
        cell.step = i32::try_from(ahead + 1).unwrap_or(i32::MAX);
        cell.rung = Rung::LastPublished.as_str().to_owned();
    }
    let mut left_out = Vec::new();
    let mut tx = begin(&nightly.work).await?;
    lock_pointer(&mut tx, store.id).await?;
    // Whoever sets a number from here on waits, and then finds this run to plan again.
    lock_overrides(&mut tx, store.id).await?;
    // A statement of its that fails does not take the transaction with it.
    let mut attempt = tx.begin().await?;
    let planned = plan(&mut attempt, store.id, night, &cells).await;
    attempt.rollback().await?;
    let (plans, plan) = match planned {
        Ok(planned) => planned,
        Err(error) => {
            left_out.push(events::left_out(&store.slug, "planning with today's stock", &error));
            (Vec::new(), published_plan(&mut *tx, store.id, night.date).await?)
        }
    };
    // What it knew and what its gates said stays as it was: nothing was looked at since.
    run.run_id = run_id;
    run.first_day = night.date;
    run.horizon = cells.iter().map(|cell| cell.step).max().unwrap_or(1);

    let now = nightly.clock.now();
    upsert_forecast_run(&mut *tx, &run).await?;
    let stored = replace_forecasts(&mut tx, run_id, store.id, &cells).await?;
    replace_plan_items(&mut tx, run_id, store.id, &plan).await?;
    let result = RunResult {
        finished_at: now,
        rung: Some(Rung::LastPublished.as_str()),
        row_count: i64::try_from(stored).unwrap_or(i64::MAX),
        details: json!({ "forecasts_of": published.run_id, "refused_by": refused, "left_out": left_out }),
    };
    finish_run(&mut *tx, run_id, &result).await?;
    let shown = store::show(&mut tx, store, run_id, night.date, Rung::LastPublished, now, true).await?;
    if shown {
        store::tell(&mut tx, run_id, store, night.date, Rung::LastPublished, &plans, now).await?;
    }
    tx.commit().await?;
    Ok(Some(Stored { cells: stored, published: shown }))
}

pub(super) type Planned = (Vec<DayPlan>, Vec<PlanItemRow>);

/// Plans the days of a night from stored forecasts.
pub(super) async fn plan(
    connection: &mut PgConnection,
    store_id: Uuid,
    night: Night,
    cells: &[ForecastRow],
) -> Result<Planned, NightError> {
    let products: Vec<ProductRow> = list_products(&mut *connection, store_id).await?;
    let kitchen = kitchen::load(connection, store_id, night, &products).await?.kitchen;
    let plans: Vec<DayPlan> = plan_days(&kitchen, &by_product(&products, cells), planned_days(night.date));
    let items = rows::plan_items(&plans, &kitchen);
    Ok((plans, items))
}

/// Cells of products as forecasts; series are the places of `products`.
fn by_product(products: &[ProductRow], cells: &[ForecastRow]) -> Vec<SeriesForecast> {
    let places: HashMap<Uuid, u32> = products.iter().map(|product| product.id).zip(0..).collect();
    let mut forecasts: HashMap<u32, SeriesForecast> = HashMap::new();
    for cell in cells.iter().filter(|cell| cell.target_kind == "product") {
        let series = cell.target_id.and_then(|id| places.get(&id)).copied();
        let (Some(series), Some(quantiles)) = (series, Quantiles::from_unsorted(cell.quantiles)) else { continue };
        let step = StepForecast {
            step: u16::try_from(cell.step).unwrap_or(u16::MAX),
            at: days_since_epoch(cell.target_date),
            yhat: cell.yhat,
            quantiles,
        };
        let new = || SeriesForecast { series, chosen: cell.chosen.clone(), steps: Vec::new() };
        forecasts.entry(series).or_insert_with(new).steps.push(step);
    }
    let mut forecasts: Vec<SeriesForecast> = forecasts.into_values().collect();
    forecasts.sort_by_key(|forecast| forecast.series);
    forecasts
}
