//! What does not change over time: one value per series, and which series it is.

use domain::panel::RegressorKind;
use domain::{Driver, FeatureError};

use super::{Family, Feature};
use crate::view::View;

pub(super) struct Statics;

impl Family for Statics {
    fn name(&self) -> &'static str {
        "statics"
    }

    fn driver(&self) -> Driver {
        Driver::Base
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let code = per_series(view, |series| series as f32);
        let mut features = vec![Feature::new("series_code", code).category(view.series.len() as u32)];
        for regressor in view.regressors.iter().filter(|regressor| regressor.kind == RegressorKind::Static) {
            let values = per_series(view, |series| regressor.constant(series, view.cutoff).map_or(f32::NAN, |value| value as f32));
            features.push(Feature::new(regressor.name.clone(), values).category(regressor.levels));
        }
        Ok(features)
    }
}

fn per_series(view: &View<'_>, value: impl Fn(u32) -> f32) -> Vec<f32> {
    let mut values = Vec::with_capacity(view.rows());
    for block in view.blocks {
        values.extend(std::iter::repeat_n(value(block.series), block.rows()));
    }
    values
}
