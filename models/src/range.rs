//! From a mean to its quantiles, whichever way suits the series.

use domain::{History, Ordinal, Quantiles};
use serde::{Deserialize, Serialize};

use crate::candidate::Evidence;
use crate::conformal::{Basis, Calibrator};
use crate::count::{Counts, is_count};
use crate::scale::Scale;
use crate::shape::Shape;
use crate::step_group::step_groups;

/// The quantiles of one candidate's (or the chosen candidates') forecasts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ranges {
    calibrator: Calibrator,
    counts: Counts,
}

/// What ranges are learnt from, apart from the predictions.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub evidence: &'a Evidence,
    pub histories: &'a [History],
    pub scales: &'a [Option<Scale>],
    pub horizon: u16,
    pub season: u16,
}

impl Ranges {
    /// From predictions of past targets, leaving out the fold `but` if given; from the histories where there are none.
    /// `heeding` shapes that a model told, if they bear out.
    pub fn learn(ground: Ground<'_>, predictions: &[f64], but: Option<usize>, heeding: bool) -> Self {
        let Ground { evidence, histories, scales, horizon, season } = ground;
        let groups = step_groups(horizon, season);
        if predictions.iter().any(|value| value.is_finite()) {
            let mut calibrator = Calibrator::learn(evidence, predictions, scales, groups, season, but);
            if heeding {
                calibrator.heed_shapes(evidence, predictions, scales, but);
            }
            Self { calibrator, counts: Counts::learn(evidence, predictions, scales, but) }
        } else {
            let calibrator = Calibrator::in_sample(histories, scales, groups, season);
            Self { calibrator, counts: Counts::in_sample(histories, scales) }
        }
    }

    pub fn basis(&self) -> Basis {
        self.calibrator.basis
    }

    /// Quantiles around a mean on an open day.
    pub fn quantiles(&self, series: usize, step: u16, at: Ordinal, mean: f64, shape: Option<&Shape>, scale: &Scale) -> Quantiles {
        let count = if is_count(scale) { self.counts.quantiles(series, mean) } else { None };
        let values = count.unwrap_or_else(|| self.calibrator.quantiles(series, step, at, mean, shape, scale));
        Quantiles::from_unsorted(values).unwrap_or(Quantiles::degenerate(mean))
    }

    /// For the series of another panel: `old[new]` is where each stood in this one.
    pub fn rearranged(&self, old: &[Option<usize>]) -> Self {
        Self { calibrator: self.calibrator.rearranged(old), counts: self.counts.rearranged(old) }
    }
}
