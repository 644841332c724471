//! Generalised linear models with a log link for what is counted or paid: never negative, often zero, effects multiply.
//!
//! linfa's own Tweedie regression does not converge on tables of ordinary size; this one stands behind the same traits:
//! [`GlmParams`] checks itself into [`GlmValidParams`], which fits a linfa dataset to a [`Glm`], which predicts.

mod algorithm;
mod error;
mod family;
mod hyperparams;
mod table;

pub use error::GlmError;
pub(crate) use family::Family;
pub use hyperparams::{GlmParams, GlmValidParams};

use linfa::Float;
use linfa::traits::PredictInplace;
use ndarray::{Array1, ArrayBase, Data, Ix2};

/// A fitted generalised linear model.
#[derive(Debug, Clone, PartialEq)]
pub struct Glm<F> {
    coefficients: Array1<F>,
    intercept: F,
    deviance: f64,
    iterations: usize,
}

impl<F: Float> Glm<F> {
    /// Parameters at their defaults: Poisson, unpenalised, with an intercept.
    #[must_use]
    pub fn params() -> GlmParams<F> {
        GlmParams::new()
    }

    /// One per column: the change of the logarithm of the mean by one unit of the column.
    #[must_use]
    pub fn coefficients(&self) -> &Array1<F> {
        &self.coefficients
    }

    /// Logarithm of the mean where every column and the offset are zero; 0 if none was fitted.
    #[must_use]
    pub fn intercept(&self) -> F {
        self.intercept
    }

    /// Weighted mean of half the unit deviance on the training rows, to within the tolerance; the penalty is not in it.
    #[must_use]
    pub fn deviance(&self) -> f64 {
        self.deviance
    }

    /// Steps taken.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Logarithm of each row's mean, without an offset.
    ///
    /// # Panics
    /// As matrix products do, if the table has another number of columns than the model.
    pub fn linear_predictor<D: Data<Elem = F>>(&self, records: &ArrayBase<D, Ix2>) -> Array1<F> {
        records.dot(&self.coefficients) + self.intercept
    }
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for Glm<F> {
    /// Mean of each row. Infinite where its logarithm exceeds the largest number's.
    fn predict_inplace<'a>(&'a self, records: &'a ArrayBase<D, Ix2>, means: &mut Array1<F>) {
        *means = self.linear_predictor(records).mapv_into(F::exp);
    }

    fn default_target(&self, records: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(records.nrows())
    }
}
