//! The line of all values, and of the values so far.

use serde::{Deserialize, Serialize};

/// `intercept + slope t`, the first value at `t = 1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub intercept: f64,
    pub slope: f64,
}

/// Least squares line that takes one value after another (Fiorucci et al. 2016, equations 13 to 15).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunningLine {
    count: f64,
    mean: f64,
    slope: f64,
}

impl RunningLine {
    pub fn push(&mut self, value: f64) {
        self.count += 1.0;
        let count = self.count;
        if count > 1.0 {
            self.slope = ((count - 2.0) * self.slope + 6.0 / count * (value - self.mean)) / (count + 1.0);
        }
        self.mean += (value - self.mean) / count;
    }

    /// The line of the values so far; flat at zero without any.
    pub fn line(&self) -> Line {
        Line { intercept: self.mean - (self.count + 1.0) / 2.0 * self.slope, slope: self.slope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_line_is_the_least_squares_line() {
        let values = [3.0, -1.0, 4.0, 1.0, 5.0, 9.0, -2.0];
        let mut running = RunningLine::default();
        for (count, value) in values.into_iter().enumerate() {
            running.push(value);
            let known = &values[..=count];
            let centre = (known.len() as f64 + 1.0) / 2.0;
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let time = |at: usize| at as f64 + 1.0 - centre;
            let along: f64 = (0..known.len()).map(|at| time(at).powi(2)).sum();
            let slope = if along > 0.0 { known.iter().enumerate().map(|(at, value)| time(at) * value).sum::<f64>() / along } else { 0.0 };
            assert!((running.line().slope - slope).abs() < 1e-12, "after {} values", known.len());
            assert!((running.line().intercept - (mean - slope * centre)).abs() < 1e-12, "after {} values", known.len());
        }
    }
}
