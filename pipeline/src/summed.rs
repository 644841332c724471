//! Sums of series as series of their own: what a category or a whole store sold.

use std::collections::BTreeMap;

use domain::panel::{Beyond, Cells, Observations, Regressor, RegressorKind, Scope};
use domain::{Ordinal, Panel};

/// Several series and the name of their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    pub name: String,
    /// Numbers of the series that it sums, each once.
    pub parts: Vec<u32>,
}

/// A panel of one series for each whole.
///
/// As of any cutoff a whole is the sum of its parts as of then; a part without a row counts nothing (it was not sold yet),
/// one whose value is missing makes the sum missing. What a sum may teach is the mean of what its parts may, by quantity. A
/// regressor that the parts share stays as it is, numbers by series become the mean of the parts', and a whole is closed
/// when all its parts are. Static regressors and categories of single series say nothing about a sum and are left out.
#[must_use]
pub fn summed(panel: &Panel, wholes: &[Whole]) -> Panel {
    Panel {
        frequency: panel.frequency,
        series: wholes.iter().map(|whole| whole.name.clone()).collect(),
        observations: observations(&panel.observations, wholes),
        regressors: panel.regressors.iter().filter_map(|regressor| shared_or_mean(regressor, wholes)).collect(),
        closed: panel.closed.as_ref().map(|closed| shared(closed, wholes).unwrap_or_else(|| combined(closed, wholes, least))),
        gaps: panel.gaps,
    }
}

/// A version of one part's cell.
#[derive(Clone, Copy)]
struct Version<T> {
    at: Ordinal,
    known_from: Ordinal,
    part: usize,
    value: T,
}

/// What is known of all parts of a period, each time that more becomes known: period, first cutoff, latest value by part.
fn each_state<T: Copy>(mut versions: Vec<Version<T>>, parts: usize, mut state: impl FnMut(Ordinal, Ordinal, &[Option<T>])) {
    versions.sort_by_key(|version| (version.at, version.known_from));
    let mut latest = vec![None; parts];
    for period in versions.chunk_by(|a, b| a.at == b.at) {
        latest.fill(None);
        for together in period.chunk_by(|a, b| a.known_from == b.known_from) {
            together.iter().for_each(|version| latest[version.part] = Some(version.value));
            state(period[0].at, together[0].known_from, &latest);
        }
    }
}

fn observations(observations: &Observations, wholes: &[Whole]) -> Observations {
    let mut rows: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    observations.series.iter().enumerate().for_each(|(row, &series)| rows.entry(series).or_default().push(row));
    let mut sums = Observations::default();
    for (number, whole) in (0..).zip(wholes) {
        let of_part = |(part, series): (usize, &u32)| {
            let version = move |&row: &usize| Version {
                at: observations.at[row],
                known_from: observations.known_from[row],
                part,
                value: (observations.value[row], f64::from(observations.trust[row])),
            };
            rows.get(series).into_iter().flatten().map(version).collect::<Vec<_>>()
        };
        let versions = whole.parts.iter().enumerate().flat_map(of_part).collect();
        each_state(versions, whole.parts.len(), |at, known_from, parts| {
            let known = || parts.iter().flatten();
            let sum: f64 = known().map(|(value, _)| value).sum();
            let size: f64 = known().map(|(value, _)| value.abs()).sum();
            let trusted: f64 = known().map(|(value, trust)| value.abs() * trust).sum();
            let trust = if size > 0.0 { trusted / size } else { 1.0 };
            sums.push_trusted(number, at, sum, known_from, false, trust as f32);
        });
    }
    sums
}

fn shared_or_mean(regressor: &Regressor, wholes: &[Whole]) -> Option<Regressor> {
    if regressor.kind == RegressorKind::Static {
        return None;
    }
    shared(regressor, wholes).or_else(|| {
        let absent = if regressor.beyond == Beyond::Zero { Some(0.0) } else { None };
        regressor.cells.levels.is_empty().then(|| combined(regressor, wholes, |parts| mean(parts, absent)))
    })
}

/// The regressor itself, if the parts of every whole share its cells.
fn shared(regressor: &Regressor, wholes: &[Whole]) -> Option<Regressor> {
    if matches!(regressor.scope, Scope::Panel) {
        return Some(regressor.clone());
    }
    let key = |whole: &Whole| {
        let mut keys = whole.parts.iter().map(|&part| regressor.scope.key(part));
        let first = keys.next()?;
        keys.all(|key| key == first).then_some(first)
    };
    let keys: Option<Vec<u32>> = wholes.iter().map(key).collect();
    Some(Regressor { scope: Scope::Group(keys?), ..regressor.clone() })
}

