//! Panels with every kind of regressor, full of gaps, delays and corrections.

use domain::panel::{Beyond, Cells, GapPolicy, Observations, Panel, Regressor, RegressorKind, Scope};
use domain::{FeatureMatrix, Frequency, Ordinal};
use proptest::prelude::*;

pub const SERIES: usize = 3;
pub const PERIODS: Ordinal = 120;

/// A cell `(key, at, value, known_from)`.
pub type Cell = (u32, Ordinal, f64, Ordinal);

/// The cells of a world.
#[derive(Debug, Clone)]
pub struct World {
    pub target: Vec<Cell>,
    /// By regressor of [`REGRESSORS`].
    pub regressors: Vec<Vec<Cell>>,
    pub gaps: GapPolicy,
}

/// Name, kind, what stands in beyond, and how long before its period a cell may be known.
pub const REGRESSORS: [(&str, RegressorKind, Beyond, Ordinal); 8] = [
    ("rain", RegressorKind::KnownFuture, Beyond::Climatology, 9),
    ("holiday", RegressorKind::KnownFuture, Beyond::Zero, 30),
    ("feast", RegressorKind::KnownFuture, Beyond::Zero, 30),
    ("price", RegressorKind::KnownFuture, Beyond::Required, 9),
    ("news", RegressorKind::ObservedPast, Beyond::Required, 0),
    ("size", RegressorKind::Static, Beyond::Required, 60),
    ("city", RegressorKind::Static, Beyond::Required, 60),
    ("closed", RegressorKind::KnownFuture, Beyond::Zero, 30),
];

/// Values of a regressor's cells.
fn values(name: &str) -> BoxedStrategy<f64> {
    match name {
        "holiday" | "closed" => prop_oneof![Just(0.0), Just(1.0)].boxed(),
        "feast" => prop_oneof![2 => Just(0.0), 4 => Just(1.0), 1 => Just(0.7), 1 => Just(0.3)].boxed(),
        "city" => prop_oneof![Just(0.0), Just(1.0)].boxed(),
        "price" => (1..50_u32).prop_map(f64::from).boxed(),
        _ => prop_oneof![4 => (0..50_u32).prop_map(f64::from), 1 => Just(f64::NAN)].boxed(),
    }
}

/// Cells with delays and corrections, each with what else goes with it.
pub fn cells<T: std::fmt::Debug>(name: &str, lead_time: Ordinal, with: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<(Cell, T)>> {
    let cell =
        (0..SERIES as u32, 0..PERIODS, values(name), -lead_time..6_i64).prop_map(|(key, at, value, delay)| (key, at, value, at + delay));
    prop::collection::vec((cell, with), 0..250)
}

/// A price list that was always known, for every period that a row may ask for.
pub fn price_list() -> Vec<Cell> {
    (0..SERIES as u32).flat_map(|key| (0..PERIODS).map(move |at| (key, at, 2.5, Ordinal::MIN))).collect()
}

impl World {
    pub fn panel(&self) -> Panel {
        let mut observations = Observations::default();
        for &(series, at, value, known_from) in &self.target {
            observations.push(series, at, value, known_from, value > 40.0);
        }
        let mut regressors: Vec<Regressor> = REGRESSORS.iter().zip(&self.regressors).map(regressor).collect();
        let closed = regressors.pop();
        Panel {
            frequency: Frequency::Daily,
            series: (0..SERIES).map(|number| number.to_string()).collect(),
            observations,
            regressors,
            closed,
            gaps: self.gaps,
        }
    }
}

fn regressor((&(name, kind, beyond, _), cells): (&(&str, RegressorKind, Beyond, Ordinal), &Vec<Cell>)) -> Regressor {
    let mut columns = Cells::default();
    if name == "city" {
        columns.levels = vec!["Padang".to_owned(), "Ambon".to_owned()];
    }
    for &(key, at, value, known_from) in cells {
        columns.push(key, at, value, known_from);
    }
    Regressor { name: name.to_owned(), kind, scope: Scope::Series, beyond, cells: columns }
}

/// The bits of all values, column names included; every NaN counts as the same.
pub fn bits(matrix: &FeatureMatrix) -> (Vec<String>, Vec<(u32, Ordinal)>, Vec<u32>) {
    let bits = |value: &f32| if value.is_nan() { u32::MAX } else { value.to_bits() };
    let values = matrix.data.iter().chain(&matrix.target).chain(&matrix.weight).map(bits).collect();
    let rows = matrix.series.iter().copied().zip(matrix.at.iter().copied()).collect();
    (matrix.columns.iter().map(|column| format!("{column:?}")).collect(), rows, values)
}
