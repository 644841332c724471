//! Iteratively reweighted least squares.

use linfa::Float;
use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, FitWith};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use super::table::{Moments, Table};
use super::{Glm, GlmError, GlmValidParams};
use crate::linear::{back_substitute, cholesky, forward_substitute};

/// A step is halved at most this many times before it is given up.
const HALVINGS: i32 = 30;
/// Share of the deviance's scale below which a deviance counts as none: a perfect fit has converged.
const PERFECT: f64 = 1e-6;
/// A rise by less than this share is rounding.
const ROUNDING: f64 = 1e-12;

impl<F: Float, D: Data<Elem = F>, T: AsSingleTargets<Elem = F>> Fit<ArrayBase<D, Ix2>, T, GlmError> for GlmValidParams<F> {
    type Object = Glm<F>;

    /// Fits records of shape (rows, columns) to targets of length rows, weighted by the dataset's weights.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Glm<F>, GlmError> {
        fit_from(self, None, dataset)
    }
}

impl<'a, F: Float, D: Data<Elem = F> + 'a, T: AsSingleTargets<Elem = F> + 'a> FitWith<'a, ArrayBase<D, Ix2>, T, GlmError>
    for GlmValidParams<F>
{
    type ObjectIn = Option<&'a Glm<F>>;
    type ObjectOut = Glm<F>;

    /// As `fit`, but starts from a former model: the same answer, to within the tolerance, in fewer steps.
    fn fit_with(&self, former: Option<&'a Glm<F>>, dataset: &'a DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Glm<F>, GlmError> {
        fit_from(self, former, dataset)
    }
}

fn fit_from<F: Float, D: Data<Elem = F>, T: AsSingleTargets<Elem = F>>(
    params: &GlmValidParams<F>,
    former: Option<&Glm<F>>,
    dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
) -> Result<Glm<F>, GlmError> {
    let table = Table::new(dataset, params)?;
    let start = match former {
        Some(former) => former_start(&table, former, params)?,
        None => flat_start(&table, params),
    };
    let found = minimise(&table, start, params)?;

    let columns = table.means.len();
    let shift: f64 = table.means.iter().zip(&found.coefficients).map(|(mean, coefficient)| mean * coefficient).sum();
    let intercept = found.coefficients.get(columns).map_or(0.0, |centred| centred - shift);
    Ok(Glm {
        coefficients: found.coefficients.iter().take(columns).map(|&value| F::cast(value)).collect(),
        intercept: F::cast(intercept),
        deviance: found.deviance,
        iterations: found.iterations,
    })
}

/// No effects; the intercept, if there is one, at the logarithm of the mean.
fn flat_start<F: Float>(table: &Table<'_, F>, params: &GlmValidParams<F>) -> Array1<f64> {
    let mut start = Array1::zeros(table.width());
    if params.with_intercept() {
        start[table.means.len()] = table.mean_target.ln() - table.mean_offset();
    }
    start
}

fn former_start<F: Float>(table: &Table<'_, F>, former: &Glm<F>, params: &GlmValidParams<F>) -> Result<Array1<f64>, GlmError> {
    let (expected, found) = (table.means.len(), former.coefficients.len());
    if expected != found {
        return Err(GlmError::OtherTable { expected, found });
    }
    let mut start = Array1::zeros(table.width());
    let mut intercept = former.intercept.to_f64().unwrap_or(0.0);
    for (index, (value, mean)) in former.coefficients.iter().zip(&table.means).enumerate() {
        start[index] = value.to_f64().unwrap_or(0.0);
        intercept += start[index] * mean;
    }
    if params.with_intercept() {
        start[expected] = intercept;
    }
    Ok(start)
}

struct Minimum {
    coefficients: Array1<f64>,
    deviance: f64,
    iterations: usize,
}

/// Coefficients and what is known of the objective there.
struct Place {
    coefficients: Array1<f64>,
    moments: Moments,
    objective: f64,
}

fn minimise<F: Float>(table: &Table<'_, F>, start: Array1<f64>, params: &GlmValidParams<F>) -> Result<Minimum, GlmError> {
    let smallest = PERFECT * table.scale();
    let penalised = table.means.len();
    let look = |coefficients: Array1<f64>| {
        let moments = table.moments(&coefficients);
        let squares: f64 = coefficients.iter().take(penalised).map(|value| value * value).sum();
        let objective = moments.deviance + 0.5 * params.penalty() * squares;
        Place { coefficients, moments, objective }
    };

    let mut place = look(start);
    let mut change = f64::INFINITY;
    for iterations in 1..=params.max_iterations() {
        let (step, promised) = newton_step(&place, params.penalty(), penalised);
        change = promised / place.objective.max(smallest);
        if change <= params.tolerance() {
            // So near the minimum the step is trusted without another look.
            return Ok(Minimum { coefficients: place.coefficients + step, deviance: place.moments.deviance, iterations });
        }
        let bound = place.objective + ROUNDING * place.objective.max(smallest);
        let lower = (0..=HALVINGS)
            .map(|halvings| look(&place.coefficients + &step * 0.5_f64.powi(halvings)))
            .find(|next| next.objective <= bound && next.moments.information.iter().all(|value| value.is_finite()));
        match lower {
            Some(next) => place = next,
            None => return Err(GlmError::NotConverged { iterations, change }),
        }
    }
    Err(GlmError::NotConverged { iterations: params.max_iterations(), change })
}

/// Newton's step, and how far the objective falls by it if it is the parabola that it looks like here.
fn newton_step(place: &Place, penalty: f64, penalised: usize) -> (Array1<f64>, f64) {
    let mut information = place.moments.information.clone();
    let mut downhill = place.moments.score.clone();
    for index in 0..penalised {
        information[[index, index]] += penalty;
        downhill[index] -= penalty * place.coefficients[index];
    }
    let lower = cholesky(&information);
    let half = forward_substitute(&lower, &downhill);
    (back_substitute(&lower, &half), 0.5 * half.dot(&half))
}
