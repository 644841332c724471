//! All that is decided at one cutoff: who answers for which series, and with what ranges.

use domain::{History, Ordinal, Quantiles, SeriesForecast, StepForecast};
use serde::{Deserialize, Serialize};

use super::config::EngineConfig;
use super::report::CalibrationReport;
use crate::candidate::{Candidate, Evidence};
use crate::fold::Fold;
use crate::forecasters;
use crate::guard::{GuardHit, GuardKind};
use crate::range::{Ground, Ranges};
use crate::scale::Scale;
use crate::select::{Contest, Selection, SelectionReport, baseline_of};

/// Choice and ranges as of one cutoff, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub candidates: Vec<Candidate>,
    /// Who answers for each series.
    pub mixes: Vec<Option<Candidate>>,
    /// Of the chosen forecasts.
    chosen: Ranges,
    /// Of each candidate on its own.
    each: Vec<Ranges>,
}

/// An error of a past fold's forecast, as known at the deciding cutoff.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastError {
    pub series: u32,
    /// The fold's.
    pub cutoff: Ordinal,
    /// From 1.
    pub step: u16,
    /// `actual - forecast`.
    pub error: f64,
}

/// A decision with what it rests on.
pub(crate) struct Decided {
    pub decision: Decision,
    pub selection: SelectionReport,
    pub calibration: CalibrationReport,
    /// Of the chosen forecasts.
    pub past: Vec<PastError>,
}

/// Decides with folds whose targets have all been seen by the cutoff that `histories` are of. `current` holds the
/// predictions to choose from.
pub(crate) fn decide(
    config: &EngineConfig,
    folds: Vec<std::sync::Arc<Fold>>,
    current: &Fold,
    histories: &[History],
    scales: &[Option<Scale>],
) -> Decided {
    let evidence = Evidence::gather(folds, histories, config.horizon);
    let names: Vec<&str> = current.models.iter().map(|model| model.model.as_str()).collect();
    let contest = Contest::hold(&names, &trust(&names, scales), &evidence, scales, config.horizon);
    let answers = |member: usize, series: usize| scales[series].is_some() && current.models[member].paths[series].is_ok();
    let Selection { mixes, report: selection } = contest.choose(&evidence, scales, answers);
    let predictions = contest.honest_predictions(&evidence, &mixes);
    let ground = Ground { evidence: &evidence, histories, scales, horizon: config.horizon, season: config.season };
    let chosen = Ranges::learn(ground, &predictions, None, true);
    let heeding = |candidate: &Candidate| candidate.members.len() > 1 || teaches(&candidate.name);
    let each = contest.candidates.iter().zip(&contest.predictions);
    let each = each.map(|(candidate, predictions)| Ranges::learn(ground, predictions, None, heeding(candidate))).collect();
    let calibration = CalibrationReport::judge(ground, &predictions, chosen.basis());
    let past = evidence.errors(&predictions);
    Decided { decision: Decision { candidates: contest.candidates, mixes, chosen, each }, selection, calibration, past }
}

/// Whether a forecaster learns across series, and may so tell how forecasts are distributed.
fn teaches(name: &str) -> bool {
    forecasters::all().iter().any(|one| one.name() == name && one.learns_across_series())
}

/// Observations at which a model that learns across series is trusted half: some hundreds of leaves with a few dozen each.
const HALF_TRUSTED: f64 = 20_000.0;

/// How far each forecaster is trusted before it has shown anything.
fn trust(names: &[&str], scales: &[Option<Scale>]) -> Vec<f64> {
    let observations = scales.iter().flatten().map(|scale| scale.count as f64).sum::<f64>();
    names.iter().map(|name| if teaches(name) { observations / (observations + HALF_TRUSTED) } else { 1.0 }).collect()
}

impl Decision {
    /// The published forecasts: every series by its chosen candidate.
    pub fn publish(&self, fold: &Fold, scales: &[Option<Scale>]) -> Vec<SeriesForecast> {
        let of = |(series, mix): (usize, &Option<Candidate>)| {
            let candidate = mix.as_ref()?;
            let path = candidate.path(&fold.models, series)?;
            Some(dress(fold, series, &candidate.name, &path, &self.chosen, scales[series].as_ref()?))
        };
        self.mixes.iter().enumerate().filter_map(of).collect()
    }

    /// A published forecast with other means, and ranges to match. What is closed stays so.
    pub fn with_means(&self, forecast: &SeriesForecast, fold: &Fold, scale: &Scale, means: &[f64]) -> SeriesForecast {
        let step = |(step, &mean): (&StepForecast, &f64)| {
            if step.yhat == 0.0 && step.quantiles == Quantiles::degenerate(0.0) {
                return *step;
            }
            let series = forecast.series as usize;
            let quantiles = self.chosen.quantiles(series, step.step, step.at, mean, fold.shape(series, step.step), scale);
            StepForecast { yhat: mean, quantiles, ..*step }
        };
        SeriesForecast { steps: forecast.steps.iter().zip(means).map(step).collect(), ..forecast.clone() }
    }

    /// One candidate's forecasts of every series it has one for.
    pub fn forecasts_of(&self, candidate: usize, fold: &Fold, scales: &[Option<Scale>]) -> Vec<SeriesForecast> {
        let of = |series: usize| {
            let path = self.candidates[candidate].path(&fold.models, series)?;
            let name = &self.candidates[candidate].name;
            Some(dress(fold, series, name, &path, &self.each[candidate], scales[series].as_ref()?))
        };
        (0..scales.len()).filter_map(of).collect()
    }

    /// Guard hits in the paths that answer, and paths dropped for any series: who answers hangs on them.
    pub fn hits_in_answers(&self, fold: &Fold) -> Vec<GuardHit> {
        let answers = |hit: &GuardHit| {
            let mix = self.mixes.get(hit.series as usize).and_then(Option::as_ref);
            let members = mix.map_or(&[][..], |mix| mix.members.as_slice());
            members.iter().any(|&(member, _)| fold.models.get(member).is_some_and(|one| one.model == hit.model))
        };
        fold.hits.iter().filter(|hit| hit.kind == GuardKind::NotANumber || answers(hit)).cloned().collect()
    }

    pub fn baseline(&self) -> usize {
        baseline_of(&self.candidates)
    }

    /// For the series of another panel: `old[new]` is where each stood in this one. New series get no choice.
    pub fn rearranged(&self, old: &[Option<usize>]) -> Self {
        Self {
            candidates: self.candidates.clone(),
            mixes: old.iter().map(|index| index.and_then(|index| self.mixes.get(index).cloned().flatten())).collect(),
            chosen: self.chosen.rearranged(old),
            each: self.each.iter().map(|ranges| ranges.rearranged(old)).collect(),
        }
    }
}

/// A path with its quantiles; closed steps are exactly zero.
fn dress(fold: &Fold, series: usize, chosen: &str, path: &[f64], ranges: &Ranges, scale: &Scale) -> SeriesForecast {
    let closed = fold.closed.get(series).map_or(&[][..], Vec::as_slice);
    let step = |(step, &yhat): (u16, &f64)| {
        let at = fold.cutoff + Ordinal::from(step);
        let shut = closed.get(usize::from(step) - 1).copied().unwrap_or(false);
        if shut {
            return StepForecast { at, step, yhat: 0.0, quantiles: Quantiles::degenerate(0.0) };
        }
        StepForecast { at, step, yhat, quantiles: ranges.quantiles(series, step, at, yhat, fold.shape(series, step), scale) }
    };
    SeriesForecast { series: series as u32, chosen: chosen.to_owned(), steps: (1..).zip(path).map(step).collect() }
}
