//! How far from a forecast the actual usually lands: the unit in which errors of unlike series, days and steps are alike.
//!
//! ```text
//! spread = error scale of the series * own factor * factor(step) * factor(season position) * factor(forecast / level)
//! ```
//!
//! Every factor is a ratio of what errors of past folds were to what the other factors said, learnt in turn (backfitting of
//! a multiplicative model of mean absolute errors) and drawn towards 1 where few errors speak. The last one is a curve over
//! the forecast's size relative to the series' level, so that a day on which nearly nothing is expected is nearly certain.

use domain::Ordinal;
use serde::{Deserialize, Serialize};

use crate::candidate::Target;
use crate::scale::Scale;

/// Rounds of backfitting.
const ROUNDS: usize = 3;
/// Errors at which a factor is half its own.
const HALF: f64 = 25.0;
/// Bins of the curve over the forecast's relative size.
const BINS: usize = 12;
/// Errors in a bin, at least.
const FEWEST_IN_BIN: usize = 50;
/// Seasons with more positions than this have no factor by position.
const MOST_POSITIONS: u16 = 31;
/// Errors beyond so many spreads count as that.
const LARGEST: f64 = 8.0;
/// Bounds of a factor.
const BOUNDS: (f64, f64) = (0.02, 20.0);
/// No spread falls below this share of the series' error scale.
const SMALLEST: f64 = 0.02;

/// Learnt factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    season: u16,
    steps: Vec<f64>,
    positions: Vec<f64>,
    /// Ascending relative sizes with their factors; between them the factor is interpolated.
    curve: Vec<(f64, f64)>,
    own: Vec<f64>,
}

/// One past error.
struct Seen {
    series: usize,
    step: usize,
    position: usize,
    size: f64,
    /// `|actual - predicted|` in error scales.
    error: f64,
}

impl Spread {
    /// Before anything is learnt: errors grow with the square root of the expected value, as counts' do.
    pub fn assumed(horizon: u16, season: u16, series: usize) -> Self {
        let positions = if (2..=MOST_POSITIONS).contains(&season) { season } else { 1 };
        let curve = (0..=8).map(|k| (0.5 * f64::from(k), ((1.0 + 0.5 * f64::from(k)) / 2.0).sqrt())).collect();
        let ones = |count: usize| vec![1.0; count];
        Self { season, steps: ones(usize::from(horizon)), positions: ones(usize::from(positions)), curve, own: ones(series) }
    }

    /// From the predictions of past targets (NaN: none), leaving out the fold `but` if given.
    pub fn learn(targets: &[Target], predictions: &[f64], scales: &[Option<Scale>], horizon: u16, season: u16, but: Option<usize>) -> Self {
        let mut spread = Self::assumed(horizon, season, scales.len());
        let seen = |(target, &predicted): (&Target, &f64)| {
            let scale = scales[target.series as usize]?;
            (predicted.is_finite() && Some(target.fold) != but).then(|| Seen {
                series: target.series as usize,
                step: usize::from(target.step) - 1,
                position: spread.position(target.at),
                size: predicted.max(0.0) / scale.level,
                error: (target.actual - predicted).abs() / scale.error,
            })
        };
        let seen: Vec<Seen> = targets.iter().zip(predictions).filter_map(seen).collect();
        if seen.is_empty() {
            return spread;
        }
        let bins = Bins::of(&seen);
        if bins.centres.len() > 1 {
            spread.curve = bins.centres.iter().map(|&centre| (centre, spread.at_size(centre))).collect();
        }
        for _ in 0..ROUNDS {
            let factors = spread.ratios(&seen, bins.centres.len(), |one| bins.of_size(one.size));
            if bins.centres.len() > 1 {
                spread
                    .curve
                    .iter_mut()
                    .zip(&factors)
                    .for_each(|((_, factor), ratio)| *factor = (*factor * ratio).clamp(BOUNDS.0, BOUNDS.1));
            }
            let factors = spread.ratios(&seen, spread.steps.len(), |one| one.step);
            multiply(&mut spread.steps, &factors);
            let factors = spread.ratios(&seen, spread.positions.len(), |one| one.position);
            multiply(&mut spread.positions, &factors);
            let factors = spread.ratios(&seen, spread.own.len(), |one| one.series);
            multiply(&mut spread.own, &factors);
        }
        spread
    }

