//! Ranges that mean what they say: split-conformal offsets from past folds, pooled over series.
//!
//! Four errors per series and step cannot tell a tail, a panel's can. Each error `actual - forecast` of a fold is divided by
//! how far from it actuals usually land there ([`Spread`]: by series, step, season position and size) and pooled with its
//! likes: same step group, same third of the panel by volume, same season position (weekday). A cell with fewer than
//! [`CELL`] errors falls back to a wider one: first the season position goes, then the volume class, then the step group.
//! The quantile at level `t` of `n` pooled errors is the one at rank `t (n + 1)`, which a new exchangeable error stays
//! below with probability `t`, however small `n` is. (Lei et al. 2018; Vovk, Gammerman and Shafer 2005.)

use std::collections::BTreeMap;

use domain::{History, LEVELS, Ordinal};
use serde::{Deserialize, Serialize};

use crate::candidate::{Evidence, Target};
use crate::history::{same_season, usable_values};
use crate::scale::Scale;
use crate::shape::Shape;
use crate::shaped::Shaped;
use crate::spread::Spread;
use crate::step_group::{StepGroup, group_of};

/// Errors that a cell needs to stand on its own.
pub const CELL: usize = 200;
/// Seasons with more positions than this are not split by position.
const MOST_POSITIONS: u16 = 31;
/// In-sample errors looked at per series where there are no folds.
const IN_SAMPLE: usize = 60;
/// Standard deviation of a normal error whose mean absolute value is 1.
const NORMAL: f64 = 1.2533;
/// [`LEVELS`] of the standard normal distribution.
const NORMAL_OFFSETS: [f64; 9] = [-1.959_964, -1.644_854, -1.281_552, -0.674_490, 0.0, 0.674_490, 1.281_552, 1.644_854, 1.959_964];

/// What the offsets rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Errors of past folds: honest.
    Folds,
    /// The panel is too short for folds: seasonal naive errors within the history.
    InSample,
    /// Not even that: a normal error of the series' own size.
    Assumed,
}

/// Offsets to add to a forecast, in units of the series' error scale, by cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibrator {
    pub basis: Basis,
    groups: Vec<StepGroup>,
    season: u16,
    spread: Spread,
    /// Levels that part the panel into thirds by volume.
    terciles: [f64; 2],
    /// Sorted by cell.
    cells: Vec<(Cell, [f64; 9])>,
    /// What a model says of each forecast's distribution, as far as past folds bear it out.
    shaped: Option<Shaped>,
}

/// `None` means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Cell {
    group: Option<u8>,
    class: Option<u8>,
    position: Option<u16>,
}

impl Cell {
    pub(crate) const ALL: Self = Self { group: None, class: None, position: None };

    /// From the narrowest to the widest.
    pub(crate) fn wider(self) -> [Self; 4] {
        [self, Self { position: None, ..self }, Self { position: None, class: None, ..self }, Self::ALL]
    }
}

impl Calibrator {
    /// Learns from the predictions of some targets (NaN: none), leaving out the fold `but` if given.
    pub(crate) fn learn(
        evidence: &Evidence,
        predictions: &[f64],
        scales: &[Option<Scale>],
        groups: Vec<StepGroup>,
        season: u16,
        but: Option<usize>,
    ) -> Self {
        let horizon = groups.last().map_or(0, |group| group.last);
        let spread = Spread::learn(&evidence.targets, predictions, scales, horizon, season, but);
        let mut calibrator =
            Self { basis: Basis::Folds, groups, season, spread, terciles: terciles(scales), cells: Vec::new(), shaped: None };
        let mut pools: BTreeMap<Cell, Vec<f64>> = BTreeMap::new();
        for (target, &predicted) in evidence.targets.iter().zip(predictions) {
            let Some(scale) = scales[target.series as usize] else { continue };
            if predicted.is_finite() && Some(target.fold) != but {
                let reach = calibrator.spread.of(target.series as usize, target.step, target.at, predicted, &scale);
                let error = (target.actual - predicted) / reach;
                for cell in calibrator.cell(target.step, target.at, scale.level).wider() {
                    pools.entry(cell).or_default().push(error);
                }
            }
        }
        calibrator.keep(pools);
        calibrator
    }

