//! Mean, standard deviation and share of zeros over windows that end at the youngest usable value.

use domain::FeatureError;
use polars::prelude::{DataType, Expr, LazyFrame, col, lit, when};

use super::{Family, Feature};
use crate::config::Shape;
use crate::frame::{FILLED, SEEN, VALUE, add_window_sums, longest, sum_name};
use crate::view::View;

const SQUARED: &str = "squared";
const ZERO: &str = "zero";

pub(super) struct Rolling;

impl Family for Rolling {
    fn name(&self) -> &'static str {
        "rolling"
    }

    fn warm_up(&self, shape: &Shape) -> usize {
        longest(&shape.windows())
    }

    fn prepare(&self, frame: LazyFrame, view: &View<'_>) -> LazyFrame {
        let squared = (col(FILLED) * col(FILLED)).alias(SQUARED);
        let zero = col(VALUE).eq(lit(0.0)).cast(DataType::Float64).alias(ZERO);
        add_window_sums(frame.with_columns([squared, zero]), &[SEEN, FILLED, SQUARED, ZERO], &view.shape.windows())
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let of_window = |window: usize| {
            [
                Feature::new(format!("rolling_mean_{window}"), mean(window)).in_target_units(),
                Feature::new(format!("rolling_std_{window}"), standard_deviation(window)).in_target_units(),
                Feature::new(format!("rolling_zeros_{window}"), sum(ZERO, window) / sum(SEEN, window)),
            ]
        };
        Ok(view.shape.windows().into_iter().flat_map(of_window).collect())
    }
}

fn sum(column: &str, window: usize) -> Expr {
    col(sum_name(column, window))
}

/// NaN if the window holds no value: 0 / 0.
fn mean(window: usize) -> Expr {
    sum(FILLED, window) / sum(SEEN, window)
}

/// Sample standard deviation; NaN if the window holds fewer than two values: 0 / 0 again, for a single value is its own
/// mean to the last bit.
fn standard_deviation(window: usize) -> Expr {
    let count = sum(SEEN, window);
    let variance = (sum(SQUARED, window) - sum(FILLED, window) * sum(FILLED, window) / count.clone()) / (count - lit(1.0));
    // Rounding may leave a constant window a hair below zero.
    when(variance.clone().lt(lit(0.0))).then(lit(0.0)).otherwise(variance).sqrt()
}
