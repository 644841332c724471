//! What can be chosen for a series: a forecaster, or a mean of several.

use domain::{History, Ordinal};
use serde::{Deserialize, Serialize};

use crate::fold::{Fold, ModelPaths};
use crate::history::usable;

/// Name of the equal-weight mean of the panel's two best forecasters.
pub const BLEND: &str = "blend";

/// A forecaster, or an equal-weight mean of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub name: String,
    /// Positions in the registry.
    pub members: Vec<usize>,
}

impl Candidate {
    pub(crate) fn single(name: &str, member: usize) -> Self {
        Self { name: name.to_owned(), members: vec![member] }
    }

    /// Its mean path for a series; `None` unless every member has one.
    pub(crate) fn path(&self, models: &[ModelPaths], series: usize) -> Option<Vec<f64>> {
        let mut members = self.members.iter();
        let path_of = |member: &usize| models.get(*member)?.paths.get(series)?.as_ref().ok();
        let mut mean = path_of(members.next()?)?.clone();
        for member in members {
            mean.iter_mut().zip(path_of(member)?).for_each(|(sum, value)| *sum += value);
        }
        let share = 1.0 / self.members.len() as f64;
        mean.iter_mut().for_each(|value| *value *= share);
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

    /// The candidate's prediction of each target, NaN where it has none.
    pub fn predictions(&self, candidate: &Candidate) -> Vec<f64> {
        let mut predictions = Vec::with_capacity(self.targets.len());
        let mut current: Option<(usize, u32, Option<Vec<f64>>)> = None;
        for target in &self.targets {
            let same = current.as_ref().is_some_and(|(fold, series, _)| (*fold, *series) == (target.fold, target.series));
            if !same {
                let path = candidate.path(&self.folds[target.fold].models, target.series as usize);
                current = Some((target.fold, target.series, path));
            }
            let path = current.as_ref().and_then(|(_, _, path)| path.as_ref());
            predictions.push(path.and_then(|path| path.get(usize::from(target.step) - 1)).copied().unwrap_or(f64::NAN));
        }
        predictions
    }
}
