//! Which feature families a panel needs, told by a backtest inside its training rows.
//!
//! Trees are grown on most of the rows and asked of the rest: whole stretches of the calendar from all over the history, so
//! that feasts of every season are among them. Then the cells of one family at a time are shuffled among the rows asked, one
//! order for all its columns (Breiman 2001, section 10). A family without which the forecasts are as good tells nothing, and
//! no model across series is given it.

use std::collections::BTreeMap;

use domain::FeatureMatrix;
use linfa::ParamGuard as _;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::boosting::{Booster, BoostingError, GradientBoostingParams, Loss};
use crate::tree_table::{columns, table, varies};

/// Rows looked at, at most, and those without which nothing is judged.
const MOST_ROWS: usize = 12_000;
const FEWEST_ROWS: usize = 2_000;
/// Of so many stretches of a horizon each, one is asked.
const STRETCHES: i64 = 4;
/// Power of the Tweedie loss.
const POWER: f64 = 1.5;
const TREES: usize = 40;
const LEARNING_RATE: f64 = 0.15;
const LEAVES: usize = 31;
const LEAF_WEIGHT: f64 = 5.0;
const BINS: usize = 64;
/// Share of what all families explain together that one must add.
const WORTH: f64 = 0.001;
/// Standard errors by which a family is given the benefit of the doubt.
const ERRORS: f64 = 2.0;

/// Names of families that tell nothing; `units` as [`crate::direct::Unit::of_rows`]. None where rows are too few to say so.
pub(crate) fn idle_families(rows: &FeatureMatrix, units: &[f64], horizon: u16, seed: u64) -> Result<Vec<&'static str>, BoostingError> {
    let usable = |&row: &usize| rows.weight[row] > 0.0 && rows.target[row].is_finite() && units[row].is_finite();
    let all: Vec<usize> = (0..rows.rows).filter(usable).collect();
    let chosen: Vec<usize> = all.iter().copied().step_by(all.len().div_ceil(MOST_ROWS).max(1)).collect();
    let is_asked = |row: &usize| stretch_of(rows, *row, horizon).rem_euclid(STRETCHES) == 0;
    let (asked, taught): (Vec<usize>, Vec<usize>) = chosen.into_iter().partition(is_asked);
    let varying: Vec<usize> = (0..rows.columns.len()).filter(|&column| varies(rows, column, &taught)).collect();
    if taught.len() < FEWEST_ROWS || asked.len() < FEWEST_ROWS / STRETCHES as usize || varying.is_empty() {
        return Ok(Vec::new());
    }
    let judge = Judge::new(rows, units, (&taught, &asked), &varying, horizon, seed)?;
    let mut families: Vec<&'static str> = rows.columns.iter().map(|column| column.family).collect();
    families.dedup();
    let worth: Vec<f64> = families.par_iter().map(|family| judge.worth(family, seed)).collect::<Result<_, _>>()?;
    Ok(families.into_iter().zip(worth).filter(|(_, worth)| *worth < WORTH).map(|(family, _)| family).collect())
}

struct Judge<'a> {
    rows: &'a FeatureMatrix,
    varying: &'a [usize],
    booster: Booster,
    /// Of the rows asked.
    data: Vec<f32>,
    target: Vec<f32>,
    weight: Vec<f32>,
    /// Which stretch each is of.
    stretch: Vec<i64>,
    /// What the trees lose there by row, and how much less that is in all than a constant would.
    losses: Vec<f64>,
    gain: f64,
}

