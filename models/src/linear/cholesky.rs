//! Small symmetric systems by their Cholesky factor. Columns that depend on earlier ones drop out.

use ndarray::{Array1, Array2};

/// A pivot below this share of its diagonal is rounding noise: the column depends on earlier ones.
const DEPENDENT: f64 = 1e-9;

/// Lower factor `L` of a positive semi-definite matrix; dependent columns get a zero pivot.
pub(crate) fn cholesky(matrix: &Array2<f64>) -> Array2<f64> {
    let width = matrix.nrows();
    let mut lower = Array2::<f64>::zeros((width, width));
    for column in 0..width {
        let known = lower.row(column).iter().take(column).map(|value| value * value).sum::<f64>();
        let pivot = matrix[[column, column]] - known;
        if pivot <= DEPENDENT * matrix[[column, column]].max(f64::MIN_POSITIVE) {
            continue;
        }
        let root = pivot.sqrt();
        lower[[column, column]] = root;
        for row in column + 1..width {
            let known: f64 = (0..column).map(|k| lower[[row, k]] * lower[[column, k]]).sum();
            lower[[row, column]] = (matrix[[row, column]] - known) / root;
        }
    }
    lower
}

/// Solves `L z = b`; entries of zero pivots are zero.
pub(crate) fn forward_substitute(lower: &Array2<f64>, right: &Array1<f64>) -> Array1<f64> {
    let mut solution = Array1::<f64>::zeros(right.len());
    for row in 0..right.len() {
        let pivot = lower[[row, row]];
        if pivot > 0.0 {
            let known: f64 = (0..row).map(|k| lower[[row, k]] * solution[k]).sum();
            solution[row] = (right[row] - known) / pivot;
        }
    }
    solution
}

/// Solves `L' x = z`; entries of zero pivots are zero.
pub(crate) fn back_substitute(lower: &Array2<f64>, right: &Array1<f64>) -> Array1<f64> {
    let mut solution = Array1::<f64>::zeros(right.len());
    for row in (0..right.len()).rev() {
        let pivot = lower[[row, row]];
        if pivot > 0.0 {
            let known: f64 = (row + 1..right.len()).map(|k| lower[[k, row]] * solution[k]).sum();
            solution[row] = (right[row] - known) / pivot;
        }
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn solve(matrix: &Array2<f64>, right: &Array1<f64>) -> Array1<f64> {
        let lower = cholesky(matrix);
        back_substitute(&lower, &forward_substitute(&lower, right))
    }

    #[test]
    fn a_positive_definite_system_is_solved() {
        let matrix = array![[4.0, 2.0, 0.6], [2.0, 5.0, 1.0], [0.6, 1.0, 3.0]];
        let wanted = array![1.0, -2.0, 0.5];
        let found = solve(&matrix, &matrix.dot(&wanted));
        assert!((&found - &wanted).iter().all(|difference| difference.abs() < 1e-12), "{found}");
    }

    #[test]
    fn a_column_that_depends_on_earlier_ones_gets_nothing() {
        let matrix = array![[2.0, 2.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 1.0]];
        let found = solve(&matrix, &array![4.0, 4.0, 3.0]);
        assert!((found[0] - 2.0).abs() < 1e-12 && found[1] == 0.0 && found[2] == 3.0, "{found}");
    }
}
