//! Yes-or-no regressors that are known ahead: holidays, promotions, school breaks. Their value on the target, how far the
//! next and the last one are, the run of days that the target belongs to or is nearest to, and how many are coming.
//!
//! A value between 0 and 1 is a probability (the first day of a month that is declared by sighting the moon): distances
//! and counts are then expected ones, as if days were independent; runs are those of the likelier branch.

use domain::features::Neutral;
use domain::{Driver, FeatureError, Ordinal};

use super::{Family, Feature};
use crate::regressors::RegressorStore;
use crate::rows::Block;
use crate::view::View;

/// Steps beyond which an event is far away.
const FAR: Ordinal = 14;
/// Steps after the target over which events are counted.
const COMING: Ordinal = 7;
/// Endings of the columns' names, and their values far from any event.
const COLUMNS: [(&str, f32); 6] =
    [("", 0.0), ("_next", FAR as f32), ("_since", FAR as f32), ("_day", 0.0), ("_run", 0.0), ("_coming", 0.0)];
/// Above this, an event is set.
const LIKELY: f64 = 0.5;

pub(super) struct Events;

impl Family for Events {
    fn name(&self) -> &'static str {
        "events"
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let mut features = Vec::new();
        for regressor in view.flags() {
            let slot = |block: &Block| regressor.slot(block.series);
            let columns = view.by_key(slot, |block, at| row(view, regressor, block, at))?;
            let driver = regressor.driver().unwrap_or(Driver::Holiday);
            let feature = |((suffix, far), values)| {
                Feature::new(format!("{}{suffix}", regressor.name), values).speaks_of(driver).compared_with(Neutral::At(far))
            };
            features.extend(COLUMNS.into_iter().zip(columns).map(feature));
        }
        Ok(features)
    }
}

fn row(view: &View<'_>, regressor: &RegressorStore, block: &Block, target: Ordinal) -> Result<[f32; 6], FeatureError> {
    let value = view.required(regressor, block, target)?;
    let slot = regressor.slot(block.series);
    let at = |at: Ordinal| view.planned(regressor, slot, at, target).unwrap_or(0.0);
    let next = distance((0..FAR).map(|k| at(target + k)));
    let since = distance((0..FAR).map(|k| at(target - k)));
    let (day, run) = run(|k| at(target + k) > LIKELY);
    let coming: f64 = (1..=COMING).map(|k| at(target + k)).sum();
    Ok([value as f32, next as f32, since as f32, day as f32, run as f32, coming as f32])
}

/// Expected number of steps before the first event, of events with these probabilities one step after another.
fn distance(probabilities: impl Iterator<Item = f64>) -> f64 {
    let mut none_yet = 1.0;
    let mut steps = 0.0;
    for probability in probabilities {
        none_yet *= 1.0 - probability;
        if none_yet <= 0.0 {
            break;
        }
        steps += none_yet;
    }
    steps
}

/// Place of the target in its run of event days, from 1 and 0 outside; and the length of that run, or else of the nearest
/// one (of two equally near the next), 0 if none is near. Both at most [`FAR`].
fn run(is_set: impl Fn(Ordinal) -> bool) -> (Ordinal, Ordinal) {
    let length = |from: Ordinal, direction: Ordinal| (0..FAR).take_while(|k| is_set(from + direction * k)).count() as Ordinal;
    if is_set(0) {
        let day = length(0, -1);
        return (day, (day + length(1, 1)).min(FAR));
    }
    for steps in 1..FAR {
        if is_set(steps) {
            return (0, length(steps, 1));
        }
        if is_set(-steps) {
            return (0, length(-steps, -1));
        }
    }
    (0, 0)
}
