//! The training table as one step of the algorithm sees it: read in blocks, summed up in parallel.

use linfa::Float;
use linfa::dataset::{AsSingleTargets, DatasetBase};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, ArrayViewMut2, Data, Ix2, s};
use rayon::prelude::*;

use super::{Family, GlmError, GlmValidParams};

/// Rows in `f64` at a time: with some dozens of columns they stay in a core's cache.
const BLOCK: usize = 1024;
/// Parts that are summed up side by side. Fixed, so that sums have one order whatever the number of threads.
const PARTS: usize = 32;
/// Curvature of a row whose mean is as good as zero: far from overflow when something is divided by it.
const FLATTEST: f64 = 1e-200;

/// A checked dataset. Columns are centred if there is an intercept, which keeps the normal equations well conditioned and
/// changes only the intercept.
pub(super) struct Table<'a, F> {
    records: ArrayView2<'a, F>,
    targets: ArrayView1<'a, F>,
    weights: ArrayView1<'a, f32>,
    offset: Option<ArrayView1<'a, F>>,
    family: Family,
    intercept: bool,
    /// What is taken off each column.
    pub means: Vec<f64>,
    total_weight: f64,
    pub mean_target: f64,
    /// Weighted mean of the deviance's part that depends on the targets alone.
    saturated: f64,
}

/// What one step needs to know, per unit of weight.
#[derive(Debug)]
pub(super) struct Moments {
    /// Mean of half the unit deviance.
    pub deviance: f64,
    /// Downhill direction of the deviance; the intercept's entry, if there is one, is the last.
    pub score: Array1<f64>,
    /// Matrix of second derivatives.
    pub information: Array2<f64>,
}

impl<'a, F: Float> Table<'a, F> {
    pub fn new<D: Data<Elem = F>, T: AsSingleTargets<Elem = F>>(
        dataset: &'a DatasetBase<ArrayBase<D, Ix2>, T>,
        params: &'a GlmValidParams<F>,
    ) -> Result<Self, GlmError> {
        let mut table = Self {
            records: dataset.records.view(),
            targets: dataset.as_single_targets(),
            weights: dataset.weights.view(),
            offset: params.offset().map(Array1::view),
            family: Family::new(params.power()),
            intercept: params.with_intercept(),
            means: vec![0.0; dataset.records.ncols()],
            total_weight: 0.0,
            mean_target: 0.0,
            saturated: 0.0,
        };
        table.check_lengths()?;
        table.survey()?;
        Ok(table)
    }

    fn check_lengths(&self) -> Result<(), GlmError> {
        let rows = self.records.nrows();
        let weights = if self.weights.is_empty() { rows } else { self.weights.len() };
        let offset = self.offset.map_or(rows, |offset| offset.len());
        let lengths = [("targets", self.targets.len()), ("weights", weights), ("offset entries", offset)];
        match lengths.into_iter().find(|&(_, found)| found != rows) {
            Some((what, found)) => Err(GlmError::Length { what, rows, found }),
            None => Ok(()),
        }
    }

    /// Looks at every cell once: refuses what cannot be, and sums up what does not change from step to step.
    fn survey(&mut self) -> Result<(), GlmError> {
        let surveys: Vec<_> = self.parts().into_par_iter().map(|(first, end)| self.survey_part(first, end)).collect();
        let mut whole = Survey::new(self.means.len());
        for survey in surveys {
            whole.add(&survey?);
        }
        if whole.weight <= 0.0 {
            return Err(GlmError::NoWeight);
        }
        if whole.target <= 0.0 {
            return Err(GlmError::NothingPositive);
        }
        self.total_weight = whole.weight;
        self.mean_target = whole.target / whole.weight;
        self.saturated = whole.saturated / whole.weight;
        if self.intercept {
            self.means = whole.columns.iter().map(|sum| sum / whole.weight).collect();
        }
        Ok(())
    }

