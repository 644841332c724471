//! What a generalised linear model can be told.

use linfa::{Float, ParamGuard};
use ndarray::Array1;

use super::GlmError;

/// Checked parameters, ready to fit. See [`GlmParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct GlmValidParams<F> {
    power: f64,
    penalty: f64,
    with_intercept: bool,
    tolerance: f64,
    max_iterations: usize,
    offset: Option<Array1<F>>,
}

impl<F: Float> GlmValidParams<F> {
    #[must_use]
    pub fn power(&self) -> f64 {
        self.power
    }

    #[must_use]
    pub fn penalty(&self) -> f64 {
        self.penalty
    }

    #[must_use]
    pub fn with_intercept(&self) -> bool {
        self.with_intercept
    }

    #[must_use]
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    #[must_use]
    pub fn max_iterations(&self) -> usize {
        self.max_iterations
    }

    #[must_use]
    pub fn offset(&self) -> Option<&Array1<F>> {
        self.offset.as_ref()
    }
}

/// Parameters of a generalised linear model with a log link and the variance a power of the mean.
///
/// Minimises over the coefficients `b` and the intercept `b0`, with `mean_i = exp(offset_i + b0 + x_i b)`,
/// ```ignore
/// 1 / (2 sum_i w_i) * sum_i w_i d(y_i, mean_i) + penalty / 2 * |b|^2
/// ```
/// where `d` is the unit deviance: `2 (y ln(y / m) - y + m)` for `power` 1 (Poisson), else
/// `2 (y^(2-p) / ((1-p)(2-p)) - y m^(1-p) / (1-p) + m^(2-p) / (2-p))` (Tweedie). The weights `w` are the dataset's, 1 if
/// it has none; the intercept is not penalised. Targets are not negative, in any unit; zeros are welcome.
///
/// Iteratively reweighted least squares: each step solves weighted normal equations by Cholesky factorisation, and is
/// halved until the objective falls. The weights are second derivatives as observed (Newton; for Poisson the same as Fisher's
/// scoring), which are positive for these powers: the objective has one minimum, and near it the digits double each step. A column that depends on earlier ones keeps the coefficient 0
/// if nothing is penalised. Rows are read in blocks, in parallel; the result does not depend on the number of threads.
///
/// # Parameters
/// | Name | Default | Purpose | Range |
/// | :--- | :--- | :--- | :--- |
/// | [power](Self::power) | `1.0` | Variance is proportional to this power of the mean | `[1, 2)` |
/// | [penalty](Self::penalty) | `0.0` | L2 penalty on the coefficients | `[0, inf)` |
/// | [with_intercept](Self::with_intercept) | `true` | Fit an intercept | `false`, `true` |
/// | [tolerance](Self::tolerance) | `1e-9` | Stop when a step promises to take off less than this share of the objective | `(0, inf)` |
/// | [max_iterations](Self::max_iterations) | `100` | Steps at most | `[1, inf)` |
/// | [offset](Self::offset) | none | Known part of each row's linear predictor, e.g. the logarithm of an exposure | one finite number per row |
///
/// # Errors
/// Of checking: [`GlmError::InvalidPower`], [`GlmError::InvalidPenalty`], [`GlmError::InvalidTolerance`] and
/// [`GlmError::NoIterations`] for values out of range.
///
/// Of fitting: [`GlmError::Length`] if targets, weights or offset have another length than the records;
/// [`GlmError::NotANumber`], [`GlmError::NegativeTarget`] and [`GlmError::InvalidWeight`], with the row, for values that
/// cannot be (rows of weight zero are checked too); [`GlmError::NoWeight`] and [`GlmError::NothingPositive`] if there is
/// nothing to learn from; [`GlmError::NotConverged`]; [`GlmError::OtherTable`] when it starts from a former model of
/// another width.
///
/// # Example
/// ```
/// use linfa::traits::{Fit, Predict};
/// use linfa::Dataset;
/// use models::glm::GlmParams;
/// use ndarray::array;
///
/// let doubling = Dataset::new(array![[0.0], [1.0], [2.0]], array![3.0, 6.0, 12.0]);
/// let model = GlmParams::new().fit(&doubling)?;
/// assert!((model.predict(&array![[3.0]])[0] - 24.0_f64).abs() < 1e-6);
/// # Ok::<(), models::glm::GlmError>(())
/// ```
///
/// # Source
/// Nelder & Wedderburn (1972), Generalized Linear Models, JRSS A 135, section 2 (the iteration); McCullagh & Nelder
/// (1989), Generalized Linear Models, 2nd ed., sections 2.3 (deviance), 2.5 (the algorithm) and 6.2 (log-linear models).
/// The Tweedie deviance: Jorgensen (1987), Exponential Dispersion Models, JRSS B 49.
#[derive(Debug, Clone, PartialEq)]
pub struct GlmParams<F>(GlmValidParams<F>);

