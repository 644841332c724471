//! Writes a night's result and moves the pointer, in one transaction.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::event::{Event, RunPublished};
use domain::frequency::date_from_epoch;
use domain::plan::{DayPlan, Unit};
use domain::time::Night;
use domain::{Rung, SeriesForecast, StepForecast};
use platform::bus::outbox;
use platform::db::forecast_runs::{ForecastRunRow, upsert_forecast_run};
use platform::db::forecasts::{ForecastRow, replace_forecasts};
use platform::db::plan_items::{PlanItemRow, replace_plan_items};
use platform::db::published_runs::{publish, published_run};
use platform::db::runs::{RunResult, RunRow, finish_run};
use platform::db::stores::StoreRow;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;

use super::error::NightError;
use super::load::Loaded;
use super::{Forecast, HORIZON, gates};

pub(super) struct Outcome<'a> {
    pub run_id: Uuid,
    pub night: Night,
    pub loaded: &'a Loaded,
    pub forecast: &'a Forecast,
    pub plans: &'a [DayPlan],
}

/// Forecasts, plan, run and pointer, and the event that tells of them: all or nothing. Returns the forecast cells stored.
pub(super) async fn store_and_publish(
    pool: &PgPool,
    store: &StoreRow,
    outcome: &Outcome<'_>,
    now: DateTime<Utc>,
) -> Result<u64, NightError> {
    let mut tx = pool.begin().await?;
    upsert_forecast_run(&mut *tx, &forecast_run(store, outcome)).await?;
    let cells = replace_forecasts(&mut tx, outcome.run_id, store.id, &cells(outcome)).await?;
    replace_plan_items(&mut tx, outcome.run_id, store.id, &plan_items(outcome.plans)).await?;
    let result = RunResult {
        finished_at: now,
        rung: Some(outcome.forecast.rung.as_str()),
        row_count: i64::try_from(cells).unwrap_or(i64::MAX),
        details: details(outcome),
    };
    finish_run(&mut *tx, outcome.run_id, &result).await?;
    move_pointer(&mut tx, store, outcome.run_id, outcome.night.date, outcome.forecast.rung, now).await?;
    tx.commit().await?;
    Ok(cells)
}

/// Makes sure that an earlier run on the same input is the published one of its day.
pub(super) async fn republish(
    connection: &mut PgConnection,
    store: &StoreRow,
    run: &RunRow,
    night: Night,
    now: DateTime<Utc>,
) -> Result<(), NightError> {
    if published_run(&mut *connection, store.id)
        .await?
        .is_some_and(|published| published.run_id == run.id || published.business_date > night.date)
    {
        return Ok(());
    }
    let rung = run.rung.as_deref().and_then(|rung| rung.parse().ok()).unwrap_or(Rung::Fresh);
    let mut tx = connection.begin().await?;
    move_pointer(&mut tx, store, run.id, night.date, rung, now).await?;
    tx.commit().await?;
    Ok(())
}

async fn move_pointer(
    tx: &mut PgConnection,
    store: &StoreRow,
    run_id: Uuid,
    date: NaiveDate,
    rung: Rung,
    now: DateTime<Utc>,
) -> Result<(), NightError> {
    publish(&mut *tx, store.id, run_id, date, now).await?;
    let event = Event::RunPublished(RunPublished { store_id: store.id.into(), run_id: run_id.into(), business_date: date, rung });
    outbox::record(tx, &event.seal(now)?).await?;
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
        horizon: i32::from(HORIZON),
        gates: json!(forecast.gates),
        gates_passed: Some(gates::all_passed(&forecast.gates)),
        metrics: json!({ "coverage80": forecast.output.coverage(0.8), "bias": forecast.output.bias() }),
        inputs: json!({
            "sales": { "versions": facts.sales.len(), "first": facts.sales.iter().map(|sale| sale.day).min(), "last": night.last_day() },
            "calendar_events": facts.events.len(), "promos": facts.promos.len(), "weather_issues": facts.weather.len(),
            "news_signals": facts.news.len(),
        }),
        guard_hits: i32::try_from(forecast.output.guard_hits.len()).unwrap_or(i32::MAX),
    }
}

