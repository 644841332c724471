//! Mean of the last values, over a window that each series chooses for itself.
//!
//! The windows are 1, 2, 4, 8 and 16 blocks long; a block is a short season (a week of days, a year of quarters), a quarter
//! of a longer one (three months), or four periods. The default is four blocks: four weeks, a year of months. A series
//! leaves it only for a window whose squared error over the blocks of its own past is smaller by more than one standard
//! error of the difference: the one-standard-error rule (Breiman, Friedman, Olshen and Stone 1984, section 3.4.3) keeps a
//! short history at the default.

use serde::{Deserialize, Serialize};

use crate::forecaster::Skip;
use crate::local::{Local, LocalModel, LocalSeries};

/// Lengths of the windows in blocks, the default first.
const BLOCKS: [usize; 5] = [4, 1, 2, 8, 16];
/// Seasons of at most this many periods are a block, longer ones four.
const SHORT_SEASON: usize = 8;
/// Seasons longer than this say nothing about windows.
const LONG_SEASON: usize = 24;
/// Past blocks compared, at least and at most.
const COMPARED: (usize, usize) = (8, 60);

pub(super) fn forecaster() -> Local<WindowMean> {
    Local::new()
}

#[derive(Serialize, Deserialize)]
pub(super) struct WindowMean {
    /// Usable values in the mean.
    window: usize,
}

impl LocalModel for WindowMean {
    const NAME: &'static str = "window_mean";
    const FORMAT: u16 = 1;

    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip> {
        let values: Vec<f64> = series.known().collect();
        let block = block(series.season);
        let default = BLOCKS[0] * block;
        let challengers = BLOCKS[1..].iter().filter_map(|blocks| {
            let window = blocks * block;
            Some((gain(&values, block, default, window)?, window))
        });
        let best = challengers.max_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(Self { window: best.map_or(default, |(_, window)| window) })
    }

    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64> {
        let values: Vec<f64> = series.known().collect();
        vec![mean_of_last(&values, self.window); horizon]
    }
}

fn block(season: usize) -> usize {
    match season {
        2..=SHORT_SEASON => season,
        _ if season > SHORT_SEASON && season <= LONG_SEASON => season / 4,
        _ => 4,
    }
}

/// How much smaller the squared error of `window` is than that of `default`, on average over past blocks; `None` if that
/// may be chance or the history is too short to tell.
fn gain(values: &[f64], block: usize, default: usize, window: usize) -> Option<f64> {
    let longest = default.max(window);
    let origins = (1..=COMPARED.1).map_while(|k| values.len().checked_sub(k * block)).filter(|&origin| origin >= longest);
    let gains: Vec<f64> = origins
        .map(|origin| {
            let (past, next) = (&values[..origin], mean_of_last(&values[origin..origin + block], block));
            let error = |window| (mean_of_last(past, window) - next).powi(2);
            error(default) - error(window)
        })
        .collect();
    let count = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / count;
    let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (gains.len() >= COMPARED.0 && mean > (variance / count).sqrt()).then_some(mean)
}

/// Mean of the last `window` values, of all if there are fewer; 0 for none.
fn mean_of_last(values: &[f64], window: usize) -> f64 {
    let last = &values[values.len().saturating_sub(window)..];
    last.iter().sum::<f64>() / last.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window_of(values: &[f64], season: usize) -> usize {
        WindowMean::fit(&LocalSeries { values, season }).expect("fitted").window
    }

    /// Noise between -1 and 1 that repeats itself in no window tried.
    fn noise(at: u32) -> f64 {
        2.0 * (f64::from(at) * 0.754_877_666).fract() - 1.0
    }

    #[test]
    fn short_histories_keep_the_default() {
        assert_eq!(window_of(&[1.0, 2.0], 7), 28);
        assert_eq!(window_of(&[5.0; 20], 12), 12);
        assert_eq!(window_of(&[5.0; 500], 1), 16);
    }

    #[test]
    fn a_drifting_level_wants_a_short_window() {
        let drifting: Vec<f64> = (0..400).map(|at| f64::from(at) + noise(at)).collect();
        assert_eq!(window_of(&drifting, 7), 7);
    }

    #[test]
    fn a_steady_level_does_not_want_a_short_one() {
        // Independent noise around one level: the longer, the better.
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64
        };
        let steady: Vec<f64> = (0..800).map(|_| next()).collect();
        assert!(window_of(&steady, 7) >= 28);
    }

    #[test]
    fn the_forecast_is_the_mean_of_the_window() {
        let values = [1.0, 2.0, f64::NAN, 3.0, 4.0];
        let series = LocalSeries { values: &values, season: 1 };
        assert_eq!(WindowMean { window: 3 }.predict(&series, 2), [3.0, 3.0]);
        assert_eq!(WindowMean { window: 30 }.predict(&series, 1), [2.5]);
    }
}
