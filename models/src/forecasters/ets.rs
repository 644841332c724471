//! Exponential smoothing with automatic choice of error, trend and season.

use serde::{Deserialize, Serialize};

use crate::ets::{LONGEST_SEASON, Smoothing};
use crate::forecaster::Skip;
use crate::local::season::Season;
use crate::local::{Local, LocalModel, LocalSeries, MOST_VALUES};

pub(super) const fn forecaster() -> Local<Ets> {
    Local::new()
}

/// The smoothing model of one series.
#[derive(Serialize, Deserialize)]
pub(super) struct Ets {
    /// Values left out before the first one read.
    skipped: usize,
    /// A season too long for states of its own, taken out first.
    long_season: Option<Season>,
    /// `None` for nothing but zeros, or too few values: their mean.
    smoothing: Option<Smoothing>,
}

impl LocalModel for Ets {
    const NAME: &'static str = "ets";
    const FORMAT: u16 = 1;

    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip> {
        let skipped = series.values.len().saturating_sub(MOST_VALUES);
        let values = &series.values[skipped..];
        let is_long = series.season > LONGEST_SEASON;
        let long_season = if is_long { Season::of(values, series.season) } else { None };
        let smoothing = match &long_season {
            Some(season) => Smoothing::fit(&season.take_out(values), 1),
            None => Smoothing::fit(values, if is_long { 1 } else { series.season }),
        };
        Ok(Self { skipped, long_season, smoothing })
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        let values = &series.values[self.skipped.min(series.values.len())..];
        let Some(smoothing) = &self.smoothing else { return vec![mean(series); horizon] };
        let Some(season) = &self.long_season else { return smoothing.predict(values, horizon) };
        let mut path = smoothing.predict(&season.take_out(values), horizon);
        season.put_back(&mut path, values.len());
        path
    }
}

fn mean(series: &LocalSeries<'_>) -> f64 {
    let (count, sum) = series.known().fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    sum / f64::max(count, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::promises::{keeps_its_promises, path};

    #[test]
    fn it_keeps_the_promises_of_local_models() {
        keeps_its_promises::<Ets>();
    }

    #[test]
    fn a_season_too_long_for_states_is_still_seen() {
        let value = |at: i32| 100.0 + f64::from(at % 30) + f64::from(at * 37 % 11) / 5.0;
        let path = path::<Ets>(&(0..150).map(value).collect::<Vec<_>>(), 30).expect("five seasons");
        for (step, mean) in path.iter().enumerate() {
            assert!((mean - value(150 + step as i32)).abs() < 4.0, "{mean} at step {step}");
        }
    }
}
