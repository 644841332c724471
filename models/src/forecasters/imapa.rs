//! Mean over aggregation levels (iMAPA; Petropoulos and Kourentzes 2015).
//!
//! What `adida` does at one level of aggregation is done at every level from single periods up to the mean time between
//! sales, and the rates are averaged: no level has to be the right one.

use serde::{Deserialize, Serialize};

use super::adida::{ALPHAS, rate};
use crate::forecaster::Skip;
use crate::local::sales::{Sales, buckets};
use crate::local::smoothing::best_alpha;
use crate::local::{Local, LocalModel, LocalSeries};

pub(super) fn forecaster() -> Local<Imapa> {
    Local::new()
}

#[derive(Serialize, Deserialize)]
pub(super) struct Imapa {
    /// Smoothing parameter of sums over 1, 2, ... periods.
    alphas: Vec<f64>,
}

impl LocalModel for Imapa {
    const NAME: &'static str = "imapa";
    const FORMAT: u16 = 1;

    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip> {
        let values: Vec<f64> = series.known().collect();
        let longest = Sales::of(&values).mean_interval().unwrap_or(1);
        let alphas = (1..=longest).map(|periods| best_alpha(&buckets(&values, periods), ALPHAS)).collect();
        Ok(Self { alphas })
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        let values: Vec<f64> = series.known().collect();
        let rates = (1..).zip(&self.alphas).map(|(periods, &alpha)| rate(&values, periods, alpha));
        vec![rates.sum::<f64>() / self.alphas.len() as f64; horizon]
    }
}
