//! Rolling-origin evaluation: every forecaster, the blend and the choice, as a table.
//!
//! Each window is decided exactly as a live forecast at its cutoff would be, with folds from before it and the data as of
//! it. Windows and folds share one grid of cutoffs, see [`crate::fold`].

use domain::{FeatureSource, History, Ordinal, Quantiles, SeriesForecast};
use serde::{Deserialize, Serialize};

use crate::candidate::BLEND;
use crate::engine::{CalibrationReport, Decided, Decision, EngineConfig, FoldPlan, Phase, Progress, ProgressFn, decide};
use crate::error::ModelError;
use crate::fold::{Fold, FoldStore, Strictness};
use crate::forecasters;
use crate::metrics::WindowScale;
use crate::scale::{Scale, scales};
use crate::select::SelectionReport;

/// Name under which the choice stands in tables.
pub const CHOICE: &str = "viralcast";

/// Every forecast of every window beside what then happened. All models cover the same (series, cutoff, step).
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestTable {
    /// `unique_id` of each series.
    pub series: Vec<String>,
    /// The forecasters in the order of the registry, the blend, and the choice last.
    pub models: Vec<String>,
    /// Seasonal period of the MASE scale.
    pub season: u16,
    pub rows: Vec<BacktestRow>,
    /// In-sample scales of each (series, cutoff) in `rows`.
    pub scales: Vec<WindowScale>,
    /// What was decided at each cutoff.
    pub windows: Vec<WindowReport>,
}

/// One forecast of one step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BacktestRow {
    pub series: u32,
    pub cutoff: Ordinal,
    pub at: Ordinal,
    /// From 1.
    pub step: u16,
    /// Position in [`BacktestTable::models`].
    pub model: u16,
    pub y: f64,
    pub yhat: f64,
    pub quantiles: Quantiles,
}

/// The decision at one cutoff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowReport {
    pub cutoff: Ordinal,
    pub selection: SelectionReport,
    pub calibration: CalibrationReport,
    /// Forecasts of each model (as in [`BacktestTable::models`]) that the baseline had to stand in for, in series.
    pub filled: Vec<usize>,
}

/// Evaluates the engine at each window's cutoff.
///
/// # Errors
/// As [`crate::forecast`], and [`ModelError::NoWindows`].
pub fn backtest(
    source: &dyn FeatureSource,
    config: &EngineConfig,
    windows: &[Ordinal],
    progress: &ProgressFn<'_>,
) -> Result<BacktestTable, ModelError> {
    if config.horizon == 0 {
        return Err(ModelError::NoHorizon);
    }
    let mut windows = windows.to_vec();
    windows.sort_unstable();
    windows.dedup();
    let (Some(&first), Some(&last)) = (windows.first(), windows.last()) else { return Err(ModelError::NoWindows) };
    let forecasters = forecasters::all().entering(&config.models, config.effort)?;
    let histories = source.histories(first).map_err(|source| ModelError::Features { cutoff: first, source })?;
    if histories.iter().all(|history| history.values.is_empty()) {
        return Err(ModelError::EmptyPanel { cutoff: first });
    }

    let plan = match smallest_gap(&windows) {
        Some(gap) => FoldPlan::shared(config, &histories, gap),
        None => FoldPlan::live(config, &histories, last),
    };
    let wanted = wanted(config, &windows, &plan);
    let finals = |fold: Progress| Progress { phase: if windows.contains(&fold.cutoff) { Phase::Final } else { Phase::Folds }, ..fold };
    let mut store = FoldStore::default();
    store.ensure(source, &forecasters, config, &wanted, &|fold| progress(finals(fold)))?;

    let mut names: Vec<String> = forecasters.names().into_iter().map(str::to_owned).collect();
    names.extend([BLEND.to_owned(), CHOICE.to_owned()]);
    let mut table = BacktestTable {
        series: source.series().to_vec(),
        models: names,
        season: config.season,
        rows: Vec::new(),
        scales: Vec::new(),
        windows: Vec::new(),
    };
    for &cutoff in &windows {
        let features = |source| ModelError::Features { cutoff, source };
        let histories = source.histories(cutoff).map_err(features)?;
        let actuals = source.actuals(cutoff, config.horizon).map_err(features)?;
        let Some(current) = store.get(cutoff) else { continue };
        let scales = scales(&histories, config.season);
        let folds = store.seen_by(cutoff, config.horizon, &plan.cutoffs(cutoff));
        let Decided { decision, selection, calibration, .. } = decide(config, folds, current, &histories, &scales);
        let filled = table.add_window(&Window { cutoff, histories: &histories, actuals: &actuals, scales: &scales }, current, &decision);
        table.windows.push(WindowReport { cutoff, selection, calibration, filled });
    }
    Ok(table)
}

