//! What a feature family sees: the rows wanted and everything that they may know.

use std::collections::HashMap;

use domain::panel::Beyond;
use domain::{FeatureError, Ordinal};

use crate::config::Shape;
use crate::past::Past;
use crate::pool::Pool;
use crate::regressors::RegressorStore;
use crate::rows::Block;

/// What rows are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Targets are known: a row knows what was known `lead` steps before its target.
    Training,
    /// Targets lie ahead: every row knows what is known at the cutoff.
    Future,
}

/// The rows wanted and everything that they may know.
pub(crate) struct View<'a> {
    pub shape: Shape,
    pub cutoff: Ordinal,
    pub purpose: Purpose,
    pub series: &'a [String],
    pub regressors: &'a [RegressorStore],
    pub blocks: &'a [Block],
    pub past: Past,
    /// What all series tell together, if a family asks for it.
    pub pool: &'a Pool,
    /// Whether a sold-out period is known of.
    pub any_censored: bool,
}

impl View<'_> {
    pub fn rows(&self) -> usize {
        self.blocks.iter().map(Block::rows).sum()
    }

    /// What the row that predicts `at` may know.
    pub fn knowledge(&self, at: Ordinal) -> Ordinal {
        match self.purpose {
            Purpose::Training => at - self.shape.lead as Ordinal,
            Purpose::Future => self.cutoff,
        }
    }

    /// A known-future value for the row that predicts `target`, at some period `at` near it.
    pub fn planned(&self, regressor: &RegressorStore, slot: Option<usize>, at: Ordinal, target: Ordinal) -> Option<f64> {
        regressor.planned(slot, at, self.knowledge(target), self.cutoff)
    }

    /// Yes-or-no regressors that are known ahead.
    pub fn flags(&self) -> impl Iterator<Item = &RegressorStore> {
        self.regressors.iter().filter(|regressor| regressor.is_flag(self.cutoff))
    }

    /// As [`View::planned`] at the target itself: NaN in a training row that lacks it, an error in a future row.
    pub fn required(&self, regressor: &RegressorStore, block: &Block, at: Ordinal) -> Result<f64, FeatureError> {
        match self.planned(regressor, regressor.slot(block.series), at, at) {
            Some(value) => Ok(value),
            None if self.purpose == Purpose::Future && regressor.beyond == Beyond::Required => Err(FeatureError::MissingFuture {
                name: regressor.name.clone(),
                series: self.series[block.series as usize].clone(),
                period: self.shape.frequency.label(at),
            }),
            None => Ok(f64::NAN),
        }
    }

    /// One value per row from the block and the period.
    pub fn by_row(&self, mut value: impl FnMut(&Block, Ordinal) -> f32) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.rows());
        for block in self.blocks {
            values.extend(block.periods().map(|at| value(block, at)));
        }
        values
    }

    /// `N` values per row that depend on the period alone.
    pub fn by_period<const N: usize>(&self, value: impl Fn(Ordinal) -> [f32; N]) -> [Vec<f32>; N] {
        self.by_key(|_| None, |_, at| Ok::<_, std::convert::Infallible>(value(at))).unwrap_or_else(|never| match never {})
    }

    /// `N` values per row that depend on a regressor's key and the period, computed once for series that share a key.
    pub fn by_key<const N: usize, T: Copy, E>(
        &self,
        slot: impl Fn(&Block) -> Option<usize>,
        mut value: impl FnMut(&Block, Ordinal) -> Result<[T; N], E>,
    ) -> Result<[Vec<T>; N], E> {
        let mut tables: HashMap<Option<usize>, (Ordinal, [Vec<T>; N])> = HashMap::new();
        let mut columns = std::array::from_fn(|_| Vec::with_capacity(self.rows()));
        for block in self.blocks {
            let (start, table) = tables.entry(slot(block)).or_insert_with(|| (block.from, std::array::from_fn(|_| Vec::new())));
            let covered = *start <= block.from && *start + table[0].len() as Ordinal > block.to;
            if !covered {
                *start = block.from;
                table.iter_mut().for_each(Vec::clear);
                for at in block.periods() {
                    for (values, value) in table.iter_mut().zip(value(block, at)?) {
                        values.push(value);
                    }
                }
            }
            let offset = (block.from - *start) as usize;
            for (column, values) in columns.iter_mut().zip(table) {
                column.extend_from_slice(&values[offset..offset + block.rows()]);
            }
        }
        Ok(columns)
    }
}
