//! One Poisson regression for all series, per step group: effects multiply, forecasts are never negative.
//!
//! Targets are divided by their series' level, as for the elastic net; the mean's logarithm is linear in the logarithm of
//! recent levels, in weekdays, in events. A holiday that adds a half does so to a stall and to a supermarket, on a Monday
//! and on a Saturday. The likelihood asks only that the variance grow with the mean (quasi-Poisson): targets need not be
//! whole. The ridge penalty is chosen on the youngest fifth of the training periods by deviance, and the coefficients
//! refitted on all of them.
//!
//! Source: McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., sections 6.2 (log-linear) and 9 (quasi-likelihood).

use domain::FeatureMatrix;
use domain::explanation::Parts;
use domain::features::FeatureColumn;
use linfa::dataset::{DatasetBase, DatasetView};
use linfa::traits::FitWith;
use ndarray::{Array1, Array2, s};
use serde::{Deserialize, Serialize};

use crate::direct::{Direct, DirectModel, Unit, scaled_target, teaching_rows, youngest_start};
use crate::engine::Effort;
use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, TrainingSet};
use crate::glm::{Family, Glm, GlmError, GlmParams};
use crate::linear::{Encoding, View};
use crate::step_group::StepGroup;

const NAME: &str = "poisson_glm";
const FORMAT: u16 = 1;

/// Training rows below which nothing is fitted.
const FEWEST_ROWS: usize = 30;
/// Penalties tried, the strongest first: each fit starts from the one before.
const PENALTIES: [f64; 5] = [0.1, 0.01, 0.003, 0.001, 0.0001];
/// Promised improvement at which a fit stops: far below what decides between penalties.
const TOLERANCE: f64 = 1e-6;
/// Share of negative targets (returned goods) that may pass as zeros. With more, a logarithm is the wrong language.
const MOST_NEGATIVE: f64 = 0.01;
/// Forecasts may exceed the highest mean fitted in training by this factor: a first feast, not a runaway product of effects.
const HEADROOM: f64 = 2.0;

pub(super) fn forecaster() -> PoissonGlm {
    PoissonGlm
}

pub(super) struct PoissonGlm;

impl Forecaster for PoissonGlm {
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
        Ok(Box::new(Direct::<LogLine>::fit(training)?))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(artifact.read::<Direct<LogLine>>(NAME, FORMAT)?))
    }
}

/// The log-linear model of one step group.
#[derive(Serialize, Deserialize)]
pub(super) struct LogLine {
    encoding: Encoding,
    intercept: f64,
    coefficients: Vec<f64>,
    /// Logarithm of the highest mean that is believed.
    ceiling: f64,
    /// The penalty that won, for the curious.
    penalty: f64,
}

impl DirectModel for LogLine {
    const NAME: &'static str = NAME;
    const FORMAT: u16 = FORMAT;
    const UNIT: Unit = Unit::Level;

    fn fit(rows: &FeatureMatrix, units: &[f64], training: &TrainingSet<'_>, _: StepGroup) -> Result<Self, ModelError> {
        let teaching = teaching_rows(rows, units, training);
        if teaching.len() < FEWEST_ROWS {
            return Err(ModelError::TooFewRows { model: NAME, needed: FEWEST_ROWS, found: teaching.len(), cutoff: training.cutoff });
        }
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| ModelError::Fit { model: NAME, cutoff: training.cutoff, source };
        let negative = teaching.iter().filter(|&&row| rows.target[row] < 0.0).count() as f64 / teaching.len() as f64;
        if negative > MOST_NEGATIVE {
            return Err(failed(format!("{:.0} % of the targets are negative, which no logarithm reaches", 100.0 * negative).into()));
        }
        let encoding = Encoding::learn_as(rows, &teaching, units, view);
        let table = Table::encode(rows, teaching, units, &encoding);
        let (model, penalty) = table.fit().map_err(|source| failed(source.into()))?;
        Ok(Self {
            encoding,
            intercept: f64::from(model.intercept()),
            coefficients: model.coefficients().iter().map(|&value| f64::from(value)).collect(),
            ceiling: table.highest(&model) + HEADROOM.ln(),
            penalty,
        })
    }

