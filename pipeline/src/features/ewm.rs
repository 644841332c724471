//! Exponentially weighted means that end at the youngest usable value.

use domain::FeatureError;

use super::{Family, Feature};
use crate::config::Shape;
use crate::sums::{decayed_sums, filled, longest, seen};
use crate::view::View;

/// Half-lives after which the rest of the past (1 part in 256) is cut off.
const HALF_LIVES: f64 = 8.0;

pub(super) struct Ewm;

impl Family for Ewm {
    fn name(&self) -> &'static str {
        "ewm"
    }

    fn reach(&self, shape: &Shape) -> usize {
        longest(&half_lives(shape).map(window))
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let feature = |half_life: f64| Feature::new(format!("ewm_{half_life}"), means(view, half_life)).in_target_units();
        Ok(half_lives(&view.shape).into_iter().map(feature).collect())
    }
}

/// NaN where the window holds no value: 0 / 0.
fn means(view: &View<'_>, half_life: f64) -> Vec<f32> {
    let (factor, window) = (0.5_f64.powf(half_life.recip()), window(half_life));
    let first = longest(&[window]);
    let mut means = Vec::with_capacity(view.rows());
    for number in 0..view.blocks.len() {
        let past = view.past.recent(number, first);
        let sums = decayed_sums(filled(past), factor, window);
        let weights = decayed_sums(seen(past), factor, window);
        means.extend(sums[first..].iter().zip(&weights[first..]).map(|(sum, weight)| (sum / weight) as f32));
    }
    means
}

/// Steps after which a value counts half: half a week and two weeks of days, or the like.
fn half_lives(shape: &Shape) -> [f64; 2] {
    [0.5, 2.0].map(|times| times * shape.unit() as f64)
}

/// Steps summed over, a power of two.
fn window(half_life: f64) -> usize {
    ((HALF_LIVES * half_life).ceil() as usize).next_power_of_two()
}
