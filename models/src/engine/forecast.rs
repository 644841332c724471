//! One forecast of a whole panel.

use std::sync::Arc;

use domain::{FeatureSource, Ordinal, SeriesForecast};
use serde::{Deserialize, Serialize};

use super::artifact::EngineArtifact;
use super::report::CalibrationReport;
use super::{Decided, Decision, EngineConfig, FoldPlan, PastError, Phase, Progress, ProgressFn, decide};
use crate::candidate::Candidate;
use crate::error::ModelError;
use crate::fold::{FoldRun, FoldStore, Forgetful, Strictness, Wanted, run};
use crate::forecaster::Skip;
use crate::forecasters::{self, Forecasters};
use crate::guard::GuardHit;
use crate::scale::{Scale, scales};
use crate::select::SelectionReport;

/// A panel's forecasts and everything that explains them.
#[derive(Debug, Clone)]
pub struct EngineOutput {
    pub cutoff: Ordinal,
    /// The choice for every series that has a history, in the panel's order.
    pub forecasts: Vec<SeriesForecast>,
    pub selection: SelectionReport,
    pub calibration: CalibrationReport,
    /// Interventions in the published forecasts.
    pub guard_hits: Vec<GuardHit>,
    /// Interventions in every model's paths at the cutoff.
    pub all_guard_hits: Vec<GuardHit>,
    pub skipped: Vec<SkippedSeries>,
    /// Errors of the published choice on past folds.
    pub past: Vec<PastError>,
    made: Arc<Made>,
}

/// What the forecasts were made from. Of a large panel every model's forecasts with their ranges are more than all the rest,
/// and so are the fitted models as data: both are made when asked for.
pub(super) struct Made {
    pub run: FoldRun,
    pub decision: Decision,
    pub scales: Vec<Option<Scale>>,
    /// `unique_id` of each series.
    pub series: Vec<String>,
    pub horizon: u16,
    pub season: u16,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made").field("series", &self.series.len()).field("horizon", &self.horizon).finish_non_exhaustive()
    }
}

/// A series without a forecast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedSeries {
    pub series: u32,
    pub reason: Skip,
}

impl EngineOutput {
    /// Share of past actuals inside the central range of this probability (0.5, 0.8 or 0.95); `None` where the history is
    /// too short for two folds.
    #[must_use]
    pub fn coverage(&self, probability: f64) -> Option<f64> {
        self.calibration.coverage_of(probability)
    }

    /// `sum(forecast - actual) / sum(actual)` on past folds.
    #[must_use]
    pub fn bias(&self) -> Option<f64> {
        self.calibration.bias
    }

    /// Names of all candidates, the blend's included.
    #[must_use]
    pub fn models(&self) -> Vec<&str> {
        self.made.decision.candidates.iter().map(|candidate| candidate.name.as_str()).collect()
    }

    /// A candidate's own forecasts, where it has any; empty for a name that is none.
    #[must_use]
    pub fn of_model(&self, name: &str) -> Vec<SeriesForecast> {
        let Made { run, decision, scales, .. } = &*self.made;
        let candidate = decision.candidates.iter().position(|candidate| candidate.name == name);
        candidate.map_or_else(Vec::new, |candidate| decision.forecasts_of(candidate, &run.fold, scales))
    }

    /// The fitted models, choices and ranges as data, for forecasting again from new data without fitting.
    ///
    /// # Errors
    /// [`ModelError::Artifact`] if a model cannot be written down.
    pub fn artifact(&self) -> Result<EngineArtifact, ModelError> {
        EngineArtifact::keep(&self.made)
    }

    /// The published forecasts with other means, by position in `forecasts` and step, and ranges to match.
    pub(crate) fn with_means(&self, means: &[Vec<f64>]) -> Vec<SeriesForecast> {
        let Made { run, decision, scales, .. } = &*self.made;
        let with = |(forecast, means): (&SeriesForecast, &Vec<f64>)| match &scales[forecast.series as usize] {
            Some(scale) => decision.with_means(forecast, &run.fold, scale, means),
            None => forecast.clone(),
        };
        self.forecasts.iter().zip(means).map(with).collect()
    }

