//! Mean, standard deviation and share of zeros of all usable values since the series' first one: the level that windows
//! are compared with.

use domain::FeatureError;

use super::{Family, Feature};
use crate::view::View;

pub(super) struct Expanding;

impl Family for Expanding {
    fn name(&self) -> &'static str {
        "expanding"
    }

    fn needs_whole_past(&self) -> bool {
        true
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let [mut mean, mut deviation, mut zeros] = std::array::from_fn(|_| Vec::with_capacity(view.rows()));
        for (number, block) in view.blocks.iter().enumerate() {
            let whole = view.past.whole(number, block);
            let mut moments = Moments::default();
            for row in 0..block.rows() {
                whole.values[whole.newly_usable(row)].iter().for_each(|&value| moments.push(value));
                mean.push(moments.mean() as f32);
                deviation.push(moments.standard_deviation() as f32);
                zeros.push((moments.zeros / moments.count) as f32);
            }
        }
        Ok(vec![
            Feature::new("expanding_mean", mean).in_target_units(),
            Feature::new("expanding_std", deviation).in_target_units(),
            Feature::new("expanding_zeros", zeros),
        ])
    }
}

/// Running moments (Welford, 1962: no cancellation however long the series is).
#[derive(Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
    zeros: f64,
}

impl Moments {
    fn push(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
        self.zeros += f64::from(u8::from(value == 0.0));
    }

    fn mean(&self) -> f64 {
        if self.count > 0.0 { self.mean } else { f64::NAN }
    }

    /// NaN for fewer than two values.
    fn standard_deviation(&self) -> f64 {
        if self.count > 1.0 { (self.squares / (self.count - 1.0)).sqrt() } else { f64::NAN }
    }
}
