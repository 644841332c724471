//! The booster's parameters, unchecked and checked, in the manner of linfa.

use linfa::ParamGuard;

use super::error::BoostingError;
use super::loss::Loss;

/// Which way the prediction may go as a column grows, all else equal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Monotone {
    #[default]
    Free,
    Increasing,
    Decreasing,
}

/// Checked parameters: only these can fit. See [`GradientBoostingParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct GradientBoostingValidParams {
    pub(super) loss: Loss,
    pub(super) trees: usize,
    pub(super) learning_rate: f64,
    pub(super) max_leaves: usize,
    pub(super) max_depth: usize,
    pub(super) min_leaf_rows: usize,
    pub(super) min_leaf_weight: f64,
    pub(super) l2: f64,
    pub(super) min_gain: f64,
    pub(super) column_share: f64,
    pub(super) row_share: f64,
    pub(super) bins: usize,
    pub(super) category_smoothing: f64,
    pub(super) category_l2: f64,
    pub(super) category_limit: usize,
    pub(super) monotone: Vec<Monotone>,
    pub(super) patience: usize,
    pub(super) seed: u64,
}

/// Parameters of gradient-boosted regression trees (Friedman 2001, "Greedy function approximation: a gradient boosting
/// machine"), grown leaf by leaf on histograms (Ke et al. 2017, "LightGBM").
///
/// Builds `f(x) = base + learning_rate * sum_k tree_k(x)`, tree by tree minimising
/// ```text
/// sum_i w_i loss(y_i, f(x_i)) + sum over leaves of l2 / 2 * value^2
/// ```
/// by its second-order expansion: with `G` and `H` the sums of gradients and hessians in a leaf its value is
/// `-G / (H + l2)`, and a split is worth `GL^2 / (HL + l2) + GR^2 / (HR + l2) - G^2 / (H + l2)`. The quantile losses take
/// the weighted quantile of the leaf's residuals instead. Missing values learn their side at each split; categories are
/// split into subsets along their order by `G / H` (Fisher 1958, "On grouping for maximum homogeneity").
///
/// The same data, parameters and seed give the same bytes, whatever the number of threads.
///
/// # Parameters
/// | Name | Default | Purpose | Range |
/// | :--- | :--- | :--- | :--- |
/// | [loss](Self::loss) | `Squared` | What is minimised | level in `(0, 1)`, power in `(1, 2)` |
/// | [trees](Self::trees) | `100` | Trees, at most | `[1, inf)` |
/// | [learning_rate](Self::learning_rate) | `0.1` | Share of each tree's step that is taken | `(0, 1]` |
/// | [max_leaves](Self::max_leaves) | `31` | Leaves of a tree, at most | `[2, 32768]` |
/// | [max_depth](Self::max_depth) | `64` | Splits above a leaf, at most | `[1, 512]` |
/// | [min_leaf_rows](Self::min_leaf_rows) | `20` | Rows of a leaf, at least, estimated by its share of the parent's hessian | `[1, inf)` |
/// | [min_leaf_weight](Self::min_leaf_weight) | `0.001` | Sum of hessians in a leaf, at least; the sum of weights for all but the log-link losses | `[0, inf)` |
/// | [l2](Self::l2) | `1.0` | Penalty on leaf values | `[0, inf)` |
/// | [min_gain](Self::min_gain) | `0.0` | What a split is worth, more than this | `[0, inf)` |
/// | [column_share](Self::column_share) | `1.0` | Share of the columns that each tree sees | `(0, 1]` |
/// | [row_share](Self::row_share) | `1.0` | Share of the rows that each tree sees | `(0, 1]` |
/// | [bins](Self::bins) | `255` | Bins of a column, at most; one more for missing values | `[2, 255]` |
/// | [category_smoothing](Self::category_smoothing) | `10.0` | Added to a category's hessian when categories are ordered; lighter categories stay on the right | `[0, inf)` |
/// | [category_l2](Self::category_l2) | `10.0` | Added to `l2` when a subset of categories is judged | `[0, inf)` |
/// | [category_limit](Self::category_limit) | `32` | Categories sent left, at most | `[1, 255]` |
/// | [monotone](Self::monotone) | none | Direction by column | one per column, `Free` for categories |
/// | [patience](Self::patience) | `0` | Trees without a better validation loss after which to stop; 0 never stops | `[0, inf)` |
/// | [seed](Self::seed) | `0` | Of row, column and binning samples | any |
///
/// # Errors
/// [`BoostingError::InvalidParameter`] names the first parameter outside of its range. Fitting also checks the data: see
/// [`GradientBoostingValidParams::fit_binned`].
///
/// # Example
/// ```
/// use linfa::prelude::*;
/// use models::boosting::{BoostingError, GradientBoostingParams, Loss};
/// use ndarray::{Array1, Array2};
///
/// let records = Array2::from_shape_fn((200, 2), |(row, column)| ((row * (column + 3)) % 50) as f64);
/// let targets: Array1<f64> = records.rows().into_iter().map(|row| row[0] + 3.0 * f64::from(row[1] > 25.0)).collect();
/// let dataset = Dataset::new(records, targets);
///
/// let model = GradientBoostingParams::new().loss(Loss::Squared).trees(50).fit(&dataset)?;
/// let predicted = model.predict(&dataset);
/// assert!((predicted[7] - dataset.targets()[7]).abs() < 1.0);
/// # Ok::<(), BoostingError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GradientBoostingParams(GradientBoostingValidParams);

