//! How large a series is, and how much it moves: what makes unlike series comparable.

use domain::History;
use serde::{Deserialize, Serialize};

use crate::history::{mean, usable, usable_values};

/// Seasonal differences looked at, in observations: about a year of days. Older ones say little about tomorrow's error.
const RECENT: usize = 400;
/// The error scale never falls below this share of the level: a series that happened to repeat itself is not certain.
const SMALLEST_SHARE: f64 = 0.05;

/// Scales of one series as of a cutoff.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scale {
    /// Mean absolute value of the usable observations; what global models divide by. 1 for a series of zeros.
    pub level: f64,
    /// Size of a typical error: mean absolute seasonal difference over the last [`RECENT`] observations.
    pub error: f64,
    /// Share of zeros among the usable observations.
    pub zeros: f64,
    /// Whether every usable observation is a whole number.
    pub whole: bool,
    /// Usable observations.
    pub count: usize,
}

impl Scale {
    /// `None` for a series without any observation.
    pub fn of(history: &History, season: u16) -> Option<Self> {
        let values: Vec<f64> = usable_values(history).map(|(_, value)| value).collect();
        // Nothing but sold-out or closed periods: their values are all there is.
        let fallback = mean(history)?;
        let count = values.len();
        let absolute = if count == 0 { fallback.abs() } else { values.iter().map(|value| value.abs()).sum::<f64>() / count as f64 };
        let level = if absolute > 0.0 { absolute } else { 1.0 };
        let error = seasonal_error(history, season).unwrap_or(absolute).max(SMALLEST_SHARE * level);
        let zeros = values.iter().filter(|&&value| value == 0.0).count() as f64 / count.max(1) as f64;
        let whole = values.iter().all(|value| value.fract() == 0.0);
        Some(Self { level, error, zeros, whole, count })
    }

    /// Size of a typical error where `predicted` is expected. Errors grow with the square root of the expected value
    /// (counts do so exactly), measured against the series' own level.
    pub fn error_at(&self, predicted: f64) -> f64 {
        self.error * ((predicted.max(0.0) + self.level) / (2.0 * self.level)).sqrt()
    }
}

fn seasonal_error(history: &History, season: u16) -> Option<f64> {
    let season = i64::from(season.max(1));
    let (mut count, mut sum) = (0_usize, 0.0);
    for (at, value) in usable_values(history).rev().take(RECENT) {
        if let Some(before) = usable(history, at - season) {
            count += 1;
            sum += (value - before).abs();
        }
    }
    (count > 0).then(|| sum / count as f64)
}

/// Scales of every series, `None` where there is no observation.
pub(crate) fn scales(histories: &[History], season: u16) -> Vec<Option<Scale>> {
    histories.iter().map(|history| Scale::of(history, season)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(values: &[f64]) -> History {
        History { first: 0, values: values.to_vec(), censored: vec![false; values.len()], closed: vec![false; values.len()] }
    }

    #[test]
    fn a_series_is_measured_by_its_level_and_its_seasonal_differences() {
        let scale = Scale::of(&history(&[10.0, 20.0, 14.0, 20.0]), 2).expect("observed");
        assert_eq!(scale.level, 16.0);
        assert_eq!(scale.error, 2.0); // |14 - 10| and |20 - 20|
        assert_eq!(scale.error_at(16.0), 2.0);
        assert!(scale.error_at(64.0) > 3.0);
    }

    #[test]
    fn zeros_and_shortness_leave_a_scale() {
        let zeros = Scale::of(&history(&[0.0; 20]), 7).expect("observed");
        assert_eq!((zeros.level, zeros.zeros, zeros.whole), (1.0, 1.0, true));
        assert!(zeros.error > 0.0);
        assert!(Scale::of(&history(&[3.5]), 7).expect("observed").error > 0.0);
        assert!(Scale::of(&history(&[]), 7).is_none());
    }
}
