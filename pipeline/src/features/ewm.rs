//! Exponentially weighted means that end at the youngest usable value.

use domain::FeatureError;
use polars::prelude::{LazyFrame, col};

use super::{Family, Feature};
use crate::config::Shape;
use crate::frame::{FILLED, SEEN, add_decayed_sums, decayed_name, longest};
use crate::view::View;

/// Half-lives after which the rest of the past (1 part in 256) is cut off.
const HALF_LIVES: f64 = 8.0;

pub(super) struct Ewm;

impl Family for Ewm {
    fn name(&self) -> &'static str {
        "ewm"
    }

    fn warm_up(&self, shape: &Shape) -> usize {
        longest(&half_lives(shape).map(window))
    }

    fn prepare(&self, frame: LazyFrame, view: &View<'_>) -> LazyFrame {
        let add = |frame, half_life: f64| add_decayed_sums(frame, &[FILLED, SEEN], 0.5_f64.powf(half_life.recip()), window(half_life));
        half_lives(&view.shape).into_iter().fold(frame, add)
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let feature = |half_life: f64| {
            let sum = |column| col(decayed_name(column, window(half_life)));
            Feature::new(format!("ewm_{half_life}"), sum(FILLED) / sum(SEEN)).in_target_units()
        };
        Ok(half_lives(&view.shape).into_iter().map(feature).collect())
    }
}

/// Steps after which a value counts half: half a week and two weeks of days, or the like.
fn half_lives(shape: &Shape) -> [f64; 2] {
    [0.5, 2.0].map(|times| times * shape.unit() as f64)
}

/// Steps summed over, a power of two.
fn window(half_life: f64) -> usize {
    ((HALF_LIVES * half_life).ceil() as usize).next_power_of_two()
}