impl Default for GradientBoostingParams {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: $type) -> Self {
            self.0.$name = $name;
            self
        }
    )*};
}

impl GradientBoostingParams {
    #[must_use]
    pub fn new() -> Self {
        Self(GradientBoostingValidParams {
            loss: Loss::Squared,
            trees: 100,
            learning_rate: 0.1,
            max_leaves: 31,
            max_depth: 64,
            min_leaf_rows: 20,
            min_leaf_weight: 0.001,
            l2: 1.0,
            min_gain: 0.0,
            column_share: 1.0,
            row_share: 1.0,
            bins: 255,
            category_smoothing: 10.0,
            category_l2: 10.0,
            category_limit: 32,
            monotone: Vec::new(),
            patience: 0,
            seed: 0,
        })
    }

    setters! {
        /// What is minimised.
        loss: Loss,
        /// Trees, at most.
        trees: usize,
        /// Share of each tree's step that is taken.
        learning_rate: f64,
        /// Leaves of a tree, at most.
        max_leaves: usize,
        /// Splits above a leaf, at most.
        max_depth: usize,
        /// Rows of a leaf, at least.
        min_leaf_rows: usize,
        /// Sum of hessians in a leaf, at least.
        min_leaf_weight: f64,
        /// Penalty on leaf values.
        l2: f64,
        /// What a split is worth, more than this.
        min_gain: f64,
        /// Share of the columns that each tree sees.
        column_share: f64,
        /// Share of the rows that each tree sees.
        row_share: f64,
        /// Bins of a column, at most.
        bins: usize,
        /// Added to a category's hessian when categories are ordered.
        category_smoothing: f64,
        /// Added to `l2` when a subset of categories is judged.
        category_l2: f64,
        /// Categories sent left, at most.
        category_limit: usize,
        /// Direction by column; empty for none.
        monotone: Vec<Monotone>,
        /// Trees without a better validation loss after which to stop; 0 never stops.
        patience: usize,
        /// Of every random choice.
        seed: u64,
    }
}

impl ParamGuard for GradientBoostingParams {
    type Checked = GradientBoostingValidParams;
    type Error = BoostingError;

    fn check_ref(&self) -> Result<&Self::Checked, BoostingError> {
        let params = &self.0;
        let (level, power) = match params.loss {
            Loss::Quantile(level) => (level, 1.5),
            Loss::Tweedie(power) => (0.5, power),
            _ => (0.5, 1.5),
        };
        let at_least_zero = |value: f64| value.is_finite() && value >= 0.0;
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let count = |value: usize| value as f64;
        let checks: [(&'static str, f64, bool, &'static str); 16] = [
            ("loss's quantile level", level, level > 0.0 && level < 1.0, "(0, 1)"),
            ("loss's Tweedie power", power, power > 1.0 && power < 2.0, "(1, 2)"),
            ("trees", count(params.trees), params.trees >= 1, "[1, inf)"),
            ("learning_rate", params.learning_rate, share(params.learning_rate), "(0, 1]"),
            ("max_leaves", count(params.max_leaves), (2..=32_768).contains(&params.max_leaves), "[2, 32768]"),
            ("max_depth", count(params.max_depth), (1..=512).contains(&params.max_depth), "[1, 512]"),
            ("min_leaf_rows", count(params.min_leaf_rows), params.min_leaf_rows >= 1, "[1, inf)"),
            ("min_leaf_weight", params.min_leaf_weight, at_least_zero(params.min_leaf_weight), "[0, inf)"),
            ("l2", params.l2, at_least_zero(params.l2), "[0, inf)"),
            ("min_gain", params.min_gain, at_least_zero(params.min_gain), "[0, inf)"),
            ("column_share", params.column_share, share(params.column_share), "(0, 1]"),
            ("row_share", params.row_share, share(params.row_share), "(0, 1]"),
            ("bins", count(params.bins), (2..=255).contains(&params.bins), "[2, 255]"),
            ("category_smoothing", params.category_smoothing, at_least_zero(params.category_smoothing), "[0, inf)"),
            ("category_l2", params.category_l2, at_least_zero(params.category_l2), "[0, inf)"),
            ("category_limit", count(params.category_limit), (1..=255).contains(&params.category_limit), "[1, 255]"),
        ];
        match checks.into_iter().find(|check| !check.2) {
            Some((name, value, _, range)) => Err(BoostingError::InvalidParameter { name, value, range }),
            None => Ok(params),
        }
    }

    fn check(self) -> Result<Self::Checked, BoostingError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_each_bound_is_kept() {
        GradientBoostingParams::new().check().expect("sound");
        let refused = |params: GradientBoostingParams| params.check().expect_err("refused").to_string();
        let new = GradientBoostingParams::new;
        assert_eq!(refused(new().learning_rate(0.0)), "`learning_rate` is 0; it must be in (0, 1]");
        assert_eq!(refused(new().l2(f64::NAN)), "`l2` is NaN; it must be in [0, inf)");
        assert_eq!(refused(new().bins(256)), "`bins` is 256; it must be in [2, 255]");
        assert_eq!(refused(new().max_leaves(1)), "`max_leaves` is 1; it must be in [2, 32768]");
        assert_eq!(refused(new().loss(Loss::Quantile(1.0))), "`loss's quantile level` is 1; it must be in (0, 1)");
        assert_eq!(refused(new().loss(Loss::Tweedie(2.0))), "`loss's Tweedie power` is 2; it must be in (1, 2)");
    }
}
