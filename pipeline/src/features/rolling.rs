//! Mean, standard deviation and share of zeros over windows that end at the youngest usable value.

use domain::FeatureError;

use super::{Family, Feature};
use crate::config::Shape;
use crate::sums::{filled, longest, seen, window_sums};
use crate::view::View;

pub(super) struct Rolling;

impl Family for Rolling {
    fn name(&self) -> &'static str {
        "rolling"
    }

    fn reach(&self, shape: &Shape) -> usize {
        longest(&shape.windows())
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let windows = view.shape.windows();
        let mut columns = windows.map(|_| [(); 3].map(|()| Vec::with_capacity(view.rows())));
        for number in 0..view.blocks.len() {
            push_block(&mut columns, view.past.recent(number, longest(&windows)), &windows);
        }
        let of_window = |(window, [mean, deviation, zeros]): (usize, [Vec<f32>; 3])| {
            [
                Feature::new(format!("rolling_mean_{window}"), mean).in_target_units(),
                Feature::new(format!("rolling_std_{window}"), deviation).in_target_units(),
                Feature::new(format!("rolling_zeros_{window}"), zeros),
            ]
        };
        Ok(windows.into_iter().zip(columns).flat_map(of_window).collect())
    }
}

/// The statistics of one block, after the values that its first row's longest window needs.
fn push_block(columns: &mut [[Vec<f32>; 3]; 4], past: &[f64], windows: &[usize; 4]) {
    let filled = filled(past);
    let squared = filled.iter().map(|value| value * value).collect();
    let zero = past.iter().map(|&value| f64::from(u8::from(value == 0.0))).collect();
    let counts = window_sums(seen(past), windows);
    let sums = window_sums(filled, windows);
    let squares = window_sums(squared, windows);
    let zeros = window_sums(zero, windows);
    let first = longest(windows);
    let reciprocals: Vec<f64> = (0..=windows[3]).map(|count| (count as f64).recip()).collect();
    for (k, [mean, deviation, share]) in columns.iter_mut().enumerate() {
        let (count, sum, square, zero) = (&counts[k][first..], &sums[k][first..], &squares[k][first..], &zeros[k][first..]);
        // Most windows are full: then nothing has to be looked up, and the loop is a few instructions for several rows.
        let full = count.iter().rposition(|&count| count != windows[k] as f64).map_or(0, |last| last + 1);
        for row in 0..full {
            let spread = spread(sum[row], square[row], count[row]);
            let count = count[row] as usize;
            let seen = if count == 0 { f64::NAN } else { reciprocals[count] };
            let one_less = if count < 2 { f64::NAN } else { reciprocals[count - 1] };
            mean.push((sum[row] * seen) as f32);
            share.push((zero[row] * seen) as f32);
            deviation.push((spread * seen * one_less).sqrt() as f32);
        }
        let (all, one_less) = (reciprocals[windows[k]], if windows[k] < 2 { f64::NAN } else { reciprocals[windows[k] - 1] });
        let of_row = |(&sum, &square): (&f64, &f64)| (spread(sum, square, windows[k] as f64) * all * one_less).sqrt() as f32;
        mean.extend(sum[full..].iter().map(|sum| (sum * all) as f32));
        share.extend(zero[full..].iter().map(|zero| (zero * all) as f32));
        deviation.extend(sum[full..].iter().zip(&square[full..]).map(of_row));
    }
}

/// Sum of squared deviations from the mean, times the number of values: of a constant window of whole numbers exactly zero.
fn spread(sum: f64, square: f64, count: f64) -> f64 {
    // Rounding may leave a constant window of fractions a hair below zero.
    (square * count - sum * sum).max(0.0)
}
