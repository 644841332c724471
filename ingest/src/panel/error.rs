//! Why a table is not a panel.

use domain::Hint;

use crate::tabular::TabularError;

/// Why a table is not a panel. Rows count as in [`crate::tabular::CellError::row`].
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    #[error(transparent)]
    Table(#[from] TabularError),
    #[error("column `{column}` is given two parts: {first} and {second}")]
    TwoKinds { column: String, first: &'static str, second: &'static str },
    #[error("series `{series}` of `{file}` has two rows for {at}: rows {first_row} and {second_row}{}", others(.more))]
    Duplicate { file: String, series: String, at: String, first_row: u64, second_row: u64, more: usize },
    #[error(
        "`{file}` is not regular: series `{series}` goes from {first} (row {first_row}) to {second} (row {second_row}), off the step of {step}"
    )]
    Irregular { file: String, series: String, first: String, first_row: u64, second: String, second_row: u64, step: String },
    #[error(
        "the usual step of `{file}` is {gap}, which is no step of the calendar: series `{series}` goes from {first} (row {first_row}) to {second} (row {second_row})"
    )]
    UnknownStep { file: String, gap: String, series: String, first: String, first_row: u64, second: String, second_row: u64 },
    #[error("`{file}` writes `{column}` as {found} where `{reference}` has {expected}")]
    OtherTimes { file: String, column: String, found: &'static str, reference: String, expected: &'static str },
    #[error("column `{column}` of `{file}` holds {found}, which the step `--freq` names does not fit")]
    StepMisfit { file: String, column: String, found: &'static str },
    #[error("series `{series}` of `{file}` has no row for {at}{}", others(.more))]
    Gap { file: String, series: String, at: String, more: usize },
    #[error(
        "static column `{column}` of `{file}` changes within series `{series}`: `{first}` (row {first_row}), `{second}` (row {second_row})"
    )]
    StaticChanges { file: String, column: String, series: String, first: String, first_row: u64, second: String, second_row: u64 },
    #[error("no row of `{file}` has `{value}` in column `{column}`; it holds {present}")]
    UnknownValue { file: String, column: String, value: String, present: String, closest: Option<String> },
    #[error("no row of `{file}` fits all of {filters} together")]
    NothingLeft { file: String, filters: String },
    #[error("column `{y}` of `{file}` has no value at all")]
    NoValues { file: String, y: String },
}

impl Hint for PanelError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Table(error) => return error.hint(),
            Self::TwoKinds { .. } => "name each column once".to_owned(),
            Self::Duplicate { .. } => {
                "keep one of the rows, or add them up; if another column tells series apart, name it: `--id-col COLUMN`".to_owned()
            }
            Self::Irregular { .. } => {
                "mend these rows, or name the step that holds them all: `--freq 1d` (also 30min, 1h, 1w, 1mo, 1q, 1y)".to_owned()
            }
            Self::UnknownStep { .. } => {
                "name a step that holds every row: `--freq 1d` (also 30min, 1h, 1w, 1mo, 1q, 1y); what is between counts as gaps".to_owned()
            }
            Self::OtherTimes { .. } => "write both files with the same kind of `ds`".to_owned(),
            Self::StepMisfit { .. } => "leave `--freq` out, or name a step of the kind that the column holds".to_owned(),
            Self::Gap { .. } => "add the rows, or say what their absence means: `--gaps missing` or `--gaps zero`".to_owned(),
            Self::StaticChanges { column, .. } => {
                format!("mend the rows, or name its kind: `--known-future {column}` or `--observed-past {column}`")
            }
            Self::UnknownValue { column, closest: Some(closest), .. } => format!("did you mean `--where {column}={closest}`?"),
            Self::UnknownValue { column, .. } => format!("name one of these: `--where {column}=VALUE`"),
            Self::NothingLeft { .. } => "leave one of the `--where` options out".to_owned(),
            Self::NoValues { .. } => "fill the column, or name the one that holds the target".to_owned(),
        })
    }
}

fn others(more: &usize) -> String {
    if *more == 0 { String::new() } else { format!(" (and {more} more like it)") }
}
