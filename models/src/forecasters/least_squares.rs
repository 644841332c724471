//! Ordinary least squares for all series, per step group: linfa's linear regression on a few plain columns.
//!
//! What a careful person would put into a spreadsheet: recent values, their means, the same weekday's means, the calendar
//! and events known ahead, all in units of the series' level. No dummies per series and nothing to tune, which makes it the
//! cheapest of the global models, and the one whose coefficients are easiest to read.

use domain::FeatureMatrix;
use domain::explanation::Parts;
use domain::features::FeatureColumn;
use serde::{Deserialize, Serialize};

use crate::direct::{Direct, DirectModel, Unit, mean_target, teaching_rows};
use crate::engine::Effort;
use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, TrainingSet};
use crate::linear::{Encoding, Statistics, View, least_squares};
use crate::step_group::StepGroup;

const NAME: &str = "least_squares";
const FORMAT: u16 = 1;

/// Training rows below which nothing is fitted.
const FEWEST_ROWS: usize = 30;
/// Training rows that each coefficient needs: nothing else keeps it from learning noise.
const ROWS_PER_COEFFICIENT: usize = 5;
/// Families whose columns in target units are used.
const LEVELS: [&str; 3] = ["lags", "rolling", "same_season"];
/// Families that are used whole: all known ahead.
const KNOWN_AHEAD: [&str; 4] = ["calendar", "events", "known_future", "regressors"];

pub(super) fn forecaster() -> LeastSquares {
    LeastSquares
}

pub(super) struct LeastSquares;

impl Forecaster for LeastSquares {
    fn name(&self) -> &'static str {
        NAME
    }

    fn effort(&self) -> Effort {
        Effort::Max
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
}

impl DirectModel for Line {
    const NAME: &'static str = NAME;
    const FORMAT: u16 = FORMAT;
    const UNIT: Unit = Unit::Level;

    fn fit(rows: &FeatureMatrix, units: &[f64], training: &TrainingSet<'_>, _: StepGroup) -> Result<Self, ModelError> {
        let teaching = teaching_rows(rows, units, training);
        let encoding = Encoding::learn_as(rows, &teaching, units, view);
        let needed = FEWEST_ROWS.max(ROWS_PER_COEFFICIENT * encoding.width());
        if teaching.len() < needed {
            return Err(ModelError::TooFewRows { model: NAME, needed, found: teaching.len(), cutoff: training.cutoff });
        }
        let intercept = mean_target(rows, &teaching, units);
        let statistics = Statistics::gather(rows, &teaching, units, &encoding, intercept);
        let failed = |source| ModelError::Fit { model: NAME, cutoff: training.cutoff, source };
        let coefficients = least_squares(&statistics).map_err(failed)?;
        Ok(Self { encoding, intercept, coefficients })
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

fn view(column: &FeatureColumn) -> View {
    let level = column.in_target_units && LEVELS.contains(&column.family);
    if level || KNOWN_AHEAD.contains(&column.family) { View::AsIs } else { View::LeftOut }
}
