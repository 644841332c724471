//! A long table `unique_id, ds, y` and its further columns as a [`domain::Panel`]: what `forecast FILE` and
//! `backtest FILE` read.

mod columns;
mod error;
mod filter;
mod grid;
mod report;
mod rows;
mod spec;
mod step;

use std::path::Path;

use domain::Panel;
use domain::panel::{GapPolicy, Observations};

pub use error::PanelError;
pub use filter::Filter;
pub use report::{ColumnReport, FrequencyOrigin, PanelReport};
pub use spec::{Gaps, PanelSpec};
pub use step::Step;

use crate::tabular::{self, Table, TabularError};
use columns::Roles;
use rows::Rows;

/// Reads a file, and the known-future values of `future` if given.
///
/// # Errors
/// [`PanelError`]; every variant says what to do next.
pub fn read_panel_files(path: &Path, future: Option<&Path>, spec: &PanelSpec) -> Result<(Panel, PanelReport), PanelError> {
    let table = tabular::read(path)?;
    let future = future.map(tabular::read).transpose()?;
    read_panel(&table, future.as_ref(), spec)
}

/// Makes a panel of a long table. Rows may come in any order. The target and observed-past values are known from their own
/// period on, known-future and static values always. An empty target is a missing value; rows behind the last value of the
/// whole panel (future rows in the same file) give their known-future values only.
///
/// # Errors
/// [`PanelError`]; every variant says what to do next.
pub fn read_panel(table: &Table, future: Option<&Table>, spec: &PanelSpec) -> Result<(Panel, PanelReport), PanelError> {
    if spec.filters.is_empty() {
        return read_rows(table, future, spec, 0);
    }
    let (mut chosen, mut future) = (table.clone(), future.cloned());
    let left_out = filter::apply(&mut chosen, &spec.filters)?;
    future.iter_mut().for_each(|future| filter::apply_where_known(future, &spec.filters));
    read_rows(&chosen, future.as_ref(), spec, left_out)
}

/// A panel of all rows that there are; `left_out` of the file are not.
fn read_rows(table: &Table, future: Option<&Table>, spec: &PanelSpec, left_out: usize) -> Result<(Panel, PanelReport), PanelError> {
    let roles = Roles::assign(table, spec)?;
    let mut rows = Rows::read(table, spec)?;
    let grid = grid::fit(&mut rows, spec)?;
    let target = rows.target(table, &roles.y, &spec.locale)?;
    let last =
        last_observed(&grid.ordinals, &target).ok_or_else(|| PanelError::NoValues { file: table.file.clone(), y: roles.y.clone() })?;

    let gaps = grid::gaps(&rows, &grid, &target, last, spec)?;
    let mut observations = Observations::default();
    for (row, value) in target.iter().enumerate().filter(|(row, _)| grid.ordinals[*row] <= last) {
        let at = grid.ordinals[row];
        observations.push(rows.series[row], at, value.unwrap_or(f64::NAN), at, false);
    }

    let future_rows = future.map(|future| rows::Future::read(future, &rows, &grid, spec)).transpose()?;
    let regressors = columns::regressors(table, &rows, &grid, &roles, future_rows.as_ref(), spec)?;
    let report = report::describe(table, &rows, &grid, &target, last, gaps, &regressors, future_rows.as_ref(), spec);
    let report = PanelReport { left_out_rows: left_out, ..report };
    let panel = Panel {
        frequency: grid.frequency,
        series: rows.names,
        observations,
        regressors: regressors.columns,
        closed: regressors.closed,
        gaps: if spec.gaps == Gaps::Zero { GapPolicy::Zero } else { GapPolicy::Missing },
    };
    Ok((panel, report))
}

fn last_observed(ordinals: &[i64], target: &[Option<f64>]) -> Option<i64> {
    ordinals.iter().zip(target).filter(|(_, value)| value.is_some()).map(|(&at, _)| at).max()
}

/// The column's name in the file, or the error that lists what there is.
fn name_of<'a>(table: &'a Table, wanted: &str) -> Result<&'a str, TabularError> {
    table.column(wanted).map(|column| column.name())
}
