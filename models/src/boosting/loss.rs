//! What is minimised: its link, first guess, gradients, and how a leaf's value follows from them.

use serde::{Deserialize, Serialize};

use super::quantile::weighted_quantile;

/// The loss of one row with target `y`, prediction `p` and raw score `f`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `(y - p)^2 / 2`, `p = f`: the mean.
    Squared,
    /// `|y - p|`, `p = f`: the median.
    Absolute,
    /// Pinball loss at a level in (0, 1), `p = f`: the quantile (Koenker and Bassett 1978).
    Quantile(f64),
    /// `p - y ln p`, `p = exp f`: the mean of counts.
    Poisson,
    /// `p^(2-r) / (2-r) - y p^(1-r) / (1-r)` with power `r` in (1, 2), `p = exp f`: the mean of amounts with many zeros
    /// (Jorgensen 1987).
    Tweedie(f64),
}

impl Loss {
    /// Level of the quantile that a leaf takes from its residuals; `None` for the losses that take a Newton step.
    pub(super) fn level(self) -> Option<f64> {
        match self {
            Self::Absolute => Some(0.5),
            Self::Quantile(level) => Some(level),
            Self::Squared | Self::Poisson | Self::Tweedie(_) => None,
        }
    }

    pub(super) fn has_log_link(self) -> bool {
        matches!(self, Self::Poisson | Self::Tweedie(_))
    }

    /// Prediction of a raw score.
    #[must_use]
    pub fn inverse_link(self, score: f64) -> f64 {
        if self.has_log_link() { score.exp() } else { score }
    }

    /// Raw score of the best constant.
    pub(super) fn base_score(self, target: &[f32], weight: &[f32]) -> f64 {
        if let Some(level) = self.level() {
            let pairs = target.iter().zip(weight).map(|(&target, &weight)| (f64::from(target), f64::from(weight)));
            return weighted_quantile(&mut pairs.filter(|pair| pair.1 > 0.0).collect::<Vec<_>>(), level);
        }
        let (mut sum, mut total) = (0.0, 0.0);
        for (&target, &weight) in target.iter().zip(weight) {
            sum += f64::from(weight) * f64::from(target);
            total += f64::from(weight);
        }
        let mean = sum / total;
        if self.has_log_link() { mean.max(SMALLEST_MEAN).ln() } else { mean }
    }

    /// Weighted first and second derivative by the raw score, for rows of equal index.
    pub(super) fn gradients(self, scores: &[f64], target: &[f32], weight: &[f32], out: &mut [[f32; 2]]) {
        match self {
            Self::Squared => each(scores, target, weight, out, |score, target| (score - target, 1.0)),
            Self::Absolute => each(scores, target, weight, out, |score, target| pinball(score, target, 0.5)),
            Self::Quantile(level) => each(scores, target, weight, out, |score, target| pinball(score, target, level)),
            Self::Poisson => each(scores, target, weight, out, |score, target| {
                let mean = score.exp();
                (mean - target, mean)
            }),
            Self::Tweedie(power) => each(scores, target, weight, out, |score, target| {
                let above = ((2.0 - power) * score).exp();
                // Half way between Poisson and gamma one is the other's inverse, and an exponential is what this costs.
                let below = if power == 1.5 { target / above } else { target * ((1.0 - power) * score).exp() };
                (above - below, (2.0 - power) * above + (power - 1.0) * below)
            }),
        }
    }

    /// Step of a leaf from its sums. Poisson's Newton step overshoots where the leaf was far too low, so upward it takes
    /// the exact minimiser, the logarithm of actual over predicted, of which Newton's is the first-order term.
    pub(super) fn step(self, gradient: f64, hessian: f64, l2: f64) -> f64 {
        let denominator = hessian + l2;
        let newton = if denominator > 0.0 { -gradient / denominator } else { 0.0 };
        match self {
            Self::Poisson if newton > 0.0 => newton.ln_1p(),
            _ => newton,
        }
    }

    /// Weighted mean loss of raw scores.
    #[must_use]
    pub fn mean(self, scores: &[f64], target: &[f32], weight: &[f32]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for ((&score, &target), &weight) in scores.iter().zip(target).zip(weight) {
            sum += f64::from(weight) * self.of(score, f64::from(target));
            total += f64::from(weight);
        }
        sum / total
    }

    fn of(self, score: f64, target: f64) -> f64 {
        match self {
            Self::Squared => 0.5 * (score - target) * (score - target),
            Self::Absolute => (score - target).abs(),
            Self::Quantile(level) if target >= score => level * (target - score),
            Self::Quantile(level) => (1.0 - level) * (score - target),
            Self::Poisson => score.exp() - target * score,
            Self::Tweedie(power) => ((2.0 - power) * score).exp() / (2.0 - power) + target * ((1.0 - power) * score).exp() / (power - 1.0),
        }
    }
}

/// Mean below which a log link starts, where the targets are all zero.
const SMALLEST_MEAN: f64 = 1e-9;

fn pinball(score: f64, target: f64, level: f64) -> (f64, f64) {
    (if score >= target { 1.0 - level } else { -level }, 1.0)
}

#[inline]
fn each(scores: &[f64], target: &[f32], weight: &[f32], out: &mut [[f32; 2]], derivatives: impl Fn(f64, f64) -> (f64, f64)) {
    for (((out, &score), &target), &weight) in out.iter_mut().zip(scores).zip(target).zip(weight) {
        let (first, second) = derivatives(score, f64::from(target));
        let weight = f64::from(weight);
        *out = [clamped(first * weight), clamped(second * weight)];
    }
}

/// As f32, huge values kept finite.
#[inline]
fn clamped(value: f64) -> f32 {
    value.clamp(-1e37, 1e37) as f32
}
