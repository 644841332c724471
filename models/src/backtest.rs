//! Rolling-origin evaluation: every forecaster, the blend and the choice, as a table.
//!
//! Each window is decided exactly as a live forecast at its cutoff would be, with folds from before it and the data as of
//! it. Windows and folds share one grid of cutoffs, see [`crate::fold`]. A [`Backtest`] hands out one window after the other
//! and holds no fold longer than a later window needs it.

use domain::{FeatureSource, History, Ordinal, Quantiles, SeriesForecast};
use serde::{Deserialize, Serialize};

use crate::candidate::BLEND;
use crate::engine::{CalibrationReport, Decided, Decision, EngineConfig, FoldPlan, Phase, Progress, ProgressFn, decide};
use crate::error::ModelError;
use crate::fold::{Fold, FoldKeeper, FoldStore, Forgetful, Strictness, Wanted};
use crate::forecasters::{self, Forecasters};
use crate::guard::{GuardCount, tally};
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
    /// What the guards did to the forecasters' paths in this window.
    pub guards: Vec<GuardCount>,
    /// Feature families that told nothing; no model was given them.
    pub idle_families: Vec<String>,
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
    let mut backtest = Backtest::new(source, config, windows, &Forgetful)?;
    let mut whole = backtest.empty_table();
    while let Some(window) = backtest.next_window(progress)? {
        whole.append(window);
    }
    Ok(whole)
}

/// A backtest in the making: one window at a time, oldest first.
pub struct Backtest<'a> {
    source: &'a dyn FeatureSource,
    config: &'a EngineConfig,
    keeper: &'a dyn FoldKeeper,
    forecasters: Forecasters,
    plan: FoldPlan,
    windows: Vec<Ordinal>,
    /// Windows handed out.
    told: usize,
    /// Cutoffs to forecast from, oldest first; models are fitted at the first of each group.
    wanted: Vec<Vec<Wanted>>,
    /// Of the groups, how many were.
    fitted: usize,
    store: FoldStore,
}

impl<'a> Backtest<'a> {
    /// Plans a backtest; nothing is fitted yet. Folds come from the keeper where it has them, and go to it where not.
    ///
    /// # Errors
    /// [`ModelError::NoHorizon`], [`ModelError::NoWindows`], [`ModelError::UnknownForecaster`], [`ModelError::EmptyPanel`] and
    /// [`ModelError::Features`].
    pub fn new(
        source: &'a dyn FeatureSource,
        config: &'a EngineConfig,
        windows: &[Ordinal],
        keeper: &'a dyn FoldKeeper,
    ) -> Result<Self, ModelError> {
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
        let wanted = wanted(config, &windows, &plan, 1);
        Ok(Self { source, config, keeper, forecasters, plan, windows, told: 0, wanted, fitted: 0, store: FoldStore::default() })
    }

    /// With forecasters of one's own choosing in place of the registered ones.
    ///
    /// # Errors
    /// [`ModelError::UnknownForecaster`].
    pub fn by(self, registry: Forecasters) -> Result<Self, ModelError> {
        Ok(Self { forecasters: registry.entering(&self.config.models, self.config.effort)?, ..self })
    }

    /// Fits models at every n-th cutoff only, the first window's among them; they forecast from the others with the data of
    /// each. Who answers, and with what ranges, is decided at every window.
    #[must_use]
    pub fn refit_every(self, cutoffs: usize) -> Self {
        Self { wanted: wanted(self.config, &self.windows, &self.plan, cutoffs.max(1)), ..self }
    }

    /// Cutoffs that have to be forecast from, those of past folds included, oldest first.
    #[must_use]
    pub fn cutoffs(&self) -> Vec<Ordinal> {
        self.wanted.iter().flatten().map(|one| one.cutoff).collect()
    }

    /// A table of this backtest without rows.
    #[must_use]
    pub fn empty_table(&self) -> BacktestTable {
        let mut models: Vec<String> = self.forecasters.names().into_iter().map(str::to_owned).collect();
        models.extend([BLEND.to_owned(), CHOICE.to_owned()]);
        BacktestTable {
            series: self.source.series().to_vec(),
            models,
            season: self.config.season,
            rows: Vec::new(),
            scales: Vec::new(),
            windows: Vec::new(),
        }
    }

