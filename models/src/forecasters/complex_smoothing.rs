//! Complex exponential smoothing with automatic choice of the season's form.

use serde::{Deserialize, Serialize};

use crate::complex::Complex;
use crate::engine::Effort;
use crate::forecaster::Skip;
use crate::local::{Local, LocalModel, LocalSeries, MOST_VALUES};

pub(super) const fn forecaster() -> Local<ComplexSmoothing> {
    Local::new()
}

/// The complex smoothing model of one series.
#[derive(Serialize, Deserialize)]
pub(super) struct ComplexSmoothing {
    /// Values left out before the first one read.
    skipped: usize,
    complex: Complex,
}

impl LocalModel for ComplexSmoothing {
    const NAME: &'static str = "complex_smoothing";
    const FORMAT: u16 = 1;
    const EFFORT: Effort = Effort::Normal;

    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip> {
        let skipped = series.values.len().saturating_sub(MOST_VALUES);
        let few = || Skip::NotFitted { because: "there are fewer values than complex smoothing has numbers".to_owned() };
        Complex::fit(&series.values[skipped..], series.season).map(|complex| Self { skipped, complex }).ok_or_else(few)
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        self.complex.predict(&series.values[self.skipped.min(series.values.len())..], horizon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::promises::keeps_its_promises;

    #[test]
    fn it_keeps_the_promises_of_local_models() {
        keeps_its_promises::<ComplexSmoothing>();
    }
}
