//! Regressors that are known only once they happened (news, prices, observed weather): the newest value known `lead` steps
//! before the target, and the mean of those over a week or the like. Never the value at the target.

use domain::features::Neutral;
use domain::panel::RegressorKind;
use domain::{FeatureError, Ordinal};
use polars::prelude::{Column, col};

use super::{Family, Feature};
use crate::config::Shape;
use crate::frame::{Frame, column};
use crate::regressors::RegressorStore;
use crate::sums::{filled, longest, seen, window_sums};
use crate::view::View;

pub(super) struct ObservedPast;

impl Family for ObservedPast {
    fn name(&self) -> &'static str {
        "observed_past"
    }

    fn warm_up(&self, shape: &Shape) -> usize {
        longest(&[shape.unit()])
    }

    fn inputs(&self, view: &View<'_>, frame: &Frame) -> Vec<Column> {
        let columns = |(number, regressor)| {
            let ([value, sum, count], newest) = (names(number), newest(view, frame, regressor));
            let week = [view.shape.unit()];
            let [sums] = window_sums(filled(&newest), &week);
            let [counts] = window_sums(seen(&newest), &week);
            [column(&value, newest), column(&sum, sums), column(&count, counts)]
        };
        observed(view).enumerate().flat_map(columns).collect()
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let mut features = Vec::new();
        for (number, regressor) in observed(view).enumerate() {
            let [value, sum, count] = names(number);
            let driver = regressor.driver().unwrap_or_default();
            let is_absent_at_zero = regressor.levels == 0 && driver.is_absent_at_zero();
            let neutral = if is_absent_at_zero { Neutral::At(0.0) } else { Neutral::Average };
            let feature = |name, values| Feature::new(name, values).speaks_of(driver).compared_with(neutral);
            features.push(feature(regressor.name.clone(), col(value)).category(regressor.levels));
            if regressor.levels == 0 {
                let name = format!("{}_mean_{}", regressor.name, view.shape.unit());
                features.push(feature(name, col(sum) / col(count)));
            }
        }
        Ok(features)
    }
}

fn observed<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a RegressorStore> {
    view.regressors.iter().filter(|regressor| regressor.kind == RegressorKind::ObservedPast)
}

/// Frame columns of a regressor: value, sum over a week, number of values in it.
fn names(number: usize) -> [String; 3] {
    ["newest", "sum of newest", "count of newest"].map(|what| format!("{what} {number}"))
}

/// For every row of the frame, the newest value known `lead` steps before its target.
fn newest(view: &View<'_>, frame: &Frame, regressor: &RegressorStore) -> Vec<f64> {
    let mut values = Vec::with_capacity(frame.height);
    for block in view.blocks {
        let count = frame.warm_up + block.rows();
        let from = block.from - (frame.warm_up + view.shape.lead) as Ordinal;
        match regressor.latest(regressor.slot(block.series)) {
            Some(latest) => latest.extend(&mut values, from, count, view.cutoff, view.shape.long_ago()),
            None => values.extend(std::iter::repeat_n(f64::NAN, count)),
        }
    }
    values
}
