//! The engine: folds, choice, ranges, guards, in that order, for one cutoff.

mod artifact;
mod config;
mod decision;
mod explain;
mod forecast;
mod plan;
mod report;
mod split;

pub use artifact::EngineArtifact;
pub use config::{Effort, EngineConfig};
pub use decision::PastError;
pub(crate) use decision::{Decided, Decision, decide};
pub use forecast::{EngineOutput, SkippedSeries, forecast, forecast_by};
pub(crate) use plan::FoldPlan;
pub(crate) use report::CENTRAL;
pub use report::{CalibrationReport, LevelShare};

use domain::Ordinal;
use serde::{Deserialize, Serialize};

/// Where a forecast or backtest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub phase: Phase,
    /// Cutoffs fitted so far.
    pub done: usize,
    /// Cutoffs to fit, the final one included.
    pub total: usize,
    /// The cutoff just fitted.
    pub cutoff: Ordinal,
}

/// What is being fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Past cutoffs, for choice and calibration.
    Folds,
    /// The cutoff that was asked for.
    Final,
}

/// Called from worker threads after each fitted cutoff.
pub type ProgressFn<'a> = dyn Fn(Progress) + Sync + 'a;
