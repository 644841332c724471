//! Exponentially weighted mean of the last values of the same season position, adjusted to the recent level.
//!
//! A cheap local model that is hard to beat on a handful of series: the mean of the same weekday takes the noise out of
//! seasonal naive, the level adjustment follows a series that is growing or fading.

use serde::{Deserialize, Serialize};

use crate::forecaster::Skip;
use crate::local::{Local, LocalModel, LocalSeries};

/// Seasons in the mean.
const SEASONS: usize = 8;
/// Weight of each season relative to the next younger one.
const DECAY: f64 = 0.85;
/// Periods over which the recent level is compared with what the means would have said: two seasons, at least this many.
const LEVEL_PERIODS: usize = 6;
/// Share of the observed level change that is believed to last; the rest was noise.
const LASTING: f64 = 0.5;
/// Bounds of the level adjustment.
const ADJUSTMENT: (f64, f64) = (0.5, 2.0);

pub(super) fn forecaster() -> Local<WeekdayMean> {
    Local::new()
}

/// Nothing is learnt ahead of predicting.
#[derive(Serialize, Deserialize)]
pub(super) struct WeekdayMean;

impl LocalModel for WeekdayMean {
    const NAME: &'static str = "weekday_mean";
    const FORMAT: u16 = 2;

    fn fit(_: &LocalSeries<'_>) -> Result<Self, Skip> {
        Ok(Self)
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        let (count, sum) = series.known().fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
        let adjustment = level_adjustment(series);
        let end = series.values.len();
        (0..horizon).map(|step| weighted(series, end + step).map_or(sum / count, |mean| mean * adjustment)).collect()
    }
}

/// Mean of the values at the position of `at` before it and before the end.
fn weighted(series: &LocalSeries<'_>, at: usize) -> Option<f64> {
    let (mut weight, mut sum, mut total) = (1.0, 0.0, 0.0);
    let season = series.season.max(1);
    let earlier = (1..).map_while(|k| at.checked_sub(k * season)).filter_map(|before| series.values.get(before));
    for value in earlier.filter(|value| value.is_finite()).take(SEASONS) {
        sum += weight * value;
        total += weight;
        weight *= DECAY;
    }
    (total > 0.0).then(|| sum / total)
}

/// How far the last periods lay above or below the means of their own positions, half believed.
fn level_adjustment(series: &LocalSeries<'_>) -> f64 {
    let end = series.values.len();
    let (mut seen, mut said) = (0.0, 0.0);
    for at in end.saturating_sub((2 * series.season).max(LEVEL_PERIODS))..end {
        if let (true, Some(mean)) = (series.values[at].is_finite(), weighted(series, at)) {
            seen += series.values[at];
            said += mean;
        }
    }
    if seen > 0.0 && said > 0.0 { (seen / said).powf(LASTING).clamp(ADJUSTMENT.0, ADJUSTMENT.1) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(values: &[f64], horizon: usize, season: usize) -> Vec<f64> {
        WeekdayMean.predict(&LocalSeries { values, season }, horizon)
    }

    #[test]
    fn a_steady_season_is_repeated() {
        let steady = [1.0, 2.0, 6.0].repeat(10);
        for (value, expected) in path(&steady, 4, 3).iter().zip([1.0, 2.0, 6.0, 1.0]) {
            assert!((value - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn growth_is_followed_part_of_the_way() {
        let growing: Vec<f64> = (0..70).map(|day| 100.0 + 10.0 * f64::from(day / 7)).collect();
        let path = path(&growing, 1, 7);
        // The last week was at 190, the weighted mean of eight weeks lies some 26 lower.
        assert!(path[0] > 168.0 && path[0] < 190.0, "{}", path[0]);
    }
}
