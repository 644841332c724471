//! How long ago something was last sold, for series that are mostly zero.

use domain::FeatureError;

use super::{Family, Feature};
use crate::config::Shape;
use crate::view::View;

pub(super) struct Intermittent;

impl Family for Intermittent {
    fn name(&self) -> &'static str {
        "intermittent"
    }

    fn reach(&self, shape: &Shape) -> usize {
        shape.long_ago()
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let mut values = Vec::with_capacity(view.rows());
        for number in 0..view.blocks.len() {
            push_steps(&mut values, view.past.of(number), view.past.reach, view.shape.long_ago());
        }
        Ok(vec![Feature::new("steps_since_sale", values)])
    }
}

/// Steps from the youngest usable period back to the last one with a sale, at most `cap`.
fn push_steps(values: &mut Vec<f32>, past: &[f64], reach: usize, cap: usize) {
    let start = reach - cap;
    let mut steps = cap;
    for (position, &value) in past.iter().enumerate().skip(start) {
        steps = if value > 0.0 { 0 } else { (steps + 1).min(cap) };
        if position >= reach {
            values.push(steps as f32);
        }
    }
}
