//! How sure a skill is: percentile bootstrap over series.
//!
//! The windows of one series are not independent of each other, so whole series are drawn with replacement (Efron and
//! Tibshirani 1993, section 8), the same ones for a model and for the baseline: the interval is of their difference, not
//! of two noisy levels. A panel of a handful of series draws single windows instead. What all series of a panel have in
//! common, a holiday in the only window, no bootstrap can tell.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Draws, at most; large panels need fewer.
const DRAWS: usize = 1_000;
const FEWEST_DRAWS: usize = 200;
/// Sums that all draws together may cost.
const BUDGET: usize = 50_000_000;
/// Fewer series than this are told apart by window.
const FEWEST_SERIES: usize = 10;
/// Share of draws left out on each side.
const TAIL: f64 = 0.025;

/// Scaled errors of one window: series, baseline, then each model; NaN where there is none.
pub(crate) type WindowErrors = (u32, f64, Vec<f64>);

/// 95 % intervals of `1 - error / baseline's error`, one per model; `None` where windows are too few to draw from.
pub(crate) fn skill_intervals(windows: &[WindowErrors], models: usize) -> Vec<Option<(f64, f64)>> {
    let units = units(windows, models);
    if units.len() < 2 {
        return vec![None; models];
    }
    let draws = (BUDGET / (units.len() * models.max(1))).clamp(FEWEST_DRAWS, DRAWS);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut skills = vec![Vec::with_capacity(draws); models];
    for _ in 0..draws {
        let mut sums = vec![0.0; models + 1];
        for _ in 0..units.len() {
            let unit = &units[random.gen_range(0..units.len())];
            sums.iter_mut().zip(unit).for_each(|(sum, value)| *sum += value);
        }
        for (skills, sum) in skills.iter_mut().zip(&sums[1..]) {
            skills.push(1.0 - sum / sums[0]);
        }
    }
    skills.into_iter().map(interval).collect()
}

/// What is drawn: sums of errors, the baseline's first.
fn units(windows: &[WindowErrors], models: usize) -> Vec<Vec<f64>> {
    let mut sorted: Vec<&WindowErrors> =
        windows.iter().filter(|(_, baseline, errors)| baseline.is_finite() && errors.iter().all(|error| error.is_finite())).collect();
    sorted.sort_by_key(|(series, ..)| *series);
    let series: Vec<&[&WindowErrors]> = sorted.chunk_by(|a, b| a.0 == b.0).collect();
    let groups: Vec<&[&WindowErrors]> = if series.len() < FEWEST_SERIES { sorted.chunks(1).collect() } else { series };
    let sum = |group: &&[&WindowErrors]| {
        let mut sums = vec![0.0; models + 1];
        for (_, baseline, errors) in *group {
            sums[0] += baseline;
            sums[1..].iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
        }
        sums
    };
    groups.iter().map(sum).collect()
}

fn interval(mut skills: Vec<f64>) -> Option<(f64, f64)> {
    skills.retain(|skill| skill.is_finite());
    skills.sort_by(f64::total_cmp);
    let at = |share: f64| skills.get(((skills.len() as f64 - 1.0) * share).round() as usize).copied();
    Some((at(TAIL)?, at(1.0 - TAIL)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(series: u32, better: impl Fn(u32) -> f64) -> Vec<WindowErrors> {
        (0..series).flat_map(|of| (0..3).map(move |_| of)).map(|of| (of, 1.0, vec![1.0, better(of)])).collect()
    }

    #[test]
    fn a_clear_advantage_is_sure_and_a_lucky_one_is_not() {
        let clear = skill_intervals(&windows(60, |series| 0.7 + 0.01 * f64::from(series % 5)), 2);
        let (low, high) = clear[1].expect("enough");
        assert!(low > 0.25 && high < 0.3 && low < high, "{low} {high}");
        assert_eq!(clear[0], Some((0.0, 0.0)));
        // One series of sixty carries the whole advantage.
        let lucky = skill_intervals(&windows(60, |series| if series == 0 { 0.0 } else { 1.001 }), 2);
        assert!(lucky[1].is_some_and(|(low, high)| low < 0.0 && high > 0.0));
    }

    #[test]
    fn too_little_says_nothing_and_holes_are_left_out() {
        assert_eq!(skill_intervals(&[(0, 1.0, vec![0.5])], 1), [None]);
        let holes = vec![(0, f64::NAN, vec![0.5]), (1, 1.0, vec![f64::NAN]), (2, 1.0, vec![0.5])];
        assert_eq!(skill_intervals(&holes, 1), [None]);
        assert!(skill_intervals(&windows(3, |_| 0.9), 2)[1].is_some());
    }
}
