//! Ranges that follow a model's own quantiles, as far as past folds bear them out.
//!
//! Pooled errors know how far forecasts miss by series, step, weekday and size. A model of quantiles knows more (a holiday is
//! less certain than its weekday) and is less sure of it. So the two are averaged level by level, with the weight that had
//! the least pinball loss on past folds, and what the average still misses by, level by level, is added: conformalised
//! quantile regression (Romano, Patterson and Candes 2019) with two-sided offsets, pooled by the cells of
//! [`crate::conformal`].

use std::collections::BTreeMap;

use domain::LEVELS;
use domain::quantile::pinball;
use serde::{Deserialize, Serialize};

use crate::candidate::{Evidence, Target};
use crate::conformal::{CELL, Calibrator, Cell, offset_at};
use crate::scale::Scale;
use crate::shape::Shape;

/// Weights of the model's quantiles that are tried beside 0.
const WEIGHTS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];
/// Loss, as a share, that a weight above 0 must save.
const WORTH: f64 = 0.002;
/// Past forecasts that a choice needs, and that it looks at.
const FEWEST: usize = 200;
const MOST: usize = 6_000;

/// The weight, and what is added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shaped {
    weight: f64,
    /// Offsets by level in units of the spread, sorted by cell.
    cells: Vec<(Cell, [f64; 9])>,
}

/// A forecast of the past, both ways, and what came of it.
struct Seen {
    cell: Cell,
    actual: f64,
    reach: f64,
    plain: [f64; 9],
    shaped: [f64; 9],
}

impl Seen {
    /// What the average misses by at each level, in units of the spread.
    fn misses(&self, weight: f64) -> [f64; 9] {
        averaged(&self.plain, &self.shaped, weight).map(|quantile| (self.actual - quantile) / self.reach)
    }
}

impl Shaped {
    /// `None` where no model told, or it told nothing new. The fold `but` is left out.
    pub fn learn(
        plain: &Calibrator,
        evidence: &Evidence,
        predictions: &[f64],
        scales: &[Option<Scale>],
        but: Option<usize>,
    ) -> Option<Self> {
        let of = |(target, &predicted): (&Target, &f64)| {
            let (scale, shape) = (scales[target.series as usize]?, evidence.shape(target)?);
            if !predicted.is_finite() || Some(target.fold) == but {
                return None;
            }
            let (reach, quantiles) = plain.plain(target.series as usize, target.step, target.at, predicted, &scale);
            let shaped = shape.map(|ratio| predicted * f64::from(ratio));
            let cell = plain.cell(target.step, target.at, scale.level);
            (reach > 0.0).then_some(Seen { cell, actual: target.actual, reach, plain: quantiles, shaped })
        };
        let seen: Vec<Seen> = evidence.targets.iter().zip(predictions).filter_map(of).collect();
        if seen.len() < FEWEST {
            return None;
        }
        let judged: Vec<&Seen> = seen.iter().step_by(seen.len().div_ceil(MOST)).collect();
        let losses = WEIGHTS.map(|weight| (weight, loss(&judged, weight)));
        let (weight, least) = losses.into_iter().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        if least > (1.0 - WORTH) * loss(&judged, 0.0) {
            return None;
        }
        let mut pools: BTreeMap<Cell, [Vec<f64>; 9]> = BTreeMap::new();
        for one in &seen {
            let misses = one.misses(weight);
            for cell in one.cell.wider() {
                pools.entry(cell).or_default().iter_mut().zip(misses).for_each(|(pool, miss)| pool.push(miss));
            }
        }
        let enough = |(cell, pools): &(Cell, [Vec<f64>; 9])| *cell == Cell::ALL || pools[0].len() >= CELL;
        let cells = pools.into_iter().filter(enough).map(|(cell, pools)| (cell, offsets(pools))).collect();
        Some(Self { weight, cells })
    }

    /// Values at [`LEVELS`]; not yet monotone or non-negative.
    pub fn quantiles(&self, cell: Cell, plain: &[f64; 9], predicted: f64, shape: &Shape, reach: f64) -> [f64; 9] {
        let find = |cell: &Cell| self.cells.binary_search_by(|(stored, _)| stored.cmp(cell)).ok();
        let offsets = cell.wider().iter().find_map(find).map_or([0.0; 9], |index| self.cells[index].1);
        let mut quantiles = averaged(plain, &shape.map(|ratio| predicted * f64::from(ratio)), self.weight);
        quantiles.iter_mut().zip(offsets).for_each(|(quantile, offset)| *quantile += offset * reach);
        quantiles
    }
}

fn averaged(plain: &[f64; 9], shaped: &[f64; 9], weight: f64) -> [f64; 9] {
    std::array::from_fn(|level| (1.0 - weight) * plain[level] + weight * shaped[level])
}

/// The quantile at its own level of what each level missed by.
fn offsets(mut pools: [Vec<f64>; 9]) -> [f64; 9] {
    std::array::from_fn(|level| {
        pools[level].sort_unstable_by(f64::total_cmp);
        offset_at(&pools[level], level)
    })
}

/// Pinball loss after the offsets of all together, in units of the spread.
fn loss(seen: &[&Seen], weight: f64) -> f64 {
    let mut pools: [Vec<f64>; 9] = Default::default();
    for one in seen {
        pools.iter_mut().zip(one.misses(weight)).for_each(|(pool, miss)| pool.push(miss));
    }
    let offsets = offsets(pools);
    let of = |one: &&Seen| {
        let misses = one.misses(weight);
        (0..9).map(|level| pinball(misses[level], offsets[level], LEVELS[level])).sum::<f64>() * one.reach
    };
    seen.iter().map(of).sum()
}
