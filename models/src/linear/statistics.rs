//! All that least squares needs to know of a table, whatever its length.

use domain::FeatureMatrix;
use ndarray::{Array1, Array2, ArrayView1, s};

use super::Encoding;
use crate::direct::scaled_target;

/// Rows encoded at a time: the whole table never stands in memory as `f64`.
const BLOCK: usize = 4096;

/// Weighted `X'X`, `X'y`, `y'y` and the sum of weights of an encoded table whose target is centred.
#[derive(Debug, Clone)]
pub(crate) struct Statistics {
    pub gram: Array2<f64>,
    pub moment: Array1<f64>,
    pub square: f64,
    pub weight: f64,
}

impl Statistics {
    /// Of the chosen rows, the target divided by its series' level and less `intercept`.
    pub fn gather(rows: &FeatureMatrix, chosen: &[usize], units: &[f64], encoding: &Encoding, intercept: f64) -> Self {
        let width = encoding.width();
        // The encoding was learnt on these very rows, so that every column is there.
        let columns = encoding.locate(rows).unwrap_or_default();
        let mut statistics = Self { gram: Array2::zeros((width, width)), moment: Array1::zeros(width), square: 0.0, weight: 0.0 };
        let mut block = Array2::zeros((BLOCK, width));
        let mut target = Array1::zeros(BLOCK);
        for part in chosen.chunks(BLOCK) {
            for (mut cells, (y, &row)) in block.rows_mut().into_iter().zip(target.iter_mut().zip(part)) {
                let root = f64::from(rows.weight[row]).sqrt();
                if let Some(cells) = cells.as_slice_mut() {
                    encoding.encode(rows, &columns, row, units, cells);
                    cells.iter_mut().for_each(|cell| *cell *= root);
                }
                *y = (scaled_target(rows, row, units) - intercept) * root;
                statistics.weight += root * root;
            }
            let (block, target) = (block.slice(s![..part.len(), ..]), target.slice(s![..part.len()]));
            statistics.gram += &block.t().dot(&block);
            statistics.moment += &block.t().dot(&target);
            statistics.square += target.dot(&target);
        }
        statistics
    }

    pub fn is_empty(&self) -> bool {
        self.weight <= 0.0
    }

    /// Statistics of both tables together.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            gram: &self.gram + &other.gram,
            moment: &self.moment + &other.moment,
            square: self.square + other.square,
            weight: self.weight + other.weight,
        }
    }

    /// Mean squared error of coefficients on the table.
    pub fn loss(&self, coefficients: &[f64]) -> f64 {
        let coefficients = ArrayView1::from(coefficients);
        let fitted = self.gram.dot(&coefficients);
        (self.square - 2.0 * coefficients.dot(&self.moment) + coefficients.dot(&fitted)) / self.weight
    }
}
