//! The values of the target that each row may use.

use std::ops::{Range, RangeInclusive};

use domain::Ordinal;

use crate::observations::Stretch;
use crate::rows::Block;

/// How far back the values of each block go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depth {
    /// Steps between a row's target and its youngest usable value.
    pub lead: usize,
    /// Periods before the youngest usable one of a block's first row.
    pub reach: usize,
    /// Whether to start at the series' first observation where that is earlier.
    pub whole: bool,
}

/// For each block, the target over `reach` periods before the youngest usable one of its first row, up to the youngest
/// usable one of its last row. NaN where nothing is known and on closed periods.
pub(crate) struct Past {
    stretch: Stretch,
    /// Where each block's values start.
    starts: Vec<usize>,
    /// Values of each block that are older than `reach` periods.
    older: Vec<usize>,
    lead: usize,
    /// Values of a block before the youngest usable one of its first row.
    pub reach: usize,
}

impl Past {
    /// `read` gives a block's values over a range of periods.
    pub fn new(blocks: &[Block], depth: Depth, read: impl Fn(&Block, RangeInclusive<Ordinal>) -> Stretch) -> Self {
        let mut past = Self { stretch: Stretch::default(), starts: vec![0], older: Vec::new(), lead: depth.lead, reach: depth.reach };
        for block in blocks {
            let youngest = |target: Ordinal| target - depth.lead as Ordinal;
            let from = youngest(block.from) - depth.reach as Ordinal;
            let first = if depth.whole { from.min(block.first) } else { from };
            let of_block = read(block, first..=youngest(block.to));
            past.stretch.values.extend(of_block.values);
            past.stretch.censored.extend(of_block.censored);
            past.starts.push(past.stretch.values.len());
            past.older.push((from - first) as usize);
        }
        past
    }

    /// Values of block number `block`; row `k`'s youngest usable value is entry `reach + k`.
    pub fn of(&self, block: usize) -> &[f64] {
        &self.stretch.values[self.starts[block] + self.older[block]..self.starts[block + 1]]
    }

    /// The same without all but the last `before` values before the youngest usable one of the first row.
    pub fn recent(&self, block: usize, before: usize) -> &[f64] {
        &self.of(block)[self.reach - before..]
    }

    /// Which of the values of [`Past::of`] are of sold-out periods.
    pub fn censored(&self, block: usize) -> &[bool] {
        &self.stretch.censored[self.starts[block] + self.older[block]..self.starts[block + 1]]
    }

    /// All values of a block since its series' first observation, if the past was read whole.
    pub fn whole(&self, number: usize, block: &Block) -> Whole<'_> {
        let youngest = (block.from - self.lead as Ordinal - block.first) as isize;
        let start = (self.starts[number] + self.older[number] + self.reach).saturating_add_signed(-youngest);
        let end = self.starts[number + 1];
        Whole { values: &self.stretch.values[start.min(end)..end], youngest }
    }
}

/// A series' values from its first observation to the youngest usable value of a block's last row.
pub(crate) struct Whole<'a> {
    pub values: &'a [f64],
    /// Position of the youngest usable value of the first row; negative if that lies before the first observation.
    youngest: isize,
}

impl Whole<'_> {
    /// Positions of the values that the row before could not yet use.
    pub fn newly_usable(&self, row: usize) -> Range<usize> {
        let end = |row: isize| (self.youngest + row + 1).max(0) as usize;
        let start = if row == 0 { 0 } else { end(row as isize - 1) };
        start..end(row as isize)
    }
}
