//! The values of the target that each row may use.

use std::ops::RangeInclusive;

use domain::Ordinal;

use crate::rows::Block;

/// For each block, the target over `reach` periods before the youngest usable one of its first row, up to the youngest
/// usable one of its last row. NaN where nothing is known and on closed periods.
pub(crate) struct Past {
    values: Vec<f64>,
    starts: Vec<usize>,
    /// Values of a block before the youngest usable one of its first row.
    pub reach: usize,
}

impl Past {
    /// `read` gives a block's values over a range of periods.
    pub fn new(blocks: &[Block], lead: usize, reach: usize, read: impl Fn(&Block, RangeInclusive<Ordinal>) -> Vec<f64>) -> Self {
        let mut past = Self { values: Vec::new(), starts: vec![0], reach };
        for block in blocks {
            let youngest = |target: Ordinal| target - lead as Ordinal;
            past.values.extend(read(block, youngest(block.from) - reach as Ordinal..=youngest(block.to)));
            past.starts.push(past.values.len());
        }
        past
    }

    /// Values of block number `block`; row `k`'s youngest usable value is entry `reach + k`.
    pub fn of(&self, block: usize) -> &[f64] {
        &self.values[self.starts[block]..self.starts[block + 1]]
    }
}
