//! The target itself, some steps before: the youngest usable values, whole seasons back, and a year back.

use std::collections::BTreeSet;

use domain::{FeatureError, Frequency};

use super::{Family, Feature};
use crate::config::Shape;
use crate::view::View;

/// Youngest values given one by one, at most.
const RECENT: usize = 7;
/// Whole seasons given one by one.
const SEASONS: usize = 4;

pub(super) struct Lags;

impl Family for Lags {
    fn name(&self) -> &'static str {
        "lags"
    }

    fn reach(&self, shape: &Shape) -> usize {
        distances(shape).last().map_or(0, |lag| lag - shape.lead)
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let feature = |lag: usize| Feature::new(format!("lag_{lag}"), look_up(view, lag - view.shape.lead)).in_target_units();
        Ok(distances(&view.shape).into_iter().map(feature).collect())
    }
}

/// Lags in steps, ascending, none shorter than the lead.
fn distances(shape: &Shape) -> BTreeSet<usize> {
    let Shape { season, lead, .. } = *shape;
    let mut lags: BTreeSet<usize> = (lead..lead + RECENT.min(shape.unit())).collect();
    if season > 1 {
        lags.extend((0..SEASONS).map(|k| (lead.div_ceil(season) + k) * season));
    }
    match shape.frequency {
        // The same weekday a year ago, and the same time of the same weekday a week ago.
        Frequency::Daily => lags.insert(364),
        Frequency::Minutes { minutes } => lags.insert(7 * 1440 / minutes.clamp(1, 1440) as usize),
        Frequency::Weekly { .. } => lags.insert(52),
        Frequency::Monthly { months, .. } => lags.insert((12 / months.clamp(1, 12)) as usize),
        Frequency::Integer => false,
    };
    lags.into_iter().filter(|&lag| lag >= lead).collect()
}

fn look_up(view: &View<'_>, steps: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(view.rows());
    for (number, block) in view.blocks.iter().enumerate() {
        let start = view.past.reach - steps;
        values.extend(view.past.of(number)[start..start + block.rows()].iter().map(|&value| value as f32));
    }
    values
}
