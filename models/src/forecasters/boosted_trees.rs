//! Gradient-boosted regression trees for all series together, per step group.
//!
//! Tweedie loss (a mean on a log scale, a variance that grows with its power 1.5: Jorgensen 1987) on the target in units of
//! the series' recent level, columns in target units divided alike; squared loss where a target is negative. Missing values go
//! their own way at each split; categories of few levels are split into subsets, others are numbers to the trees.

use domain::explanation::Parts;
use domain::features::{FeatureColumn, Neutral};
use domain::{Driver, FeatureMatrix};
use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::boosting::{Booster, BoostingError, Column, Columns, GradientBoostingParams, GradientBoostingValidParams, Loss};
use crate::direct::{Direct, DirectModel, Unit, scaled, teaching_rows};
use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, TrainingSet};
use crate::step_group::StepGroup;

const NAME: &str = "boosted_trees";
const FORMAT: u16 = 2;

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
/// Levels up to which a category column is split into subsets.
const FEW_LEVELS: u32 = 64;
/// The column that says which series a row is of: categories up to the bins there are.
const SERIES_COLUMN: &str = "series_code";
const MOST_SERIES: u32 = 255;

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

        let booster = params(loss, training.seed ^ u64::from(group.lead))
            .and_then(|params| params.fit_columns(&columns(rows, &varying, &data, teaching.len())?, &target, &weight))
            .map_err(|source| ModelError::Fit { model: NAME, cutoff: training.cutoff, source: source.into() })?;
        Ok(Self { columns: varying.iter().map(|&column| rows.columns[column].name.clone()).collect(), booster })
    }

    fn predict(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<f64>, ModelError> {
        let located = self.locate(rows)?;
        if rows.rows == 0 {
            return Ok(Vec::new());
        }
        let all: Vec<usize> = (0..rows.rows).collect();
        let data = table(rows, &located, &all, units);
        let predicted = columns(rows, &located, &data, rows.rows).and_then(|columns| self.booster.predict(&columns));
        predicted.map_err(|source| Artifact::failed(NAME, "used", source))
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
    fn locate(&self, rows: &FeatureMatrix) -> Result<Vec<usize>, ModelError> {
        let locate = |name: &String| rows.position(name).ok_or_else(|| ModelError::MissingColumn { model: NAME, column: name.clone() });
        self.columns.iter().map(locate).collect()
    }
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

/// Columns of a table made by [`table`].
fn columns<'a>(rows: &FeatureMatrix, chosen: &[usize], data: &'a [f32], height: usize) -> Result<Columns<'a>, BoostingError> {
    let column = |(&column, values): (&usize, &'a [f32])| match &rows.columns[column] {
        described if is_category(described) => Column::categories(values, described.levels),
        _ => Column::numbers(values),
    };
    Columns::new(height, chosen.iter().zip(data.chunks(height)).map(column).collect())
}

fn is_category(column: &FeatureColumn) -> bool {
    let most = if column.name == SERIES_COLUMN { MOST_SERIES } else { FEW_LEVELS };
    (1..=most).contains(&column.levels)
}

/// Column-major copy of some columns and rows, scaled.
fn table(rows: &FeatureMatrix, columns: &[usize], chosen: &[usize], units: &[f64]) -> Vec<f32> {
    let mut data = Vec::with_capacity(columns.len() * chosen.len());
    for &column in columns {
        data.extend(chosen.iter().map(|&row| scaled(rows, column, row, units) as f32));
    }
    data
}

fn varies(rows: &FeatureMatrix, column: usize, teaching: &[usize]) -> bool {
    let values = rows.column(column);
    let mut known = teaching.iter().map(|&row| values[row]).filter(|value| !value.is_nan());
    known.next().is_some_and(|first| known.any(|value| value != first))
}
