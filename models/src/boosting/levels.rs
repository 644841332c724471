//! Quantiles from the trees of a mean: the same splits, leaves that take a quantile of the residuals.
//!
//! What parts large sales from small ones parts wide distributions from narrow ones. So a level needs no trees of its own: it
//! is boosted along those that the mean has grown, each leaf taking the weighted quantile of the residuals that it holds
//! (the leaf step of Friedman 2001, section 4.3, for the pinball loss), at a fraction of the cost of growing.

use rayon::prelude::*;

use super::booster::{Booster, rows_of};
use super::columns::Columns;
use super::error::BoostingError;
use super::hyperparams::GradientBoostingValidParams;
use super::loss::Loss;
use super::quantile::weighted_quantile;
use super::tree::{Kind, Tree};

/// Rows that are walked down all trees at a time.
const BLOCK: usize = 1_024;

impl GradientBoostingValidParams {
    /// A booster for each of `levels` along the first `trees` trees of `booster`, which was fitted on a table of the same
    /// columns. Targets may be others than its own: what is left of them, or their ratio to its predictions. Rows of weight 0
    /// cost nothing.
    ///
    /// # Errors
    /// [`BoostingError::WidthMismatch`] if the table has another number of columns; for targets and weights as
    /// [`Self::fit_binned`].
    pub fn fit_levels(
        &self,
        booster: &Booster,
        trees: usize,
        table: &Columns<'_>,
        target: &[f32],
        weight: &[f32],
        levels: &[f64],
    ) -> Result<Vec<Booster>, BoostingError> {
        table.check_width(booster.width)?;
        Self { loss: Loss::Quantile(0.5), ..self.clone() }.check_rows(table.rows, target, weight)?;
        let trees = &booster.trees[..trees.min(booster.trees.len())];
        let heard: Vec<usize> = (0..table.rows).filter(|&row| weight[row] > 0.0).collect();
        let leaves = leaves(booster, trees, table, &heard);
        let pick = |values: &[f32]| heard.iter().map(|&row| values[row]).collect::<Vec<_>>();
        let (target, weight) = (pick(target), pick(weight));
        let along = |&level: &f64| self.along(booster, trees, &leaves, &target, &weight, level);
        Ok(levels.par_iter().map(along).collect())
    }

    fn along(&self, booster: &Booster, trees: &[Tree], leaves: &[Vec<u16>], target: &[f32], weight: &[f32], level: f64) -> Booster {
        let loss = Loss::Quantile(level);
        let base_score = f64::from(loss.base_score(target, weight) as f32);
        let mut scores = vec![base_score; target.len()];
        let mut fitted = Booster { loss, base_score, width: booster.width, columns: booster.columns.clone(), trees: Vec::new() };
        for (tree, leaf_of_row) in trees.iter().zip(leaves) {
            let mut residuals: Vec<Vec<(f64, f64)>> = vec![Vec::new(); tree.nodes.len()];
            for (row, &leaf) in leaf_of_row.iter().enumerate() {
                residuals[usize::from(leaf)].push((f64::from(target[row]) - scores[row], f64::from(weight[row])));
            }
            let mut tree = tree.clone();
            for (node, residuals) in tree.nodes.iter_mut().zip(&mut residuals).filter(|(node, _)| node.kind == Kind::Leaf) {
                node.payload = ((weighted_quantile(residuals, level) * self.learning_rate) as f32).to_bits();
            }
            for (score, &leaf) in scores.iter_mut().zip(leaf_of_row) {
                *score += f64::from(tree.nodes[usize::from(leaf)].number());
            }
            fitted.trees.push(tree);
        }
        fitted
    }
}

/// By tree, the leaf that each of some rows falls into.
fn leaves(booster: &Booster, trees: &[Tree], table: &Columns<'_>, rows: &[usize]) -> Vec<Vec<u16>> {
    let width = booster.columns.len().max(1);
    let mut leaves = vec![Vec::with_capacity(rows.len()); trees.len()];
    for block in rows.chunks(BLOCK) {
        let cells = rows_of(&booster.columns, table, block.iter().copied());
        leaves.par_iter_mut().zip(trees).for_each(|(leaves, tree)| {
            leaves.extend(cells.chunks_exact(width).map(|row| tree.leaf(row) as u16));
        });
    }
    leaves
}
