//! A fitted booster and its predictions.

use rayon::prelude::*;

use super::columns::Columns;
use super::cuts::category_bin;
use super::error::BoostingError;
use super::loss::Loss;
use super::tree::Tree;

/// A fitted ensemble of trees. Serialises compactly and predicts the same bits after being read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Booster {
    pub(super) loss: Loss,
    /// Raw score of no tree at all.
    pub(super) base_score: f64,
    /// Columns of the table it was fitted on.
    pub(super) width: usize,
    /// Those of them that varied, in the order the trees number them.
    pub(super) columns: Vec<BoosterColumn>,
    pub(super) trees: Vec<Tree>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct BoosterColumn {
    /// Which column of the table.
    pub index: usize,
    /// Bins of category codes, for categories.
    pub bin_of: Option<Vec<u8>>,
}

/// Rows that are copied side by side and go through all trees together: they fit in the innermost cache.
const BLOCK: usize = 64;

impl Booster {
    #[must_use]
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    #[must_use]
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// Predictions in units of the target, one per row, for a table of the same columns as it was fitted on.
    ///
    /// # Errors
    /// [`BoostingError::WidthMismatch`] if the table has another number of columns.
    pub fn predict(&self, table: &Columns<'_>) -> Result<Vec<f64>, BoostingError> {
        let mut scores = self.raw_scores(table)?;
        if self.loss.has_log_link() {
            scores.par_iter_mut().with_min_len(BLOCK).for_each(|score| *score = self.loss.inverse_link(*score));
        }
        Ok(scores)
    }

    /// Raw scores, before the inverse link.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub fn raw_scores(&self, table: &Columns<'_>) -> Result<Vec<f64>, BoostingError> {
        table.check_width(self.width)?;
        let mut scores = vec![self.base_score; table.rows];
        let width = self.columns.len().max(1);
        scores.par_chunks_mut(BLOCK).enumerate().with_min_len(4).for_each(|(block, scores)| {
            let rows = rows_of(&self.columns, table, block * BLOCK..block * BLOCK + scores.len());
            for tree in &self.trees {
                for (score, row) in scores.iter_mut().zip(rows.chunks_exact(width)) {
                    *score += f64::from(tree.predict(row));
                }
            }
        });
        Ok(scores)
    }
}

/// Some rows as the trees read them: row-major, categories as their bins, NaN for missing.
pub(super) fn rows_of(columns: &[BoosterColumn], table: &Columns<'_>, chosen: impl ExactSizeIterator<Item = usize> + Clone) -> Vec<f32> {
    let mut rows = vec![0.0; chosen.len() * columns.len()];
    for (place, column) in columns.iter().enumerate() {
        let values = chosen.clone().map(|row| table.columns[column.index].values[row]);
        let cells = rows.iter_mut().skip(place).step_by(columns.len());
        match &column.bin_of {
            None => cells.zip(values).for_each(|(cell, value)| *cell = value),
            Some(bin_of) => cells.zip(values).for_each(|(cell, value)| *cell = category_bin(bin_of, value).map_or(f32::NAN, f32::from)),
        }
    }
    rows
}
