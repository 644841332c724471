//! Weights of a mean of several forecasters: non-negative, summing to one, learnt from the errors of past folds.
//!
//! For errors `e` of the members in units of their series' error scale, the squared error of a mean with weights `w` is
//! `w' S w` with `S = E[e e']` (Bates and Granger 1969). Forecasters err alike, so `S` is nearly singular and its minimum
//! jumps from fold to fold; two things hold it (Diebold and Pauly 1990):
//!
//! - weights are drawn towards a prior that prefers members by how well they did alone, `exp(-(rmse / best - 1) / t)` (Akaike's way),
//!   less sharply where little speaks, and trusts models that learn across series only as far as there is much to learn from;
//! - a series' own errors count beside the panel's: `S` of the series is `n / (n + k)` its own and the rest the panel's.
//!
//! Mean errors of whole windows enter beside the errors of single steps, so that a mean with little bias is preferred.

use crate::candidate::Target;
use crate::scale::Scale;

/// Errors beyond so many times the usual one count as that: one wedding does not weigh models.
const LARGEST_ERROR: f64 = 6.0;
/// Loss above the best member's, as a share, at which a member's prior weight is a factor e lower, given plenty of evidence.
const PREFERENCE: f64 = 0.05;
/// Independent windows at which that preference is half as sharp.
const DOUBTFUL: f64 = 16.0;
/// Independent windows whose evidence weighs as much as the prior.
const PRIOR_WINDOWS: f64 = 8.0;
/// Windows at which a series' own errors count as much as the panel's.
const SERIES_WINDOWS: f64 = 40.0;
/// Weight of a window's squared mean error beside its mean squared error.
const BIAS_WEIGHT: f64 = 0.5;
/// Steps of the solver; each one solves a pair of weights exactly.
const ROUNDS: usize = 400;
/// Weights below this are dropped: they cost a model and change nothing.
const SMALLEST: f64 = 0.02;

/// What the members' errors say.
pub(crate) struct Weigher {
    /// Members in play: positions among all forecasters.
    members: Vec<usize>,
    prior: Vec<f64>,
    panel: Moments,
    series: Vec<Moments>,
    /// Independent windows that the panel amounts to.
    windows: f64,
}

/// `E[e e']` over windows, each window's bias included.
#[derive(Clone)]
struct Moments {
    sum: Vec<f64>,
    windows: f64,
}

impl Moments {
    fn new(members: usize) -> Self {
        Self { sum: vec![0.0; members * members], windows: 0.0 }
    }

    /// One window: `errors[member][step]`.
    fn add(&mut self, errors: &[Vec<f64>]) {
        let count = errors[0].len() as f64;
        let means: Vec<f64> = errors.iter().map(|of_member| of_member.iter().sum::<f64>() / count).collect();
        let members = errors.len();
        for i in 0..members {
            for j in 0..=i {
                let together = errors[i].iter().zip(&errors[j]).map(|(a, b)| a * b).sum::<f64>() / count;
                let value = together + BIAS_WEIGHT * means[i] * means[j];
                self.sum[i * members + j] += value;
                if i != j {
                    self.sum[j * members + i] += value;
                }
            }
        }
        self.windows += 1.0;
    }

    fn absorb(&mut self, other: &Self) {
        self.sum.iter_mut().zip(&other.sum).for_each(|(sum, value)| *sum += value);
        self.windows += other.windows;
    }

    /// Mean moments in units of a member's mean squared error, so that panel and series can be mixed.
    fn relative(&self) -> Option<Vec<f64>> {
        let members = self.sum.len().isqrt();
        let usual = (0..members).map(|i| self.sum[i * members + i]).sum::<f64>() / members as f64;
        (usual > 0.0 && usual.is_finite()).then(|| self.sum.iter().map(|value| value / usual).collect())
    }
}

