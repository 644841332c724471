//! What a model says of how its forecast is distributed: quantiles as multiples of the mean.

use domain::LEVELS;

/// Quantiles at [`LEVELS`] divided by the mean, ascending.
pub type Shape = [f32; LEVELS.len()];

/// By series, then step; `None` for a series without.
pub type Shapes = Vec<Option<Vec<Shape>>>;