impl<F: Float> Default for GlmParams<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Float> GlmParams<F> {
    /// Poisson, unpenalised, with an intercept.
    #[must_use]
    pub fn new() -> Self {
        Self(GlmValidParams { power: 1.0, penalty: 0.0, with_intercept: true, tolerance: 1e-9, max_iterations: 100, offset: None })
    }

    /// Variance is proportional to this power of the mean: 1 for Poisson, between 1 and 2 for Tweedie.
    #[must_use]
    pub fn power(mut self, power: f64) -> Self {
        self.0.power = power;
        self
    }

    /// L2 penalty on the coefficients, not on the intercept.
    #[must_use]
    pub fn penalty(mut self, penalty: f64) -> Self {
        self.0.penalty = penalty;
        self
    }

    /// Whether to fit an intercept.
    #[must_use]
    pub fn with_intercept(mut self, with_intercept: bool) -> Self {
        self.0.with_intercept = with_intercept;
        self
    }

    /// Share of the objective below which a promised improvement is not worth a further step. The last step is still
    /// taken, so that the coefficients are far closer than this.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// Steps at most.
    #[must_use]
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.0.max_iterations = max_iterations;
        self
    }

    /// Known part of each training row's linear predictor. Predictions leave it out: multiply them by `exp(offset)`.
    #[must_use]
    pub fn offset(mut self, offset: Array1<F>) -> Self {
        self.0.offset = Some(offset);
        self
    }
}

impl<F: Float> ParamGuard for GlmParams<F> {
    type Checked = GlmValidParams<F>;
    type Error = GlmError;

    fn check_ref(&self) -> Result<&Self::Checked, GlmError> {
        let params = &self.0;
        if !(1.0..2.0).contains(&params.power) {
            Err(GlmError::InvalidPower(params.power))
        } else if !(0.0..f64::INFINITY).contains(&params.penalty) {
            Err(GlmError::InvalidPenalty(params.penalty))
        } else if !(params.tolerance > 0.0 && params.tolerance.is_finite()) {
            Err(GlmError::InvalidTolerance(params.tolerance))
        } else if params.max_iterations == 0 {
            Err(GlmError::NoIterations)
        } else {
            Ok(params)
        }
    }

    fn check(self) -> Result<Self::Checked, GlmError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_refused() {
        let of = |params: GlmParams<f64>| params.check().expect_err("out of range");
        for power in [0.0, 2.0, f64::NAN] {
            assert!(matches!(of(GlmParams::new().power(power)), GlmError::InvalidPower(_)), "{power}");
        }
        for penalty in [-1.0, f64::INFINITY, f64::NAN] {
            assert!(matches!(of(GlmParams::new().penalty(penalty)), GlmError::InvalidPenalty(_)), "{penalty}");
        }
        for tolerance in [0.0, -1.0, f64::NAN] {
            assert!(matches!(of(GlmParams::new().tolerance(tolerance)), GlmError::InvalidTolerance(_)), "{tolerance}");
        }
        assert!(matches!(of(GlmParams::new().max_iterations(0)), GlmError::NoIterations));
        assert!(GlmParams::<f32>::new().check().is_ok());
    }
}
