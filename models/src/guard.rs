//! Last checks on every path: never negative, never exploding, exactly zero on closed days.

use domain::History;
use serde::{Deserialize, Serialize};

use crate::history::usable_values;

/// A forecast is capped at this many times the robust maximum of the series' history. Generous on purpose: a feast may
/// triple a day that was never seen before; ten times is a broken feature.
pub const CAP_FACTOR: f64 = 5.0;
/// The robust maximum is this quantile of the positive values, so that one typing error doesn't lift the cap.
const ROBUST: f64 = 0.99;
/// Below zero by less than this share of the cap is rounding, not a hit.
const ROUNDING: f64 = 1e-9;

/// One intervention in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardHit {
    pub model: String,
    pub series: u32,
    /// From 1.
    pub step: u16,
    pub kind: GuardKind,
}

/// What a guard did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Below zero, set to zero.
    Negative,
    /// Above the cap, set to it.
    Capped,
    /// Not a number: the model's whole path was dropped.
    NotANumber,
}

/// Greatest forecast believed for a series: [`CAP_FACTOR`] times the 99 % quantile of its positive values, 0 if it never
/// sold.
#[must_use]
pub fn cap(history: &History) -> f64 {
    let mut positive: Vec<f64> = usable_values(history).map(|(_, value)| value).filter(|&value| value > 0.0).collect();
    if positive.is_empty() {
        // Sold out every day: what was sold is the best that is known.
        positive.extend(history.values.iter().copied().filter(|&value| value > 0.0));
    }
    if positive.is_empty() {
        return 0.0;
    }
    let index = ((positive.len() - 1) as f64 * ROBUST).ceil() as usize;
    CAP_FACTOR * *positive.select_nth_unstable_by(index, f64::total_cmp).1
}

/// Keeps a path within its bounds, in place; returns the steps (from 1) at which it had to.
pub(crate) fn keep_within(path: &mut [f64], cap: f64, closed: &[bool]) -> Vec<(u16, GuardKind)> {
    let mut hits = Vec::new();
    for (step, value) in (1..).zip(path) {
        if closed.get(usize::from(step) - 1).copied().unwrap_or(false) {
            *value = 0.0;
        } else if *value < 0.0 {
            if *value < -ROUNDING * cap {
                hits.push((step, GuardKind::Negative));
            }
            *value = 0.0;
        } else if *value > cap {
            if *value > cap * (1.0 + ROUNDING) + ROUNDING {
                hits.push((step, GuardKind::Capped));
            }
            *value = cap;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guard_reports_its_hits() {
        let history = History { first: 0, values: vec![1.0, 0.0, 2.0], censored: vec![false; 3], closed: vec![false; 3] };
        assert_eq!(cap(&history), 10.0);
        let mut path = [-3.0, 4.0, 99.0, 7.0];
        let hits = keep_within(&mut path, cap(&history), &[false, false, false, true]);
        assert_eq!(path, [0.0, 4.0, 10.0, 0.0]);
        assert_eq!(hits, [(1, GuardKind::Negative), (3, GuardKind::Capped)]);
    }

    #[test]
    fn a_series_that_never_sold_is_forecast_at_zero() {
        let never = History { first: 0, values: vec![0.0; 5], censored: vec![false; 5], closed: vec![false; 5] };
        assert_eq!(cap(&never), 0.0);
    }
}
