//! Theta models: simple smoothing pulled towards a line, after taking the season out.

use serde::{Deserialize, Serialize};

use crate::forecaster::Skip;
use crate::local::season::{Season, fill_gaps};
use crate::local::{Local, LocalModel, LocalSeries, MOST_VALUES};
use crate::theta::ThetaMix;

pub(super) const fn forecaster() -> Local<ThetaModel> {
    Local::new()
}

/// The theta models of one series and its season.
#[derive(Serialize, Deserialize)]
pub(super) struct ThetaModel {
    /// Values left out before the first one read.
    skipped: usize,
    season: Option<Season>,
    mix: ThetaMix,
}

impl LocalModel for ThetaModel {
    const NAME: &'static str = "theta";
    const FORMAT: u16 = 1;

    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip> {
        let skipped = series.values.len().saturating_sub(MOST_VALUES);
        let values = &series.values[skipped..];
        let season = Season::of(values, series.season);
        let counted: Vec<bool> = values.iter().map(|value| !value.is_nan()).collect();
        Ok(Self { skipped, mix: ThetaMix::fit(&adjusted(values, season.as_ref()), &counted), season })
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        let values = &series.values[self.skipped.min(series.values.len())..];
        let mut path = self.mix.predict(&adjusted(values, self.season.as_ref()), horizon);
        if let Some(season) = &self.season {
            season.put_back(&mut path, values.len());
        }
        path
    }
}

/// Values without their season and without gaps.
fn adjusted(values: &[f64], season: Option<&Season>) -> Vec<f64> {
    let mut adjusted = season.map_or_else(|| values.to_vec(), |season| season.take_out(values));
    fill_gaps(&mut adjusted);
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::promises::keeps_its_promises;

    #[test]
    fn it_keeps_the_promises_of_local_models() {
        keeps_its_promises::<ThetaModel>();
    }
}
