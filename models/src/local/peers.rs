//! Series that any language makes from one formula, to compare models with what peers say about them.

/// `((7919 t + 13) mod 101) / 101 - 1/2`.
fn noise(at: usize) -> f64 {
    ((at * 7_919 + 13) % 101) as f64 / 101.0 - 0.5
}

fn wave(at: usize, period: usize) -> f64 {
    (2.0 * std::f64::consts::PI * at as f64 / period as f64).sin()
}

/// A level that jumps half way.
pub(crate) fn level() -> Vec<f64> {
    (0..60).map(|at| 20.0 + 5.0 * noise(at) + if at >= 30 { 6.0 } else { 0.0 }).collect()
}

pub(crate) fn trend() -> Vec<f64> {
    (0..60).map(|at| 50.0 + 0.8 * at as f64 + 6.0 * noise(at)).collect()
}

/// An additive season of a length on a line.
pub(crate) fn season(length: usize, period: usize) -> Vec<f64> {
    (0..length).map(|at| 100.0 + 0.3 * at as f64 + 15.0 * wave(at, period) + 8.0 * noise(at)).collect()
}

/// Line, season of twelve and noise multiplied.
pub(crate) fn product() -> Vec<f64> {
    (0..96).map(|at| (40.0 + 0.5 * at as f64) * (1.0 + 0.3 * wave(at, 12)) * (1.0 + 0.1 * noise(at))).collect()
}