impl<'a> Judge<'a> {
    fn new(
        rows: &'a FeatureMatrix,
        units: &[f64],
        (taught, asked): (&[usize], &[usize]),
        varying: &'a [usize],
        horizon: u16,
        seed: u64,
    ) -> Result<Self, BoostingError> {
        let target = |of: &[usize]| of.iter().map(|&row| (f64::from(rows.target[row]) / units[row]) as f32).collect::<Vec<_>>();
        let weight = |of: &[usize]| of.iter().map(|&row| rows.weight[row]).collect::<Vec<_>>();
        let (taught_target, target) = (target(taught), target(asked));
        let negative = taught_target.iter().chain(&target).any(|&target| target < 0.0);
        let loss = if negative { Loss::Squared } else { Loss::Tweedie(POWER) };
        let params = GradientBoostingParams::new().loss(loss).trees(TREES).learning_rate(LEARNING_RATE).max_leaves(LEAVES);
        let params = params.min_leaf_rows(1).min_leaf_weight(LEAF_WEIGHT).bins(BINS).seed(seed).check()?;
        let data = table(rows, varying, taught, units);
        let booster = params.fit_columns(&columns(rows, varying, &data, taught.len())?, &taught_target, &weight(taught))?;
        let stretch = asked.iter().map(|&row| stretch_of(rows, row, horizon)).collect();
        let data = table(rows, varying, asked, units);
        let mut judge = Self { rows, varying, booster, data, target, weight: weight(asked), stretch, losses: Vec::new(), gain: 0.0 };
        judge.losses = judge.losses_of(&judge.data)?;
        let mean = judge.target.iter().map(|&target| f64::from(target)).sum::<f64>() / judge.target.len() as f64;
        let of_constant = judge.squared_errors(|_| mean);
        judge.gain = of_constant.iter().sum::<f64>() - judge.losses.iter().sum::<f64>();
        Ok(judge)
    }

    /// Whether the family says different things within most of the stretches asked. What seldom does, a feast or a promotion,
    /// may be in none of them, and is worth its columns on the day that it is.
    fn is_common(&self, family: &str) -> bool {
        let cells = self.data.chunks(self.target.len()).zip(self.varying);
        cells.filter(|(_, column)| self.rows.columns[**column].family == family).any(|(cells, _)| {
            let mut seen: BTreeMap<i64, (u32, bool)> = BTreeMap::new();
            for (cell, &stretch) in cells.iter().zip(&self.stretch) {
                let (first, varies) = seen.entry(stretch).or_insert((cell.to_bits(), false));
                *varies |= *first != cell.to_bits();
            }
            2 * seen.values().filter(|(_, varies)| *varies).count() > seen.len()
        })
    }

    fn losses_of(&self, data: &[f32]) -> Result<Vec<f64>, BoostingError> {
        let predicted = self.booster.predict(&columns(self.rows, self.varying, data, self.target.len())?)?;
        Ok(self.squared_errors(|row| predicted[row]))
    }

    /// A Tweedie loss would hang on single rows: the price of a sale where none was thought possible has no bound.
    fn squared_errors(&self, predicted: impl Fn(usize) -> f64) -> Vec<f64> {
        let error = |(row, (&weight, &target)): (usize, (&f32, &f32))| f64::from(weight) * (predicted(row) - f64::from(target)).powi(2);
        self.weight.iter().zip(&self.target).enumerate().map(error).collect()
    }

    /// What is lost without a family, at most: so many standard errors more than was seen, as a share of what all families
    /// gain. Rows of one stretch err alike and count as one.
    fn worth(&self, family: &str, seed: u64) -> Result<f64, BoostingError> {
        if self.gain <= 0.0 || !self.is_common(family) {
            return Ok(f64::INFINITY);
        }
        let height = self.target.len();
        let mut order: Vec<usize> = (0..height).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let mut data = self.data.clone();
        let own = |column: &usize| self.rows.columns[*column].family == family;
        for (place, _) in self.varying.iter().enumerate().filter(|(_, column)| own(column)) {
            let cells = &self.data[place * height..(place + 1) * height];
            data[place * height..(place + 1) * height].iter_mut().zip(&order).for_each(|(cell, &row)| *cell = cells[row]);
        }
        let mut lost: BTreeMap<i64, f64> = BTreeMap::new();
        for ((without, with), &stretch) in self.losses_of(&data)?.iter().zip(&self.losses).zip(&self.stretch) {
            *lost.entry(stretch).or_default() += without - with;
        }
        let count = lost.len() as f64;
        let total = lost.values().sum::<f64>();
        let variance = lost.values().map(|value| (value - total / count) * (value - total / count)).sum::<f64>() / (count - 1.0).max(1.0);
        Ok((total + ERRORS * (count * variance).sqrt()) / self.gain)
    }
}