    fn predict(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<f64>, ModelError> {
        let missing = |column| ModelError::MissingColumn { model: NAME, column };
        let mut values = self.encoding.predictors(rows, units, self.intercept, &self.coefficients).map_err(missing)?;
        values.iter_mut().for_each(|value| *value = value.min(self.ceiling).exp());
        Ok(values)
    }

    fn contributions(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<Parts>, ModelError> {
        let missing = |column| ModelError::MissingColumn { model: NAME, column };
        let logarithms = self.encoding.contributions(rows, units, self.intercept, &self.coefficients).map_err(missing)?;
        Ok(logarithms.iter().map(|parts| parts.multiplied(parts.total().min(self.ceiling).exp())).collect())
    }
}

fn view(column: &FeatureColumn) -> View {
    if column.in_target_units { View::Logarithm } else { View::AsIs }
}

/// Encoded training rows, the older ones first. In `f32`, as the features are; the fit sums up in `f64`.
struct Table {
    records: Array2<f32>,
    targets: Array1<f32>,
    weights: Array1<f32>,
    /// Rows before the youngest part.
    old: usize,
}

impl Table {
    fn encode(rows: &FeatureMatrix, mut teaching: Vec<usize>, units: &[f64], encoding: &Encoding) -> Self {
        let split = youngest_start(rows, &teaching);
        teaching.sort_by_key(|&row| rows.at[row] >= split);
        let old = teaching.partition_point(|&row| rows.at[row] < split);
        // The encoding was learnt on these very rows, so that every column is there.
        let columns = encoding.locate(rows).unwrap_or_default();
        let mut encoded = vec![0.0; encoding.width()];
        let mut records = Array2::zeros((teaching.len(), encoding.width()));
        for (mut cells, &row) in records.rows_mut().into_iter().zip(&teaching) {
            encoding.encode(rows, &columns, row, units, &mut encoded);
            cells.iter_mut().zip(&encoded).for_each(|(cell, &value)| *cell = value as f32);
        }
        let targets = teaching.iter().map(|&row| scaled_target(rows, row, units).max(0.0) as f32).collect();
        let weights = teaching.iter().map(|&row| rows.weight[row]).collect();
        Self { records, targets, weights, old }
    }

    /// The model of all rows with the penalty that does best on the youngest ones, learnt from the older ones.
    fn fit(&self) -> Result<(Glm<f32>, f64), GlmError> {
        let params = GlmParams::new().tolerance(TOLERANCE);
        let all = self.part(0, self.targets.len());
        let old = if self.old == 0 { self.part(0, self.targets.len()) } else { self.part(0, self.old) };
        let mut former: Option<Glm<f32>> = None;
        let mut best: Option<(f64, f64, Glm<f32>)> = None;
        for penalty in PENALTIES {
            let model = params.clone().penalty(penalty).fit_with(former.as_ref(), &old)?;
            let loss = self.loss_on_youngest(&model);
            if best.as_ref().is_none_or(|best| loss < best.0) {
                best = Some((loss, penalty, model.clone()));
            }
            former = Some(model);
        }
        let (penalty, model) = best.map_or((PENALTIES[0], None), |(_, penalty, model)| (penalty, Some(model)));
        Ok((params.penalty(penalty).fit_with(model.as_ref(), &all)?, penalty))
    }

    fn part(&self, first: usize, end: usize) -> DatasetView<'_, f32, f32, ndarray::Ix1> {
        let (records, targets) = (self.records.slice(s![first..end, ..]), self.targets.slice(s![first..end]));
        DatasetBase::new(records, targets).with_weights(self.weights.slice(s![first..end]).to_owned())
    }

    fn loss_on_youngest(&self, model: &Glm<f32>) -> f64 {
        let predictors = model.linear_predictor(&self.records.slice(s![self.old.., ..]));
        let family = Family::new(1.0);
        let rows = predictors.iter().zip(self.targets.iter().zip(&self.weights).skip(self.old));
        rows.map(|(&predictor, (&target, &weight))| f64::from(weight) * family.half_deviance(f64::from(target), f64::from(predictor))).sum()
    }

    /// Logarithm of the highest mean that the model fits to a training row, or of the highest target if that is less.
    fn highest(&self, model: &Glm<f32>) -> f64 {
        let fitted = model.linear_predictor(&self.records).iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let target = self.targets.iter().copied().fold(0.0, f32::max).ln();
        f64::from(fitted.min(target))
    }
}
