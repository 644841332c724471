//! Age of the series.

use domain::{Driver, FeatureError};

use super::{Family, Feature};
use crate::view::View;

pub(super) struct Trend;

impl Family for Trend {
    fn name(&self) -> &'static str {
        "trend"
    }

    fn driver(&self) -> Driver {
        Driver::Trend
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let age = view.by_row(|block, at| (at - block.first) as f32);
        let log_age = age.iter().map(|age| age.ln_1p()).collect::<Vec<_>>();
        Ok(vec![Feature::new("age", age), Feature::new("log_age", log_age)])
    }
}
