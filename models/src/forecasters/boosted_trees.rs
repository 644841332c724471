//! Gradient-boosted regression trees for all series together, per step group.
//!
//! Squared loss on the target divided by the series' level, columns in target units divided alike. Missing values go
//! their own way at each split; category codes are numbers to the trees. The booster is forust's until ours replaces it
//! behind this same file.

use domain::FeatureMatrix;
use forust_ml::objective::ObjectiveType;
use forust_ml::{GradientBooster, Matrix};
use serde::{Deserialize, Serialize};

use crate::direct::{Direct, DirectModel, scaled, teaching_rows};
use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, TrainingSet};
use crate::step_group::StepGroup;

const NAME: &str = "boosted_trees";
const FORMAT: u16 = 1;

/// Training rows below which nothing is fitted: a handful of leaves' worth.
const FEWEST_ROWS: usize = 100;
const TREES: usize = 100;
const LEARNING_RATE: f32 = 0.08;
const LEAVES: usize = 31;
const DEPTH: usize = 10;
/// Rows' weight that a leaf needs at least.
const LEAF_WEIGHT: f32 = 15.0;
const L2: f32 = 1.0;
const BINS: u16 = 128;
/// Share of the columns that each tree sees.
const COLUMN_SHARE: f64 = 0.8;

pub(super) fn forecaster() -> BoostedTrees {
    BoostedTrees
}

pub(super) struct BoostedTrees;

impl Forecaster for BoostedTrees {
    fn name(&self) -> &'static str {
        NAME
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
    booster: GradientBooster,
}

impl DirectModel for Trees {
    const NAME: &'static str = NAME;
    const FORMAT: u16 = FORMAT;

    fn fit(rows: &FeatureMatrix, levels: &[f64], training: &TrainingSet<'_>, group: StepGroup) -> Result<Self, ModelError> {
        let teaching = teaching_rows(rows, levels);
        let varying: Vec<usize> = (0..rows.columns.len()).filter(|&column| varies(rows, column, &teaching)).collect();
        if teaching.len() < FEWEST_ROWS || varying.is_empty() {
            return Err(ModelError::TooFewRows { model: NAME, needed: FEWEST_ROWS, found: teaching.len(), cutoff: training.cutoff });
        }
        let data = table(rows, &varying, &teaching, levels);
        let target: Vec<f64> = teaching.iter().map(|&row| f64::from(rows.target[row]) / levels[rows.series[row] as usize]).collect();
        let weight: Vec<f64> = teaching.iter().map(|&row| f64::from(rows.weight[row])).collect();

        let mut booster = booster(training.seed ^ u64::from(group.lead));
        booster.fit(&Matrix::new(&data, teaching.len(), varying.len()), &target, &weight, None).map_err(|source| ModelError::Fit {
            model: NAME,
            cutoff: training.cutoff,
            source: source.into(),
        })?;
        Ok(Self { columns: varying.iter().map(|&column| rows.columns[column].name.clone()).collect(), booster })
    }

    fn predict(&self, rows: &FeatureMatrix, levels: &[f64]) -> Result<Vec<f64>, ModelError> {
        let locate = |name: &String| rows.position(name).ok_or_else(|| ModelError::MissingColumn { model: NAME, column: name.clone() });
        let columns = self.columns.iter().map(locate).collect::<Result<Vec<_>, _>>()?;
        if rows.rows == 0 {
            return Ok(Vec::new());
        }
        let all: Vec<usize> = (0..rows.rows).collect();
        let data = table(rows, &columns, &all, levels);
        Ok(self.booster.predict(&Matrix::new(&data, rows.rows, columns.len()), true))
    }
}

fn booster(seed: u64) -> GradientBooster {
    GradientBooster::default()
        .set_objective_type(ObjectiveType::SquaredLoss)
        .set_initialize_base_score(true)
        .set_iterations(TREES)
        .set_learning_rate(LEARNING_RATE)
        .set_max_leaves(LEAVES)
        .set_max_depth(DEPTH)
        .set_min_leaf_weight(LEAF_WEIGHT)
        .set_l2(L2)
        .set_nbins(BINS)
        .set_colsample_bytree(COLUMN_SHARE)
        .set_seed(seed)
        .set_parallel(true)
        // The same trees in two thirds of the time (bakery, 50 columns), for a second copy of the binned data.
        .set_tiled_histograms(true)
}

/// Column-major copy of some columns and rows, scaled.
fn table(rows: &FeatureMatrix, columns: &[usize], chosen: &[usize], levels: &[f64]) -> Vec<f64> {
    let mut data = Vec::with_capacity(columns.len() * chosen.len());
    for &column in columns {
        data.extend(chosen.iter().map(|&row| scaled(rows, column, row, levels)));
    }
    data
}

fn varies(rows: &FeatureMatrix, column: usize, teaching: &[usize]) -> bool {
    let values = rows.column(column);
    let mut known = teaching.iter().map(|&row| values[row]).filter(|value| !value.is_nan());
    known.next().is_some_and(|first| known.any(|value| value != first))
}