    /// The next window's forecasts beside what then happened; `None` after the last.
    ///
    /// # Errors
    /// As [`crate::forecast`].
    pub fn next_window(&mut self, progress: &ProgressFn<'_>) -> Result<Option<BacktestTable>, ModelError> {
        let Some(&cutoff) = self.windows.get(self.told) else { return Ok(None) };
        while self.store.get(cutoff).is_none() {
            self.fit_more(progress)?;
        }
        let features = |source| ModelError::Features { cutoff, source };
        let histories = self.source.histories(cutoff).map_err(features)?;
        let actuals = self.source.actuals(cutoff, self.config.horizon).map_err(features)?;
        let scales = scales(&histories, self.config.season);
        let folds = self.store.seen_by(cutoff, self.config.horizon, &self.plan.cutoffs(cutoff));
        let mut table = self.empty_table();
        if let Some(current) = self.store.get(cutoff) {
            let Decided { decision, selection, calibration, .. } = decide(self.config, folds, current, &histories, &scales);
            let window = Window { cutoff, histories: &histories, actuals: &actuals, scales: &scales };
            let filled = table.add_window(&window, current, &decision);
            table.windows.push(WindowReport {
                cutoff,
                selection,
                calibration,
                filled,
                guards: tally(&current.hits),
                idle_families: current.idle_families.clone(),
            });
        }
        self.told += 1;
        let left = &self.windows[self.told..];
        let needed: Vec<Ordinal> = left.iter().flat_map(|&window| self.plan.cutoffs(window)).chain(left.iter().copied()).collect();
        self.store.retain(&needed);
        Ok(Some(table))
    }

    /// Fits the next few cutoffs, as many as may be in memory at a time.
    fn fit_more(&mut self, progress: &ProgressFn<'_>) -> Result<(), ModelError> {
        let start = self.fitted;
        let end = (start + self.config.parallel_folds.max(1)).min(self.wanted.len());
        let count = |groups: &[Vec<Wanted>]| groups.iter().map(Vec::len).sum::<usize>();
        let (done, total) = (count(&self.wanted[..start]), count(&self.wanted));
        let phase = |cutoff| if self.windows.contains(&cutoff) { Phase::Final } else { Phase::Folds };
        let tell = |fold: Progress| progress(Progress { phase: phase(fold.cutoff), done: done + fold.done, total, cutoff: fold.cutoff });
        self.store.ensure(self.source, &self.forecasters, self.config, &self.wanted[start..end], self.keeper, &tell)?;
        self.fitted = end;
        Ok(())
    }
}

fn smallest_gap(windows: &[Ordinal]) -> Option<Ordinal> {
    windows.windows(2).map(|pair| pair[1] - pair[0]).min()
}

/// Windows with the rows of a final fit and the folds that are no windows with fewer, oldest first: a window needs none
/// that is younger. In groups of `refit_every`, one of which begins with the first window.
fn wanted(config: &EngineConfig, windows: &[Ordinal], plan: &FoldPlan, refit_every: usize) -> Vec<Vec<Wanted>> {
    let budget = config.effort.budget();
    let mut cutoffs: Vec<Ordinal> = windows.iter().flat_map(|&window| plan.cutoffs(window)).chain(windows.iter().copied()).collect();
    cutoffs.sort_unstable();
    cutoffs.dedup();
    let of = |&cutoff: &Ordinal| match windows.contains(&cutoff) {
        true => Wanted { cutoff, taught_rows: budget.rows, strictness: Strictness::Final },
        false => Wanted { cutoff, taught_rows: budget.fold_rows, strictness: Strictness::Inner },
    };
    let before = windows.first().map_or(0, |first| cutoffs.partition_point(|cutoff| cutoff < first));
    let (early, late) = cutoffs.split_at(before % refit_every);
    let groups = std::iter::once(early).filter(|early| !early.is_empty()).chain(late.chunks(refit_every));
    groups.map(|group| group.iter().map(of).collect()).collect()
}

struct Window<'a> {
    cutoff: Ordinal,
    histories: &'a [History],
    actuals: &'a [Vec<f64>],
    scales: &'a [Option<Scale>],
}

impl BacktestTable {
    /// Adds the windows of another table of the same series and models.
    pub fn append(&mut self, more: Self) {
        self.rows.extend(more.rows);
        self.scales.extend(more.scales);
        self.windows.extend(more.windows);
    }

    /// Drops the rows of all models but one.
    pub fn keep_model(&mut self, name: &str) {
        let kept = self.models.iter().position(|model| model == name);
        self.rows.retain(|row| Some(usize::from(row.model)) == kept);
        self.rows.shrink_to_fit();
    }

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
