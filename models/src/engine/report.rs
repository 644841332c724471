//! How well the ranges held on past folds.

use domain::{LEVELS, Quantiles};
use serde::{Deserialize, Serialize};

use crate::conformal::Basis;
use crate::range::{Ground, Ranges};

/// Calibration of the chosen forecasts, each fold judged by ranges learnt from the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationReport {
    /// What the published ranges rest on.
    pub basis: Basis,
    /// Folds judged; fewer than two cannot be.
    pub folds: usize,
    /// Targets judged.
    pub targets: usize,
    /// One per level; empty if nothing could be judged.
    pub levels: Vec<LevelShare>,
    /// Share of actuals inside the central 50, 80 and 95 % ranges.
    pub coverage: Option<[f64; 3]>,
    /// `sum(forecast - actual) / sum(actual)` of the means.
    pub bias: Option<f64>,
}

/// Share of actuals below one quantile. Calibrated where `below <= level <= upto`, give or take noise: the pair is fair to
/// counts, which land on their quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LevelShare {
    pub level: f64,
    /// Strictly below.
    pub below: f64,
    /// At or below.
    pub upto: f64,
}

/// Levels of the central ranges, by index: 25-75, 10-90, 2.5-97.5.
pub(crate) const CENTRAL: [(usize, usize); 3] = [(3, 5), (2, 6), (0, 8)];

impl CalibrationReport {
    pub(crate) fn judge(ground: Ground<'_>, predictions: &[f64], basis: Basis) -> Self {
        let targets = &ground.evidence.targets;
        let folds = ground.evidence.folds();
        let mut judged = Judged::default();
        let (mut error, mut actual) = (0.0, 0.0);
        for fold in 0..folds {
            let ranges = (folds > 1).then(|| Ranges::learn(ground, predictions, Some(fold), true));
            for (target, &predicted) in targets.iter().zip(predictions).filter(|(target, _)| target.fold == fold) {
                let Some(scale) = &ground.scales[target.series as usize] else { continue };
                if predicted.is_finite() {
                    error += predicted - target.actual;
                    actual += target.actual;
                    if let Some(ranges) = &ranges {
                        let (series, shape) = (target.series as usize, ground.evidence.shape(target));
                        judged.add(target.actual, &ranges.quantiles(series, target.step, target.at, predicted, shape, scale));
                    }
                }
            }
        }
        let bias = (actual > 0.0).then(|| error / actual);
        Self {
            basis,
            folds: if folds > 1 { folds } else { 0 },
            targets: judged.count,
            levels: judged.levels(),
            coverage: judged.coverage(),
            bias,
        }
    }

    /// Coverage of the central range of this probability (0.5, 0.8 or 0.95).
    #[must_use]
    pub fn coverage_of(&self, probability: f64) -> Option<f64> {
        let index = CENTRAL.iter().position(|&(low, high)| (LEVELS[high] - LEVELS[low] - probability).abs() < 1e-9)?;
        self.coverage.map(|coverage| coverage[index])
    }
}

#[derive(Default)]
struct Judged {
    count: usize,
    below: [usize; 9],
    upto: [usize; 9],
    inside: [usize; 3],
}

impl Judged {
    fn add(&mut self, actual: f64, quantiles: &Quantiles) {
        let values = quantiles.values();
        self.count += 1;
        for (level, &value) in values.iter().enumerate() {
            self.below[level] += usize::from(actual < value);
            self.upto[level] += usize::from(actual <= value);
        }
        for (inside, (low, high)) in self.inside.iter_mut().zip(CENTRAL) {
            *inside += usize::from(values[low] <= actual && actual <= values[high]);
        }
    }

    fn levels(&self) -> Vec<LevelShare> {
        let share = |count: usize| count as f64 / self.count as f64;
        let of = |(index, &level): (usize, &f64)| LevelShare { level, below: share(self.below[index]), upto: share(self.upto[index]) };
        if self.count > 0 { LEVELS.iter().enumerate().map(of).collect() } else { Vec::new() }
    }

    fn coverage(&self) -> Option<[f64; 3]> {
        (self.count > 0).then(|| self.inside.map(|inside| inside as f64 / self.count as f64))
    }
}
