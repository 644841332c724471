#![doc = include_str!("../README.md")]

pub mod access;
pub mod accuracy;
pub mod event;
pub mod explanation;
pub mod facts;
pub mod failure;
pub mod features;
pub mod forecast;
pub mod frequency;
pub mod hint;
pub mod ids;
pub mod job;
pub mod money;
pub mod panel;
pub mod plan;
pub mod qris;
pub mod quantile;
pub mod supposition;
pub mod text;
pub mod time;

pub use explanation::{Driver, Explanation};
pub use features::{FeatureError, FeatureMatrix, FeatureSource, History, Layout};
pub use forecast::{Rung, SeriesForecast, StepForecast};
pub use frequency::{Frequency, Ordinal};
pub use hint::{Hint, chain};
pub use money::Idr;
pub use panel::Panel;
pub use quantile::{LEVELS, Quantiles};
pub use time::Window;
