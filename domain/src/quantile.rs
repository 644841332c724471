//! The nine quantile levels every forecast carries, and their one invariant: monotone in level.

use serde::{Deserialize, Serialize};

/// Probability levels of a forecast's quantiles, ascending; the median is [`MEDIAN`].
pub const LEVELS: [f64; 9] = [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975];

/// Column names of the levels, in the same order.
pub const NAMES: [&str; 9] = ["q025", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q975"];

/// Pinball loss of a quantile forecast (Koenker and Bassett 1978, equation 2.1).
#[must_use]
pub fn pinball(actual: f64, quantile: f64, level: f64) -> f64 {
    let difference = actual - quantile;
    (level * difference).max((level - 1.0) * difference)
}

/// Index of the median in [`LEVELS`].
pub const MEDIAN: usize = 4;

/// Values at [`LEVELS`], finite and non-decreasing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantiles([f64; 9]);

impl Quantiles {
    /// Sorts the values into place (rearrangement, Chernozhukov, Fernandez-Val and Galichon 2010: never worsens the
    /// pinball loss) and clamps them at zero from below. `None` if a value is not finite.
    #[must_use]
    pub fn from_unsorted(mut values: [f64; 9]) -> Option<Self> {
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Self(values.map(|value| value.max(0.0))))
    }

    /// All nine values at `value` (closed days: zero).
    #[must_use]
    pub fn degenerate(value: f64) -> Self {
        Self([value.max(0.0); 9])
    }

    /// The values in the order of [`LEVELS`].
    #[must_use]
    pub fn values(&self) -> &[f64; 9] {
        &self.0
    }

    /// Median.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.0[MEDIAN]
    }

    /// Value at any level, linear between the stored levels, constant beyond the outer ones.
    #[must_use]
    pub fn at(&self, level: f64) -> f64 {
        let right = LEVELS.partition_point(|&stored| stored < level);
        match right {
            0 => self.0[0],
            9 => self.0[8],
            _ => {
                let share = (level - LEVELS[right - 1]) / (LEVELS[right] - LEVELS[right - 1]);
                self.0[right - 1] + share * (self.0[right] - self.0[right - 1])
            }
        }
    }

    /// Probability that the actual is at most `value`: the inverse of [`Quantiles::at`], in `[0.025, 0.975]` extended to
    /// 0 and 1 outside the outer quantiles.
    #[must_use]
    pub fn probability_below(&self, value: f64) -> f64 {
        if value < self.0[0] {
            return 0.0;
        }
        if value >= self.0[8] {
            return 1.0;
        }
        let right = self.0.partition_point(|&stored| stored <= value);
        let (low, high) = (self.0[right - 1], self.0[right]);
        let share = if high > low { (value - low) / (high - low) } else { 1.0 };
        LEVELS[right - 1] + share * (LEVELS[right] - LEVELS[right - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_finite_values_become_monotone_and_non_negative(values in prop::array::uniform9(-1e9..1e9_f64)) {
            let quantiles = Quantiles::from_unsorted(values).expect("finite");
            prop_assert!(quantiles.values().is_sorted());
            prop_assert!(quantiles.values()[0] >= 0.0);
        }

        /// Gneiting and Raftery 2007: nothing else than the quantile has the least expected loss.
        #[test]
        fn the_quantile_has_the_least_loss(mut sample in prop::collection::vec(0.0..100.0_f64, 1..40), other in 0.0..100.0_f64, at in 0_usize..9) {
            let level = LEVELS[at];
            sample.sort_by(f64::total_cmp);
            let own = sample[((level * sample.len() as f64).ceil() as usize).clamp(1, sample.len()) - 1];
            let loss = |quantile: f64| sample.iter().map(|actual| pinball(*actual, quantile, level)).sum::<f64>();
            prop_assert!(loss(own) <= loss(other) + 1e-9);
        }

        #[test]
        fn probability_inverts_interpolation(values in prop::array::uniform9(0.0..1e6_f64), level in 0.03..0.97_f64) {
            let mut values = values;
            for (index, value) in values.iter_mut().enumerate() { *value += index as f64 }
            let quantiles = Quantiles::from_unsorted(values).expect("finite");
            if quantiles.values().windows(2).all(|pair| pair[1] - pair[0] > 1e-3) {
                prop_assert!((quantiles.probability_below(quantiles.at(level)) - level).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn not_a_number_is_refused() {
        assert_eq!(Quantiles::from_unsorted([f64::NAN; 9]), None);
    }
}