    /// Feature families that told nothing of this panel; no model was given them.
    #[must_use]
    pub fn idle_families(&self) -> &[String] {
        &self.made.run.fold.idle_families
    }

    /// Guard interventions in one model's own paths.
    #[must_use]
    pub fn hits_of_model(&self, name: &str) -> Vec<GuardHit> {
        self.all_guard_hits.iter().filter(|hit| hit.model == name).cloned().collect()
    }

    /// Guard interventions in one published step.
    #[must_use]
    pub fn hits(&self, series: u32, step: u16) -> i32 {
        let count = self.guard_hits.iter().filter(|hit| hit.series == series && hit.step == step).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    }
}

/// Forecasts steps `1..=horizon` after a cutoff, knowing only what was known then.
///
/// # Errors
/// [`ModelError::EmptyPanel`], [`ModelError::NoHorizon`] and [`ModelError::UnknownForecaster`] for wrong questions,
/// [`ModelError::Features`] if the source fails or misses a known-future value.
pub fn forecast(
    source: &dyn FeatureSource,
    config: &EngineConfig,
    cutoff: Ordinal,
    progress: &ProgressFn<'_>,
) -> Result<EngineOutput, ModelError> {
    forecast_by(forecasters::all(), source, config, cutoff, progress)
}

/// As [`forecast`], with forecasters of one's own choosing in place of the registered ones.
///
/// # Errors
/// As [`forecast`].
pub fn forecast_by(
    registry: Forecasters,
    source: &dyn FeatureSource,
    config: &EngineConfig,
    cutoff: Ordinal,
    progress: &ProgressFn<'_>,
) -> Result<EngineOutput, ModelError> {
    if config.horizon == 0 {
        return Err(ModelError::NoHorizon);
    }
    let forecasters = registry.entering(&config.models, config.effort)?;
    let histories = source.histories(cutoff).map_err(|source| ModelError::Features { cutoff, source })?;
    let scales = scales(&histories, config.season);
    if scales.iter().all(Option::is_none) {
        return Err(ModelError::EmptyPanel { cutoff });
    }

    let budget = config.effort.budget();
    let cutoffs = FoldPlan::live(config, &histories, cutoff).cutoffs(cutoff);
    let total = cutoffs.len() + 1;
    let of = |&cutoff: &Ordinal| vec![Wanted { cutoff, taught_rows: budget.fold_rows, strictness: Strictness::Inner }];
    let wanted: Vec<_> = cutoffs.iter().map(of).collect();
    let mut store = FoldStore::default();
    store.ensure(source, &forecasters, config, &wanted, &Forgetful, &|fold| progress(Progress { total, ..fold }))?;

    let last = run(source, &forecasters, config, Wanted { cutoff, taught_rows: budget.rows, strictness: Strictness::Final })?;
    progress(Progress { phase: Phase::Final, done: total, total, cutoff });
    let folds = store.seen_by(cutoff, config.horizon, &cutoffs);
    let Decided { decision, selection, calibration, past } = decide(config, folds, &last.fold, &histories, &scales);

    Ok(EngineOutput {
        cutoff,
        forecasts: decision.publish(&last.fold, &scales),
        guard_hits: decision.hits_in_answers(&last.fold),
        all_guard_hits: last.fold.hits.clone(),
        skipped: skipped(&decision),
        selection,
        calibration,
        past,
        made: Arc::new(Made {
            run: last,
            decision,
            scales,
            series: source.series().to_vec(),
            horizon: config.horizon,
            season: config.season,
        }),
    })
}

fn skipped(decision: &Decision) -> Vec<SkippedSeries> {
    let of = |(series, mix): (usize, &Option<Candidate>)| {
        mix.is_none().then_some(SkippedSeries { series: series as u32, reason: Skip::NoHistory })
    };
    decision.mixes.iter().enumerate().filter_map(of).collect()
}
