//! Aggregate-disaggregate (ADIDA; Nikolopoulos, Syntetos, Boylan, Petropoulos and Assimakopoulos 2011).
//!
//! Sums over as many periods as lie between two sales on average have few zeros left: they are smoothed exponentially and
//! the forecast sum is spread evenly over its periods.

use serde::{Deserialize, Serialize};

use crate::forecaster::Skip;
use crate::local::sales::{Sales, buckets};
use crate::local::smoothing::{best_alpha, level};
use crate::local::{Local, LocalModel, LocalSeries};

/// Bounds of the smoothing parameter: intermittent demand wants a small one.
pub(super) const ALPHAS: (f64, f64) = (0.1, 0.3);

pub(super) fn forecaster() -> Local<Adida> {
    Local::new()
}

#[derive(Serialize, Deserialize)]
pub(super) struct Adida {
    /// Periods in a sum.
    periods: usize,
    alpha: f64,
}

impl LocalModel for Adida {
    const NAME: &'static str = "adida";
    const FORMAT: u16 = 1;

    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip> {
        let values: Vec<f64> = series.known().collect();
        // Without a sale every sum is zero, whatever the parameters.
        let periods = Sales::of(&values).mean_interval().unwrap_or(1);
        Ok(Self { periods, alpha: best_alpha(&buckets(&values, periods), ALPHAS) })
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        vec![rate(&series.known().collect::<Vec<f64>>(), self.periods, self.alpha); horizon]
    }
}

/// Units a period: smoothed sums over their periods.
pub(super) fn rate(values: &[f64], periods: usize, alpha: f64) -> f64 {
    level(&buckets(values, periods), alpha) / periods as f64
}