    fn survey_part(&self, first: usize, end: usize) -> Result<Survey, GlmError> {
        let mut survey = Survey::new(self.means.len());
        for row in first..end {
            let (weight, target) = (self.weight(row), number(self.targets[row]));
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(GlmError::InvalidWeight { row });
            }
            if !target.is_finite() || !self.offset(row).is_finite() {
                let what = if target.is_finite() { "the offset" } else { "the target" };
                return Err(GlmError::NotANumber { what, row });
            }
            if target < 0.0 {
                return Err(GlmError::NegativeTarget { row });
            }
            survey.weight += weight;
            survey.target += weight * target;
            survey.saturated += weight * self.family.saturated(target);
            let mut finite = true;
            for (sum, &value) in survey.columns.iter_mut().zip(self.records.row(row)) {
                finite &= value.is_finite();
                *sum += weight * number(value);
            }
            if !finite {
                return Err(GlmError::NotANumber { what: "a column", row });
            }
        }
        Ok(survey)
    }

    /// Coefficients to be found, the intercept's included.
    pub fn width(&self) -> usize {
        self.means.len() + usize::from(self.intercept)
    }

    /// Size of a deviance that is not rounding.
    pub fn scale(&self) -> f64 {
        self.family.scale(self.mean_target)
    }

    /// Logarithm of the mean of `exp(offset)`.
    pub fn mean_offset(&self) -> f64 {
        let Some(offset) = self.offset else { return 0.0 };
        let highest = offset.iter().fold(f64::NEG_INFINITY, |highest, &value| highest.max(number(value)));
        let sum: f64 = (0..offset.len()).map(|row| self.weight(row) * (self.offset(row) - highest).exp()).sum();
        highest + (sum / self.total_weight).max(f64::MIN_POSITIVE).ln()
    }

    /// One pass over the table at some coefficients.
    pub fn moments(&self, coefficients: &Array1<f64>) -> Moments {
        let width = self.width();
        let sums: Vec<_> = self.parts().into_par_iter().map(|(first, end)| self.sum_part(first, end, coefficients)).collect();
        let mut loss = 0.0;
        let mut products = Array2::<f64>::zeros((width + 1, width + 1));
        for (part_loss, part) in sums {
            loss += part_loss;
            products += &part;
        }
        let share = 1.0 / self.total_weight;
        products *= share;
        Moments {
            deviance: loss * share + self.saturated,
            score: products.slice(s![..width, width]).to_owned(),
            information: products.slice_move(s![..width, ..width]),
        }
    }

    /// Sum of losses, and `Z'Z` of the rows `z = sqrt(weight curvature) (x, -slope / curvature)`: second derivatives and score.
    fn sum_part(&self, first: usize, end: usize, coefficients: &Array1<f64>) -> (f64, Array2<f64>) {
        let width = self.width();
        let mut loss = 0.0;
        let mut products = Array2::zeros((width + 1, width + 1));
        let mut block = Array2::zeros((BLOCK, width + 1));
        for start in (first..end).step_by(BLOCK) {
            let rows = BLOCK.min(end - start);
            let mut block = block.slice_mut(s![..rows, ..]);
            self.read(start, block.view_mut());
            let predictors = block.slice(s![.., ..width]).dot(coefficients);
            for ((row, mut cells), predictor) in (start..).zip(block.rows_mut()).zip(predictors) {
                let weight = self.weight(row);
                if weight == 0.0 {
                    cells.fill(0.0);
                    continue;
                }
                let point = self.family.at(number(self.targets[row]), predictor + self.offset(row));
                let curvature = point.curvature.max(FLATTEST);
                loss += weight * point.loss;
                cells[width] = -point.slope / curvature;
                let factor = (weight * curvature).sqrt();
                cells.iter_mut().for_each(|cell| *cell *= factor);
            }
            general_mat_mul(1.0, &block.t(), &block, 1.0, &mut products);
        }
        (loss, products)
    }

    /// Copies rows into a block, centred, with a column of ones for the intercept.
    fn read(&self, start: usize, mut block: ArrayViewMut2<'_, f64>) {
        let records = self.records.slice(s![start..start + block.nrows(), ..]);
        for (mut cells, row) in block.rows_mut().into_iter().zip(records.rows()) {
            for ((cell, &value), mean) in cells.iter_mut().zip(row).zip(&self.means) {
                *cell = number(value) - mean;
            }
            if self.intercept {
                cells[self.means.len()] = 1.0;
            }
        }
    }

    fn weight(&self, row: usize) -> f64 {
        if self.weights.is_empty() { 1.0 } else { f64::from(self.weights[row]) }
    }

    fn offset(&self, row: usize) -> f64 {
        self.offset.map_or(0.0, |offset| number(offset[row]))
    }

    /// Ranges of rows, the same for every number of threads.
    fn parts(&self) -> Vec<(usize, usize)> {
        let rows = self.records.nrows();
        let length = rows.div_ceil(BLOCK).div_ceil(PARTS).max(1) * BLOCK;
        (0..rows).step_by(length).map(|first| (first, (first + length).min(rows))).collect()
    }
}

/// Weighted sums over rows.
struct Survey {
    weight: f64,
    target: f64,
    saturated: f64,
    columns: Vec<f64>,
}

impl Survey {
    fn new(width: usize) -> Self {
        Self { weight: 0.0, target: 0.0, saturated: 0.0, columns: vec![0.0; width] }
    }

    fn add(&mut self, other: &Self) {
        self.weight += other.weight;
        self.target += other.target;
        self.saturated += other.saturated;
        self.columns.iter_mut().zip(&other.columns).for_each(|(sum, part)| *sum += part);
    }
}

fn number<F: Float>(value: F) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}
