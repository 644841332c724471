//! Why a panel cannot be read.

use domain::Hint;

/// A panel that does not describe series on a grid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PipelineError {
    #[error("columns of `{table}` have different lengths: {lengths:?}")]
    UnevenColumns { table: String, lengths: Vec<usize> },
    #[error("`{table}` names series number {series}, but the panel has {count} series")]
    UnknownSeries { table: String, series: u32, count: usize },
    #[error("`{table}` has a period outside the calendar: {at}")]
    OutOfRange { table: String, at: i64 },
    #[error("`{table}` spans {periods} periods, more than the {limit} that can be laid on a grid")]
    TooSparse { table: String, periods: u64, limit: u64 },
    #[error("what is to be added is not of the same panel: {what}")]
    NotThePanel { what: String },
    #[error("no regressor that is known ahead is called `{name}`; there are {known}")]
    UnknownRegressor { name: String, known: String },
    #[error("there is no feature family `{name}`; there are {known}")]
    UnknownFamily { name: String, known: String },
}

impl Hint for PipelineError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::UnevenColumns { .. } => Some("push cells with `push`, which fills every column".to_owned()),
            Self::UnknownSeries { .. } => Some("add the series' unique_id to `Panel::series`".to_owned()),
            Self::OutOfRange { .. } => Some("look for a mistyped year in the file".to_owned()),
            Self::TooSparse { .. } => {
                Some("look for a mistyped year, or give the real step of the data (for a file: --freq), such as 1d".to_owned())
            }
            Self::NotThePanel { .. } => Some("build the features anew from the whole panel".to_owned()),
            Self::UnknownFamily { .. } | Self::UnknownRegressor { .. } => None,
        }
    }
}
