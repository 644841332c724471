//! Yes-or-no regressors that are known ahead: holidays, promotions, school breaks. Their value on the target, and how far
//! the next and the last one are.

use domain::{FeatureError, Ordinal};

use super::{Family, Feature};
use crate::regressors::RegressorStore;
use crate::rows::Block;
use crate::view::View;

/// Steps beyond which an event is far away.
const FAR: Ordinal = 14;

pub(super) struct Events;

impl Family for Events {
    fn name(&self) -> &'static str {
        "events"
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let mut features = Vec::new();
        for regressor in view.regressors.iter().filter(|regressor| regressor.is_flag(view.cutoff)) {
            let slot = |block: &Block| regressor.slot(block.series);
            let [value, next, since] = view.by_key(slot, |block, at| row(view, regressor, block, at))?;
            features.push(Feature::new(regressor.name.clone(), value));
            features.push(Feature::new(format!("{}_next", regressor.name), next));
            features.push(Feature::new(format!("{}_since", regressor.name), since));
        }
        Ok(features)
    }
}

fn row(view: &View<'_>, regressor: &RegressorStore, block: &Block, target: Ordinal) -> Result<[f32; 3], FeatureError> {
    let value = view.required(regressor, block, target)?;
    let slot = regressor.slot(block.series);
    let is_set = |at: Ordinal| view.planned(regressor, slot, at, target).is_some_and(|value| value > 0.5);
    let next = (0..FAR).find(|k| is_set(target + k)).unwrap_or(FAR);
    let since = (0..FAR).find(|k| is_set(target - k)).unwrap_or(FAR);
    Ok([value as f32, next as f32, since as f32])
}
