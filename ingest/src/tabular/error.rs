//! What can be wrong with a file, said so that its owner can mend it.

use domain::Hint;
use serde::Serialize;

/// One cell (or one whole row) that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellError {
    /// Row of the file as an editor or spreadsheet counts it: in a text file the header is row 1; Parquet rows count from 1.
    pub row: u64,
    /// Column by its name in the file; empty when the row as a whole is malformed.
    pub column: String,
    /// The offending text.
    pub text: String,
    /// Completes "`text` ...": `is not a number`.
    pub reason: String,
}

impl std::fmt::Display for CellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.column.is_empty() {
            return write!(f, "row {}: {}", self.row, self.reason);
        }
        if self.text.is_empty() {
            return write!(f, "row {}, column `{}` {}", self.row, self.column, self.reason);
        }
        write!(f, "row {}, column `{}`: `{}` {}", self.row, self.column, shortened(&self.text), self.reason)
    }
}

/// Long cells (an unclosed quote can swallow half a file) are cut in messages.
fn shortened(text: &str) -> String {
    const LIMIT: usize = 60;
    if text.chars().count() <= LIMIT { text.to_owned() } else { text.chars().take(LIMIT).chain("...".chars()).collect() }
}

/// The first few of many cell errors, for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellErrors {
    pub first: Vec<CellError>,
    pub total: usize,
}

impl CellErrors {
    /// How many are shown.
    pub const SHOWN: usize = 5;

    #[must_use]
    pub fn new(errors: &[CellError]) -> Self {
        Self { first: errors.iter().take(Self::SHOWN).cloned().collect(), total: errors.len() }
    }
}

impl std::fmt::Display for CellErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for error in &self.first {
            write!(f, "\n  {error}")?;
        }
        if self.total > self.first.len() {
            write!(f, "\n  ... and {} more", self.total - self.first.len())?;
        }
        Ok(())
    }
}

/// Why a file cannot be read as a table. Rows count as in [`CellError::row`].
#[derive(Debug, thiserror::Error)]
pub enum TabularError {
    #[error("cannot open `{path}`")]
    Open {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read `{file}`")]
    Read {
        file: String,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot write `{path}`")]
    Write {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{file}` is not a readable CSV file")]
    Csv {
        file: String,
        #[source]
        source: csv::Error,
    },
    #[error("`{file}` is not a readable Parquet file")]
    Parquet {
        file: String,
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error("`{file}` is not a readable workbook")]
    Workbook {
        file: String,
        #[source]
        source: calamine::Error,
    },
    #[error("`{file}` has {mebibytes} MiB{what}; a workbook may have {most}")]
    TooLarge { file: String, what: &'static str, mebibytes: u64, most: u64 },
    #[error("`{file}` is {what}, not a CSV file, a workbook or a Parquet file")]
    Foreign { file: String, what: &'static str },
    #[error("`{file}` is empty: it has no header and no rows")]
    Empty { file: String },
    #[error("`{file}` has a header but no rows")]
    NoRows { file: String },
    #[error("the first line of `{file}` holds data ({first}), not column names")]
    NoHeader { file: String, first: String },
    #[error("`{file}` has two columns named `{column}`")]
    DuplicateColumn { file: String, column: String },
    #[error("`{file}` has no column `{wanted}`; it has {}", listed(.present))]
    MissingColumn { file: String, wanted: String, present: Vec<String>, closest: Option<String> },
    #[error("`{file}` has {} unreadable {}:{errors}", .errors.total, plural(.errors.total, "cell", "cells"))]
    Cells { file: String, errors: CellErrors },
    #[error("`{file}` has {} malformed {}:{errors}", .errors.total, plural(.errors.total, "row", "rows"))]
    Rows { file: String, errors: CellErrors },
    #[error(
        "dates in column `{column}` of `{file}` can be read two ways: `{text}` (row {row}) is either {day_first} or {month_first}, and no row tells which"
    )]
    AmbiguousDates { file: String, column: String, row: u64, text: String, day_first: String, month_first: String },
    #[error(
        "column `{column}` of `{file}` mixes dd/mm and mm/dd: `{day_first}` (row {day_first_row}) and `{month_first}` (row {month_first_row})"
    )]
    MixedDates { file: String, column: String, day_first: String, day_first_row: u64, month_first: String, month_first_row: u64 },
    #[error("years in column `{column}` of `{file}` have two digits: `{text}` (row {row})")]
    ShortYears { file: String, column: String, row: u64, text: String },
    #[error(
        "numbers in column `{column}` of `{file}` can be read two ways: `{text}` (row {row}) is either {as_point} or {as_comma}, and no row tells which"
    )]
    AmbiguousNumbers { file: String, column: String, row: u64, text: String, as_point: f64, as_comma: f64 },
    #[error(
        "column `{column}` of `{file}` mixes decimal points and decimal commas: `{point}` (row {point_row}) and `{comma}` (row {comma_row})"
    )]
    MixedNumbers { file: String, column: String, point: String, point_row: u64, comma: String, comma_row: u64 },
}

impl Hint for TabularError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Open { .. } => "check the path and that you may read the file".to_owned(),
            Self::Workbook { .. } => "open it in a spreadsheet, remove its password if it has one, and save it as xlsx or CSV".to_owned(),
            Self::TooLarge { .. } => "save its sheet as CSV, which is read piece by piece, whatever its size".to_owned(),
            Self::Foreign { .. } => "save or export it as CSV (UTF-8) and use that file".to_owned(),
            Self::Empty { .. } | Self::NoRows { .. } => "export it again with at least one row of data below the column names".to_owned(),
            Self::NoHeader { .. } => "put a line of column names on top, such as `unique_id,ds,y`".to_owned(),
            Self::DuplicateColumn { column, .. } => format!("rename one of the two `{column}` columns"),
            Self::MissingColumn { wanted, closest: Some(closest), .. } => {
                format!("did you mean `{closest}`? name it in place of `{wanted}`")
            }
            Self::MissingColumn { wanted, .. } => format!("rename a column to `{wanted}` or name the one that plays its part"),
            Self::AmbiguousDates { .. } => "say which one it is: `--date-format dd/mm/yyyy` or `--date-format mm/dd/yyyy`".to_owned(),
            Self::MixedDates { .. } => {
                "mend the rows, or force one reading: `--date-format dd/mm/yyyy` or `--date-format mm/dd/yyyy`".to_owned()
            }
            Self::ShortYears { .. } => {
                "say how to read them: `--date-format dd/mm/yy`, `--date-format mm/dd/yy` or `--date-format yy/mm/dd`".to_owned()
            }
            Self::AmbiguousNumbers { .. } => "say which one it is: `--decimal point` or `--decimal comma`".to_owned(),
            Self::MixedNumbers { .. } => "mend the rows, or force one reading: `--decimal point` or `--decimal comma`".to_owned(),
            Self::Cells { errors, .. } if errors.first.iter().all(|error| error.text.is_empty()) => {
                "fill these cells or delete the rows".to_owned()
            }
            // A row without a time or a series is none.
            Self::Cells { errors, .. } if errors.first.iter().any(|error| error.text.is_empty() || error.reason.contains("date")) => {
                "mend these cells or delete the rows".to_owned()
            }
            Self::Cells { .. } => "mend or empty these cells; an empty cell is a missing value".to_owned(),
            Self::Rows { .. } => "mend these rows; text that contains the separator or a line break needs quotes".to_owned(),
            Self::Read { .. } | Self::Write { .. } | Self::Csv { .. } | Self::Parquet { .. } => return None,
        })
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub(crate) fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}
