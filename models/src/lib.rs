#![doc = include_str!("../README.md")]

pub mod backtest;
mod candidate;
pub mod conformal;
mod count;
pub mod demand;
mod direct;
pub mod engine;
mod error;
mod fold;
mod forecaster;
pub mod forecasters;
pub mod guard;
mod history;
mod likeness;
mod linear;
mod local;
pub mod metrics;
mod range;
mod scale;
pub mod select;
mod step_group;
pub mod testing;

pub use backtest::{BacktestRow, BacktestTable, CHOICE, backtest};
pub use engine::{Effort, EngineArtifact, EngineConfig, EngineOutput, ModelForecasts, Phase, Progress, forecast};
pub use error::ModelError;
pub use fold::{Fold, FoldStore, ModelPaths};
pub use forecaster::{Artifact, Fitted, Forecaster, Future, Path, Skip, TrainingSet};
pub use forecasters::BASELINE;
pub use metrics::{Metrics, evaluate};
pub use step_group::{StepGroup, step_groups};
