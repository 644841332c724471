//! Forecasts and plans as rows of their tables.

use domain::frequency::date_from_epoch;
use domain::plan::{DayPlan, PrepItem, Unit};
use domain::{SeriesForecast, StepForecast};
use platform::db::forecasts::ForecastRow;
use platform::db::plan_items::PlanItemRow;
use uuid::Uuid;

use super::planning::Kitchen;
use super::store::Outcome;

/// Cells from the night's own date on; steps count from it.
pub(super) fn cells(outcome: &Outcome<'_>) -> Vec<ForecastRow> {
    let mut rows = Vec::new();
    for forecast in &outcome.forecast.forecasts {
        let Some((product, name)) = outcome.loaded.facts.products.get(forecast.series as usize) else { continue };
        let target = Target { kind: "product", id: Some(*product), item: name, unit: 1.0 };
        let why = |step: &StepForecast| outcome.forecast.explanation(forecast.series, step);
        let hits = |step: &StepForecast| outcome.forecast.hits(forecast.series, step.step);
        rows.extend(forecast.steps.iter().filter_map(|step| cell(outcome, &target, forecast, step, hits(step), why(step))));
    }
    for total in &outcome.forecast.totals {
        let why = |step: &StepForecast| outcome.forecast.explanation_of_sum(&total.weights, step);
        let target = Target { kind: total.kind, id: total.id, item: &total.item, unit: 0.0 };
        rows.extend(total.forecast.steps.iter().filter_map(|step| cell(outcome, &target, &total.forecast, step, 0, why(step))));
    }
    rows
}

struct Target<'a> {
    kind: &'a str,
    id: Option<Uuid>,
    item: &'a str,
    /// By how much a forecast may be off and still count as right, whatever its size.
    unit: f64,
}

fn cell(
    outcome: &Outcome<'_>,
    target: &Target<'_>,
    forecast: &SeriesForecast,
    step: &StepForecast,
    hits: i32,
    explanation: Option<serde_json::Value>,
) -> Option<ForecastRow> {
    let target_date = date_from_epoch(step.at)?;
    let ahead = target_date.signed_duration_since(outcome.night.date).num_days();
    (ahead >= 0).then(|| ForecastRow {
        target_kind: target.kind.to_owned(),
        target_id: target.id,
        target_item: target.item.to_owned(),
        target_date,
        step: i32::try_from(ahead + 1).unwrap_or(i32::MAX),
        yhat: step.yhat,
        quantiles: *step.quantiles.values(),
        chosen: forecast.chosen.clone(),
        confidence_score: step.confidence(step.yhat, target.unit),
        rung: outcome.forecast.rung.as_str().to_owned(),
        guard_hits: hits,
        explanation,
    })
}

pub(super) fn plan_items(plans: &[DayPlan], kitchen: &Kitchen) -> Vec<PlanItemRow> {
    plans.iter().flat_map(|plan| day_items(plan, kitchen)).collect()
}

fn day_items(plan: &DayPlan, kitchen: &Kitchen) -> Vec<PlanItemRow> {
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
        reason: Some(reason(item, plan, kitchen)),
        ..row("prep", &item.name, item.unit.clone())
    });
    let made = plan.kitchen.iter().map(|item| PlanItemRow {
        ingredient_id: Some(item.ingredient.0),
        need: item.quantity,
        low: item.quantity,
        high: item.quantity,
        quantity: item.quantity,
        pieces: pieces(item.batches),
        ..row("kitchen", &item.name, unit(item.unit))
    });
    let bought = plan.purchases.iter().map(|item| PlanItemRow {
        ingredient_id: Some(item.ingredient.0),
        need: item.needed,
        low: item.needed,
        high: item.needed,
        quantity: item.quantity(),
        pieces: pieces(item.packs),
        cost: Some(item.cost.0),
        ..row("purchase", &item.name, unit(item.unit))
    });
    prep.chain(made).chain(bought).collect()
}

fn reason(item: &PrepItem, plan: &DayPlan, kitchen: &Kitchen) -> String {
    match kitchen.overrides.get(&(item.product, plan.date)) {
        Some(owner) if owner.trust < 0.995 => {
            format!("the owner's number {}, which weighs {:.0} %: {}", owner.quantity, owner.trust * 100.0, owner.reason)
        }
        Some(owner) => format!("the owner's number {}: {}", owner.quantity, owner.reason),
        None => format!("prepared for the {:.0} % level of demand", item.level * 100.0),
    }
}

fn pieces(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
