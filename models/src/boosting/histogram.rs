//! Sums of packed gradients by bin: where nearly all of the fitting time goes.

use super::binned::{LANES, Pack};

/// Bins of a column in a histogram: up to 255 and the missing values'.
pub(super) const BINS: usize = 256;

/// Histograms of the columns of one pack.
pub(super) type Lanes = [[i64; BINS]; LANES];

/// Rows whose words are fetched before they are used: loads that wait for memory together wait once.
const AHEAD: usize = 128;

/// Adds up the gradients of some rows: `gradients[i]` is that of `rows[i]`.
pub(super) fn add_rows(histogram: &mut Lanes, pack: &Pack, rows: &[u32], gradients: &[i64]) {
    let mut words = [0u64; AHEAD];
    for (rows, gradients) in rows.chunks(AHEAD).zip(gradients.chunks(AHEAD)) {
        for (word, &row) in words.iter_mut().zip(rows) {
            *word = pack.words[row as usize];
        }
        add_words(histogram, pack.lanes, &words[..rows.len()], gradients);
    }
}

/// Adds up the gradients of consecutive rows.
pub(super) fn add_words(histogram: &mut Lanes, lanes: usize, words: &[u64], gradients: &[i64]) {
    match lanes {
        1 => add::<1>(histogram, words, gradients),
        2 => add::<2>(histogram, words, gradients),
        3 => add::<3>(histogram, words, gradients),
        4 => add::<4>(histogram, words, gradients),
        5 => add::<5>(histogram, words, gradients),
        6 => add::<6>(histogram, words, gradients),
        7 => add::<7>(histogram, words, gradients),
        _ => add::<LANES>(histogram, words, gradients),
    }
}

fn add<const USED: usize>(histogram: &mut Lanes, words: &[u64], gradients: &[i64]) {
    for (&word, &gradient) in words.iter().zip(gradients) {
        for lane in 0..USED {
            let sum = &mut histogram[lane][usize::from((word >> (8 * lane)) as u8)];
            *sum = sum.wrapping_add(gradient);
        }
    }
}

/// Turns the parent's sums into the larger child's.
pub(super) fn subtract(parent: &mut [i64], smaller: &[i64]) {
    for (parent, smaller) in parent.iter_mut().zip(smaller) {
        *parent = parent.wrapping_sub(*smaller);
    }
}
