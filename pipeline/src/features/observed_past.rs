//! Regressors that are known only once they happened (news, prices, observed weather): the newest value known `lead` steps
//! before the target, and the mean of those over a week or the like. Never the value at the target.

use domain::panel::RegressorKind;
use domain::{FeatureError, Ordinal};
use polars::prelude::{Column, Expr, LazyFrame, col};

use super::{Family, Feature};
use crate::config::Shape;
use crate::frame::{Frame, add_window_sums, longest, sum_name, with_seen};
use crate::regressors::RegressorStore;
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
            let [value, filled, seen] = names(number);
            with_seen(&value, &filled, &seen, newest(view, frame, regressor))
        };
        observed(view).enumerate().flat_map(columns).collect()
    }

    fn prepare(&self, frame: LazyFrame, view: &View<'_>) -> LazyFrame {
        let summed: Vec<String> = observed(view).enumerate().flat_map(|(number, _)| names(number).into_iter().skip(1)).collect();
        let summed: Vec<&str> = summed.iter().map(String::as_str).collect();
        add_window_sums(frame, &summed, &[view.shape.unit()])
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let mut features = Vec::new();
        for (number, regressor) in observed(view).enumerate() {
            let [value, filled, seen] = names(number);
            features.push(Feature::new(regressor.name.clone(), col(value)).category(regressor.levels));
            if regressor.levels == 0 {
                let mean = sum_over(&filled, view.shape.unit()) / sum_over(&seen, view.shape.unit());
                features.push(Feature::new(format!("{}_mean_{}", regressor.name, view.shape.unit()), mean));
            }
        }
        Ok(features)
    }
}

fn observed<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a RegressorStore> {
    view.regressors.iter().filter(|regressor| regressor.kind == RegressorKind::ObservedPast)
}

/// Frame columns of a regressor: value, filled with 0, whether there is one.
fn names(number: usize) -> [String; 3] {
    ["newest", "newest filled", "newest seen"].map(|what| format!("{what} {number}"))
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

fn sum_over(column: &str, window: usize) -> Expr {
    col(sum_name(column, window))
}
