#![doc = include_str!("../README.md")]

mod climatology;
mod config;
mod error;
mod extend;
mod features;
mod frame;
mod latest;
mod matrix;
mod observations;
mod past;
mod place;
mod pool;
mod pools;
mod regressors;
mod rows;
mod sorted_window;
mod source;
mod summed;
mod sums;
mod suppose;
mod view;

pub use config::FeatureConfig;
pub use error::PipelineError;
pub use matrix::CENSORED_WEIGHT;
pub use source::PanelFeatures;
pub use summed::{Whole, summed};

/// Names of all feature families, in the order of their columns: what [`FeatureConfig::exclude`] may name.
#[must_use]
pub fn families() -> Vec<&'static str> {
    features::all().names()
}
