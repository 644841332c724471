//! The arithmetic of a night: panel, features, models, gates, plan. Seconds of it, and none of them async.

use std::collections::HashMap;

use domain::frequency::days_since_epoch;
use domain::plan::DayPlan;
use domain::time::Night;
use domain::{Explanation, FeatureSource as _, Rung, SeriesForecast, StepForecast};
use models::{EngineConfig, GuardHit};
use pipeline::{FeatureConfig, PanelFeatures};

use super::demand::DemandReport;
use super::error::NightError;
use super::gates::{BacktestSummary, Gate};
use super::kept::{self, LastModel};
use super::ladder::{self, Climb, Ground, Refusal};
use super::load::Loaded;
use super::planning::{plan_days, planned_days};
use super::wholes::{self, Total};
use super::{Pace, ProgressFn, Settings, Stage, facts};
use crate::events;

/// A night's forecasts after the gates, and the plans made of them.
pub(super) struct Forecast {
    pub rung: Rung,
    pub forecasts: Vec<SeriesForecast>,
    /// Of the forecasts that are published.
    pub gates: Vec<Gate>,
    /// Of rungs above.
    pub refused: Vec<Refusal>,
    /// Of tonight's models on past folds.
    pub backtest: BacktestSummary,
    /// What the guards did to the forecasts that are published, and to those of all of tonight's models.
    pub guard_hits: Vec<GuardHit>,
    pub all_guard_hits: Vec<GuardHit>,
    pub plans: Vec<DayPlan>,
    /// What the products' forecasts add up to.
    pub totals: Vec<Total>,
    /// By series, of each of its steps.
    pub explanations: HashMap<u32, Vec<Explanation>>,
    /// What could not be done and is not needed for a plan, with the reason.
    pub left_out: Vec<String>,
    /// What the facts say of demand beyond sales.
    pub demand: DemandReport,
    /// Feature families that told nothing of the store to tonight's models.
    pub idle_families: Vec<String>,
    /// Tonight's models as they are kept, if it was they who answered.
    pub models: Option<Vec<u8>>,
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

/// What a night may fall back on, and how much time it has.
pub(super) struct Means {
    pub pace: Pace,
    pub last_model: Option<LastModel>,
    pub has_earlier: bool,
}

/// Forecasts and plans one store's night.
pub(super) fn forecast(
    store: &str,
    night: Night,
    loaded: &Loaded,
    means: &Means,
    settings: &Settings,
    progress: &ProgressFn,
) -> Result<Forecast, NightError> {
    let (panel, study) = facts::studied_panel(&loaded.facts, night.calendar, night.last_day());
    progress(Stage::Features { series: panel.series.len() });
    let source = PanelFeatures::new(panel.clone(), FeatureConfig::default())
        .map_err(|source| NightError::Pipeline { store: store.to_owned(), source })?;
    let cutoff = days_since_epoch(night.last_day());
    let config = engine_config(settings, night);
    let histories = source.histories(cutoff).map_err(|source| NightError::Features { store: store.to_owned(), source })?;
    let ground = Ground {
        store,
        facts: &loaded.facts,
        panel: &panel,
        source: &source,
        histories: &histories,
        config: &config,
        cutoff,
        bounds: settings.gates,
        last_model: means.last_model.as_ref(),
        pace: means.pace,
        has_earlier: means.has_earlier,
    };
    let fits = |at: models::Progress| progress(Stage::Models { done: at.done, total: at.total });
    let Climb { forecasts, fresh, refused, mut left_out } = ladder::climb_down(&ground, &fits)?;

    let mut leave_out = |what, error: &(dyn std::error::Error + 'static)| left_out.push(events::left_out(store, what, error));
    let (mut explanations, mut kept) = (HashMap::new(), None);
    match &forecasts.models {
        Ok(models) => {
            match models.explain(&source, cutoff, &forecasts.made) {
                Ok(told) => explanations = forecasts.made.iter().map(|forecast| forecast.series).zip(told).collect(),
                Err(error) => leave_out("reasons", &error),
            }
            if forecasts.rung == Rung::Fresh {
                kept = kept::packed(models).map_err(|error| leave_out("keeping the models", &error)).ok();
            }
        }
        Err(error) => leave_out("reasons", error),
    }
    let kitchen = &loaded.kitchen.kitchen;
    let past = fresh.as_ref().map_or(&[][..], |output| &output.past);
    Ok(Forecast {
        rung: forecasts.rung,
        plans: plan_days(kitchen, &forecasts.steps, planned_days(night.date)),
        totals: wholes::totals(&loaded.facts, kitchen, &forecasts.steps, past, config.seed),
        forecasts: forecasts.steps,
        gates: forecasts.gates,
        refused,
        idle_families: fresh.as_ref().map_or_else(Vec::new, |output| output.idle_families().to_vec()),
        backtest: fresh.as_ref().map_or_else(BacktestSummary::default, BacktestSummary::of),
        guard_hits: forecasts.guard_hits,
        all_guard_hits: fresh.map_or_else(Vec::new, |output| output.all_guard_hits),
        explanations,
        left_out,
        demand: study.report(&loaded.facts, cutoff),
        models: kept,
    })
}

/// The engine's settings for a night. Where the last complete day is two days back, one more step reaches the same last day.
pub(super) fn engine_config(settings: &Settings, night: Night) -> EngineConfig {
    let behind = days_since_epoch(night.date) - days_since_epoch(night.last_day()) - 1;
    EngineConfig { horizon: settings.engine.horizon + u16::try_from(behind).unwrap_or(0), ..settings.engine.clone() }
}