fn details(outcome: &Outcome<'_>) -> serde_json::Value {
    let mut chosen: HashMap<&str, usize> = HashMap::new();
    for forecast in &outcome.forecast.forecasts {
        *chosen.entry(&forecast.chosen).or_default() += 1;
    }
    json!({
        "chosen": chosen,
        "dormant": outcome.loaded.dormant,
        "recipe_fault": outcome.loaded.recipe_fault,
        "refused_by": outcome.forecast.refused.iter().filter(|gate| !gate.passed).collect::<Vec<_>>(),
    })
}

/// Cells from the night's own date on; steps count from it.
fn cells(outcome: &Outcome<'_>) -> Vec<ForecastRow> {
    let mut rows = Vec::new();
    for forecast in &outcome.forecast.forecasts {
        let Some((product, name)) = outcome.loaded.facts.products.get(forecast.series as usize) else { continue };
        rows.extend(forecast.steps.iter().filter_map(|step| cell(outcome, forecast, step, *product, name)));
    }
    rows
}

fn cell(outcome: &Outcome<'_>, forecast: &SeriesForecast, step: &StepForecast, product: Uuid, name: &str) -> Option<ForecastRow> {
    let target_date = date_from_epoch(step.at)?;
    let ahead = target_date.signed_duration_since(outcome.night.date).num_days();
    (ahead >= 0).then(|| ForecastRow {
        target_kind: "product".to_owned(),
        target_id: Some(product),
        target_item: name.to_owned(),
        target_date,
        step: i32::try_from(ahead + 1).unwrap_or(i32::MAX),
        yhat: step.yhat,
        quantiles: *step.quantiles.values(),
        chosen: forecast.chosen.clone(),
        confidence_score: step.confidence(step.yhat, 1.0),
        rung: outcome.forecast.rung.as_str().to_owned(),
        guard_hits: outcome.forecast.output.hits(forecast.series, step.step),
        explanation: None,
    })
}

fn plan_items(plans: &[DayPlan]) -> Vec<PlanItemRow> {
    plans.iter().flat_map(day_items).collect()
}

fn day_items(plan: &DayPlan) -> Vec<PlanItemRow> {
    let row = |kind: &str, item: &str, unit: String| PlanItemRow {
        business_date: plan.date,
        kind: kind.to_owned(),
        part_of_day: "all".to_owned(),
        product_id: None,
        ingredient_id: None,
        item: item.to_owned(),
        unit,
        need: 0.0,
        low: 0.0,
        high: 0.0,
        quantity: 0.0,
        pieces: 0,
        cost: None,
        reason: None,
    };
    let unit = |unit: Unit| unit.to_string();
    let prep = plan.prep.iter().map(|item| PlanItemRow {
        product_id: Some(item.product.0),
        need: item.expected,
        low: item.low,
        high: item.high,
        quantity: item.quantity,
        pieces: pieces(item.batches),
        reason: Some(format!("prepared for the {:.0} % level of demand", item.level * 100.0)),
        ..row("prep", &item.name, item.unit.clone())
    });
    let kitchen = plan.kitchen.iter().map(|item| PlanItemRow {
        ingredient_id: Some(item.ingredient.0),
        need: item.quantity,
        low: item.quantity,
        high: item.quantity,
        quantity: item.quantity,
        pieces: pieces(item.batches),
        ..row("kitchen", &item.name, unit(item.unit))
    });
    let purchase = plan.purchases.iter().map(|item| PlanItemRow {
        ingredient_id: Some(item.ingredient.0),
        need: item.needed,
        low: item.needed,
        high: item.needed,
        quantity: item.quantity(),
        pieces: pieces(item.packs),
        cost: Some(item.cost.0),
        ..row("purchase", &item.name, unit(item.unit))
    });
    prep.chain(kitchen).chain(purchase).collect()
}

fn pieces(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