impl Weigher {
    /// Learns from the members' predictions of some targets (`predictions[member][target]`, NaN where it has none), which
    /// are ordered by fold, series and step, leaving out the fold `but` if given. `trust[member]` multiplies its prior weight.
    pub fn learn(
        members: Vec<usize>,
        trust: &[f64],
        predictions: &[Vec<f64>],
        targets: &[Target],
        scales: &[Option<Scale>],
        horizon: u16,
        but: Option<usize>,
    ) -> Self {
        let limit = LARGEST_ERROR * usual_error(&members, predictions, targets, scales);
        let mut series: Vec<Moments> = vec![Moments::new(0); scales.len()];
        let mut start = 0;
        for window in targets.chunk_by(|a, b| (a.fold, a.series) == (b.fold, b.series)) {
            let range = start..start + window.len();
            start += window.len();
            let Some(scale) = scales[window[0].series as usize].filter(|_| Some(window[0].fold) != but) else { continue };
            if let Some(errors) = errors(&members, predictions, window, range, scale.error, limit) {
                let own = &mut series[window[0].series as usize];
                if own.sum.is_empty() {
                    *own = Moments::new(members.len());
                }
                own.add(&errors);
            }
        }
        let mut panel = Moments::new(members.len());
        series.iter().filter(|own| !own.sum.is_empty()).for_each(|own| panel.absorb(own));
        // Series of one panel err together: a fold of many is worth the root of their number. Folds that overlap are not many.
        let spoken = series.iter().filter(|own| own.windows > 0.0).count() as f64;
        let (first, last) = targets.iter().fold((i64::MAX, i64::MIN), |(first, last), target| (first.min(target.at), last.max(target.at)));
        let windows = if targets.is_empty() { 0.0 } else { (last - first + 1) as f64 / f64::from(horizon.max(1)) * spoken.sqrt() };
        let trust: Vec<f64> = members.iter().map(|&member| trust[member]).collect();
        let prior = prior(&panel, &trust, PREFERENCE * (1.0 + DOUBTFUL / windows.max(1.0)));
        Self { members, prior, panel, series, windows }
    }

    /// Weights that suit the panel, by member; none if there was nothing to learn from.
    pub fn of_panel(&self) -> Vec<(usize, f64)> {
        self.solve(self.panel.relative(), &self.prior, self.windows)
    }

    /// Weights that suit one series.
    pub fn of_series(&self, series: usize, panel: &[(usize, f64)]) -> Vec<(usize, f64)> {
        let own = &self.series[series];
        let (Some(of_panel), Some(of_series)) = (self.panel.relative(), own.relative()) else { return panel.to_vec() };
        let share = own.windows / (own.windows + SERIES_WINDOWS);
        let mixed: Vec<f64> = of_panel.iter().zip(&of_series).map(|(panel, own)| (1.0 - share) * panel + share * own).collect();
        let prior: Vec<f64> =
            self.members.iter().map(|member| panel.iter().find(|(of, _)| of == member).map_or(0.0, |&(_, weight)| weight)).collect();
        self.solve(Some(mixed), &prior, own.windows)
    }

    fn solve(&self, moments: Option<Vec<f64>>, prior: &[f64], windows: f64) -> Vec<(usize, f64)> {
        let Some(moments) = moments else { return Vec::new() };
        let weights = on_simplex(&moments, prior, PRIOR_WINDOWS / windows.max(1.0));
        let kept: Vec<(usize, f64)> = self.members.iter().copied().zip(weights).filter(|&(_, weight)| weight >= SMALLEST).collect();
        let total: f64 = kept.iter().map(|&(_, weight)| weight).sum();
        kept.into_iter().map(|(member, weight)| (member, weight / total)).collect()
    }
}

/// Scaled errors of one window, `[member][step]`; a member that has no prediction is given the mean of those that have.
fn errors(
    members: &[usize],
    predictions: &[Vec<f64>],
    window: &[Target],
    range: std::ops::Range<usize>,
    scale: f64,
    limit: f64,
) -> Option<Vec<Vec<f64>>> {
    let present: Vec<&[f64]> = members.iter().map(|&member| &predictions[member][range.clone()]).collect();
    let answers = |path: &[f64]| path.iter().all(|value| value.is_finite());
    let count = present.iter().filter(|path| answers(path)).count();
    if count == 0 {
        return None;
    }
    let mean = |step: usize| present.iter().filter(|path| answers(path)).map(|path| path[step]).sum::<f64>() / count as f64;
    let error = |step: usize, predicted: f64| ((window[step].actual - predicted) / scale).clamp(-limit, limit);
    let of_member = |path: &&[f64]| -> Vec<f64> {
        (0..window.len()).map(|step| error(step, if answers(path) { path[step] } else { mean(step) })).collect()
    };
    Some(present.iter().map(of_member).collect())
}

