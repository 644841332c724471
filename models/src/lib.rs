#![doc = include_str!("../README.md")]

pub mod backtest;
pub mod boosting;
mod breakdown;
mod candidate;
mod combine;
mod complex;
pub mod conformal;
mod count;
pub mod demand;
mod direct;
mod effects;
pub mod engine;
mod error;
mod ets;
mod fold;
mod forecaster;
pub mod forecasters;
pub mod glm;
pub mod guard;
mod history;
mod likeness;
mod linear;
mod local;
pub mod metrics;
mod range;
pub mod reconcile;
mod scale;
pub mod select;
mod shape;
mod shaped;
mod significance;
mod spread;
mod step_group;
pub mod testing;
mod theta;

pub use backtest::{Backtest, BacktestRow, BacktestTable, CHOICE, backtest};
pub use breakdown::{Group, GroupCalibration, breakdown};
pub use engine::{
    Effort, EngineArtifact, EngineConfig, EngineOutput, LevelShare, ModelForecasts, PastError, Phase, Progress, forecast, forecast_by,
};
pub use error::ModelError;
pub use fold::{Fold, FoldKeeper, FoldStore, Forgetful, ModelPaths};
pub use forecaster::{Artifact, Fitted, Forecaster, Future, Path, Skip, TrainingSet};
pub use forecasters::BASELINE;
pub use guard::{GuardCount, GuardHit, GuardKind};
pub use metrics::{Evaluation, Metrics, evaluate};
pub use shape::{Shape, Shapes};
pub use step_group::{StepGroup, step_groups};
