//! What was read, said before any number is computed from it.

use domain::{Frequency, Ordinal};
use serde::Serialize;

use super::columns::Regressors;
use super::grid::Grid;
use super::rows::{Future, Rows};
use super::spec::{Gaps, PanelSpec};
use crate::tabular::{Table, plural};

/// Where a panel's frequency comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FrequencyOrigin {
    /// By the user.
    Named,
    /// From the stamps.
    Inferred,
    /// No series has two rows.
    Assumed,
}

/// The part one further column plays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnReport {
    pub name: String,
    /// `known-future`, `observed-past`, `static`, `closed days`, or why it is left out.
    pub part: &'static str,
    /// Distinct texts of a column of texts, 0 for numbers.
    pub categories: usize,
}

/// How a file was understood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PanelReport {
    pub file: String,
    /// Separator and encoding of a text file.
    pub dialect: Option<String>,
    /// How dates are written, if they are text.
    pub date_format: Option<String>,
    pub rows: usize,
    /// Rows that `--where` leaves out.
    pub left_out_rows: usize,
    pub series: usize,
    /// The file has no id column and is one series.
    pub single_series: bool,
    pub frequency: Frequency,
    pub frequency_origin: FrequencyOrigin,
    /// First and last period with a target value.
    pub first: String,
    pub last: String,
    /// Rows without a target value, up to the last period.
    pub missing_values: usize,
    /// Rows behind the last period: future values in the same file.
    pub future_rows: usize,
    /// Rows of the file of future values that belong to no series of the history.
    pub unknown_future_rows: usize,
    /// Periods without a row inside their series.
    pub gaps: u64,
    /// Whether gaps count as zeros.
    pub gaps_are_zero: bool,
    pub negative_values: usize,
    pub columns: Vec<ColumnReport>,
}

#[expect(clippy::too_many_arguments, reason = "a summary of everything read")]
pub(super) fn describe(
    table: &Table,
    rows: &Rows,
    grid: &Grid,
    target: &[Option<f64>],
    last: Ordinal,
    gaps: u64,
    regressors: &Regressors,
    future: Option<&Future<'_>>,
    spec: &PanelSpec,
) -> PanelReport {
    let in_history = |row: &usize| grid.ordinals[*row] <= last;
    let empty = (0..target.len()).filter(|&row| target[row].is_none());
    let missing_values = empty.clone().filter(in_history).count();
    let first = grid.ordinals.iter().zip(target).filter(|(_, value)| value.is_some()).map(|(&at, _)| at).min().unwrap_or(last);
    PanelReport {
        file: rows.file.clone(),
        dialect: table.dialect.as_ref().map(ToString::to_string),
        date_format: rows.date_format.map(|format| format.to_string()),
        rows: table.len(),
        left_out_rows: 0,
        series: rows.names.len(),
        single_series: !rows.named,
        frequency: grid.frequency,
        frequency_origin: grid.origin,
        first: grid.frequency.label(first),
        last: grid.frequency.label(last),
        missing_values,
        future_rows: empty.count() - missing_values,
        unknown_future_rows: future.map_or(0, |future| future.strangers),
        gaps,
        gaps_are_zero: spec.gaps == Gaps::Zero,
        negative_values: target.iter().flatten().filter(|&&value| value < 0.0).count(),
        columns: regressors.report.clone(),
    }
}

impl std::fmt::Display for PanelReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dialect = self.dialect.as_ref().map_or("Parquet", String::as_str);
        write!(f, "`{}` ({dialect}): {} {}, {} series", self.file, self.rows, plural(self.rows, "row", "rows"), self.series)?;
        if self.single_series {
            write!(f, " (no column tells series apart)")?;
        }
        let origin = match self.frequency_origin {
            FrequencyOrigin::Named => "as named",
            FrequencyOrigin::Inferred => "inferred",
            FrequencyOrigin::Assumed => "assumed: no series has two rows",
        };
        write!(f, "\n{} to {}, frequency {} ({origin})", self.first, self.last, self.frequency)?;
        if let Some(format) = &self.date_format {
            write!(f, ", dates {format}")?;
        }
        let gaps = format!("periods without a row, taken for {}", if self.gaps_are_zero { "zero" } else { "missing" });
        for (count, what) in [
            (self.left_out_rows as u64, "rows left out by `--where`"),
            (self.missing_values as u64, "rows without a target value"),
            (self.gaps, gaps.as_str()),
            (self.negative_values as u64, "negative target values"),
            (self.future_rows as u64, "future rows"),
            (self.unknown_future_rows as u64, "future rows of unknown series (ignored)"),
        ] {
            if count > 0 {
                write!(f, "\n{what}: {count}")?;
            }
        }
        for column in &self.columns {
            write!(f, "\n`{}`: {}", column.name, column.part)?;
            if column.categories > 0 {
                write!(f, ", {} categories", column.categories)?;
            }
        }
        Ok(())
    }
}
