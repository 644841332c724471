//! Why a generalised linear model could not be fitted.

/// Errors of checking parameters and of fitting.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GlmError {
    #[error("the variance power must be at least 1 and less than 2, not {0}")]
    InvalidPower(f64),
    #[error("the penalty must be a finite number that is not negative, not {0}")]
    InvalidPenalty(f64),
    #[error("the tolerance must be a finite number above zero, not {0}")]
    InvalidTolerance(f64),
    #[error("at least one iteration is needed")]
    NoIterations,
    #[error("the table has {rows} rows, but {found} {what}")]
    Length { what: &'static str, rows: usize, found: usize },
    #[error("row {row}: {what} is not a finite number")]
    NotANumber { what: &'static str, row: usize },
    #[error("row {row}: the target is negative")]
    NegativeTarget { row: usize },
    #[error("row {row}: the weight is negative or not a finite number")]
    InvalidWeight { row: usize },
    #[error("no row has a weight above zero")]
    NoWeight,
    #[error("no target is above zero, so that the best mean is zero, which a log link cannot reach")]
    NothingPositive,
    #[error("the former model has {found} coefficients, the table {expected} columns")]
    OtherTable { expected: usize, found: usize },
    #[error("not converged after {iterations} iterations: the deviance would still fall by a share of {change:e}")]
    NotConverged { iterations: usize, change: f64 },
    #[error(transparent)]
    Base(#[from] linfa::Error),
}
