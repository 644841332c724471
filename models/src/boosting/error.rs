//! Why a booster could not be fitted.

/// Errors of checking parameters, binning and fitting.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BoostingError {
    #[error("`{name}` is {value}; it must be in {range}")]
    InvalidParameter { name: &'static str, value: f64, range: &'static str },
    #[error("there is no row to learn from")]
    NoRows,
    #[error("no row has a weight above zero")]
    NoWeight,
    #[error("{what}: {found} values for {expected} rows")]
    LengthMismatch { what: &'static str, expected: usize, found: usize },
    #[error("{what}: {found}, at most {most} are supported")]
    TooMany { what: &'static str, most: usize, found: usize },
    #[error("the table has {found} columns, the model was fitted on {expected}")]
    WidthMismatch { expected: usize, found: usize },
    #[error("{found} monotone directions for {expected} columns")]
    MonotoneMismatch { expected: usize, found: usize },
    #[error("column {column} holds categories and cannot be monotone")]
    MonotoneCategory { column: usize },
    #[error("the target of row {row} is not a finite number")]
    TargetNotFinite { row: usize },
    #[error("the target of row {row} is {value}; this loss needs targets of zero or more")]
    NegativeTarget { row: usize, value: f32 },
    #[error("the weight of row {row} is {value}; weights are finite and zero or more")]
    InvalidWeight { row: usize, value: f32 },
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
