//! Distributions of sums, from samples of all series together.
//!
//! A sum's quantiles are no sums of quantiles: errors of some products cancel, those of a rainy day do not. Samples are drawn
//! from a normal copula with the errors' own correlations ([`Dependence`]), each series by its own quantiles, and summed.

use domain::{LEVELS, Quantiles, SeriesForecast, StepForecast};
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::at_score;
use super::dependence::{Dependence, Target};
use crate::engine::PastError;

const SAMPLES: usize = 2_000;
/// What made the forecast of a sum.
const SUM: &str = "sum";

/// Forecasts of weighted sums of the series, one for each of `rows` (series number and weight): a category in units, a store
/// in rupiah, an ingredient in grams. Means are exactly the sums of means. `past` are the errors of the series' own forecasts.
#[must_use]
pub fn sums(forecasts: &[SeriesForecast], past: &[PastError], rows: &[Vec<(u32, f64)>], seed: u64) -> Vec<SeriesForecast> {
    let series = forecasts.iter().map(|forecast| forecast.series as usize + 1).max().unwrap_or(0);
    let known: Vec<PastError> = past.iter().copied().filter(|error| (error.series as usize) < series).collect();
    let dependence = Dependence::learn(&known, series, Target::Mean);
    let horizon = forecasts.iter().map(|forecast| forecast.steps.len()).max().unwrap_or(0);
    let at_step = |step: usize| {
        let mut steps = vec![None; series];
        for forecast in forecasts {
            steps[forecast.series as usize] = forecast.steps.get(step);
        }
        step_sums(&steps, &dependence, rows, seed.wrapping_add(step as u64))
    };
    let by_step: Vec<Vec<StepForecast>> = (0..horizon).into_par_iter().map(at_step).collect();
    let whole = |number: usize| SeriesForecast {
        series: number as u32,
        chosen: SUM.to_owned(),
        steps: by_step.iter().filter_map(|sums| sums.get(number).copied()).collect(),
    };
    (0..rows.len()).map(whole).collect()
}

/// The sums of one step; none where no series has a forecast.
fn step_sums(steps: &[Option<&StepForecast>], dependence: &Dependence, rows: &[Vec<(u32, f64)>], seed: u64) -> Vec<StepForecast> {
    let Some(StepForecast { at, step, .. }) = steps.iter().flatten().next() else { return Vec::new() };
    let samples = samples(steps, dependence, seed);
    let of = |series: u32| steps.get(series as usize).copied().flatten();
    let sum = |row: &Vec<(u32, f64)>| {
        let members = || row.iter().filter_map(|&(series, weight)| Some((series as usize, of(series)?, weight)));
        let yhat: f64 = members().map(|(_, step, weight)| weight * step.yhat).sum();
        let mut total = Array1::<f64>::zeros(SAMPLES);
        members().for_each(|(series, _, weight)| total.scaled_add(weight, &samples.row(series)));
        StepForecast { at: *at, step: *step, yhat, quantiles: quantiles(total.to_vec()).unwrap_or(Quantiles::degenerate(yhat)) }
    };
    rows.iter().map(sum).collect()
}

/// By series, then sample; each series' samples have its mean.
fn samples(steps: &[Option<&StepForecast>], dependence: &Dependence, seed: u64) -> Array2<f64> {
    let Dependence { scores, shrinkage, mean } = dependence;
    let mut normal = Normal { random: Xoshiro256PlusPlus::seed_from_u64(seed), spare: None };
    let shared = Array2::from_shape_simple_fn((scores.ncols(), SAMPLES), || normal.draw());
    // What all series have in common besides.
    let everywhere: Vec<f64> = (0..SAMPLES).map(|_| normal.draw()).collect();
    let mut samples = scores.dot(&shared);
    let parts = [(1.0 - shrinkage).sqrt(), (shrinkage * mean).sqrt(), (shrinkage * (1.0 - mean)).sqrt()];
    for (mut row, (step, scores)) in samples.rows_mut().into_iter().zip(steps.iter().zip(scores.rows())) {
        let Some(step) = step else { continue };
        // A series without a past of its own goes its own way.
        let [shared, common, own] = if scores.iter().any(|score| *score != 0.0) { parts } else { [0.0, 0.0, 1.0] };
        row.iter_mut().zip(&everywhere).for_each(|(score, everywhere)| {
            *score = at_score(&step.quantiles, shared * *score + common * everywhere + own * normal.draw());
        });
        let mean = row.sum() / SAMPLES as f64;
        if mean > 0.0 { row *= step.yhat / mean } else { row.fill(step.yhat) }
    }
    samples
}

fn quantiles(mut samples: Vec<f64>) -> Option<Quantiles> {
    samples.sort_unstable_by(f64::total_cmp);
    let last = samples.len().checked_sub(1)?;
    let at = |level: f64| {
        let place = level * last as f64;
        let (left, share) = (place.floor() as usize, place.fract());
        samples[left] + share * (samples[(left + 1).min(last)] - samples[left])
    };
    Quantiles::from_unsorted(LEVELS.map(at))
}

/// Standard normal numbers (Box and Muller 1958).
struct Normal {
    random: Xoshiro256PlusPlus,
    spare: Option<f64>,
}

impl Normal {
    fn draw(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // Never the logarithm of 0.
        let radius = (-2.0 * (1.0 - self.random.r#gen::<f64>()).ln()).sqrt();
        let (sine, cosine) = (2.0 * std::f64::consts::PI * self.random.r#gen::<f64>()).sin_cos();
        self.spare = Some(radius * sine);
        radius * cosine
    }
}
