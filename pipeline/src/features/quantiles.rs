//! Median and outer quantiles over windows that end at the youngest usable value: the level that one large order does not
//! move, and how far the values spread to either side of it.

use domain::FeatureError;

use super::{Family, Feature};
use crate::config::Shape;
use crate::sorted_window::SortedWindow;
use crate::view::View;

pub(super) struct Quantiles;

impl Family for Quantiles {
    fn name(&self) -> &'static str {
        "quantiles"
    }

    fn reach(&self, shape: &Shape) -> usize {
        shape.long_ago() - 1
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let [.., month, two_months] = view.shape.windows();
        let mut features = of_window(view, month, &[50]);
        features.extend(of_window(view, two_months, &[10, 50, 90]));
        Ok(features)
    }
}

fn of_window(view: &View<'_>, window: usize, percents: &[u8]) -> Vec<Feature> {
    let mut columns: Vec<Vec<f32>> = percents.iter().map(|_| Vec::with_capacity(view.rows())).collect();
    for number in 0..view.blocks.len() {
        let past = view.past.of(number);
        let mut sorted = SortedWindow::new(window);
        for (position, &value) in past.iter().enumerate().skip(view.past.reach + 1 - window) {
            sorted.push(value);
            if position >= view.past.reach {
                for (column, &percent) in columns.iter_mut().zip(percents) {
                    column.push(sorted.quantile(f64::from(percent) / 100.0) as f32);
                }
            }
        }
    }
    let feature = |(&percent, values)| Feature::new(format!("rolling_q{percent}_{window}"), values).in_target_units();
    percents.iter().zip(columns).map(feature).collect()
}