fn stretch_of(rows: &FeatureMatrix, row: usize, horizon: u16) -> i64 {
    rows.at[row].div_euclid(i64::from(horizon.max(1)))
}

#[cfg(test)]
mod tests {
    use domain::Driver;
    use domain::features::{FeatureColumn, Neutral};

    use super::*;

    type Column = (&'static str, fn(u64) -> f32);

    /// Columns `(family, cell)` of `rows` days of one series and a target made of the first one.
    fn matrix(rows: usize, columns: &[Column]) -> FeatureMatrix {
        let describe = |(number, (family, _)): (usize, &Column)| FeatureColumn {
            name: format!("column_{number}"),
            family,
            levels: 0,
            in_target_units: false,
            driver: Driver::default(),
            neutral: Neutral::default(),
        };
        let data: Vec<f32> = columns.iter().flat_map(|(_, cell)| (0..rows as u64).map(cell)).collect();
        let target = data[..rows].iter().map(|signal| 5.0 + 4.0 * signal).collect();
        FeatureMatrix {
            columns: columns.iter().enumerate().map(describe).collect(),
            rows,
            data,
            series: vec![0; rows],
            at: (0..rows as i64).collect(),
            target,
            weight: vec![1.0; rows],
        }
    }

    fn noise(row: u64, salt: u64) -> f32 {
        let mut x = (row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 30)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x >> 40) as f32) / (1_u64 << 24) as f32
    }

    const COLUMNS: [Column; 4] =
        [("signal", |row| noise(row, 1)), ("noise", |row| noise(row, 2)), ("noise", |row| noise(row, 3)), ("constant", |_| 1.0)];

    #[test]
    fn a_family_of_noise_is_idle_and_what_never_varied_may_yet() {
        let rows = matrix(9_000, &COLUMNS);
        assert_eq!(idle_families(&rows, &[5.0; 9_000], 7, 3).expect("judged"), ["noise"]);
    }

    #[test]
    fn what_seldom_happens_is_kept_whether_or_not_it_was_asked_about() {
        // A feast of three days in a stretch that taught, and one of three days in a stretch that was asked.
        let feast = |first: u64| move |row: u64| f32::from(u8::from((first..first + 3).contains(&row)));
        for (first, asked) in [(7 * 101, false), (7 * 100, true)] {
            assert_eq!((first as i64 / 7) % STRETCHES == 0, asked);
            let mut rows = matrix(9_000, &[COLUMNS[0], ("feast", |_| 0.0), COLUMNS[1]]);
            (0..9_000).for_each(|row| rows.data[9_000 + row] = feast(first)(row as u64));
            assert_eq!(idle_families(&rows, &[5.0; 9_000], 7, 3).expect("judged"), ["noise"]);
        }
    }

    #[test]
    fn few_rows_and_columns_without_any_signal_say_nothing() {
        assert_eq!(idle_families(&matrix(1_500, &COLUMNS), &[5.0; 1_500], 7, 3).expect("judged"), [""; 0]);
        // The target is made of a column that is not there.
        let rows = matrix(9_000, &COLUMNS).without_families(&["signal"]);
        assert_eq!(idle_families(&rows, &[5.0; 9_000], 7, 3).expect("judged"), [""; 0]);
        let rows = matrix(9_000, &COLUMNS);
        assert_eq!(idle_families(&rows, &[f64::NAN; 9_000], 7, 3).expect("judged"), [""; 0]);
    }
}
