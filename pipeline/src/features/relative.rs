//! Prices that are known ahead, relative to what is usual: the value on the target over the median of those that were
//! planned for the last two months (or the like) before the row's youngest usable period. A promotion is below 1.

use domain::features::Neutral;
use domain::{Driver, FeatureError, Ordinal};

use super::{Family, Feature};
use crate::regressors::RegressorStore;
use crate::rows::Block;
use crate::sorted_window::SortedWindow;
use crate::view::View;

pub(super) struct Relative;

impl Family for Relative {
    fn name(&self) -> &'static str {
        "relative"
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let prices = view.regressors.iter().filter(|regressor| regressor.is_price(view.cutoff));
        prices.map(|regressor| column(view, regressor)).collect()
    }
}

fn column(view: &View<'_>, regressor: &RegressorStore) -> Result<Feature, FeatureError> {
    let mut usual = Usual::new(view, regressor);
    let slot = |block: &Block| regressor.slot(block.series);
    let [values] = view.by_key(slot, |block, at| {
        let value = view.required(regressor, block, at)?;
        Ok::<_, FeatureError>([(value / usual.before(slot(block), at)) as f32])
    })?;
    let driver = regressor.driver().unwrap_or(Driver::Price);
    Ok(Feature::new(format!("{}_relative", regressor.name), values).speaks_of(driver).compared_with(Neutral::At(1.0)))
}

/// The median of a sliding window of plans, each as it was known on its own period.
struct Usual<'a> {
    view: &'a View<'a>,
    regressor: &'a RegressorStore,
    window: SortedWindow,
    /// Key and target that the window stands at.
    stands_at: Option<(Option<usize>, Ordinal)>,
}

impl<'a> Usual<'a> {
    fn new(view: &'a View<'a>, regressor: &'a RegressorStore) -> Self {
        Self { view, regressor, window: SortedWindow::new(view.shape.long_ago()), stands_at: None }
    }

    fn before(&mut self, slot: Option<usize>, target: Ordinal) -> f64 {
        let width = self.view.shape.long_ago();
        let youngest = target - self.view.shape.lead as Ordinal;
        let missing = if self.stands_at == Some((slot, target - 1)) { 1 } else { width };
        if missing == width {
            self.window = SortedWindow::new(width);
        }
        for at in youngest - missing as Ordinal + 1..=youngest {
            let cutoff = self.view.cutoff;
            self.window.push(self.regressor.planned(slot, at, at.min(cutoff), cutoff).unwrap_or(f64::NAN));
        }
        self.stands_at = Some((slot, target));
        self.window.quantile(0.5)
    }
}
