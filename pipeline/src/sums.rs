//! Sums over the last values of a stretch.
//!
//! A sum over an even window is two sums over its half, an odd one adds a single value: few passes, no drift, and the
//! result depends on the window's own values only, not on where the stretch began.

/// Sums of `values` over windows that end at each of them, one column for each window; before the stretch there is nothing.
pub(crate) fn window_sums<const N: usize>(values: Vec<f64>, windows: &[usize; N]) -> [Vec<f64>; N] {
    let mut done = vec![(1, values)];
    for &window in windows {
        widen(&mut done, window.max(1));
    }
    windows.map(|window| sums_of(&done, window.max(1)).to_vec())
}

/// Adds the sums over `window`, and those that they are made of.
fn widen(done: &mut Vec<(usize, Vec<f64>)>, window: usize) {
    if done.iter().any(|(width, _)| *width == window) {
        return;
    }
    let (recent, older) = if window.is_multiple_of(2) { (window / 2, window / 2) } else { (window - 1, 1) };
    widen(done, recent);
    let mut sums = Vec::new();
    add_earlier(&mut sums, sums_of(done, recent), sums_of(done, older), recent, 1.0);
    done.push((window, sums));
}

fn sums_of(done: &[(usize, Vec<f64>)], window: usize) -> &[f64] {
    done.iter().find(|(width, _)| *width == window).map_or(&[], |(_, sums)| sums)
}

/// Sums of `values` over the last `window` of them (a power of two), in which a value's weight is multiplied by `factor` for
/// each step it is older.
pub(crate) fn decayed_sums(mut values: Vec<f64>, factor: f64, window: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len());
    let mut width = 1;
    while width < window {
        add_earlier(&mut sums, &values, &values, width, factor.powi(width as i32));
        std::mem::swap(&mut sums, &mut values);
        width *= 2;
    }
    values
}

/// Each value plus `weight` times the one of the other column `steps` before it.
fn add_earlier(into: &mut Vec<f64>, recent: &[f64], other: &[f64], steps: usize, weight: f64) {
    let alone = steps.min(recent.len());
    into.clear();
    into.extend_from_slice(&recent[..alone]);
    into.extend(recent[alone..].iter().zip(other).map(|(recent, earlier)| recent + earlier * weight));
}

/// 0 for missing.
pub(crate) fn filled(values: &[f64]) -> Vec<f64> {
    values.iter().map(|&value| if value.is_nan() { 0.0 } else { value }).collect()
}

/// 1 where there is a value, else 0.
pub(crate) fn seen(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| f64::from(u8::from(!value.is_nan()))).collect()
}

/// Values before the youngest one that windows need.
pub(crate) fn longest(windows: &[usize]) -> usize {
    windows.iter().max().map_or(0, |window| window - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_last_values() {
        let values: Vec<f64> = (0..40).map(|k| f64::from(k * k % 23)).collect();
        let windows = [1, 7, 12, 56];
        for (sums, window) in window_sums(values.clone(), &windows).iter().zip(windows) {
            for (end, sum) in sums.iter().enumerate() {
                assert_eq!(*sum, values[(end + 1).saturating_sub(window)..=end].iter().sum::<f64>(), "{window} up to {end}");
            }
        }
        for (end, sum) in decayed_sums(values.clone(), 0.5, 8).iter().enumerate() {
            let expected: f64 = values[..=end].iter().rev().take(8).enumerate().map(|(age, value)| value * 0.5_f64.powi(age as i32)).sum();
            assert!((sum - expected).abs() < 1e-12);
        }
    }
}
