#![doc = include_str!("../README.md")]

pub mod backtest;
mod candidate;
mod combine;
mod complex;
pub mod conformal;
mod count;
mod direct;
mod effects;
pub mod engine;
mod error;
mod ets;
mod fold;
mod forecaster;
pub mod forecasters;
pub mod guard;
mod history;
mod linear;
mod local;
pub mod metrics;
mod range;
mod scale;
pub mod select;
mod spread;
mod step_group;
pub mod testing;
mod theta;

pub use backtest::{BacktestRow, BacktestTable, CHOICE, backtest};
pub use engine::{Effort, EngineArtifact, EngineConfig, EngineOutput, ModelForecasts, Phase, Progress, forecast};
pub use error::ModelError;
pub use fold::{Fold, FoldStore, ModelPaths};
pub use forecaster::{Artifact, Fitted, Forecaster, Future, Path, Skip, TrainingSet};
pub use forecasters::BASELINE;
pub use metrics::{Metrics, evaluate};
pub use step_group::{StepGroup, step_groups};
