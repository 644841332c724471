//! The boosting loop: gradients, a tree, its values, new scores.

use std::sync::atomic::{AtomicU16, Ordering};

use rayon::prelude::*;

use super::binned::{Binned, check_weights};
use super::booster::{Booster, BoosterColumn, rows_of};
use super::columns::Columns;
use super::cuts::Cuts;
use super::error::BoostingError;
use super::finish::{Teaching, keep_monotone, leaf_values, tree};
use super::gradients::{CHUNK, Gradients};
use super::grow::{Grower, Grown};
use super::hyperparams::{GradientBoostingValidParams, Monotone};
use super::sampling::Sampling;

/// Rows that no tree is grown on, to tell when to stop.
pub struct Validation<'a> {
    pub columns: &'a Columns<'a>,
    pub target: &'a [f32],
    pub weight: &'a [f32],
}

/// Residuals below this share of the targets are rounding, not signal.
const NEGLIGIBLE: f64 = 1e-8;

impl GradientBoostingValidParams {
    /// Bins a table and fits on it. See [`Self::fit_binned`].
    ///
    /// # Errors
    /// As [`Binned::new`] and [`Self::fit_binned`].
    pub fn fit_columns(&self, columns: &Columns<'_>, target: &[f32], weight: &[f32]) -> Result<Booster, BoostingError> {
        self.fit_binned(&Binned::new(columns, weight, self.bins, self.seed)?, target, weight)
    }

    /// As [`Self::fit_columns`], with the predictions of the rows it was fitted on, which cost nothing then.
    ///
    /// # Errors
    /// As [`Self::fit_columns`].
    pub fn fit_predicted(&self, columns: &Columns<'_>, target: &[f32], weight: &[f32]) -> Result<(Booster, Vec<f64>), BoostingError> {
        let (booster, mut scores) = self.train(&Binned::new(columns, weight, self.bins, self.seed)?, target, weight, None)?;
        scores.iter_mut().for_each(|score| *score = self.loss.inverse_link(*score));
        Ok((booster, scores))
    }

    /// Fits on a table that was binned before; `target` and `weight` have one value per row.
    ///
    /// # Errors
    /// [`BoostingError::LengthMismatch`], [`BoostingError::TargetNotFinite`], [`BoostingError::NegativeTarget`] for the
    /// log-link losses, [`BoostingError::InvalidWeight`], [`BoostingError::NoWeight`], and
    /// [`BoostingError::MonotoneMismatch`] or [`BoostingError::MonotoneCategory`] if the directions don't fit the table.
    pub fn fit_binned(&self, binned: &Binned, target: &[f32], weight: &[f32]) -> Result<Booster, BoostingError> {
        Ok(self.train(binned, target, weight, None)?.0)
    }

    /// As [`Self::fit_binned`], but stops when `patience` trees in a row have not improved the loss on rows of their own,
    /// and keeps the trees up to the best.
    ///
    /// # Errors
    /// As [`Self::fit_binned`], for either set of rows; [`BoostingError::WidthMismatch`] if the tables differ in columns.
    pub fn fit_validated(
        &self,
        binned: &Binned,
        target: &[f32],
        weight: &[f32],
        validation: &Validation<'_>,
    ) -> Result<Booster, BoostingError> {
        self.check_rows(validation.columns.rows, validation.target, validation.weight)?;
        validation.columns.check_width(binned.width)?;
        Ok(self.train(binned, target, weight, Some(validation))?.0)
    }

    /// The booster, and the raw scores of its rows by all trees grown.
    fn train(
        &self,
        binned: &Binned,
        target: &[f32],
        weight: &[f32],
        validation: Option<&Validation<'_>>,
    ) -> Result<(Booster, Vec<f64>), BoostingError> {
        self.check_rows(binned.rows, target, weight)?;
        self.check_monotone(binned)?;
        let mut booster = self.untrained(binned, target, weight);
        let mut scores = vec![booster.base_score; binned.rows];
        let mut watch = validation.map(|validation| Watch::new(&booster, validation));
        let mut gradients = Gradients::new(binned.rows);
        let mut grower = Grower::new(binned, self);
        let mut leaf_of_row: Vec<AtomicU16> = (0..binned.rows).map(|_| AtomicU16::new(0)).collect();
        let sampling = Sampling::new(self, binned.columns.len(), weight);
        let negligible = NEGLIGIBLE * size(target, weight);
        let (mut rows, mut outside) = (Vec::new(), Vec::new());

        for number in 0..self.trees {
            gradients.compute(self.loss, &scores, target, weight);
            if gradients.magnitude <= negligible {
                break;
            }
            sampling.rows(number, weight, &mut rows, &mut outside);
            let grown = grower.grow(&gradients, &mut rows, &sampling.columns(number));
            match grown.leaves.len() {
                1 if sampling.is_random() => continue,
                1 => break,
                _ => {}
            }
            let teaching = Teaching { scores: &scores, target, weight };
            let (mut values, covers) = leaf_values(self, &grown, &rows, &gradients, &teaching);
            keep_monotone(self, binned, &grown, &mut values, &covers);
            let values: Vec<f32> = values.into_iter().map(|value| (value * self.learning_rate).clamp(-1e37, 1e37) as f32).collect();
            note_leaves(&grown, binned, &rows, &outside, &leaf_of_row);
            add_values(&mut scores, &mut leaf_of_row, &values);
            booster.trees.push(tree(binned, &grown, &values, &covers));
            if let Some(watch) = &mut watch
                && watch.is_over(&booster, self.patience)
            {
                break;
            }
        }
        if let Some(watch) = watch {
            booster.trees.truncate(watch.best_trees);
        }
        Ok((booster, scores))
    }

