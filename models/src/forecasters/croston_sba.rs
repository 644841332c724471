//! Croston's method with the Syntetos-Boylan correction: size of a sale over periods between sales.
//!
//! Both are smoothed separately, updated only when something sells (Croston 1972). A ratio of two averages lies above the
//! average ratio; `1 - alpha / 2` takes that bias out (Syntetos and Boylan 2005, equation 6). Where every period sold there
//! is no interval to be uncertain of and nothing to correct. The parameter is fixed, as in the papers: one-step errors on
//! series of mostly zeros say little about it.

use serde::{Deserialize, Serialize};

use crate::forecaster::Skip;
use crate::local::sales::Sales;
use crate::local::smoothing::level;
use crate::local::{Local, LocalModel, LocalSeries};

/// Smoothing parameter of sizes and intervals; the papers use 0.05 to 0.2.
const ALPHA: f64 = 0.1;

pub(super) fn forecaster() -> Local<CrostonSba> {
    Local::new()
}

#[derive(Serialize, Deserialize)]
pub(super) struct CrostonSba;

impl LocalModel for CrostonSba {
    const NAME: &'static str = "croston_sba";
    const FORMAT: u16 = 1;

    fn fit(_: &LocalSeries<'_>) -> Result<Self, Skip> {
        Ok(Self)
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        vec![rate(&series.known().collect::<Vec<f64>>()); horizon]
    }
}

/// Units a period; 0 for a series that never sold.
fn rate(values: &[f64]) -> f64 {
    let Sales { sizes, intervals } = Sales::of(values);
    if sizes.is_empty() {
        return 0.0;
    }
    let correction = if intervals.iter().any(|&interval| interval > 1.0) { 1.0 - ALPHA / 2.0 } else { 1.0 };
    correction * level(&sizes, ALPHA) / level(&intervals, ALPHA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_of_six_every_third_period_is_two_a_period_less_the_correction() {
        assert!((rate(&[0.0, 0.0, 6.0].repeat(9)) - 1.9).abs() < 1e-12);
        assert_eq!(rate(&[5.0; 10]), 5.0);
        assert_eq!(rate(&[0.0; 10]), 0.0);
    }
}
