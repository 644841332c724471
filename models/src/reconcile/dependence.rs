//! How forecast errors of several series go together.
//!
//! A hundred series and a few dozen past errors each do not tell five thousand correlations. They are drawn towards a target by
//! the share that minimises the expected squared error (Schäfer and Strimmer 2005, section 2.3): towards none, or towards their
//! mean, which a few dozen errors do tell (Ledoit and Wolf 2004). Errors of one fold are no independent witnesses, so that the
//! variance of a correlation is taken between folds.

use std::collections::BTreeMap;

use domain::Ordinal;
use ndarray::{Array1, Array2, Axis};

use crate::engine::PastError;

/// Errors beyond so many times the usual one count as that.
const LARGEST: f64 = 3.0;
/// Errors of a series that are needed to relate it to others.
const FEWEST: usize = 8;

/// What correlations are drawn towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    None,
    Mean,
}

/// Correlations of the series' errors: `shrinkage` times `mean`, and the rest `scores * scores'`.
#[derive(Debug, Clone)]
pub(super) struct Dependence {
    /// By series, then past target: errors divided by their root mean square and by the root of their number, 0 where unknown.
    pub scores: Array2<f64>,
    pub shrinkage: f64,
    /// Never negative; 0 where the target is none.
    pub mean: f64,
}

impl Dependence {
    pub fn learn(past: &[PastError], series: usize, target: Target) -> Self {
        let mut targets: BTreeMap<(Ordinal, u16), usize> = past.iter().map(|error| ((error.cutoff, error.step), 0)).collect();
        targets.values_mut().zip(0..).for_each(|(place, number)| *place = number);
        let folds: Vec<Ordinal> = targets.keys().map(|(cutoff, _)| *cutoff).collect();
        let mut errors = Array2::from_elem((series, targets.len()), f64::NAN);
        for error in past {
            errors[[error.series as usize, targets[&(error.cutoff, error.step)]]] = error.error;
        }
        let mut scores = errors;
        scores.rows_mut().into_iter().for_each(|mut row| standardise(&mut row.view_mut()));
        let (mean, shrinkage) = shrinkage(&scores, &folds, target);
        Self { scores, shrinkage, mean }
    }
}

/// Unit sum of squares; zeros for what is unknown, and for a series with too few errors.
fn standardise(row: &mut ndarray::ArrayViewMut1<'_, f64>) {
    let size = |row: &ndarray::ArrayViewMut1<'_, f64>| {
        let (sum, count) =
            row.iter().filter(|error| error.is_finite()).fold((0.0, 0), |(sum, count), error| (sum + error * error, count + 1));
        (sum, count)
    };
    let (sum, count) = size(row);
    if count < FEWEST || sum <= 0.0 {
        row.fill(0.0);
        return;
    }
    let usual = (sum / f64::from(count as u32)).sqrt();
    row.mapv_inplace(|error| if error.is_finite() { (error / usual).clamp(-LARGEST, LARGEST) } else { 0.0 });
    let (sum, _) = size(row);
    *row /= sum.sqrt();
}

/// The target's correlation, and the sum of the correlations' variances over the sum of their squared distances to it; 1
/// where there are not two folds.
fn shrinkage(scores: &Array2<f64>, folds: &[Ordinal], target: Target) -> (f64, f64) {
    let starts: Vec<usize> =
        (0..folds.len()).filter(|&place| place == 0 || folds[place] != folds[place - 1]).chain([folds.len()]).collect();
    let count = starts.len().saturating_sub(1) as f64;
    if count < 2.0 {
        return (0.0, 1.0);
    }
    let known: Vec<usize> = (0..scores.nrows()).filter(|&series| scores.row(series).iter().any(|score| *score != 0.0)).collect();
    let mean = match target {
        Target::None => 0.0,
        Target::Mean => mean_correlation(scores, known.len()),
    };
    let (mut variances, mut squares) = (0.0, 0.0);
    for &one in &known {
        for &other in known.iter().take_while(|&&other| other < one) {
            let product = &scores.index_axis(Axis(0), one) * &scores.index_axis(Axis(0), other);
            let parts = Array1::from_iter(starts.windows(2).map(|fold| product.slice(ndarray::s![fold[0]..fold[1]]).sum()));
            let correlation = parts.sum();
            let part_of_each = correlation / count;
            // The variance of a sum of as many independent parts.
            variances += count / (count - 1.0) * parts.iter().map(|part| (part - part_of_each).powi(2)).sum::<f64>();
            squares += (correlation - mean).powi(2);
        }
    }
    (mean, if squares > 0.0 { (variances / squares).clamp(0.0, 1.0) } else { 1.0 })
}

/// Mean of all correlations of `known` series, from the size of the scores' sum.
fn mean_correlation(scores: &Array2<f64>, known: usize) -> f64 {
    let sum = scores.sum_axis(Axis(0));
    let pairs = (known * known.saturating_sub(1)) as f64;
    if pairs > 0.0 { ((sum.dot(&sum) - known as f64) / pairs).clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Errors of twenty series over ten folds that share a part of their variance.
    fn errors(shared: f64) -> Vec<PastError> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut noise = || (0..12).map(|_| random.r#gen::<f64>()).sum::<f64>() - 6.0;
        let mut past = Vec::new();
        for cutoff in 0..10 {
            for step in 1..=14 {
                let common = noise();
                for series in 0..20_u32 {
                    let error = f64::from(series + 1) * (shared.sqrt() * common + (1.0 - shared).sqrt() * noise());
                    past.push(PastError { series, cutoff, step, error });
                }
            }
        }
        past
    }

    #[test]
    fn what_goes_together_is_found_and_what_does_not_is_not() {
        for target in [Target::None, Target::Mean] {
            let together = Dependence::learn(&errors(0.6), 20, target);
            let correlation =
                |of: &Dependence| of.shrinkage * of.mean + (1.0 - of.shrinkage) * (&of.scores.row(2) * &of.scores.row(17)).sum();
            assert!((correlation(&together) - 0.6).abs() < 0.15, "{}", correlation(&together));
            let apart = Dependence::learn(&errors(0.0), 20, target);
            assert!(apart.shrinkage > 0.8, "{}", apart.shrinkage);
            assert!(correlation(&apart).abs() < 0.1);
        }
    }

    #[test]
    fn one_fold_tells_nothing() {
        let past: Vec<PastError> = errors(0.6).into_iter().filter(|error| error.cutoff == 0).collect();
        let dependence = Dependence::learn(&past, 20, Target::Mean);
        assert_eq!((dependence.shrinkage, dependence.mean), (1.0, 0.0));
    }
}
