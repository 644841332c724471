//! The arithmetic of a night: panel, features, models, gates, plan. Seconds of it, and none of them async.

use std::collections::HashMap;

use domain::frequency::days_since_epoch;
use domain::plan::DayPlan;
use domain::time::Night;
use domain::{Explanation, FeatureSource as _, History, Rung, SeriesForecast, StepForecast};
use models::{EngineConfig, EngineOutput, GuardHit};
use pipeline::{FeatureConfig, PanelFeatures};

use super::demand::DemandReport;
use super::error::NightError;
use super::gates::{self, BacktestSummary, Gate, GateBounds};
use super::load::Loaded;
use super::planning::{plan_days, planned_days};
use super::wholes::{self, Total};
use super::{ProgressFn, Settings, Stage, facts};
use crate::events;

/// A night's forecasts after the gates, and the plans made of them.
pub(super) struct Forecast {
    pub rung: Rung,
    pub forecasts: Vec<SeriesForecast>,
    /// Of the forecasts that are published.
    pub gates: Vec<Gate>,
    /// Of fresh forecasts that were not, if they failed.
    pub refused: Vec<Gate>,
    pub output: EngineOutput,
    /// What the guards did to the forecasts that are published.
    pub guard_hits: Vec<GuardHit>,
    pub plans: Vec<DayPlan>,
    /// What the products' forecasts add up to.
    pub totals: Vec<Total>,
    /// By series, of each of its steps.
    pub explanations: HashMap<u32, Vec<Explanation>>,
    /// What could not be done and is not needed for a plan, with the reason.
    pub left_out: Vec<String>,
    /// What the facts say of demand beyond sales.
    pub demand: DemandReport,
}

impl Forecast {
    /// Why a published cell is what it is, as it is stored.
    pub fn explanation(&self, series: u32, step: &StepForecast) -> Option<serde_json::Value> {
        serde_json::to_value(self.told(series, step.step)?.scaled_to(step.yhat)).ok()
    }

    /// The same of a weighted sum of series.
    pub fn explanation_of_sum(&self, weights: &[(u32, f64)], step: &StepForecast) -> Option<serde_json::Value> {
        let published = |series: u32| {
            let forecast = self.forecasts.iter().find(|forecast| forecast.series == series)?;
            Some(forecast.steps.get(usize::from(step.step).checked_sub(1)?)?.yhat)
        };
        let part = |&(series, weight): &(u32, f64)| Some((self.told(series, step.step)?.scaled_to(published(series)?), weight));
        let parts: Vec<(Explanation, f64)> = weights.iter().filter_map(part).collect();
        let sum = Explanation::weighted_sum(parts.iter().map(|(explanation, weight)| (explanation, *weight)));
        serde_json::to_value(sum.ending_at(step.yhat)).ok()
    }

    fn told(&self, series: u32, step: u16) -> Option<&Explanation> {
        self.explanations.get(&series)?.get(usize::from(step).checked_sub(1)?)
    }

    /// Guard interventions in one published step.
    pub fn hits(&self, series: u32, step: u16) -> i32 {
        let count = self.guard_hits.iter().filter(|hit| hit.series == series && hit.step == step).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    }
}

/// Forecasts and plans one store's night.
pub(super) fn forecast(
    store: &str,
    night: Night,
    loaded: &Loaded,
    settings: &Settings,
    progress: &ProgressFn,
) -> Result<Forecast, NightError> {
    let (panel, study) = facts::studied_panel(&loaded.facts, night.calendar, night.last_day());
    progress(Stage::Features { series: panel.series.len() });
    let source = PanelFeatures::new(panel.clone(), FeatureConfig::default())
        .map_err(|source| NightError::Pipeline { store: store.to_owned(), source })?;
    let cutoff = days_since_epoch(night.last_day());
    // Where the last complete day is two days back, one more step reaches the same last day.
    let behind = days_since_epoch(night.date) - cutoff - 1;
    let config = EngineConfig { horizon: settings.engine.horizon + u16::try_from(behind).unwrap_or(0), ..settings.engine.clone() };
    let fits = |at: models::Progress| progress(Stage::Models { done: at.done, total: at.total });
    let mut output =
        models::forecast(&source, &config, cutoff, &fits).map_err(|source| NightError::Models { store: store.to_owned(), source })?;
    // Reconciling moves what the models said by a share; their reasons stay.
    let made = output.forecasts.clone();
    let mut left_out = Vec::new();
    match wholes::reconciled(store, &loaded.facts, &panel, &output, &config, cutoff) {
        Ok(reconciled) => output.forecasts = reconciled,
        Err(error) => left_out.push(events::left_out(store, "reconciliation", &error)),
    }
    let histories = source.histories(cutoff).map_err(|source| NightError::Features { store: store.to_owned(), source })?;
    let passed = through_gates(output, &histories, config.horizon, settings.gates);
    if let Some(gate) = passed.gates.iter().find(|gate| !gate.passed) {
        return Err(NightError::Gates { store: store.to_owned(), gate: gate.name.clone(), detail: gate.detail.clone() });
    }
    let told = if passed.rung == Rung::Fresh { &made } else { &passed.forecasts };
    let explained = passed.output.artifact().and_then(|artifact| artifact.explain(&source, cutoff, told));
    let explained = explained.unwrap_or_else(|error| {
        left_out.push(events::left_out(store, "reasons", &error));
        Vec::new()
    });
    let explanations = told.iter().map(|forecast| forecast.series).zip(explained).collect();
    let plans = plan_days(&loaded.kitchen.kitchen, &passed.forecasts, planned_days(night.date));
    let totals = wholes::totals(&loaded.facts, &loaded.kitchen.kitchen, &passed.forecasts, &passed.output.past, config.seed);
    Ok(Forecast { plans, totals, explanations, left_out, demand: study.report(&loaded.facts, cutoff), ..passed })
}

/// Fresh forecasts if they pass; else the seasonal naive ones, which repeat what was sold: of them only that they are
/// complete and sound is asked.
fn through_gates(output: EngineOutput, histories: &[History], horizon: u16, bounds: GateBounds) -> Forecast {
    let expected: Vec<u32> = (0..).zip(histories).filter(|(_, history)| !history.values.is_empty()).map(|(series, _)| series).collect();
    let summary = BacktestSummary { coverage80: output.coverage(0.8), bias: output.bias() };
    let fresh = gates::judge(&output.forecasts, &expected, horizon, histories, summary, bounds);
    let (plans, totals, explanations, demand) = (Vec::new(), Vec::new(), HashMap::new(), DemandReport::default());
    if gates::all_passed(&fresh) {
        return Forecast {
            rung: Rung::Fresh,
            forecasts: output.forecasts.clone(),
            gates: fresh,
            refused: Vec::new(),
            guard_hits: output.guard_hits.clone(),
            output,
            plans,
            totals,
            explanations,
            left_out: Vec::new(),
            demand,
        };
    }
    let naive = output.of_model(models::BASELINE);
    let gates = gates::judge_last_rung(&naive, &expected, horizon);
    let guard_hits = output.hits_of_model(models::BASELINE);
    let left_out = Vec::new();
    Forecast {
        rung: Rung::SeasonalNaive,
        forecasts: naive,
        gates,
        refused: fresh,
        output,
        guard_hits,
        plans,
        totals,
        explanations,
        left_out,
        demand,
    }
}
