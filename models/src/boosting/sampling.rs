//! Which rows and columns a tree sees.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::hyperparams::GradientBoostingValidParams;

/// Draws for each tree anew, from the seed and the tree's number alone.
pub(super) struct Sampling {
    row_share: f64,
    column_share: f64,
    columns: usize,
    seed: u64,
    /// Rows with a weight.
    teaching: Vec<u32>,
}

impl Sampling {
    pub fn new(params: &GradientBoostingValidParams, columns: usize, weight: &[f32]) -> Self {
        let teaching = (0..weight.len() as u32).filter(|&row| weight[row as usize] > 0.0).collect();
        Self { row_share: params.row_share, column_share: params.column_share, columns, seed: params.seed, teaching }
    }

    /// Whether trees may differ by luck.
    pub fn is_random(&self) -> bool {
        self.row_share < 1.0 || self.column_share < 1.0
    }

    /// Rows of a tree, ascending, into `inside`; all others into `outside`.
    pub fn rows(&self, tree: usize, weight: &[f32], inside: &mut Vec<u32>, outside: &mut Vec<u32>) {
        inside.clear();
        outside.clear();
        if self.row_share >= 1.0 {
            inside.extend_from_slice(&self.teaching);
            if inside.len() < weight.len() {
                outside.extend((0..weight.len() as u32).filter(|&row| weight[row as usize] <= 0.0));
            }
            return;
        }
        let mut random = self.random(tree, 1);
        for row in 0..weight.len() as u32 {
            let drawn = random.r#gen::<f64>() < self.row_share && weight[row as usize] > 0.0;
            if drawn { inside.push(row) } else { outside.push(row) }
        }
        if inside.is_empty() {
            outside.clear();
            inside.extend(0..weight.len() as u32);
        }
    }

    /// Whether a tree sees each column; at least one.
    pub fn columns(&self, tree: usize) -> Vec<bool> {
        let wanted = ((self.column_share * self.columns as f64).round() as usize).clamp(1, self.columns.max(1));
        if wanted >= self.columns {
            return vec![true; self.columns];
        }
        let mut order: Vec<usize> = (0..self.columns).collect();
        let mut random = self.random(tree, 2);
        let mut chosen = vec![false; self.columns];
        for place in 0..wanted {
            order.swap(place, random.gen_range(place..self.columns));
            chosen[order[place]] = true;
        }
        chosen
    }

    fn random(&self, tree: usize, purpose: u64) -> Xoshiro256PlusPlus {
        let mixed = (tree as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(purpose.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Xoshiro256PlusPlus::seed_from_u64(self.seed ^ mixed)
    }
}