/// A regressor by whole, of what its parts' cells come to.
fn combined(regressor: &Regressor, wholes: &[Whole], value: impl Fn(&[Option<f64>]) -> f64) -> Regressor {
    let of = &regressor.cells;
    let mut rows: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    of.key.iter().enumerate().for_each(|(row, &key)| rows.entry(key).or_default().push(row));
    let mut cells = Cells::default();
    for (number, whole) in (0..).zip(wholes) {
        let of_part = |(part, &series): (usize, &u32)| {
            let version = move |&row: &usize| Version { at: of.at[row], known_from: of.known_from[row], part, value: of.value[row] };
            rows.get(&regressor.scope.key(series)).into_iter().flatten().map(version).collect::<Vec<_>>()
        };
        let versions = whole.parts.iter().enumerate().flat_map(of_part).collect();
        each_state(versions, whole.parts.len(), |at, known_from, parts| cells.push(number, at, value(parts), known_from));
    }
    Regressor { scope: Scope::Series, cells, ..regressor.clone() }
}

fn mean(parts: &[Option<f64>], absent: Option<f64>) -> f64 {
    let values: Vec<f64> = parts.iter().filter_map(|part| part.or(absent)).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

fn least(parts: &[Option<f64>]) -> f64 {
    parts.iter().map(|part| part.unwrap_or(0.0)).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use domain::Frequency;
    use domain::panel::GapPolicy;

    use super::*;

    fn wholes(parts: &[&[u32]]) -> Vec<Whole> {
        parts.iter().map(|parts| Whole { name: format!("{parts:?}"), parts: parts.to_vec() }).collect()
    }

    fn panel(observations: Observations, regressors: Vec<Regressor>) -> Panel {
        let series = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        Panel { frequency: Frequency::Daily, series, observations, regressors, closed: None, gaps: GapPolicy::Missing }
    }

    fn by_series(name: &str, beyond: Beyond, rows: &[(u32, Ordinal, f64, Ordinal)]) -> Regressor {
        let mut cells = Cells::default();
        rows.iter().for_each(|&(key, at, value, known_from)| cells.push(key, at, value, known_from));
        Regressor { name: name.to_owned(), kind: RegressorKind::KnownFuture, scope: Scope::Series, beyond, cells }
    }

    #[test]
    fn a_correction_of_one_part_corrects_the_sum_when_it_is_known() {
        let mut of = Observations::default();
        of.push(0, 5, 10.0, 5, false);
        of.push(1, 5, 20.0, 5, false);
        of.push(1, 5, 26.0, 9, false);
        of.push_trusted(0, 6, 30.0, 7, true, 0.5);
        of.push(1, 6, 10.0, 6, false);
        of.push(2, 6, 7.0, 6, false);
        let sums = summed(&panel(of, Vec::new()), &wholes(&[&[0, 1], &[2]])).observations;
        assert_eq!(sums.series, [0, 0, 0, 0, 1]);
        assert_eq!(sums.at, [5, 5, 6, 6, 6]);
        assert_eq!(sums.known_from, [5, 9, 6, 7, 6]);
        assert_eq!(sums.value, [30.0, 36.0, 10.0, 40.0, 7.0]);
        assert_eq!(sums.trust, [1.0, 1.0, 1.0, 0.625, 1.0]);
    }

    #[test]
    fn a_missing_part_makes_the_sum_missing() {
        let mut of = Observations::default();
        of.push(0, 5, 10.0, 5, false);
        of.push(1, 5, f64::NAN, 5, false);
        assert!(summed(&panel(of, Vec::new()), &wholes(&[&[0, 1]])).observations.value[0].is_nan());
    }

    #[test]
    fn numbers_by_series_become_means() {
        let rows = [(0, 5, 0.2, 1), (1, 5, 0.4, 3)];
        let regressors = vec![by_series("promo", Beyond::Zero, &rows), by_series("price", Beyond::Required, &rows)];
        let [promo, price] = &summed(&panel(Observations::default(), regressors), &wholes(&[&[0, 1, 2]])).regressors[..] else {
            panic!("two regressors");
        };
        let close = |values: &[f64], expected: &[f64]| values.iter().zip(expected).all(|(value, other)| (value - other).abs() < 1e-12);
        assert!(close(&promo.cells.value, &[0.2 / 3.0, 0.2]), "{:?}", promo.cells.value);
        assert!(close(&price.cells.value, &[0.2, 0.3]), "{:?}", price.cells.value);
        assert_eq!(promo.cells.known_from, [1, 3]);
    }

    #[test]
    fn a_whole_is_closed_when_all_its_parts_are() {
        let mut of = panel(Observations::default(), Vec::new());
        of.closed = Some(by_series("closed", Beyond::Zero, &[(0, 5, 1.0, 1), (1, 5, 1.0, 2)]));
        let closed = summed(&of, &wholes(&[&[0, 1], &[0, 2]])).closed.expect("closed");
        assert_eq!(closed.cells.key, [0, 0, 1]);
        assert_eq!(closed.cells.value, [0.0, 1.0, 0.0]);
    }
}