    /// Lets what a model said of each forecast's distribution count, as far as the same targets bear it out.
    pub(crate) fn heed_shapes(&mut self, evidence: &Evidence, predictions: &[f64], scales: &[Option<Scale>], but: Option<usize>) {
        self.shaped = Shaped::learn(self, evidence, predictions, scales, but);
    }

    /// Seasonal naive errors within the histories, for panels without folds.
    pub(crate) fn in_sample(histories: &[History], scales: &[Option<Scale>], groups: Vec<StepGroup>, season: u16) -> Self {
        let mut pool = Vec::new();
        for (history, scale) in histories.iter().zip(scales) {
            let Some(scale) = scale else { continue };
            for (at, value) in usable_values(history).rev().take(IN_SAMPLE) {
                if let Some(before) = same_season(history, at, season).next() {
                    pool.push((value - before) / scale.error_at(before));
                }
            }
        }
        let enough = pool.len() >= LEVELS.len();
        let spread = Spread::assumed(groups.last().map_or(0, |group| group.last), season, scales.len());
        let mut calibrator =
            Self { basis: Basis::Assumed, groups, season, spread, terciles: terciles(scales), cells: Vec::new(), shaped: None };
        if enough {
            calibrator.basis = Basis::InSample;
            calibrator.keep(BTreeMap::from([(Cell::ALL, pool)]));
        } else {
            calibrator.cells = vec![(Cell::ALL, NORMAL_OFFSETS.map(|offset| offset * NORMAL))];
        }
        calibrator
    }

    fn keep(&mut self, pools: BTreeMap<Cell, Vec<f64>>) {
        let enough = |(cell, pool): &(Cell, Vec<f64>)| *cell == Cell::ALL || pool.len() >= CELL;
        self.cells = pools.into_iter().filter(enough).map(|(cell, mut pool)| (cell, offsets(&mut pool))).collect();
    }

    pub(crate) fn cell(&self, step: u16, at: Ordinal, level: f64) -> Cell {
        let class = self.terciles.iter().filter(|&&border| level > border).count() as u8;
        let splits = (2..=MOST_POSITIONS).contains(&self.season);
        let position = splits.then(|| at.rem_euclid(Ordinal::from(self.season)) as u16);
        Cell { group: Some(group_of(&self.groups, step) as u8), class: Some(class), position }
    }

    /// Values at [`LEVELS`] around a forecast; not yet monotone or non-negative.
    pub(crate) fn quantiles(
        &self,
        series: usize,
        step: u16,
        at: Ordinal,
        predicted: f64,
        shape: Option<&Shape>,
        scale: &Scale,
    ) -> [f64; 9] {
        let (reach, plain) = self.plain(series, step, at, predicted, scale);
        match (&self.shaped, shape) {
            (Some(shaped), Some(shape)) => shaped.quantiles(self.cell(step, at, scale.level), &plain, predicted, shape, reach),
            _ => plain,
        }
    }

    /// The unit of errors there, and values at [`LEVELS`] by past errors alone.
    pub(crate) fn plain(&self, series: usize, step: u16, at: Ordinal, predicted: f64, scale: &Scale) -> (f64, [f64; 9]) {
        let reach = self.spread.of(series, step, at, predicted, scale);
        (reach, self.offsets_of(self.cell(step, at, scale.level)).map(|offset| predicted + offset * reach))
    }

    /// For the series of another panel: `old[new]` is where each stood in this one.
    pub(crate) fn rearranged(&self, old: &[Option<usize>]) -> Self {
        Self { spread: self.spread.rearranged(old), ..self.clone() }
    }

    fn offsets_of(&self, cell: Cell) -> [f64; 9] {
        let find = |cell: &Cell| self.cells.binary_search_by(|(stored, _)| stored.cmp(cell)).ok();
        match cell.wider().iter().find_map(find) {
            Some(index) => self.cells[index].1,
            None => NORMAL_OFFSETS.map(|offset| offset * NORMAL),
        }
    }
}