/// Mean absolute error of the members that have one, in error scales.
fn usual_error(members: &[usize], predictions: &[Vec<f64>], targets: &[Target], scales: &[Option<Scale>]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (position, target) in targets.iter().enumerate() {
        let Some(scale) = scales[target.series as usize] else { continue };
        let errors = members.iter().map(|&member| ((target.actual - predictions[member][position]) / scale.error).abs());
        // The middle one: a member that explodes must not widen what counts as usual.
        let mut errors: Vec<f64> = errors.filter(|error| error.is_finite()).collect();
        errors.sort_by(f64::total_cmp);
        if let Some(middle) = errors.get(errors.len() / 2) {
            sum += middle;
            count += 1.0;
        }
    }
    if sum > 0.0 { sum / count } else { 1.0 }
}

/// Prior weights by how well each member did alone.
fn prior(panel: &Moments, trust: &[f64], preference: f64) -> Vec<f64> {
    let members = panel.sum.len().isqrt();
    let losses: Vec<f64> = (0..members).map(|i| panel.sum[i * members + i].sqrt()).collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let preferred = |loss: f64| if best > 0.0 { (-(loss / best - 1.0) / preference).exp() } else { 1.0 };
    let raw: Vec<f64> = losses.iter().zip(trust).map(|(&loss, trust)| trust * preferred(loss)).collect();
    let total: f64 = raw.iter().sum();
    raw.into_iter().map(|weight| weight / total).collect()
}

/// `argmin w' moments w + strength |w - prior|^2` with `w >= 0` and `sum w = 1`, two weights at a time.
fn on_simplex(moments: &[f64], prior: &[f64], strength: f64) -> Vec<f64> {
    let members = prior.len();
    let mut weights = prior.to_vec();
    let row = |i: usize| &moments[i * members..(i + 1) * members];
    let mut slopes: Vec<f64> = (0..members).map(|i| dot(row(i), &weights)).collect();
    for _ in 0..ROUNDS {
        let slope = |i: usize| slopes[i] + strength * (weights[i] - prior[i]);
        let (mut low, mut high) = (0, None::<usize>);
        for i in 0..members {
            if slope(i) < slope(low) {
                low = i;
            }
            if weights.get(i).is_some_and(|&weight| weight > 0.0) && high.is_none_or(|high| slope(i) > slope(high)) {
                high = Some(i);
            }
        }
        let Some(high) = high.filter(|&high| slope(high) - slope(low) > 1e-10) else { break };
        let curvature = moments[low * members + low] + moments[high * members + high] - 2.0 * moments[low * members + high];
        let step = ((slope(high) - slope(low)) / (curvature + 2.0 * strength).max(1e-12)).min(weights[high]);
        weights[low] += step;
        weights[high] -= step;
        for i in 0..members {
            slopes[i] += step * (moments[i * members + low] - moments[i * members + high]);
        }
    }
    weights
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn independent_errors_are_weighted_by_their_variance() {
        // Variances 1 and 3: the best weights are 3/4 and 1/4.
        let weights = on_simplex(&[1.0, 0.0, 0.0, 3.0], &[0.5, 0.5], 0.0);
        assert!((weights[0] - 0.75).abs() < 1e-9 && (weights[1] - 0.25).abs() < 1e-9);
        // A strong prior holds.
        let held = on_simplex(&[1.0, 0.0, 0.0, 3.0], &[0.5, 0.5], 1e6);
        assert!((held[0] - 0.5).abs() < 1e-4);
    }

    proptest! {
        #[test]
        fn weights_are_a_minimum_on_the_simplex(rows in prop::collection::vec(prop::collection::vec(-1.0..1.0_f64, 4), 6), strength in 0.001..1.0_f64) {
            let moment = |i: usize, j: usize| rows.iter().map(|row| row[i] * row[j]).sum::<f64>() / 6.0;
            let moments: Vec<f64> = (0..16).map(|k| moment(k / 4, k % 4)).collect();
            let prior = [0.4, 0.3, 0.2, 0.1];
            let loss = |w: &[f64]| (0..16).map(|k| w[k / 4] * moments[k] * w[k % 4]).sum::<f64>()
                + strength * w.iter().zip(&prior).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            let weights = on_simplex(&moments, &prior, strength);
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9 && weights.iter().all(|&w| w >= -1e-12));
            for i in 0..4 {
                for j in 0..4 {
                    let mut moved = weights.clone();
                    let step = 0.01_f64.min(moved[j]);
                    moved[i] += step;
                    moved[j] -= step;
                    prop_assert!(loss(&weights) <= loss(&moved) + 1e-9);
                }
            }
        }
    }
}
