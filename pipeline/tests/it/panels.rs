//! Panels for tests.

use domain::panel::{Beyond, Cells, GapPolicy, Observations, Regressor, RegressorKind, Scope};
use domain::{FeatureMatrix, Frequency, Ordinal, Panel};
use pipeline::{FeatureConfig, PanelFeatures};

/// A panel of series that start at period 0, known on their own day; NaN leaves a row out.
pub fn panel(frequency: Frequency, series: &[Vec<f64>]) -> Panel {
    let mut observations = Observations::default();
    for (number, values) in series.iter().enumerate() {
        for (at, &value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            observations.push(number as u32, at as Ordinal, value, at as Ordinal, false);
        }
    }
    Panel {
        frequency,
        series: (0..series.len()).map(|number| format!("s{number}")).collect(),
        observations,
        regressors: Vec::new(),
        closed: None,
        gaps: GapPolicy::Missing,
    }
}

/// A column for the whole panel with cells `(at, value, known_from)`.
pub fn regressor(name: &str, kind: RegressorKind, beyond: Beyond, cells: &[(Ordinal, f64, Ordinal)]) -> Regressor {
    let mut columns = Cells::default();
    for &(at, value, known_from) in cells {
        columns.push(0, at, value, known_from);
    }
    Regressor { name: name.to_owned(), kind, scope: Scope::Panel, beyond, cells: columns }
}

pub fn open(panel: Panel) -> PanelFeatures {
    PanelFeatures::new(panel, FeatureConfig::default()).expect("a sound panel")
}

/// The value of a column for one series and period.
pub fn cell(matrix: &FeatureMatrix, column: &str, series: u32, at: Ordinal) -> f32 {
    let column = matrix.position(column).unwrap_or_else(|| panic!("no column {column} in {:?}", names(matrix)));
    let mut rows = (0..matrix.rows).filter(|&row| matrix.series[row] == series && matrix.at[row] == at);
    let row = rows.next().unwrap_or_else(|| panic!("no row for series {series} at {at}"));
    assert!(rows.next().is_none(), "two rows for series {series} at {at}");
    matrix.column(column)[row]
}

pub fn names(matrix: &FeatureMatrix) -> Vec<&str> {
    matrix.columns.iter().map(|column| column.name.as_str()).collect()
}
