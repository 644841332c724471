//! Quantiles of small counts: negative binomial around the mean forecast.
//!
//! A series of mostly zeros has no symmetric errors to add. Its quantiles are those of a count with the forecast as mean
//! and a variance of `dispersion` times the mean, where the dispersion is what past folds have shown: squared errors over
//! forecasts, each series' own shrunk to that of all such series.

use domain::LEVELS;
use serde::{Deserialize, Serialize};

use crate::candidate::Evidence;
use crate::history::usable_values;
use crate::scale::Scale;

/// Share of zeros above which a series of whole numbers is a count.
pub(crate) const INTERMITTENT: f64 = 0.5;
/// Units forecast at which a series' own dispersion counts as much as the panel's.
const SHRINKAGE: f64 = 20.0;
/// Means above this are no small counts any more.
const LARGEST_MEAN: f64 = 200.0;
/// Bounds of a believable dispersion; 1 is Poisson.
const DISPERSIONS: (f64, f64) = (1.0, 50.0);

/// Whether a series' quantiles are those of a count.
pub(crate) fn is_count(scale: &Scale) -> bool {
    scale.whole && scale.zeros > INTERMITTENT
}

/// Variance over mean of the forecasts' errors, by series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dispersions {
    panel: f64,
    own: Vec<f64>,
}

impl Dispersions {
    /// From the predictions of past targets, leaving out the fold `but` if given.
    pub fn learn(evidence: &Evidence, predictions: &[f64], scales: &[Option<Scale>], but: Option<usize>) -> Self {
        let mut sums = vec![(0.0, 0.0); scales.len()];
        for (target, &predicted) in evidence.targets.iter().zip(predictions) {
            let series = target.series as usize;
            if predicted.is_finite() && Some(target.fold) != but && scales[series].as_ref().is_some_and(is_count) {
                sums[series].0 += (target.actual - predicted).powi(2);
                sums[series].1 += predicted;
            }
        }
        Self::shrink(&sums)
    }

    /// From the histories' own variance, where there are no folds.
    pub fn in_sample(histories: &[domain::History], scales: &[Option<Scale>]) -> Self {
        let spread = |(history, scale): (&domain::History, &Option<Scale>)| match scale {
            Some(scale) if is_count(scale) => {
                let values: Vec<f64> = usable_values(history).map(|(_, value)| value).collect();
                let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
                (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>(), mean * values.len() as f64)
            }
            _ => (0.0, 0.0),
        };
        Self::shrink(&histories.iter().zip(scales).map(spread).collect::<Vec<_>>())
    }

    fn shrink(sums: &[(f64, f64)]) -> Self {
        let bounded = |dispersion: f64| if dispersion.is_finite() { dispersion.clamp(DISPERSIONS.0, DISPERSIONS.1) } else { 1.0 };
        let (squared, predicted) = sums.iter().fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
        let panel = bounded(squared / predicted);
        let own = |&(squared, predicted): &(f64, f64)| bounded((squared + SHRINKAGE * panel) / (predicted + SHRINKAGE));
        Self { panel, own: sums.iter().map(own).collect() }
    }

    /// For the series of another panel: `old[new]` is where each stood in this one.
    pub fn rearranged(&self, old: &[Option<usize>]) -> Self {
        let own = |index: &Option<usize>| index.and_then(|index| self.own.get(index).copied()).unwrap_or(self.panel);
        Self { panel: self.panel, own: old.iter().map(own).collect() }
    }

    /// Quantiles of a count with this mean; `None` where the mean is too large for a small count.
    pub fn quantiles(&self, series: usize, mean: f64) -> Option<[f64; 9]> {
        let dispersion = self.own.get(series).copied().unwrap_or(self.panel);
        (mean <= LARGEST_MEAN).then(|| negative_binomial(mean, dispersion))
    }
}

/// Smallest counts whose distribution function reaches [`LEVELS`]: negative binomial, Poisson at dispersion 1.
fn negative_binomial(mean: f64, dispersion: f64) -> [f64; 9] {
    let mut quantiles = [0.0; 9];
    if mean <= 0.0 {
        return quantiles;
    }
    let poisson = dispersion <= 1.0 + 1e-6;
    let size = if poisson { f64::INFINITY } else { mean / (dispersion - 1.0) };
    let mut probability = if poisson { (-mean).exp() } else { dispersion.powf(-size) };
    let (mut below, mut count) = (probability, 0.0);
    for (quantile, level) in quantiles.iter_mut().zip(LEVELS) {
        while below < level && count < 100.0 * (LARGEST_MEAN + 10.0) {
            let odds = if poisson { mean } else { (count + size) * (1.0 - 1.0 / dispersion) };
            count += 1.0;
            probability *= odds / count;
            below += probability;
        }
        *quantile = count;
    }
    quantiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Poisson(2): P(0) .135, P(<=1) .406, P(<=2) .677, P(<=3) .857, P(<=4) .947, P(<=5) .983.
        assert_eq!(negative_binomial(2.0, 1.0), [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0]);
        // Size 1, dispersion 3: geometric with P(0) = 1/3, P(<=k) = 1 - (2/3)^(k+1).
        assert_eq!(negative_binomial(2.0, 3.0), [0.0, 0.0, 0.0, 0.0, 1.0, 3.0, 5.0, 7.0, 9.0]);
        assert_eq!(negative_binomial(0.0, 3.0), [0.0; 9]);
    }

    #[test]
    fn the_largest_mean_still_has_quantiles() {
        let quantiles = negative_binomial(LARGEST_MEAN, 1.0);
        assert!((quantiles[4] - LARGEST_MEAN).abs() <= 1.0, "{quantiles:?}");
    }
}
