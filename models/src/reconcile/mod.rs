//! Coherent forecasts: products that sum to their categories, categories to the store.
//!
//! A category is forecast twice: by its products, and from its own history, which is smoother. [`reconcile`] weighs the two
//! by how each erred (minimum trace, Wickramasuriya, Athanasopoulos and Hyndman 2019) and moves the products' means so that
//! their sums are the answer; [`sums`] then says how such sums, or any other weighted ones (rupiah, grams of flour), are
//! distributed.
//!
//! ```text
//! parts' forecasts ─┐                       ┌─> parts' means and ranges
//!                   ├─> dependence ─> trace ─┤
//! wholes' own ──────┘                       └─> joint samples ─> ranges of sums
//! ```

mod dependence;
mod joint;
mod trace;

use domain::{LEVELS, Quantiles, SeriesForecast, StepForecast};

use crate::engine::{EngineOutput, PastError};
use dependence::{Dependence, Target};
pub use joint::sums;

/// Which series sum to which whole. Wholes may overlap: a category and the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Number of parts.
    pub parts: usize,
    /// Series numbers of the parts of each whole.
    pub wholes: Vec<Vec<u32>>,
}

/// The parts' forecasts, moved so that their sums agree with what is known of the wholes.
///
/// `parts` and `wholes` are forecasts at one cutoff and of one horizon, of the parts' panel and of a panel with one series for
/// each of `hierarchy.wholes`. No mean is negative or leaves the outer quantiles of its own forecast, whatever a whole says; a
/// closed part stays exactly 0. Ranges are those of the new means. Wholes that
/// have no forecast of their own say nothing.
#[must_use]
pub fn reconcile(parts: &EngineOutput, wholes: &EngineOutput, hierarchy: &Hierarchy) -> Vec<SeriesForecast> {
    let count = hierarchy.parts + hierarchy.wholes.len();
    let shifted = wholes.past.iter().map(|past| PastError { series: past.series + hierarchy.parts as u32, ..*past });
    let dependence = Dependence::learn(&parts.past.iter().copied().chain(shifted).collect::<Vec<_>>(), count, Target::None);

    let horizon = parts.forecasts.iter().map(|forecast| forecast.steps.len()).max().unwrap_or(0);
    let mut means: Vec<Vec<f64>> = parts.forecasts.iter().map(|forecast| forecast.steps.iter().map(|step| step.yhat).collect()).collect();
    for step in 0..horizon {
        let mut nodes = vec![None; count];
        for forecast in &parts.forecasts {
            nodes[forecast.series as usize] = forecast.steps.get(step);
        }
        for forecast in &wholes.forecasts {
            nodes[hierarchy.parts + forecast.series as usize] = forecast.steps.get(step);
        }
        let reconciled = trace::reconciled(&nodes, hierarchy, &dependence);
        for (forecast, means) in parts.forecasts.iter().zip(&mut means) {
            if let Some(mean) = means.get_mut(step) {
                *mean = within(&forecast.steps[step], reconciled[forecast.series as usize]);
            }
        }
    }
    parts.with_means(&means)
}

/// A mean that its own forecast does not hold for impossible.
fn within(step: &StepForecast, mean: f64) -> f64 {
    let values = step.quantiles.values();
    mean.clamp(values[0].min(step.yhat), values[LEVELS.len() - 1].max(step.yhat))
}

/// Standard deviation that the quantiles tell of: of their inner and their outer range, the wider; of a mean that is too
/// small for its quantiles, a Poisson count's.
fn deviation(step: &StepForecast) -> f64 {
    let values = step.quantiles.values();
    let of_range = |low: usize, high: usize| (values[high] - values[low]) / (NORMAL[high] - NORMAL[low]);
    let deviation = of_range(2, 6).max(of_range(0, 8));
    if deviation > 0.0 { deviation } else { step.yhat.max(0.0).sqrt() }
}

/// Quantiles of a standard normal distribution at [`LEVELS`].
const NORMAL: [f64; LEVELS.len()] = [-1.959_964, -1.644_854, -1.281_552, -0.674_490, 0.0, 0.674_490, 1.281_552, 1.644_854, 1.959_964];

/// Value of a distribution at a standard normal score: its quantiles joined by lines, the outer ones carried on.
fn at_score(quantiles: &Quantiles, score: f64) -> f64 {
    let values = quantiles.values();
    let right = NORMAL.partition_point(|&level| level < score).clamp(1, NORMAL.len() - 1);
    let slope = (values[right] - values[right - 1]) / (NORMAL[right] - NORMAL[right - 1]);
    (values[right - 1] + slope * (score - NORMAL[right - 1])).max(0.0)
}

#[cfg(test)]
mod tests;
