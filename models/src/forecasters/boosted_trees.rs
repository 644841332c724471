//! Gradient-boosted regression trees for all series together, per step group.
//!
//! Tweedie loss (a mean on a log scale, a variance that grows with its power 1.5: Jorgensen 1987) on the target in units of
//! the series' recent level, columns in target units divided alike; squared loss where a target is negative. Missing values go
//! their own way at each split; categories of few levels are split into subsets, others are numbers to the trees.

use domain::explanation::Parts;
use domain::features::{FeatureColumn, Neutral};
use domain::{Driver, FeatureMatrix, LEVELS};
use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::boosting::{Booster, BoostingError, Columns, GradientBoostingParams, GradientBoostingValidParams, Loss};
use crate::direct::{Direct, DirectModel, Unit, teaching_rows};
use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, TrainingSet};
use crate::shape::Shape;
use crate::step_group::StepGroup;
use crate::tree_table::{columns, table, varies};

const NAME: &str = "boosted_trees";
const FORMAT: u16 = 3;

/// Training rows below which nothing is fitted: a handful of leaves' worth.
const FEWEST_ROWS: usize = 100;
/// Power of the mean that the variance grows with: between a count's 1 and a size's 2.
const POWER: f64 = 1.5;
const TREES: usize = 120;
const LEARNING_RATE: f64 = 0.1;
const LEAVES: usize = 31;
const DEPTH: usize = 10;
/// Rows' weight that a leaf needs at least.
const LEAF_WEIGHT: f64 = 5.0;
const L2: f64 = 1.0;
const BINS: usize = 128;
/// Share of the columns that each tree sees.
const COLUMN_SHARE: f64 = 0.8;
/// Trees along which quantiles are fitted: the first ones part the rows most.
const LEVEL_TREES: usize = 15;
const LEVEL_RATE: f64 = 0.2;
/// Rows that quantiles are fitted to at most.
const LEVEL_ROWS: usize = 30_000;
/// Predictions below this share of a row's unit have no shape.
const SMALLEST: f64 = 1e-3;

pub(super) fn forecaster() -> BoostedTrees {
    BoostedTrees
}

pub(super) struct BoostedTrees;

impl Forecaster for BoostedTrees {
    fn name(&self) -> &'static str {
        NAME
    }

    fn learns_across_series(&self) -> bool {
        true
    }

    fn fit(&self, training: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(Direct::<Trees>::fit(training)?))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(artifact.read::<Direct<Trees>>(NAME, FORMAT)?))
    }
}

/// The booster of one step group.
#[derive(Serialize, Deserialize)]
pub(super) struct Trees {
    /// Columns that vary, in the order the booster knows them.
    columns: Vec<String>,
    booster: Booster,
    /// Of the target divided by the booster's prediction, one for each of [`LEVELS`]; none where targets may be negative.
    levels: Vec<Booster>,
}

impl DirectModel for Trees {
    const NAME: &'static str = NAME;
    const FORMAT: u16 = FORMAT;
    const UNIT: Unit = Unit::Recent;

    fn fit(rows: &FeatureMatrix, units: &[f64], training: &TrainingSet<'_>, group: StepGroup) -> Result<Self, ModelError> {
        let teaching = teaching_rows(rows, units, training);
        let varying: Vec<usize> = (0..rows.columns.len()).filter(|&column| varies(rows, column, &teaching)).collect();
        if teaching.len() < FEWEST_ROWS || varying.is_empty() {
            return Err(ModelError::TooFewRows { model: NAME, needed: FEWEST_ROWS, found: teaching.len(), cutoff: training.cutoff });
        }
        let data = table(rows, &varying, &teaching, units);
        let target: Vec<f32> = teaching.iter().map(|&row| (f64::from(rows.target[row]) / units[row]) as f32).collect();
        let weight: Vec<f32> = teaching.iter().map(|&row| rows.weight[row]).collect();
        let loss = if target.iter().any(|&target| target < 0.0) { Loss::Squared } else { Loss::Tweedie(POWER) };

        let boosters = || {
            let (params, columns) = (params(loss, training.seed ^ u64::from(group.lead))?, columns(rows, &varying, &data, teaching.len())?);
            let (booster, predicted) = params.fit_predicted(&columns, &target, &weight)?;
            let levels = if loss == Loss::Squared { Vec::new() } else { levels(&booster, &predicted, &columns, &target, &weight)? };
            Ok((booster, levels))
        };
        let (booster, levels) =
            boosters().map_err(|source: BoostingError| ModelError::Fit { model: NAME, cutoff: training.cutoff, source: source.into() })?;
        Ok(Self { columns: varying.iter().map(|&column| rows.columns[column].name.clone()).collect(), booster, levels })
    }

