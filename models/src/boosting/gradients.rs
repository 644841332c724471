//! Gradients of all rows: exact pairs for leaf values, packed fixed-point ones for histograms.

use rayon::prelude::*;

use super::loss::Loss;
use super::packed::{dither, pack, scale};

/// Rows per piece of parallel work; fixed, so that sums are added in the same order whatever the number of threads.
pub(super) const CHUNK: usize = 16_384;

pub(super) struct Gradients {
    /// Gradient and hessian.
    pub pairs: Vec<[f32; 2]>,
    pub packed: Vec<i64>,
    /// What one fixed-point unit of the gradient is worth.
    pub gradient_unit: f64,
    pub hessian_unit: f64,
    /// Sum of absolute gradients.
    pub magnitude: f64,
}

impl Gradients {
    pub fn new(rows: usize) -> Self {
        Self { pairs: vec![[0.0; 2]; rows], packed: vec![0; rows], gradient_unit: 0.0, hessian_unit: 0.0, magnitude: 0.0 }
    }

    pub fn compute(&mut self, loss: Loss, scores: &[f64], target: &[f32], weight: &[f32]) {
        let chunks = self.pairs.par_chunks_mut(CHUNK).zip(scores.par_chunks(CHUNK));
        let chunks = chunks.zip(target.par_chunks(CHUNK)).zip(weight.par_chunks(CHUNK));
        let sums: Vec<[f64; 2]> = chunks
            .map(|(((pairs, scores), target), weight)| {
                loss.gradients(scores, target, weight, pairs);
                pairs.iter().fold([0.0; 2], |[g, h], pair| [g + f64::from(pair[0].abs()), h + f64::from(pair[1])])
            })
            .collect();
        let [gradients, hessians] = sums.iter().fold([0.0; 2], |[g, h], sum| [g + sum[0], h + sum[1]]);
        self.magnitude = gradients;
        self.pack(scale(gradients, 30), scale(hessians, 31));
    }

    /// Any sum of packed gradients stays below 2^31, any sum of hessians below 2^32.
    fn pack(&mut self, gradient_scale: f64, hessian_scale: f64) {
        self.gradient_unit = if gradient_scale > 0.0 { 1.0 / gradient_scale } else { 0.0 };
        self.hessian_unit = if hessian_scale > 0.0 { 1.0 / hessian_scale } else { 0.0 };
        let chunks = self.packed.par_chunks_mut(CHUNK).zip(self.pairs.par_chunks(CHUNK)).enumerate();
        chunks.for_each(|(chunk, (packed, pairs))| {
            for (row, (packed, pair)) in (chunk * CHUNK..).zip(packed.iter_mut().zip(pairs)) {
                *packed = pack(f64::from(pair[0]) * gradient_scale, f64::from(pair[1]) * hessian_scale, dither(row as u32));
            }
        });
    }
}
