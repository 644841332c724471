//! Numbers and categories that are known ahead (price lists, issued weather forecasts), as known by the row.

use domain::features::Neutral;
use domain::panel::{Beyond, RegressorKind};
use domain::{Driver, FeatureError, Ordinal};

use super::{Family, Feature};
use crate::climatology;
use crate::regressors::RegressorStore;
use crate::rows::Block;
use crate::view::View;

pub(super) struct KnownFuture;

impl Family for KnownFuture {
    fn name(&self) -> &'static str {
        "known_future"
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let ahead = |regressor: &&RegressorStore| regressor.kind == RegressorKind::KnownFuture && !regressor.is_flag(view.cutoff);
        let mut features = Vec::new();
        for regressor in view.regressors.iter().filter(ahead) {
            features.extend(columns(view, regressor)?);
        }
        Ok(features)
    }
}

fn columns(view: &View<'_>, regressor: &RegressorStore) -> Result<Vec<Feature>, FeatureError> {
    let slot = |block: &Block| regressor.slot(block.series);
    let [value, issued] = view.by_key(slot, |block, at| row(view, regressor, block, at))?;
    let driver = regressor.driver().unwrap_or_default();
    let is_absent_at_zero = regressor.levels == 0 && driver.is_absent_at_zero() && !regressor.is_price(view.cutoff);
    let neutral = if is_absent_at_zero { Neutral::At(0.0) } else { Neutral::Average };
    let value = Feature::new(regressor.name.clone(), value).category(regressor.levels);
    let mut features = vec![value.speaks_of(driver).compared_with(neutral)];
    if regressor.beyond == Beyond::Climatology {
        // Not what the weather does, but how much is known of it.
        features.push(Feature::new(format!("{}_issued", regressor.name), issued).speaks_of(Driver::Base));
    }
    Ok(features)
}

/// The value, and 1 if it was issued rather than usual.
fn row(view: &View<'_>, regressor: &RegressorStore, block: &Block, at: Ordinal) -> Result<[f32; 2], FeatureError> {
    let known = view.required(regressor, block, at)?;
    if !known.is_nan() || regressor.beyond != Beyond::Climatology || regressor.levels > 0 {
        return Ok([known as f32, f32::from(u8::from(!known.is_nan()))]);
    }
    let usual = climatology::usual(regressor, regressor.slot(block.series), view.shape.frequency, at, view.knowledge(at));
    Ok([usual as f32, 0.0])
}
