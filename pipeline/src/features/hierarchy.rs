//! The level of the panel and of the series' categories: shocks that a series shares with others show there first, with
//! less noise. Values are in multiples of each series' own mean size up to then.
//!
//! `panel_level` is the last week's mean over the last month's (or the like); `<category>_level` the last week's mean of the
//! other series of the same category, never of the series itself.

use domain::{FeatureError, Frequency, Ordinal};

use super::{Family, Feature};
use crate::pool::{Category, Total, scaled};
use crate::view::View;

pub(super) struct Hierarchy;

impl Family for Hierarchy {
    fn name(&self) -> &'static str {
        "hierarchy"
    }

    fn needs_whole_past(&self) -> bool {
        true
    }

    fn needs_pool(&self) -> bool {
        true
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        // Without a calendar, equal numbers are not one time.
        if view.shape.frequency == Frequency::Integer {
            return Ok(Vec::new());
        }
        let [week, _, month, _] = view.shape.windows();
        let lead = view.shape.lead as Ordinal;
        let [panel] = view.by_period(|at| [(mean(view.pool.total(at - lead, week)) / mean(view.pool.total(at - lead, month))) as f32]);
        let mut features = vec![Feature::new("panel_level", panel)];
        for category in view.pool.categories() {
            let name = &view.regressors[category.regressor].name;
            features.push(Feature::new(format!("{name}_level"), others(view, category, week)));
        }
        Ok(features)
    }
}

/// NaN if there is nothing to average: 0 / 0.
fn mean(total: Total) -> f64 {
    total.sum / total.count
}

fn others(view: &View<'_>, category: &Category, window: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(view.rows());
    for (number, block) in view.blocks.iter().enumerate() {
        let Some(level) = category.levels[block.series as usize] else {
            values.extend(std::iter::repeat_n(f32::NAN, block.rows()));
            continue;
        };
        let whole = view.past.whole(number, block);
        let own: Vec<f64> = scaled(whole.values).collect();
        for (row, at) in block.periods().enumerate() {
            let end = whole.newly_usable(row).end;
            let mut total = view.pool.total_of_level(category, level, at - view.shape.lead as Ordinal, window);
            for value in own[end.saturating_sub(window)..end].iter().filter(|value| !value.is_nan()) {
                total.sum -= value;
                total.count -= 1.0;
            }
            values.push(if total.count > 0.5 { mean(total) as f32 } else { f32::NAN });
        }
    }
    values
}
