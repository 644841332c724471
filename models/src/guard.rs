//! Last checks on every path: a number, never negative, never exploding, exactly zero on closed days.
//!
//! A path with a value that is no finite number is dropped whole, for its other values are in doubt too; the next
//! candidate of the series answers, in the end the baseline.

use std::collections::BTreeMap;

use domain::History;
use serde::{Deserialize, Serialize};

use crate::forecaster::{Path, Skip};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Below zero, set to zero.
    Negative,
    /// Above the cap, set to it.
    Capped,
    /// Not a finite number: the model's whole path was dropped.
    NotANumber,
}

impl GuardKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Capped => "capped",
            Self::NotANumber => "not_a_number",
        }
    }
}

/// Hits of one kind in one model's paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardCount {
    pub model: String,
    pub kind: GuardKind,
    pub count: usize,
}

/// Hits by model and kind, in that order.
#[must_use]
pub fn tally(hits: &[GuardHit]) -> Vec<GuardCount> {
    let mut counts: BTreeMap<(&str, GuardKind), usize> = BTreeMap::new();
    hits.iter().for_each(|hit| *counts.entry((&hit.model, hit.kind)).or_default() += 1);
    counts.into_iter().map(|((model, kind), count)| GuardCount { model: model.to_owned(), kind, count }).collect()
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

/// Guards every path of one model; `caps` and `closed` by series. Returns what it had to do.
pub(crate) fn guard(model: &str, paths: &mut [Path], caps: &[f64], closed: &[Vec<bool>]) -> Vec<GuardHit> {
    let mut hits = Vec::new();
    for (series, path) in paths.iter_mut().enumerate() {
        let closed = closed.get(series).map_or(&[][..], Vec::as_slice);
        let found = sound(path, caps.get(series).copied().unwrap_or(f64::INFINITY), closed);
        hits.extend(found.into_iter().map(|(step, kind)| GuardHit { model: model.to_owned(), series: series as u32, step, kind }));
    }
    hits
}

/// Drops a path that holds what is no number, and keeps one that doesn't within its bounds.
fn sound(path: &mut Path, cap: f64, closed: &[bool]) -> Vec<(u16, GuardKind)> {
    match path {
        Err(Skip::NotANumber) => vec![(1, GuardKind::NotANumber)],
        Err(_) => Vec::new(),
        Ok(values) => {
            let is_broken = |&(step, value): &(u16, &f64)| !value.is_finite() && !is_closed(closed, step);
            match (1..).zip(values.iter()).find(is_broken) {
                Some((step, _)) => {
                    *path = Err(Skip::NotANumber);
                    vec![(step, GuardKind::NotANumber)]
                }
                None => keep_within(values, cap, closed),
            }
        }
    }
}

/// Whether a step (from 1) is a closed day.
fn is_closed(closed: &[bool], step: u16) -> bool {
    closed.get(usize::from(step) - 1).copied().unwrap_or(false)
}

/// Keeps a path within its bounds, in place; returns the steps (from 1) at which it had to.
fn keep_within(path: &mut [f64], cap: f64, closed: &[bool]) -> Vec<(u16, GuardKind)> {
    let mut hits = Vec::new();
    for (step, value) in (1..).zip(path) {
        if is_closed(closed, step) {
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
    fn what_is_no_number_drops_the_path_unless_the_day_is_closed() {
        let mut paths = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|wrong| Ok(vec![1.0, wrong, 2.0])).to_vec();
        paths.push(Err(Skip::NoHistory));
        let hits = guard("wild", &mut paths, &[10.0; 4], &[vec![], vec![], vec![false; 3], vec![]]);
        assert!(paths[..3].iter().all(|path| *path == Err(Skip::NotANumber)) && paths[3] == Err(Skip::NoHistory));
        assert_eq!(hits.iter().map(|hit| (hit.series, hit.step)).collect::<Vec<_>>(), [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(tally(&hits), [GuardCount { model: "wild".into(), kind: GuardKind::NotANumber, count: 3 }]);

        let mut shut = [Ok(vec![1.0, f64::NAN])];
        assert!(guard("wild", &mut shut, &[10.0], &[vec![false, true]]).is_empty());
        assert_eq!(shut, [Ok(vec![1.0, 0.0])]);
    }

    #[test]
    fn a_series_that_never_sold_is_forecast_at_zero() {
        let never = History { first: 0, values: vec![0.0; 5], censored: vec![false; 5], closed: vec![false; 5] };
        assert_eq!(cap(&never), 0.0);
    }
}
