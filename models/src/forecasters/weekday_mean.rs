//! Exponentially weighted mean of the last values of the same season position, adjusted to the recent level.
//!
//! A cheap local model that is hard to beat on a handful of series: the mean of the same weekday takes the noise out of
//! seasonal naive, the level adjustment follows a series that is growing or fading.

use domain::{History, Ordinal};

use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, Future, Path, Skip, TrainingSet};
use crate::history::{mean, same_season, usable};

const NAME: &str = "weekday_mean";
const FORMAT: u16 = 1;

/// Seasons in the mean.
const SEASONS: usize = 8;
/// Weight of each season relative to the next younger one.
const DECAY: f64 = 0.85;
/// Periods over which the recent level is compared with what the means would have said: two seasons, at least this many.
const LEVEL_PERIODS: u16 = 6;
/// Share of the observed level change that is believed to last; the rest was noise.
const LASTING: f64 = 0.5;
/// Bounds of the level adjustment.
const ADJUSTMENT: (f64, f64) = (0.5, 2.0);

pub(super) fn forecaster() -> WeekdayMean {
    WeekdayMean
}

pub(super) struct WeekdayMean;

impl Forecaster for WeekdayMean {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&self, _: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(Self))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        artifact.read::<()>(NAME, FORMAT)?;
        Ok(Box::new(Self))
    }
}

impl Fitted for WeekdayMean {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        Ok(future.histories.iter().map(|history| path(history, future.cutoff, future.horizon, future.season)).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Artifact::of(NAME, FORMAT, &())
    }
}

fn path(history: &History, cutoff: Ordinal, horizon: u16, season: u16) -> Path {
    let overall = mean(history).ok_or(Skip::NoHistory)?;
    let adjustment = level_adjustment(history, season);
    let value = |step| match weighted(history, cutoff + Ordinal::from(step), season) {
        Some(mean) => mean * adjustment,
        None => overall,
    };
    Ok((1..=horizon).map(value).collect())
}

fn weighted(history: &History, at: Ordinal, season: u16) -> Option<f64> {
    let (mut weight, mut sum, mut total) = (1.0, 0.0, 0.0);
    for value in same_season(history, at, season).take(SEASONS) {
        sum += weight * value;
        total += weight;
        weight *= DECAY;
    }
    (total > 0.0).then(|| sum / total)
}

/// How far the last periods lay above or below the means of their own positions, half believed.
fn level_adjustment(history: &History, season: u16) -> f64 {
    let periods = Ordinal::from(season.saturating_mul(2).max(LEVEL_PERIODS));
    let (mut seen, mut said) = (0.0, 0.0);
    for at in (history.end() - periods).max(history.first)..history.end() {
        if let (Some(value), Some(mean)) = (usable(history, at), weighted(history, at, season)) {
            seen += value;
            said += mean;
        }
    }
    if seen > 0.0 && said > 0.0 { (seen / said).powf(LASTING).clamp(ADJUSTMENT.0, ADJUSTMENT.1) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(values: Vec<f64>) -> History {
        History { first: 0, censored: vec![false; values.len()], closed: vec![false; values.len()], values }
    }

    #[test]
    fn a_steady_season_is_repeated() {
        let steady = history([1.0, 2.0, 6.0].repeat(10));
        let path = path(&steady, 29, 4, 3).expect("observed");
        for (value, expected) in path.iter().zip([1.0, 2.0, 6.0, 1.0]) {
            assert!((value - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn growth_is_followed_part_of_the_way() {
        let growing = history((0..70).map(|day| 100.0 + 10.0 * f64::from(day / 7)).collect());
        let path = path(&growing, 69, 1, 7).expect("observed");
        // The last week was at 190, the weighted mean of eight weeks lies some 26 lower.
        assert!(path[0] > 168.0 && path[0] < 190.0, "{}", path[0]);
    }
}
