//! Which rows a matrix has: one stretch of target periods per series.

use domain::Ordinal;

/// Consecutive target periods of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub series: u32,
    /// The series' first observation as of the cutoff.
    pub first: Ordinal,
    pub from: Ordinal,
    pub to: Ordinal,
}

impl Block {
    pub fn rows(&self) -> usize {
        usize::try_from(self.to - self.from + 1).unwrap_or(0)
    }

    pub fn periods(&self) -> std::ops::RangeInclusive<Ordinal> {
        self.from..=self.to
    }
}

/// Keeps the youngest rows of every block, as many of each, so that at most `limit` remain. What a short series leaves
/// goes to the longer ones.
pub(crate) fn keep_youngest(blocks: &mut Vec<Block>, limit: usize) {
    let lengths: Vec<usize> = blocks.iter().map(Block::rows).collect();
    let (quota, spare) = fair_quota(&lengths, limit);
    let mut spare = spare;
    for block in blocks.iter_mut() {
        let mut keep = quota.min(block.rows());
        if spare > 0 && block.rows() > quota {
            keep += 1;
            spare -= 1;
        }
        block.from = block.to - keep as Ordinal + 1;
    }
    blocks.retain(|block| block.rows() > 0);
}

/// The largest number of rows that every series may keep, and what then is left of the limit.
fn fair_quota(lengths: &[usize], limit: usize) -> (usize, usize) {
    if lengths.iter().sum::<usize>() <= limit {
        return (usize::MAX, 0);
    }
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let mut left = limit;
    for (position, &length) in sorted.iter().enumerate() {
        let sharing = sorted.len() - position;
        if length * sharing > left {
            return (left / sharing, left % sharing);
        }
        left -= length;
    }
    (usize::MAX, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(lengths: &[i64]) -> Vec<Block> {
        let block = |(series, &length): (usize, &i64)| Block { series: series as u32, first: 0, from: 0, to: length - 1 };
        lengths.iter().enumerate().map(block).collect()
    }

    proptest! {
        #[test]
        fn rows_are_the_youngest_spread_evenly_and_use_the_whole_limit(
            lengths in prop::collection::vec(1..30_i64, 0..12), limit in 0..200_usize,
        ) {
            let mut kept = blocks(&lengths);
            keep_youngest(&mut kept, limit);
            let total: usize = kept.iter().map(Block::rows).sum();
            prop_assert_eq!(total, limit.min(lengths.iter().sum::<i64>() as usize));
            let most = kept.iter().map(Block::rows).max().unwrap_or(0);
            for block in &kept {
                let length = lengths[block.series as usize];
                prop_assert_eq!(block.to, length - 1);
                prop_assert!(block.rows() + 1 >= most.min(length as usize));
            }
        }
    }
}
