//! Feature rows as the booster reads them.

use domain::FeatureMatrix;
use domain::features::FeatureColumn;

use crate::boosting::{BoostingError, Column, Columns};
use crate::direct::scaled;

/// Levels up to which a category column is split into subsets.
const FEW_LEVELS: u32 = 64;
/// The column that says which series a row is of: categories up to the bins there are.
const SERIES_COLUMN: &str = "series_code";
const MOST_SERIES: u32 = 255;

/// Columns of a table made by [`table`].
pub(crate) fn columns<'a>(rows: &FeatureMatrix, chosen: &[usize], data: &'a [f32], height: usize) -> Result<Columns<'a>, BoostingError> {
    let column = |(&column, values): (&usize, &'a [f32])| match &rows.columns[column] {
        described if is_category(described) => Column::categories(values, described.levels),
        _ => Column::numbers(values),
    };
    Columns::new(height, chosen.iter().zip(data.chunks(height)).map(column).collect())
}

fn is_category(column: &FeatureColumn) -> bool {
    let most = if column.name == SERIES_COLUMN { MOST_SERIES } else { FEW_LEVELS };
    (1..=most).contains(&column.levels)
}

/// Column-major copy of some columns and rows, scaled.
pub(crate) fn table(rows: &FeatureMatrix, columns: &[usize], chosen: &[usize], units: &[f64]) -> Vec<f32> {
    let mut data = Vec::with_capacity(columns.len() * chosen.len());
    for &column in columns {
        data.extend(chosen.iter().map(|&row| scaled(rows, column, row, units) as f32));
    }
    data
}

pub(crate) fn varies(rows: &FeatureMatrix, column: usize, teaching: &[usize]) -> bool {
    let values = rows.column(column);
    let mut known = teaching.iter().map(|&row| values[row]).filter(|value| !value.is_nan());
    known.next().is_some_and(|first| known.any(|value| value != first))
}