/// Offsets of all errors in one pool, whatever their cell.
pub(crate) fn pooled_offsets(evidence: &Evidence, predictions: &[f64], scales: &[Option<Scale>]) -> [f64; 9] {
    let scaled = |(target, &predicted): (&Target, &f64)| {
        let scale = scales[target.series as usize]?;
        predicted.is_finite().then(|| (target.actual - predicted) / scale.error_at(predicted))
    };
    offsets(&mut evidence.targets.iter().zip(predictions).filter_map(scaled).collect::<Vec<f64>>())
}

/// Borders that part the series into thirds by level.
fn terciles(scales: &[Option<Scale>]) -> [f64; 2] {
    let mut levels: Vec<f64> = scales.iter().flatten().map(|scale| scale.level).collect();
    levels.sort_by(f64::total_cmp);
    let border = |share: f64| levels.get(((levels.len() as f64 * share) as usize).saturating_sub(1)).copied().unwrap_or(0.0);
    [border(1.0 / 3.0), border(2.0 / 3.0)]
}

/// Finite-sample quantiles of a pool at [`LEVELS`].
pub(crate) fn offsets(pool: &mut [f64]) -> [f64; 9] {
    if pool.is_empty() {
        return NORMAL_OFFSETS.map(|offset| offset * NORMAL);
    }
    pool.sort_unstable_by(f64::total_cmp);
    std::array::from_fn(|level| offset_at(pool, level))
}

/// The quantile of a sorted pool at one of [`LEVELS`], by index. Levels beyond the outermost ranks get at least what a normal
/// error of the pool's spread would need.
pub(crate) fn offset_at(pool: &[f64], level: usize) -> f64 {
    let count = pool.len() as f64;
    let rank = LEVELS[level] * (count + 1.0);
    if (1.0..count).contains(&rank) {
        let below = rank.floor();
        let (low, high) = (pool[below as usize - 1], pool[below as usize]);
        return low + (rank - below) * (high - low);
    }
    let Some((&first, &last)) = pool.first().zip(pool.last()) else { return NORMAL_OFFSETS[level] * NORMAL };
    let mean = pool.iter().sum::<f64>() / count;
    let spread = (pool.iter().map(|error| (error - mean) * (error - mean)).sum::<f64>() / count).sqrt();
    let normal = mean + NORMAL_OFFSETS[level] * spread;
    if rank < 1.0 {
        first.min(normal)
    } else if rank > count {
        last.max(normal)
    } else {
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_are_those_of_a_new_error() {
        let mut pool: Vec<f64> = (1..=39).map(f64::from).collect();
        let found = offsets(&mut pool);
        // n + 1 = 40: the level .025 is the first of 39, the median the 20th.
        assert_eq!(found, [1.0, 2.0, 4.0, 10.0, 20.0, 30.0, 36.0, 38.0, 39.0]);
    }

    proptest! {
        #[test]
        fn offsets_rise_with_the_level(mut pool in prop::collection::vec(-1e6..1e6_f64, 0..300)) {
            prop_assert!(offsets(&mut pool).is_sorted_by(|a, b| *a <= *b + 1e-6));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn a_new_error_stays_below_each_offset_as_often_as_it_says(seed in any::<u64>()) {
            // Leave each one of 60 errors out in turn: the share below the offset of the other 59 is level to 1/60.
            let mut state = seed | 1;
            let mut next = || { state ^= state << 13; state ^= state >> 7; state ^= state << 17; (state >> 11) as f64 / (1_u64 << 53) as f64 };
            let errors: Vec<f64> = (0..60).map(|_| next() * next()).collect();
            for (index, level) in LEVELS.iter().enumerate() {
                let below = (0..errors.len()).filter(|&left| {
                    let mut others: Vec<f64> = errors.iter().enumerate().filter(|(k, _)| *k != left).map(|(_, error)| *error).collect();
                    errors[left] <= offsets(&mut others)[index]
                });
                prop_assert!((below.count() as f64 / 60.0 - level).abs() < 2.0 / 60.0 + 1e-9);
            }
        }
    }
}
