//! Gradient-boosted regression trees on histograms: linfa has none, and forecasts need weights, quantiles, counts,
//! categories and missing values.
//!
//!     Columns  a table of f32 columns, borrowed                                        columns.rs
//!       -> Binned   one byte a cell, cut once for any number of losses                 cuts.rs, binned.rs
//!       -> GradientBoostingParams -> check -> fit_binned, the loop                     hyperparams.rs, train.rs
//!            gradients in fixed point, so that sums are exact in any order             loss.rs, packed.rs, gradients.rs
//!            the best leaf is split next, histogram by subtraction                     grow.rs, histogram.rs, partition.rs
//!            the best cut of a column, the best subset of categories                   split.rs, category_split.rs
//!            leaf values                                                               finish.rs, quantile.rs
//!       -> fit_levels   quantiles along the trees of the mean                            levels.rs
//!       -> Booster   predicts, explains, is kept                                       booster.rs, tree.rs, shap.rs, artifact.rs
//!
//! linfa's users meet the same through `Fit` and `Predict` (`algorithm.rs`).

mod algorithm;
mod artifact;
mod binned;
mod booster;
mod category_split;
mod columns;
mod cuts;
mod error;
mod finish;
mod gradients;
mod grow;
mod histogram;
mod hyperparams;
mod levels;
mod loss;
mod packed;
mod partition;
mod quantile;
mod sampling;
mod shap;
mod split;
mod train;
mod tree;

pub use algorithm::GradientBoosting;
pub use binned::Binned;
pub use booster::Booster;
pub use columns::{Column, Columns};
pub use error::BoostingError;
pub use hyperparams::{GradientBoostingParams, GradientBoostingValidParams, Monotone};
pub use loss::Loss;
pub use shap::Contributions;
pub use train::Validation;