fn smallest_gap(windows: &[Ordinal]) -> Option<Ordinal> {
    windows.windows(2).map(|pair| pair[1] - pair[0]).min()
}

/// Windows with the rows of a final fit, then the folds that are no windows with fewer.
fn wanted(config: &EngineConfig, windows: &[Ordinal], plan: &FoldPlan) -> Vec<(Ordinal, usize, Strictness)> {
    let budget = config.effort.budget();
    let mut inner: Vec<Ordinal> =
        windows.iter().flat_map(|&window| plan.cutoffs(window)).filter(|cutoff| !windows.contains(cutoff)).collect();
    inner.sort_unstable();
    inner.dedup();
    let outer = windows.iter().map(|&cutoff| (cutoff, budget.rows, Strictness::Final));
    outer.chain(inner.into_iter().map(|cutoff| (cutoff, budget.fold_rows, Strictness::Inner))).collect()
}

struct Window<'a> {
    cutoff: Ordinal,
    histories: &'a [History],
    actuals: &'a [Vec<f64>],
    scales: &'a [Option<Scale>],
}

impl BacktestTable {
    /// Adds the rows of one window. Where a model has no forecast, the baseline's stands in, so that every model is judged
    /// on the same rows; returns how often by model.
    fn add_window(&mut self, window: &Window<'_>, fold: &Fold, decision: &Decision) -> Vec<usize> {
        let baseline = decision.forecasts_of(decision.baseline(), fold, window.scales);
        for forecast in &baseline {
            let series = forecast.series as usize;
            if window.actuals[series].iter().any(|actual| actual.is_finite()) {
                self.scales.push(WindowScale::of(&window.histories[series], self.season, forecast.series, window.cutoff));
            }
        }
        let mut filled = vec![0; self.models.len()];
        for (model, missing) in filled.iter_mut().enumerate() {
            let name = &self.models[model];
            let own = match decision.candidates.iter().position(|candidate| &candidate.name == name) {
                Some(candidate) => decision.forecasts_of(candidate, fold, window.scales),
                None if name == CHOICE => decision.publish(fold, window.scales),
                None => Vec::new(),
            };
            *missing = baseline.len().saturating_sub(own.len());
            let mut own = own.iter().peekable();
            for fallback in &baseline {
                let forecast = own.next_if(|forecast| forecast.series == fallback.series).unwrap_or(fallback);
                push_rows(&mut self.rows, forecast, window, model as u16);
            }
        }
        filled
    }
}

fn push_rows(rows: &mut Vec<BacktestRow>, forecast: &SeriesForecast, window: &Window<'_>, model: u16) {
    let actuals = &window.actuals[forecast.series as usize];
    for (step, &y) in forecast.steps.iter().zip(actuals).filter(|(_, actual)| actual.is_finite()) {
        rows.push(BacktestRow {
            series: forecast.series,
            cutoff: window.cutoff,
            at: step.at,
            step: step.step,
            model,
            y,
            yhat: step.yhat,
            quantiles: step.quantiles,
        });
    }
}