    fn untrained(&self, binned: &Binned, target: &[f32], weight: &[f32]) -> Booster {
        let column = |column: &super::binned::BinnedColumn| BoosterColumn {
            index: column.index,
            bin_of: match &column.cuts {
                Cuts::Numbers { .. } => None,
                Cuts::Categories { bin_of, .. } => Some(bin_of.clone()),
            },
        };
        // Single precision, so that it survives any number format; the trees make up for the rest.
        let base_score = f64::from(self.loss.base_score(target, weight) as f32);
        Booster {
            loss: self.loss,
            base_score,
            width: binned.width,
            columns: binned.columns.iter().map(column).collect(),
            trees: Vec::new(),
        }
    }

    pub(super) fn check_rows(&self, rows: usize, target: &[f32], weight: &[f32]) -> Result<(), BoostingError> {
        check_weights(rows, weight)?;
        if target.len() != rows {
            return Err(BoostingError::LengthMismatch { what: "target", expected: rows, found: target.len() });
        }
        if let Some(row) = target.iter().position(|target| !target.is_finite()) {
            return Err(BoostingError::TargetNotFinite { row });
        }
        match target.iter().position(|&target| target < 0.0) {
            Some(row) if self.loss.has_log_link() => Err(BoostingError::NegativeTarget { row, value: target[row] }),
            _ => Ok(()),
        }
    }

    fn check_monotone(&self, binned: &Binned) -> Result<(), BoostingError> {
        if !self.monotone.is_empty() && self.monotone.len() != binned.width {
            return Err(BoostingError::MonotoneMismatch { expected: binned.width, found: self.monotone.len() });
        }
        let directed = |index: usize| self.monotone.get(index).is_some_and(|&direction| direction != Monotone::Free);
        match binned.columns.iter().find(|column| column.is_category() && directed(column.index)) {
            Some(column) => Err(BoostingError::MonotoneCategory { column: column.index }),
            None => Ok(()),
        }
    }
}

/// Weighted sum of absolute targets.
fn size(target: &[f32], weight: &[f32]) -> f64 {
    target.iter().zip(weight).map(|(&target, &weight)| f64::from(weight) * f64::from(target).abs()).sum()
}

/// Writes down which leaf each row has fallen into. Relaxed stores by many threads, each to rows of its own.
fn note_leaves(grown: &Grown, binned: &Binned, rows: &[u32], outside: &[u32], leaf_of_row: &[AtomicU16]) {
    let pieces: Vec<(usize, &[u32])> = (grown.leaves.iter().enumerate())
        .flat_map(|(leaf, range)| rows[range.clone()].chunks(CHUNK).map(move |piece| (leaf, piece)))
        .collect();
    pieces.par_iter().for_each(|&(leaf, piece)| {
        piece.iter().for_each(|&row| leaf_of_row[row as usize].store(leaf as u16, Ordering::Relaxed));
    });
    outside.par_chunks(CHUNK).for_each(|piece| {
        piece.iter().for_each(|&row| leaf_of_row[row as usize].store(grown.leaf(binned, row as usize) as u16, Ordering::Relaxed));
    });
}

fn add_values(scores: &mut [f64], leaf_of_row: &mut [AtomicU16], values: &[f32]) {
    scores.par_chunks_mut(CHUNK).zip(leaf_of_row.par_chunks_mut(CHUNK)).for_each(|(scores, leaves)| {
        for (score, leaf) in scores.iter_mut().zip(leaves) {
            *score += f64::from(values[usize::from(*leaf.get_mut())]);
        }
    });
}

/// The loss on the validation rows, tree by tree.
struct Watch<'a> {
    validation: &'a Validation<'a>,
    rows: Vec<f32>,
    scores: Vec<f64>,
    best_loss: f64,
    best_trees: usize,
}

impl<'a> Watch<'a> {
    fn new(booster: &Booster, validation: &'a Validation<'a>) -> Self {
        let scores = vec![booster.base_score; validation.target.len()];
        let best_loss = booster.loss.mean(&scores, validation.target, validation.weight);
        let rows = rows_of(&booster.columns, validation.columns, 0..validation.target.len());
        Self { validation, rows, scores, best_loss, best_trees: 0 }
    }

    fn is_over(&mut self, booster: &Booster, patience: usize) -> bool {
        if let Some(tree) = booster.trees.last() {
            let width = booster.columns.len().max(1);
            let chunks = self.scores.par_chunks_mut(CHUNK).zip(self.rows.par_chunks(CHUNK * width));
            chunks.for_each(|(scores, rows)| {
                scores.iter_mut().zip(rows.chunks_exact(width)).for_each(|(score, row)| *score += f64::from(tree.predict(row)));
            });
        }
        let loss = booster.loss.mean(&self.scores, self.validation.target, self.validation.weight);
        if loss < self.best_loss {
            (self.best_loss, self.best_trees) = (loss, booster.trees.len());
        }
        patience > 0 && booster.trees.len() - self.best_trees >= patience
    }
}
