//! Means over the last few values at the same place of the season (the last four Mondays), skipping closed periods.

use domain::{Driver, FeatureError, Frequency};

use super::{Family, Feature};
use crate::config::Shape;
use crate::view::View;

/// How many of the latest values are averaged.
const COUNTS: [usize; 2] = [4, 8];
/// Seasons looked back on to find them: four may be closed or missing.
const SEASONS: usize = 12;

pub(super) struct SameSeason;

impl Family for SameSeason {
    fn name(&self) -> &'static str {
        "same_season"
    }

    fn driver(&self) -> Driver {
        Driver::Weekday
    }

    fn reach(&self, shape: &Shape) -> usize {
        if shape.season > 1 { offset(shape) + (SEASONS - 1) * shape.season } else { 0 }
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        if view.shape.season <= 1 {
            return Ok(Vec::new());
        }
        let mut means = COUNTS.map(|_| Vec::with_capacity(view.rows()));
        for (number, block) in view.blocks.iter().enumerate() {
            let past = view.past.of(number);
            for row in 0..block.rows() {
                let youngest = view.past.reach + row - offset(&view.shape);
                let latest = (0..SEASONS).map(|k| past[youngest - k * view.shape.season]).filter(|value| !value.is_nan());
                push_means(&mut means, latest);
            }
        }
        let mut features: Vec<Feature> = COUNTS
            .into_iter()
            .zip(means)
            .map(|(count, values)| Feature::new(format!("same_season_mean_{count}"), values).in_target_units())
            .collect();
        features.extend(phase(view));
        Ok(features)
    }
}

/// Steps from the youngest usable value back to the youngest one at the target's place of the season.
fn offset(shape: &Shape) -> usize {
    shape.lead.next_multiple_of(shape.season) - shape.lead
}

fn push_means(means: &mut [Vec<f32>; 2], latest: impl Iterator<Item = f64>) {
    let (mut sum, mut count) = (0.0, 0);
    let mut at_count = [f64::NAN; 2];
    for value in latest.take(COUNTS[1]) {
        sum += value;
        count += 1;
        let mean = sum / count as f64;
        for (slot, &limit) in at_count.iter_mut().zip(&COUNTS) {
            if count <= limit {
                *slot = mean;
            }
        }
    }
    for (column, mean) in means.iter_mut().zip(at_count) {
        column.push(mean as f32);
    }
}

/// The place in the season itself, where no calendar tells it.
fn phase(view: &View<'_>) -> Option<Feature> {
    let season = view.shape.season as i64;
    (view.shape.frequency == Frequency::Integer).then(|| {
        let [values] = view.by_period(|at| [at.rem_euclid(season) as f32]);
        Feature::new("season_phase", values)
    })
}
