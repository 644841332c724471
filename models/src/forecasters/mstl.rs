//! Multiple seasonal decomposition (MSTL; Bandara, Hyndman and Bergmeir 2021), forecast part by part.
//!
//! Each season is taken out by robust STL of what the others leave, twice over. Daily series of two years and more have a
//! smooth yearly pattern as well, where cycle-by-cycle smoothing would have two or three points to go by. A season counts
//! only as much as its cycles agree (see `local::reliability`). What is left, without outliers, is forecast by a
//! level or a damped trend; the last cycle of each season repeats. Gaps are filled for the decomposition only.

use serde::{Deserialize, Serialize};

use crate::engine::Effort;
use crate::forecaster::Skip;
use crate::local::loess::Loess;
use crate::local::reliability::reliability;
use crate::local::stl::{Decomposition, Stl, bisquare, median_size};
use crate::local::yearly::Yearly;
use crate::local::{Local, LocalModel, LocalSeries, damped_trend};

/// A season of so many steps is a week of days, and this many of them two years.
const WEEK: usize = 7;
const TWO_YEARS: usize = 2 * 365;
/// A season of so many steps is a day of hours; there is a week of them too.
const DAY_OF_HOURS: usize = 24;
/// Points that the local trend beside which a value may be an outlier looks at.
const LOCAL: usize = 13;
/// Median distances from it beyond which a value is one: 3.5 standard deviations of a normal error.
const OUTLIER: f64 = 3.5 * 1.4826;
/// Days that the trend beside a yearly pattern looks at: long enough not to take the pattern for itself.
const TREND_BESIDE_YEAR: usize = 547;

pub(super) fn forecaster() -> Local<Mstl> {
    Local::new()
}

/// Everything is estimated from the series at hand, so a kept model has nothing to remember.
#[derive(Serialize, Deserialize)]
pub(super) struct Mstl;

impl LocalModel for Mstl {
    const NAME: &'static str = "mstl";
    const FORMAT: u16 = 1;
    const EFFORT: Effort = Effort::Normal;

    fn fit(_: &LocalSeries<'_>) -> Result<Self, Skip> {
        Ok(Self)
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        let parts = Parts::of(series.values, series.season);
        let rest = damped_trend::forecast(&parts.rest, horizon);
        let floor = if series.known().all(|value| value >= 0.0) { 0.0 } else { f64::NEG_INFINITY };
        let next = series.values.len();
        rest.iter().enumerate().map(|(step, rest)| (rest + parts.seasonal(next + step)).max(floor)).collect()
    }
}

/// A series taken apart.
struct Parts {
    /// Season and what it adds to each value.
    seasons: Vec<(usize, Vec<f64>)>,
    yearly: Option<Yearly>,
    /// Neither seasonal nor outlying; NaN in gaps.
    rest: Vec<f64>,
}

impl Parts {
    fn of(values: &[f64], season: usize) -> Self {
        let filled = filled(values, season);
        let has_years = season == WEEK && values.len() >= TWO_YEARS;
        let periods: &[usize] = if season == DAY_OF_HOURS { &[DAY_OF_HOURS, DAY_OF_HOURS * WEEK] } else { &[season] };
        let periods = periods.iter().filter(|&&period| period >= 2 && values.len() >= 2 * period);
        let mut seasons: Vec<(usize, Vec<f64>)> = periods.map(|&period| (period, vec![0.0; values.len()])).collect();
        let mut yearly = None;
        let rounds = if seasons.len() + usize::from(has_years) > 1 { 2 } else { 1 };
        for _ in 0..rounds {
            for index in 0..seasons.len() {
                seasons[index].1.fill(0.0);
                let others = without(&filled, &seasons, yearly.as_ref());
                seasons[index].1 = season_of(&others, seasons[index].0, 7 + 4 * (index + 1));
            }
            if has_years {
                let others = without(&filled, &seasons, None);
                yearly = year_of(&others);
            }
        }
        let mut rest = without(&filled, &seasons, yearly.as_ref());
        cut_outliers(&mut rest);
        rest.iter_mut().zip(values).filter(|(_, value)| !value.is_finite()).for_each(|(rest, _)| *rest = f64::NAN);
        Self { seasons, yearly, rest }
    }

    /// What the seasons add at a position after the last value.
    fn seasonal(&self, at: usize) -> f64 {
        let last = |(period, values): &(usize, Vec<f64>)| {
            let behind = (at - values.len()) % period;
            values[values.len() - period + behind]
        };
        self.seasons.iter().map(last).sum::<f64>() + self.yearly.as_ref().map_or(0.0, |yearly| yearly.at(at))
    }
}

/// Gaps filled on a line between their neighbours, at the end with the season before.
fn filled(values: &[f64], season: usize) -> Vec<f64> {
    let mut filled = values.to_vec();
    let mut last: Option<usize> = None;
    for at in (0..values.len()).filter(|&at| values[at].is_finite()) {
        let (from, left) = last.map_or((0, values[at]), |last| (last, values[last]));
        let first = from + usize::from(last.is_some());
        for (gap, value) in (first..).zip(&mut filled[first..at]) {
            *value = left + (values[at] - left) * (gap - from) as f64 / (at - from) as f64;
        }
        last = Some(at);
    }
    let known = last.map_or(0, |last| last + 1);
    for gap in known..values.len() {
        filled[gap] = match gap.checked_sub(season.max(1)) {
            Some(before) => filled[before],
            None => last.map_or(0.0, |last| values[last]),
        };
    }
    filled
}

/// The values without any season.
fn without(filled: &[f64], seasons: &[(usize, Vec<f64>)], yearly: Option<&Yearly>) -> Vec<f64> {
    let rest = |(at, value): (usize, &f64)| {
        let seasonal: f64 = seasons.iter().map(|(_, values)| values[at]).sum();
        value - seasonal - yearly.map_or(0.0, |yearly| yearly.at(at))
    };
    filled.iter().enumerate().map(rest).collect()
}

/// What a season adds to each value, as far as its cycles agree. `span` is in cycles.
fn season_of(values: &[f64], season: usize, span: usize) -> Vec<f64> {
    let Decomposition { mut seasonal, trend } = Stl { season, seasonal_span: span, inner: 2, outer: 2 }.decompose(values);
    let detrended: Vec<f64> = values.iter().zip(&trend).map(|(value, trend)| value - trend).collect();
    let share = reliability(&detrended.rchunks_exact(season).map(<[f64]>::to_vec).collect::<Vec<_>>());
    seasonal.iter_mut().for_each(|value| *value *= share);
    seasonal
}

/// The yearly pattern of daily values, outliers heard less.
fn year_of(values: &[f64]) -> Option<Yearly> {
    let loess = Loess::new(TREND_BESIDE_YEAR);
    let weights = bisquare(&loess.residuals(values, &vec![1.0; values.len()]));
    Yearly::learn(&loess.residuals(values, &weights), &weights)
}

/// Moves values far from the local trend to where they are no outliers.
fn cut_outliers(values: &mut [f64]) {
    let loess = Loess::new(LOCAL);
    let weights = bisquare(&loess.residuals(values, &vec![1.0; values.len()]));
    let errors = loess.residuals(values, &weights);
    let reach = OUTLIER * median_size(&errors);
    if reach > 0.0 {
        values.iter_mut().zip(errors).for_each(|(value, error)| *value += error.clamp(-reach, reach) - error);
    }
}
