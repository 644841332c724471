//! The elastic net and the least squares of a long table, solved as those of a square one.

use linfa::traits::Fit;
use linfa::{Dataset, ParamGuard};
use linfa_elasticnet::ElasticNetParams;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2, ShapeBuilder, s};

use super::{Statistics, cholesky, forward_substitute};

const MOST_ITERATIONS: u32 = 2_000;
const TOLERANCE: f64 = 1e-5;
/// Penalty of least squares on columns whose spread is 1: too small to bend what the data determine.
const RIDGE: f64 = 1e-6;

/// Coefficients that minimise `1/(2n) |y - Xw|^2 + penalty (l1_ratio |w|_1 + (1 - l1_ratio)/2 |w|_2^2)`.
///
/// The squared error depends on the table only through `X'X` and `X'y`. With the Cholesky factor `X'X = R'R` and `z`
/// from `R'z = X'y` it is `|z - Rw|^2` plus a constant, so that linfa's coordinate descent runs over a square table of as
/// many rows as columns, whatever the length of the original; the factor `sqrt(p / n)` makes its `1/(2p)` our `1/(2n)`.
pub(crate) fn elastic_net(
    statistics: &Statistics,
    penalty: f64,
    l1_ratio: f64,
) -> Result<Vec<f64>, Box<dyn std::error::Error + Send + Sync>> {
    let width = statistics.moment.len();
    if width == 0 || statistics.is_empty() {
        return Ok(vec![0.0; width]);
    }
    let lower = cholesky(&statistics.gram);
    let factor = (width as f64 / statistics.weight).sqrt();
    let target = forward_substitute(&lower, &statistics.moment) * factor;
    // linfa walks down columns: Fortran order keeps each of them together.
    let mut records = Array2::zeros((width, width).f());
    records.assign(&lower.t());
    records *= factor;

    let parameters = ElasticNetParams::new().penalty(penalty).l1_ratio(l1_ratio).with_intercept(false);
    let parameters = parameters.max_iterations(MOST_ITERATIONS).tolerance(TOLERANCE).check()?;
    let fitted = parameters.fit(&Dataset::new(records, target))?;
    finite(fitted.hyperplane())
}

/// Coefficients that minimise `1/(2n) |y - Xw|^2 + RIDGE/2 |w|_2^2`: ordinary least squares, but for a trace of a
/// penalty, which shares an effect among columns that say the same (all levels of a category and the constant).
///
/// linfa solves the square table of [`elastic_net`], with a row `sqrt(n RIDGE)` per coefficient below it (Marquardt's
/// augmented system), by QR: its diagonal is never zero.
pub(crate) fn least_squares(statistics: &Statistics) -> Result<Vec<f64>, Box<dyn std::error::Error + Send + Sync>> {
    let width = statistics.moment.len();
    if width == 0 || statistics.is_empty() {
        return Ok(vec![0.0; width]);
    }
    let lower = cholesky(&statistics.gram);
    let mut records = Array2::zeros((2 * width, width));
    records.slice_mut(s![..width, ..]).assign(&lower.t());
    records.slice_mut(s![width.., ..]).diag_mut().fill((statistics.weight * RIDGE).sqrt());
    let mut target = Array1::zeros(2 * width);
    target.slice_mut(s![..width]).assign(&forward_substitute(&lower, &statistics.moment));

    let fitted = LinearRegression::new().with_intercept(false).fit(&Dataset::new(records, target))?;
    finite(fitted.params())
}

fn finite(coefficients: &Array1<f64>) -> Result<Vec<f64>, Box<dyn std::error::Error + Send + Sync>> {
    if coefficients.iter().any(|value| !value.is_finite()) {
        return Err("the coefficients did not stay finite".into());
    }
    Ok(coefficients.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn statistics(x: &Array2<f64>, y: &Array1<f64>) -> Statistics {
        Statistics { gram: x.t().dot(x), moment: x.t().dot(y), square: y.dot(y), weight: y.len() as f64 }
    }

    fn table() -> (Array2<f64>, Array1<f64>) {
        let x = Array2::from_shape_fn((200, 4), |(i, j)| ((i * (j + 2) * 7919) % 101) as f64 / 50.0 - 1.0);
        let y = x.column(0).mapv(|v| 2.0 * v) - x.column(2).to_owned();
        (x, y)
    }

    #[test]
    fn the_square_problem_has_the_long_ones_solution() {
        let (x, y) = table();
        let parameters = ElasticNetParams::new().penalty(0.05).l1_ratio(0.5).with_intercept(false).tolerance(1e-9);
        let long = parameters.fit(&Dataset::new(x.clone(), y.clone())).expect("fits");
        let square = elastic_net(&statistics(&x, &y), 0.05, 0.5).expect("fits");
        for (a, b) in long.hyperplane().iter().zip(&square) {
            assert!((a - b).abs() < 1e-4, "{long:?} {square:?}");
        }
    }

    #[test]
    fn without_a_penalty_the_law_is_found() {
        let (x, y) = table();
        let found = elastic_net(&statistics(&x, &y), 1e-9, 0.5).expect("fits");
        for (a, b) in found.iter().zip([2.0, 0.0, -1.0, 0.0]) {
            assert!((a - b).abs() < 1e-3, "{found:?}");
        }
    }

    #[test]
    fn least_squares_finds_the_law_and_shares_it_among_equal_columns() {
        let (x, y) = table();
        for (a, b) in least_squares(&statistics(&x, &y)).expect("fits").iter().zip([2.0, 0.0, -1.0, 0.0]) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
        let x = array![[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [-3.0, -3.0, 0.0]];
        let found = least_squares(&statistics(&x, &array![2.0, 4.0, -6.0])).expect("fits");
        assert!((found[0] - 1.0).abs() < 1e-4 && (found[1] - 1.0).abs() < 1e-4, "{found:?}");
        assert_eq!(found[2], 0.0);
    }

    #[test]
    fn repeated_and_empty_columns_do_no_harm() {
        let x = array![[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [-3.0, -3.0, 0.0]];
        let y = array![2.0, 4.0, -6.0];
        let found = elastic_net(&statistics(&x, &y), 1e-6, 0.5).expect("fits");
        assert!((found[0] + found[1] - 2.0).abs() < 1e-2, "{found:?}");
        assert_eq!(found[2], 0.0);
    }
}