    /// Mean error over mean spread by group, drawn towards 1.
    fn ratios(&self, seen: &[Seen], groups: usize, group: impl Fn(&Seen) -> usize) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); groups];
        for one in seen {
            let said = self.relative(one.series, one.step, one.position, one.size);
            let sum = &mut sums[group(one)];
            sum.0 += (one.error / said).min(LARGEST);
            sum.1 += 1.0;
        }
        sums.into_iter().map(|(errors, count)| (errors + HALF) / (count + HALF)).collect()
    }

    fn relative(&self, series: usize, step: usize, position: usize, size: f64) -> f64 {
        let step = self.steps.get(step).or(self.steps.last()).copied().unwrap_or(1.0);
        let own = self.own.get(series).copied().unwrap_or(1.0);
        (own * step * self.positions[position] * self.at_size(size)).max(SMALLEST)
    }

    /// The usual distance, in the series' units.
    pub fn of(&self, series: usize, step: u16, at: Ordinal, predicted: f64, scale: &Scale) -> f64 {
        let step = usize::from(step).saturating_sub(1);
        scale.error * self.relative(series, step, self.position(at), predicted.max(0.0) / scale.level)
    }

    fn position(&self, at: Ordinal) -> usize {
        if self.positions.len() > 1 { at.rem_euclid(Ordinal::from(self.season)) as usize } else { 0 }
    }

    fn at_size(&self, size: f64) -> f64 {
        let above = self.curve.partition_point(|&(centre, _)| centre < size);
        match (above.checked_sub(1).map(|below| self.curve[below]), self.curve.get(above)) {
            (Some((left, low)), Some(&(right, high))) => low + (high - low) * (size - left) / (right - left),
            (Some((_, last)), None) => last,
            (None, Some(&(_, first))) => first,
            (None, None) => 1.0,
        }
    }

    /// For the series of another panel: `old[new]` is where each stood in this one.
    pub fn rearranged(&self, old: &[Option<usize>]) -> Self {
        let own = |index: &Option<usize>| index.and_then(|index| self.own.get(index).copied()).unwrap_or(1.0);
        Self { own: old.iter().map(own).collect(), ..self.clone() }
    }
}

fn multiply(factors: &mut [f64], ratios: &[f64]) {
    factors.iter_mut().zip(ratios).for_each(|(factor, ratio)| *factor = (*factor * ratio).clamp(BOUNDS.0, BOUNDS.1));
}

/// Bins of equal counts over relative sizes.
struct Bins {
    /// Upper borders of all bins but the last.
    borders: Vec<f64>,
    /// Mean size within each bin, ascending.
    centres: Vec<f64>,
}

impl Bins {
    fn of(seen: &[Seen]) -> Self {
        let mut sizes: Vec<f64> = seen.iter().map(|one| one.size).collect();
        sizes.sort_by(f64::total_cmp);
        let count = (sizes.len() / FEWEST_IN_BIN).clamp(1, BINS);
        let mut borders: Vec<f64> = (1..count).map(|k| sizes[k * sizes.len() / count]).collect();
        borders.dedup();
        let mut bins = Self { borders, centres: Vec::new() };
        let mut sums = vec![(0.0, 0.0); bins.borders.len() + 1];
        for size in sizes {
            let sum = &mut sums[bins.of_size(size)];
            sum.0 += size;
            sum.1 += 1.0;
        }
        // A border that is the largest size leaves its bin empty.
        while sums.last().is_some_and(|&(_, count)| count == 0.0) && bins.borders.pop().is_some() {
            sums.pop();
        }
        bins.centres = sums.iter().map(|(sum, count)| sum / count).collect();
        bins
    }

    fn of_size(&self, size: f64) -> usize {
        self.borders.partition_point(|&border| border <= size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(level: f64) -> Scale {
        Scale { level, error: 1.0, zeros: 0.0, whole: false, count: 100 }
    }

    fn target(fold: usize, series: u32, step: u16, actual: f64) -> Target {
        Target { fold, series, step, at: Ordinal::from(step), actual }
    }

    #[test]
    fn factors_of_steps_and_series_are_found() {
        let scales = vec![Some(scale(10.0)), Some(scale(10.0))];
        let mut targets = Vec::new();
        for fold in 0..400 {
            for series in 0..2_u32 {
                for step in 1..=2_u16 {
                    let sign = if (fold + usize::from(step)) % 2 == 0 { 1.0 } else { -1.0 };
                    targets.push(target(fold, series, step, 10.0 + sign * f64::from(step) * f64::from(1 + series)));
                }
            }
        }
        let spread = Spread::learn(&targets, &vec![10.0; targets.len()], &scales, 2, 1, None);
        let of = |series: usize, step: u16| spread.of(series, step, 0, 10.0, &scale(10.0));
        for (series, step, expected) in [(0, 1, 1.0), (0, 2, 2.0), (1, 1, 2.0), (1, 2, 4.0)] {
            assert!((of(series, step) / expected - 1.0).abs() < 0.12, "{series} {step} {}", of(series, step));
        }
    }

    #[test]
    fn where_nothing_is_expected_little_is_missed() {
        let scales = vec![Some(scale(10.0))];
        let mut targets = Vec::new();
        let mut predictions = Vec::new();
        for fold in 0..600 {
            let busy = fold % 2 == 0;
            predictions.push(if busy { 20.0 } else { 0.1 });
            let sign = if fold % 4 < 2 { 1.0 } else { -1.0 };
            targets.push(target(fold, 0, 1, predictions[fold] + sign * if busy { 2.0 } else { 0.1 }));
        }
        let spread = Spread::learn(&targets, &predictions, &scales, 1, 1, None);
        assert!(spread.of(0, 1, 0, 0.1, &scale(10.0)) < 0.25);
        assert!(spread.of(0, 1, 0, 20.0, &scale(10.0)) > 1.6);
    }

    #[test]
    fn without_errors_the_square_root_stands() {
        let spread = Spread::assumed(3, 7, 1);
        assert_eq!(spread.of(0, 1, 5, 10.0, &scale(10.0)), 1.0);
        assert!((spread.of(0, 9, 5, 40.0, &scale(10.0)) - 2.5_f64.sqrt()).abs() < 1e-9);
    }
}
