//! One linear model for all series, per step group: linfa's elastic net on standardised features and scaled targets.
//!
//! The target of each series is divided by its level, as are the columns in target units, so that a stall and a
//! supermarket speak the same language. Columns are centred and standardised (linfa centres only the target), categories
//! become one column per level, a missing value becomes the mean, with a flag of its own where that is common. The
//! penalty is chosen on the youngest fifth of the training periods and the coefficients refitted on all of them.

use domain::FeatureMatrix;
use domain::explanation::Parts;
use serde::{Deserialize, Serialize};

use crate::direct::{Direct, DirectModel, Unit, mean_target, teaching_rows, youngest_start};
use crate::engine::Effort;
use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, TrainingSet};
use crate::linear::{Encoding, Statistics, elastic_net};
use crate::step_group::StepGroup;

const NAME: &str = "elastic_net";
const FORMAT: u16 = 1;

/// Training rows below which nothing is fitted.
const FEWEST_ROWS: usize = 30;
/// Penalties tried, on targets whose level is 1.
const PENALTIES: [f64; 6] = [0.1, 0.03, 0.01, 0.003, 0.001, 0.0001];
/// Share of L1 in the penalty.
const L1_RATIO: f64 = 0.5;

pub(super) fn forecaster() -> ElasticNet {
    ElasticNet
}

pub(super) struct ElasticNet;

impl Forecaster for ElasticNet {
    fn name(&self) -> &'static str {
        NAME
    }

    /// The cheapest model that knows regressors: without it a promotion would move nothing at low effort.
    fn effort(&self) -> Effort {
        Effort::Fast
    }

    fn learns_across_series(&self) -> bool {
        true
    }

    fn fit(&self, training: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(Direct::<Line>::fit(training)?))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(artifact.read::<Direct<Line>>(NAME, FORMAT)?))
    }
}

/// The linear model of one step group.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    encoding: Encoding,
    intercept: f64,
    coefficients: Vec<f64>,
    /// The penalty that won, for the curious.
    penalty: f64,
}

impl DirectModel for Line {
    const NAME: &'static str = NAME;
    const FORMAT: u16 = FORMAT;
    const UNIT: Unit = Unit::Level;

    fn fit(rows: &FeatureMatrix, units: &[f64], training: &TrainingSet<'_>, _: StepGroup) -> Result<Self, ModelError> {
        let teaching = teaching_rows(rows, units, training);
        if teaching.len() < FEWEST_ROWS {
            return Err(ModelError::TooFewRows { model: NAME, needed: FEWEST_ROWS, found: teaching.len(), cutoff: training.cutoff });
        }
        let encoding = Encoding::learn(rows, &teaching, units);
        let intercept = mean_target(rows, &teaching, units);
        let split = youngest_start(rows, &teaching);
        let (young, old): (Vec<usize>, Vec<usize>) = teaching.iter().partition(|&&row| rows.at[row] >= split);
        let statistics = |part: &[usize]| Statistics::gather(rows, part, units, &encoding, intercept);
        let (old, young) = (statistics(&old), statistics(&young));
        let tried_on = if old.is_empty() { &young } else { &old };
        let failed = |source| ModelError::Fit { model: NAME, cutoff: training.cutoff, source };

        let mut best = (f64::INFINITY, PENALTIES[0]);
        for penalty in PENALTIES {
            let loss = young.loss(&elastic_net(tried_on, penalty, L1_RATIO).map_err(failed)?);
            if loss < best.0 {
                best = (loss, penalty);
            }
        }
        let penalty = best.1;
        let coefficients = elastic_net(&old.plus(&young), penalty, L1_RATIO).map_err(failed)?;
        Ok(Self { encoding, intercept, coefficients, penalty })
    }

    fn predict(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<f64>, ModelError> {
        let missing = |column| ModelError::MissingColumn { model: NAME, column };
        self.encoding.predictors(rows, units, self.intercept, &self.coefficients).map_err(missing)
    }

    fn contributions(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<Parts>, ModelError> {
        let missing = |column| ModelError::MissingColumn { model: NAME, column };
        self.encoding.contributions(rows, units, self.intercept, &self.coefficients).map_err(missing)
    }
}
