//! Where the search begins: initial states from a decomposition of the first seasons (Hyndman et al. 2008, section 2.6.1)
//! and the best of a few smoothing parameters.

use super::filter::{State, pass};
use super::form::{Form, Parameters, SeasonKind, TrendKind};
use super::optimise::Fit;
use crate::local::decompose::{Seasonality, seasonal_indices};

/// Seasons at the start that the seasonal states are read from.
const SEASONS: usize = 5;
/// Values at the start, or two seasons of them, that level and slope are read from.
const VALUES: usize = 10;
/// Smoothing parameters tried: slow, middling and quick.
const ALPHAS: [f64; 3] = [0.05, 0.25, 0.7];
const TREND_SHARES: [f64; 2] = [0.01, 0.2];
const SEASON_SHARES: [f64; 2] = [0.02, 0.2];
const DAMPING: f64 = 0.95;

/// The most likely of a grid of starts and of what was found for forms with the same season.
pub(super) fn best_start<'a>(form: Form, values: &[f64], period: usize, others: impl Iterator<Item = &'a Fit>) -> Parameters {
    let (level, slope, season) = states(form, values, period);
    let trend_shares = if form.trend == TrendKind::None { &[0.0] as &[f64] } else { &TREND_SHARES };
    let season_shares = if form.season == SeasonKind::None { &[0.0] as &[f64] } else { &SEASON_SHARES };
    let phi = if form.trend == TrendKind::Damped { DAMPING } else { 1.0 };
    let mut best = (f64::INFINITY, Parameters::new([ALPHAS[0], trend_shares[0], season_shares[0], phi], level, slope, &season));
    let mut keep_better = |tried: Parameters| {
        let objective = pass(form, &tried, values, &mut State::start(&tried)).objective();
        if objective < best.0 {
            best = (objective, tried);
        }
    };
    for other in others.filter(|other| other.form.season == form.season) {
        keep_better(other.parameters.adapted(form));
    }
    for alpha in ALPHAS {
        for &trend in trend_shares {
            for &share in season_shares {
                keep_better(Parameters::new([alpha, trend, share, phi], level, slope, &season));
            }
        }
    }
    best.1
}

/// Level, slope and seasonal states before the first value.
fn states(form: Form, values: &[f64], period: usize) -> (f64, f64, Vec<f64>) {
    let kind = match form.season {
        SeasonKind::None => None,
        SeasonKind::Additive => Some(Seasonality::Additive),
        SeasonKind::Multiplicative => Some(Seasonality::Multiplicative),
    };
    let first = &values[..values.len().min(SEASONS * period)];
    let season = kind.and_then(|kind| seasonal_indices(first, period, kind));
    let neutral = if form.season == SeasonKind::Multiplicative { 1.0 } else { 0.0 };
    let season = season.unwrap_or_else(|| vec![neutral; if kind.is_some() { period } else { 0 }]);
    let adjusted = |(at, &value): (usize, &f64)| match (kind, season.get(at % period)) {
        (Some(Seasonality::Additive), Some(index)) => (at, value - index),
        (Some(Seasonality::Multiplicative), Some(index)) => (at, value / index),
        _ => (at, value),
    };
    let start = values.iter().enumerate().take(VALUES.max(2 * period)).map(adjusted).filter(|(_, value)| !value.is_nan());
    let (level, slope) = line(start, form.trend != TrendKind::None);
    (level, slope, season)
}

/// Intercept one step before the first value, and slope, of a straight line; of a flat one unless it may slope.
fn line(points: impl Iterator<Item = (usize, f64)> + Clone, sloping: bool) -> (f64, f64) {
    let (mut count, mut times, mut values) = (0.0, 0.0, 0.0);
    for (at, value) in points.clone() {
        count += 1.0;
        times += at as f64 + 1.0;
        values += value;
    }
    if count == 0.0 {
        return (0.0, 0.0);
    }
    let (centre, mean) = (times / count, values / count);
    let (mut across, mut along) = (0.0, 0.0);
    for (at, value) in points {
        let time = at as f64 + 1.0 - centre;
        across += time * (value - mean);
        along += time * time;
    }
    if sloping && along > 0.0 { (mean - across / along * centre, across / along) } else { (mean, 0.0) }
}
