//! The last usable value of the same season position: the baseline.
//!
//! Periods that say nothing about demand (missing, closed, sold out) are passed over for the season before. A position
//! that was never observed gets the series' mean.

use domain::{History, Ordinal};

use crate::engine::Effort;
use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, Future, Path, Skip, TrainingSet};
use crate::history::{mean, same_season};

const NAME: &str = "seasonal_naive";
const FORMAT: u16 = 1;

pub(super) fn forecaster() -> SeasonalNaive {
    SeasonalNaive
}

pub(super) struct SeasonalNaive;

impl Forecaster for SeasonalNaive {
    fn name(&self) -> &'static str {
        NAME
    }

    fn effort(&self) -> Effort {
        Effort::Fast
    }

    fn fit(&self, _: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(Self))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        artifact.read::<()>(NAME, FORMAT)?;
        Ok(Box::new(Self))
    }
}

impl Fitted for SeasonalNaive {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        Ok(future.histories.iter().map(|history| path(history, future.cutoff, future.horizon, future.season)).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Artifact::of(NAME, FORMAT, &())
    }
}

/// Seasonal naive path of one series.
pub(crate) fn path(history: &History, cutoff: Ordinal, horizon: u16, season: u16) -> Path {
    let mean = mean(history).ok_or(Skip::NoHistory)?;
    let value = |step| same_season(history, cutoff + Ordinal::from(step), season).next().unwrap_or(mean);
    Ok((1..=horizon).map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(values: &[f64]) -> History {
        History { first: 0, values: values.to_vec(), censored: vec![false; values.len()], closed: vec![false; values.len()] }
    }

    #[test]
    fn the_last_season_repeats() {
        let weeks = history(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(path(&weeks, 5, 5, 3), Ok(vec![4.0, 5.0, 6.0, 4.0, 5.0]));
    }

    #[test]
    fn a_sold_out_day_is_passed_over() {
        let mut weeks = history(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        weeks.censored[4] = true;
        assert_eq!(path(&weeks, 5, 3, 3), Ok(vec![4.0, 2.0, 6.0]));
    }

    #[test]
    fn less_than_a_season_falls_back_to_the_mean() {
        assert_eq!(path(&history(&[2.0, 4.0]), 1, 3, 7), Ok(vec![3.0, 3.0, 3.0]));
        assert_eq!(path(&history(&[]), 1, 3, 7), Err(Skip::NoHistory));
    }
}