    fn predict(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<f64>, ModelError> {
        self.on_rows(rows, units, |columns| self.booster.predict(columns))
    }

    fn shapes(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Option<Vec<Shape>>, ModelError> {
        if self.levels.is_empty() {
            return Ok(None);
        }
        let levels = |columns: &Columns<'_>| self.levels.iter().map(|booster| booster.predict(columns)).collect::<Result<Vec<_>, _>>();
        let levels = self.on_rows(rows, units, levels)?;
        let shape = |row: usize| {
            let mut shape: Shape = std::array::from_fn(|level| levels[level][row].max(0.0) as f32);
            shape.sort_by(f32::total_cmp);
            shape
        };
        Ok(Some((0..rows.rows).map(shape).collect()))
    }

    /// Shapley values. Those of columns that know a day like any other are told as the difference to what they would be on
    /// one: a promotion adds nothing where there is none.
    fn contributions(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<Parts>, ModelError> {
        let located = self.locate(rows)?;
        if rows.rows == 0 {
            return Ok(Vec::new());
        }
        let all: Vec<usize> = (0..rows.rows).collect();
        let mut data = table(rows, &located, &all, units);
        let shapley = |data: &[f32]| {
            let values = columns(rows, &located, data, rows.rows).and_then(|columns| self.booster.contributions(&columns));
            values.map_err(|source| Artifact::failed(NAME, "used", source))
        };
        let actual = shapley(&data)?;
        for (values, &column) in data.chunks_mut(rows.rows).zip(&located) {
            rows.columns[column].neutral.cell().into_iter().for_each(|cell| values.fill(cell));
        }
        let usual = shapley(&data)?;
        let has_log_link = self.booster.loss() != Loss::Squared;
        let explain = |row: usize| {
            let mut parts = Parts::default();
            parts[Driver::Base] = actual.base;
            for ((&column, value), usual) in located.iter().zip(actual.row(row)).zip(usual.row(row)) {
                let FeatureColumn { driver, neutral, .. } = rows.columns[column];
                let usual = if neutral == Neutral::Average { 0.0 } else { *usual };
                parts[Driver::Base] += usual;
                parts[driver] += value - usual;
            }
            if has_log_link { parts.multiplied(parts.total().exp()) } else { parts }
        };
        Ok((0..rows.rows).map(explain).collect())
    }
}

impl Trees {
    /// What a booster says of the rows.
    fn on_rows<T: Default>(
        &self,
        rows: &FeatureMatrix,
        units: &[f64],
        say: impl FnOnce(&Columns<'_>) -> Result<T, BoostingError>,
    ) -> Result<T, ModelError> {
        let located = self.locate(rows)?;
        if rows.rows == 0 {
            return Ok(T::default());
        }
        let all: Vec<usize> = (0..rows.rows).collect();
        let data = table(rows, &located, &all, units);
        columns(rows, &located, &data, rows.rows).and_then(|columns| say(&columns)).map_err(|source| Artifact::failed(NAME, "used", source))
    }

    fn locate(&self, rows: &FeatureMatrix) -> Result<Vec<usize>, ModelError> {
        let locate = |name: &String| rows.position(name).ok_or_else(|| ModelError::MissingColumn { model: NAME, column: name.clone() });
        self.columns.iter().map(locate).collect()
    }
}

/// Boosters of the quantiles of `target / predicted`; a row counts by its prediction, as its pinball loss does. Of many rows
/// every so-manieth is heard.
fn levels(
    booster: &Booster,
    predicted: &[f64],
    columns: &Columns<'_>,
    target: &[f32],
    weight: &[f32],
) -> Result<Vec<Booster>, BoostingError> {
    let every = target.len().div_ceil(LEVEL_ROWS);
    let ratio = |(target, predicted): (&f32, &f64)| (f64::from(*target) / predicted.max(SMALLEST)) as f32;
    let heard = |(row, (weight, predicted)): (usize, (&f32, &f64))| {
        if row % every == 0 && *predicted > SMALLEST { weight * *predicted as f32 } else { 0.0 }
    };
    let ratios: Vec<f32> = target.iter().zip(predicted).map(ratio).collect();
    let weights: Vec<f32> = weight.iter().zip(predicted).enumerate().map(heard).collect();
    if weights.iter().all(|weight| *weight <= 0.0) {
        return Ok(Vec::new());
    }
    let params = GradientBoostingParams::new().learning_rate(LEVEL_RATE).check()?;
    params.fit_levels(booster, LEVEL_TREES, columns, &ratios, &weights, &LEVELS)
}

fn params(loss: Loss, seed: u64) -> Result<GradientBoostingValidParams, BoostingError> {
    GradientBoostingParams::new()
        .loss(loss)
        .trees(TREES)
        .learning_rate(LEARNING_RATE)
        .max_leaves(LEAVES)
        .max_depth(DEPTH)
        .min_leaf_rows(1)
        .min_leaf_weight(LEAF_WEIGHT)
        .l2(L2)
        .bins(BINS)
        .column_share(COLUMN_SHARE)
        .seed(seed)
        .check()
}
