//! Teunter, Syntetos and Babai (2011): chance of a sale times its size.
//!
//! Unlike Croston's interval, the chance is updated every period, so that a product nobody buys any more fades away. Both
//! smoothing parameters are those of a small grid whose one-step forecasts of the series have the least squared errors.

use serde::{Deserialize, Serialize};

use crate::forecaster::Skip;
use crate::local::{Local, LocalModel, LocalSeries};

/// Smoothing parameters tried, for the chance and for the size. The chance hears from every period, so it may be slower.
const CHANCES: [f64; 6] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3];
const SIZES: [f64; 4] = [0.05, 0.1, 0.2, 0.3];

pub(super) fn forecaster() -> Local<Tsb> {
    Local::new()
}

#[derive(Serialize, Deserialize)]
pub(super) struct Tsb {
    chance: f64,
    size: f64,
}

impl LocalModel for Tsb {
    const NAME: &'static str = "tsb";
    const FORMAT: u16 = 1;

    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip> {
        let values: Vec<f64> = series.known().collect();
        let pairs = CHANCES.iter().flat_map(|&chance| SIZES.iter().map(move |&size| Self { chance, size }));
        let scored = pairs.map(|pair| (pair.squared_errors(&values), pair));
        let best = scored.min_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(best.map_or(Self { chance: CHANCES[2], size: SIZES[1] }, |(_, pair)| pair))
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        let values: Vec<f64> = series.known().collect();
        vec![self.walk(&values, |_, _| ()); horizon]
    }
}

impl Tsb {
    fn squared_errors(&self, values: &[f64]) -> f64 {
        let mut sum = 0.0;
        self.walk(values, |forecast, value| sum += (value - forecast).powi(2));
        sum
    }

    /// Units a period after the last value; `see` is shown every one-step forecast on the way, and what came. The chance
    /// starts at the first period's (0 or 1), the size at the first sale's.
    fn walk(&self, values: &[f64], mut see: impl FnMut(f64, f64)) -> f64 {
        let sold = |value: f64| f64::from(u8::from(value > 0.0));
        let Some((&first, rest)) = values.split_first() else { return 0.0 };
        let mut chance = sold(first);
        let mut size = values.iter().copied().find(|&value| value > 0.0).unwrap_or(0.0);
        for &value in rest {
            see(chance * size, value);
            chance += self.chance * (sold(value) - chance);
            if value > 0.0 {
                size += self.size * (value - size);
            }
        }
        chance * size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> LocalSeries<'_> {
        LocalSeries { values, season: 1 }
    }

    #[test]
    fn what_nobody_buys_any_more_fades() {
        let tsb = Tsb { chance: 0.1, size: 0.1 };
        let selling = [2.0; 20];
        let fading = [[2.0; 20], [0.0; 20]].concat();
        assert_eq!(tsb.predict(&series(&selling), 1), [2.0]);
        assert!((tsb.predict(&series(&fading), 1)[0] - 2.0 * 0.9_f64.powi(20)).abs() < 1e-12);
    }

    #[test]
    fn the_parameters_suit_the_series() {
        // Sells for fifty periods, rests for fifty: the chance has to be quick. Every other period: it has to be slow.
        let spells: Vec<f64> = (0..600).map(|at| if at / 50 % 2 == 0 { 3.0 } else { 0.0 }).collect();
        let steady: Vec<f64> = (0..600).map(|at| f64::from(at % 2)).collect();
        assert_eq!(Tsb::fit(&series(&spells)).expect("fitted").chance, CHANCES[5]);
        assert_eq!(Tsb::fit(&series(&steady)).expect("fitted").chance, CHANCES[0]);
    }

    #[test]
    fn with_the_same_parameters_it_agrees_with_statsforecast() {
        // statsforecast 2.1.1, TSB(alpha_d, alpha_p).
        let lumpy: Vec<f64> = (0..60_u32).map(|t| f64::from(if t * t % 17 < 3 { 3 + t % 4 } else { 0 })).collect();
        for (size, chance, expected) in [(0.1, 0.2, 1.021_767_641_003_925_4), (0.2, 0.05, 1.393_342_131_814_743_3)] {
            let forecast = Tsb { chance, size }.predict(&series(&lumpy), 1)[0];
            assert!((forecast - expected).abs() < 1e-9, "{forecast}");
        }
    }
}
