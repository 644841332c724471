//! Theta models of a series without a season (Fiorucci, Pellegrini, Louzada and Petropoulos 2016, sections 2.2 and 2.3).
//!
//! `mean_t = level_{t-1} + w [(1-a)^(t-1) A + (1-(1-a)^t)/a B]`, `w = 1 - 1/theta`, `level_t = a y_t + (1-a) level_{t-1}`:
//! simple smoothing pulled towards a line `A + B t`, that of all values (static) or of the values so far (dynamic). Given
//! the smoothing parameter `a` the errors are linear in the first level and in `w`: both come from least squares, and only
//! `a` is searched for.

mod line;
mod search;

use serde::{Deserialize, Serialize};

use crate::local::weights::akaike_weights;
pub(crate) use line::{Line, RunningLine};

/// One fitted theta model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Theta {
    pub alpha: f64,
    /// Share of the line, `1 - 1 / theta`: 0 is simple smoothing, 1/2 the standard theta.
    pub share: f64,
    /// Level before the first value.
    pub level: f64,
    /// The line of all values; `None` follows the line of the values so far.
    pub line: Option<Line>,
}

impl Theta {
    /// Means of the steps after the last value: the recursion fed with its own means.
    pub fn predict(&self, values: &[f64], horizon: usize) -> Vec<f64> {
        let mut running = RunningLine::default();
        let (mut level, mut decay) = (self.level, 1.0);
        let mut advance = |value: Option<f64>| {
            let Line { intercept, slope } = self.line.unwrap_or(running.line());
            let pull = decay * intercept + (1.0 - decay * (1.0 - self.alpha)) / self.alpha * slope;
            let mean = level + self.share * pull;
            let value = value.unwrap_or(mean);
            level = self.alpha * value + (1.0 - self.alpha) * level;
            decay *= 1.0 - self.alpha;
            running.push(value);
            mean
        };
        for &value in values {
            advance(Some(value));
        }
        (0..horizon).map(|_| advance(None)).collect()
    }
}

/// Theta models of one series, by tempered Akaike weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ThetaMix {
    pub members: Vec<(f64, Theta)>,
}

impl ThetaMix {
    /// `values` without gaps; `counted` says which of them were observed. Too few for any model are smoothed simply.
    pub fn fit(values: &[f64], counted: &[bool]) -> Self {
        let fits = search::candidates(values, counted);
        if fits.is_empty() {
            let level = values.first().copied().unwrap_or_default();
            return Self { members: vec![(1.0, Theta { alpha: 0.5, share: 0.0, level, line: None })] };
        }
        let weights = akaike_weights(&fits.iter().map(|fit| fit.criterion).collect::<Vec<_>>());
        let members = weights.into_iter().zip(fits.into_iter().map(|fit| fit.theta));
        Self { members: members.filter(|(weight, _)| *weight > 0.0).collect() }
    }

    pub fn predict(&self, values: &[f64], horizon: usize) -> Vec<f64> {
        let mut path = vec![0.0; horizon];
        for (weight, theta) in &self.members {
            path.iter_mut().zip(theta.predict(values, horizon)).for_each(|(mean, own)| *mean += weight * own);
        }
        path
    }
}
