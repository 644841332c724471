//! A season that is taken out of a series before fitting and put back into its forecast.

use serde::{Deserialize, Serialize};

use super::decompose::{Seasonality, is_seasonal, seasonal_indices};

/// Seasonal indices, that of the first value first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Season {
    multiplicative: bool,
    indices: Vec<f64>,
}

impl Season {
    /// Factors where every value is positive, else terms; `None` without a significant season.
    pub fn of(values: &[f64], period: usize) -> Option<Self> {
        if !is_seasonal(values, period) {
            return None;
        }
        let multiplicative = values.iter().all(|value| value.is_nan() || *value > 0.0);
        let kind = if multiplicative { Seasonality::Multiplicative } else { Seasonality::Additive };
        seasonal_indices(values, period, kind).map(|indices| Self { multiplicative, indices })
    }

    /// The values without their season.
    pub fn take_out(&self, values: &[f64]) -> Vec<f64> {
        let index = |at: usize| self.indices[at % self.indices.len()];
        let without = |(at, &value): (usize, &f64)| if self.multiplicative { value / index(at) } else { value - index(at) };
        values.iter().enumerate().map(without).collect()
    }

    /// Gives a path that starts at place `first` its season.
    pub fn put_back(&self, path: &mut [f64], first: usize) {
        for (step, mean) in path.iter_mut().enumerate() {
            let index = self.indices[(first + step) % self.indices.len()];
            *mean = if self.multiplicative { *mean * index } else { *mean + index };
        }
    }
}

/// Fills gaps on a straight line between their neighbours, the ends with the nearest known value.
pub(crate) fn fill_gaps(values: &mut [f64]) {
    let mut last: Option<usize> = None;
    for at in 0..values.len() {
        if values[at].is_nan() {
            continue;
        }
        let start = last.map_or(0, |last| last + 1);
        let (from, to) = (last.map_or(values[at], |last| values[last]), values[at]);
        let steps = (at + 1 - start) as f64;
        for (step, gap) in values[start..at].iter_mut().enumerate() {
            *gap = from + (to - from) * (step + 1) as f64 / steps;
        }
        last = Some(at);
    }
    if let Some(last) = last {
        let value = values[last];
        values[last + 1..].fill(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_is_put_back() {
        for shift in [0.0, -30.0] {
            let values: Vec<f64> = (0..70).map(|at| 20.0 + shift + f64::from(at % 7) * 3.0 + f64::from(at) * 0.1).collect();
            let season = Season::of(&values, 7).expect("a strong week");
            let mut path = season.take_out(&values)[50..].to_vec();
            season.put_back(&mut path, 50);
            for (value, expected) in path.iter().zip(&values[50..]) {
                assert!((value - expected).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn gaps_are_filled_on_a_line() {
        let nan = f64::NAN;
        let mut values = [nan, 1.0, nan, nan, 4.0, nan];
        fill_gaps(&mut values);
        for (value, expected) in values.iter().zip([1.0, 1.0, 2.0, 3.0, 4.0, 4.0]) {
            assert!((value - expected).abs() < 1e-12);
        }
    }
}
