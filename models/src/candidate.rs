//! What can be chosen for a series: a forecaster, or a mean of several.

use domain::{History, Ordinal};
use serde::{Deserialize, Serialize};

use crate::engine::PastError;
use crate::fold::{Fold, ModelPaths};
use crate::history::usable;
use crate::shape::Shape;

/// Name of a weighted mean of several forecasters.
pub const BLEND: &str = "blend";

/// A forecaster, or a weighted mean of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub name: String,
    /// Positions in the registry, with their weights.
    pub members: Vec<(usize, f64)>,
}

impl Candidate {
    pub(crate) fn single(name: &str, member: usize) -> Self {
        Self { name: name.to_owned(), members: vec![(member, 1.0)] }
    }

    /// A mean of forecasters; the forecaster itself where only one has a weight.
    pub(crate) fn mean(names: &[&str], members: Vec<(usize, f64)>) -> Self {
        match members[..] {
            [(member, _)] => Self::single(names[member], member),
            _ => Self { name: BLEND.to_owned(), members },
        }
    }

    /// Its mean path for a series, of the members that have one; `None` if none has.
    pub(crate) fn path(&self, models: &[ModelPaths], series: usize) -> Option<Vec<f64>> {
        let path_of = |member: usize| models.get(member)?.paths.get(series)?.as_ref().ok();
        let answers: Vec<(&Vec<f64>, f64)> = self.members.iter().filter_map(|&(member, weight)| Some((path_of(member)?, weight))).collect();
        let total: f64 = answers.iter().map(|(_, weight)| weight).sum();
        let (first, _) = answers.first()?;
        let mut mean = vec![0.0; first.len()];
        for (path, weight) in &answers {
            mean.iter_mut().zip(*path).for_each(|(sum, value)| *sum += weight / total * value);
        }
        Some(mean)
    }
}

/// A target of a past fold that a cutoff has seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub fold: usize,
    pub series: u32,
    pub step: u16,
    pub at: Ordinal,
    pub actual: f64,
}

/// Usable actuals of past folds, as known at the deciding cutoff: what selection and calibration learn from.
pub(crate) struct Evidence {
    folds: Vec<std::sync::Arc<Fold>>,
    /// Ordered by fold, series, step.
    pub targets: Vec<Target>,
}

impl Evidence {
    /// `histories` are those of the deciding cutoff; closed, sold-out and unknown periods are left out.
    pub fn gather(folds: Vec<std::sync::Arc<Fold>>, histories: &[History], horizon: u16) -> Self {
        let mut targets = Vec::new();
        for (fold, made) in folds.iter().enumerate() {
            for (series, history) in histories.iter().enumerate() {
                for step in 1..=horizon {
                    let at = made.cutoff + Ordinal::from(step);
                    let shut = made.closed.get(series).and_then(|steps| steps.get(usize::from(step) - 1)).copied().unwrap_or(false);
                    if let (false, Some(actual)) = (shut, usable(history, at)) {
                        targets.push(Target { fold, series: series as u32, step, at, actual });
                    }
                }
            }
        }
        Self { folds, targets }
    }

    pub fn folds(&self) -> usize {
        self.folds.len()
    }

    /// How a target's forecast was distributed, if a model of its fold told.
    pub fn shape(&self, target: &Target) -> Option<&Shape> {
        self.folds[target.fold].shape(target.series as usize, target.step)
    }

    /// Errors of predictions of the targets, where there are any.
    pub fn errors(&self, predictions: &[f64]) -> Vec<PastError> {
        let error = |(target, predicted): (&Target, &f64)| {
            let (cutoff, error) = (self.folds[target.fold].cutoff, target.actual - predicted);
            error.is_finite().then_some(PastError { series: target.series, cutoff, step: target.step, error })
        };
        self.targets.iter().zip(predictions).filter_map(error).collect()
    }

    /// Positions of each series' targets.
    pub fn by_series(&self, series: usize) -> Vec<Vec<usize>> {
        let mut positions = vec![Vec::new(); series];
        self.targets.iter().enumerate().for_each(|(position, target)| positions[target.series as usize].push(position));
        positions
    }

    /// The candidate's prediction of each target, NaN where it has none.
    pub fn predictions(&self, candidate: &Candidate) -> Vec<f64> {
        self.predicted_by(|_| Some(candidate))
    }

    /// The prediction of each target by its series' own candidate, NaN where it has none.
    pub fn predictions_by_series(&self, candidates: &[Option<Candidate>]) -> Vec<f64> {
        self.predicted_by(|series| candidates[series].as_ref())
    }

    fn predicted_by<'a>(&self, candidate: impl Fn(usize) -> Option<&'a Candidate>) -> Vec<f64> {
        let mut predictions = Vec::with_capacity(self.targets.len());
        let mut current: Option<(usize, u32, Option<Vec<f64>>)> = None;
        for target in &self.targets {
            let same = current.as_ref().is_some_and(|(fold, series, _)| (*fold, *series) == (target.fold, target.series));
            if !same {
                let series = target.series as usize;
                let path = candidate(series).and_then(|candidate| candidate.path(&self.folds[target.fold].models, series));
                current = Some((target.fold, target.series, path));
            }
            let path = current.as_ref().and_then(|(_, _, path)| path.as_ref());
            predictions.push(path.and_then(|path| path.get(usize::from(target.step) - 1)).copied().unwrap_or(f64::NAN));
        }
        predictions
    }
}
