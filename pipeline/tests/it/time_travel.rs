//! Whatever is younger than the cutoff does not change a bit of what is read as of the cutoff.

use domain::panel::{Beyond, Cells, GapPolicy, Observations, Panel, Regressor, RegressorKind, Scope};
use domain::{FeatureMatrix, FeatureSource, Frequency, Layout, Ordinal};
use pipeline::PanelFeatures;
use proptest::prelude::*;

use crate::panels::open;

const SERIES: usize = 3;
const PERIODS: Ordinal = 120;
const HORIZON: u16 = 7;

/// A cell `(key, at, value, known_from)`.
type Cell = (u32, Ordinal, f64, Ordinal);

/// What the future may do to a cell that is too young to be known: replace its value, or drop it.
type Corruption = Option<f64>;

/// Cells with delays and corrections; `lead_time` is how long before its period a cell may be known.
fn cells(lead_time: Ordinal, value: impl Strategy<Value = f64>) -> impl Strategy<Value = Vec<(Cell, Corruption)>> {
    let cell = (0..SERIES as u32, 0..PERIODS, value, -lead_time..6_i64).prop_map(|(key, at, value, delay)| (key, at, value, at + delay));
    let corruption = prop_oneof![Just(None), Just(Some(f64::NAN)), Just(Some(-1e9)), Just(Some(f64::INFINITY)), Just(Some(7.5))];
    prop::collection::vec((cell, corruption), 0..250)
}

fn counts() -> impl Strategy<Value = f64> {
    prop_oneof![4 => (0..50_u32).prop_map(f64::from), 1 => Just(f64::NAN)]
}

fn flags() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0)]
}

/// A price list that was always known, for every period that a row may ask for.
fn price_list() -> impl Iterator<Item = Cell> {
    (0..SERIES as u32).flat_map(|key| (0..PERIODS).map(move |at| (key, at, 2.5, Ordinal::MIN)))
}

/// Cells as they are, and as they would be had everything that `is_young` been otherwise.
fn two_worlds(cells: Vec<(Cell, Corruption)>, is_young: impl Fn(&Cell) -> bool) -> [Vec<Cell>; 2] {
    let actual = cells.iter().map(|(cell, _)| *cell).collect();
    let other = cells.into_iter().filter_map(|(cell, corruption)| match is_young(&cell) {
        true => corruption.map(|value| (cell.0, cell.1, value, cell.3)),
        false => Some(cell),
    });
    [actual, other.collect()]
}

fn regressor(name: &str, kind: RegressorKind, beyond: Beyond, cells: Vec<Cell>) -> Regressor {
    let mut columns = Cells::default();
    for (key, at, value, known_from) in cells {
        columns.push(key, at, value, known_from);
    }
    Regressor { name: name.to_owned(), kind, scope: Scope::Series, beyond, cells: columns }
}

fn world(target: Vec<Cell>, [weather, event, price, closed, news, size]: [Vec<Cell>; 6], gaps: GapPolicy) -> PanelFeatures {
    let mut observations = Observations::default();
    for (series, at, value, known_from) in target {
        observations.push(series, at, value, known_from, value > 40.0);
    }
    let future = |name, beyond, cells| regressor(name, RegressorKind::KnownFuture, beyond, cells);
    open(Panel {
        frequency: Frequency::Daily,
        series: (0..SERIES).map(|number| number.to_string()).collect(),
        observations,
        regressors: vec![
            future("rain", Beyond::Climatology, weather),
            future("holiday", Beyond::Zero, event),
            future("price", Beyond::Required, price),
            regressor("news", RegressorKind::ObservedPast, Beyond::Required, news),
            regressor("size", RegressorKind::Static, Beyond::Required, size),
        ],
        closed: Some(future("closed", Beyond::Zero, closed)),
        gaps,
    })
}

/// The bits of all values, column names included; every NaN counts as the same.
fn bits(matrix: &FeatureMatrix) -> (Vec<String>, Vec<(u32, Ordinal)>, Vec<u32>) {
    let bits = |value: &f32| if value.is_nan() { u32::MAX } else { value.to_bits() };
    let values = matrix.data.iter().chain(&matrix.target).chain(&matrix.weight).map(bits).collect();
    let rows = matrix.series.iter().copied().zip(matrix.at.iter().copied()).collect();
    (matrix.columns.iter().map(|column| format!("{column:?}")).collect(), rows, values)
}

#[expect(clippy::type_complexity, reason = "a history, bit for bit")]
fn history_bits(source: &PanelFeatures, cutoff: Ordinal) -> Vec<(Ordinal, Vec<u64>, Vec<bool>, Vec<bool>)> {
    let bits = |value: &f64| if value.is_nan() { u64::MAX } else { value.to_bits() };
    let histories = source.histories(cutoff).expect("histories");
    histories.into_iter().map(|h| (h.first, h.values.iter().map(bits).collect(), h.censored, h.closed)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_younger_than_the_cutoff_matters(
        target in cells(0, counts()), weather in cells(9, counts()), event in cells(30, flags()), price in cells(9, (0..50_u32).prop_map(f64::from)),
        closed in cells(30, flags()), news in cells(0, counts()), size in cells(60, counts()), cutoff in 10..100_i64, lead in 1..15_u16, zero in any::<bool>(),
    ) {
        let late = |cell: &Cell| cell.3 > cutoff;
        let late_or_ahead = |cell: &Cell| cell.3 > cutoff || cell.1 > cutoff;
        let gaps = if zero { GapPolicy::Zero } else { GapPolicy::Missing };
        let [target, other_target] = two_worlds(target, late_or_ahead);
        let regressors = [(weather, true), (event, true), (price, true), (closed, true), (news, false), (size, true)]
            .map(|(cells, ahead)| if ahead { two_worlds(cells, late) } else { two_worlds(cells, late_or_ahead) });
        let with_price_list = |mut regressors: [Vec<Cell>; 6]| {
            regressors[2].splice(0..0, price_list());
            regressors
        };
        let actual = world(target, with_price_list(regressors.clone().map(|[actual, _]| actual)), gaps);
        let other = world(other_target, with_price_list(regressors.map(|[_, other]| other)), gaps);

        let read = |source: &PanelFeatures| {
            let predicted = vec![vec![2.5, 3.5]; SERIES];
            (
                history_bits(source, cutoff),
                bits(&source.training(cutoff, Layout::Direct { lead }, 150).expect("training")),
                bits(&source.future(cutoff, Layout::Direct { lead }, 1..=HORIZON).expect("future")),
                bits(&source.step(cutoff, &predicted).expect("a step")),
                source.closed(cutoff, HORIZON).expect("closed"),
            )
        };
        prop_assert_eq!(read(&actual), read(&other));
    }
}
