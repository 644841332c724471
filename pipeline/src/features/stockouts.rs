//! When something was last sold out, and how often lately: values of such days are lower bounds of demand.
//!
//! Only if a sold-out period is known of at all.

use domain::FeatureError;

use super::{Family, Feature};
use crate::config::Shape;
use crate::view::View;

pub(super) struct Stockouts;

impl Family for Stockouts {
    fn name(&self) -> &'static str {
        "stockouts"
    }

    fn reach(&self, shape: &Shape) -> usize {
        shape.long_ago()
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        if !view.any_censored {
            return Ok(Vec::new());
        }
        let window = view.shape.windows()[2];
        let (mut since, mut share) = (Vec::with_capacity(view.rows()), Vec::with_capacity(view.rows()));
        for number in 0..view.blocks.len() {
            let (past, censored) = (view.past.of(number), view.past.censored(number));
            push_steps(&mut since, censored, view.past.reach, view.shape.long_ago());
            for youngest in view.past.reach..past.len() {
                let lately = youngest + 1 - window..=youngest;
                let seen = past[lately.clone()].iter().filter(|value| !value.is_nan()).count();
                let sold_out = censored[lately].iter().filter(|&&censored| censored).count();
                share.push(sold_out as f32 / seen as f32);
            }
        }
        Ok(vec![Feature::new("steps_since_stockout", since), Feature::new(format!("stockout_share_{window}"), share)])
    }
}

/// Steps from the youngest usable period back to the last one that was sold out, at most `cap`.
fn push_steps(values: &mut Vec<f32>, censored: &[bool], reach: usize, cap: usize) {
    let mut steps = cap;
    for (position, &censored) in censored.iter().enumerate().skip(reach - cap) {
        steps = if censored { 0 } else { (steps + 1).min(cap) };
        if position >= reach {
            values.push(steps as f32);
        }
    }
}
