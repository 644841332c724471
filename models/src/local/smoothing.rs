//! Simple exponential smoothing (Brown 1956; review: Gardner 2006), which several local models are built from.

/// Golden ratio minus one.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// A smoothing parameter is found to this width.
const TOLERANCE: f64 = 1e-5;

/// Level after the last value: each value moves it by `alpha` of the surprise. Starts at the first value; 0 without any.
pub(crate) fn level(values: &[f64], alpha: f64) -> f64 {
    let Some((&first, rest)) = values.split_first() else { return 0.0 };
    rest.iter().fold(first, |level, value| level + alpha * (value - level))
}

/// The smoothing parameter within bounds whose one-step errors have the least squares, by golden section (Kiefer 1953).
pub(crate) fn best_alpha(values: &[f64], (mut low, mut high): (f64, f64)) -> f64 {
    let mut left = high - GOLDEN * (high - low);
    let mut right = low + GOLDEN * (high - low);
    let (mut at_left, mut at_right) = (squared_errors(values, left), squared_errors(values, right));
    while high - low > TOLERANCE {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = squared_errors(values, left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = squared_errors(values, right);
        }
    }
    f64::midpoint(low, high)
}

fn squared_errors(values: &[f64], alpha: f64) -> f64 {
    let Some((&first, rest)) = values.split_first() else { return 0.0 };
    let surprise = |(level, sum): (f64, f64), value: &f64| {
        let error = value - level;
        (level + alpha * error, sum + error * error)
    };
    rest.iter().fold((first, 0.0), surprise).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_follows_the_surprises() {
        assert_eq!(level(&[10.0, 20.0, 10.0], 0.5), 12.5);
        assert_eq!(level(&[3.0], 0.5), 3.0);
        assert_eq!(level(&[], 0.5), 0.0);
    }

    #[test]
    fn a_steady_level_wants_a_small_parameter_and_a_walk_a_large_one() {
        let steady: Vec<f64> = (0..200).map(|at| 10.0 + f64::from(at % 2)).collect();
        let walk: Vec<f64> = (0..200).map(f64::from).collect();
        assert!((best_alpha(&steady, (0.1, 0.3)) - 0.1).abs() < 1e-4);
        assert!((best_alpha(&walk, (0.1, 0.3)) - 0.3).abs() < 1e-4);
    }

    #[test]
    fn the_parameter_is_the_best_of_all() {
        let values: Vec<f64> = (0..120).map(|at| (f64::from(at) * 0.7).sin() * 3.0 + (f64::from(at) * 0.05).sin() * 9.0).collect();
        let found = squared_errors(&values, best_alpha(&values, (0.01, 0.99)));
        let grid = (1..100).map(|k| squared_errors(&values, f64::from(k) / 100.0)).fold(f64::INFINITY, f64::min);
        assert!(found <= grid * (1.0 + 1e-4), "{found} against {grid} on the grid");
    }
}
