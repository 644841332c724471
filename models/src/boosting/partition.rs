//! Parting a leaf's rows, in place and in order.

use rayon::prelude::*;

use super::gradients::CHUNK;
use super::histogram::BINS;

/// Moves the rows that go left to the front and returns how many they are. Both parts keep their order.
pub(super) fn partition(rows: &mut [u32], scratch: &mut [u32], bin_of_row: &[u8], goes_left: &[bool; BINS]) -> usize {
    if rows.len() <= 2 * CHUNK {
        return partition_chunk(rows, scratch, bin_of_row, goes_left);
    }
    let chunks = rows.par_chunks_mut(CHUNK).zip(scratch.par_chunks_mut(CHUNK));
    let lefts: Vec<usize> = chunks.map(|(rows, scratch)| partition_chunk(rows, scratch, bin_of_row, goes_left)).collect();
    let left = lefts.iter().sum();
    let (mut left_rest, mut right_rest) = scratch[..rows.len()].split_at_mut(left);
    let mut copies = Vec::with_capacity(lefts.len());
    for (chunk, &count) in rows.chunks(CHUNK).zip(&lefts) {
        let (to_left, to_right);
        (to_left, left_rest) = left_rest.split_at_mut(count);
        (to_right, right_rest) = right_rest.split_at_mut(chunk.len() - count);
        copies.push((chunk.split_at(count), to_left, to_right));
    }
    copies.into_par_iter().for_each(|((left, right), to_left, to_right)| {
        to_left.copy_from_slice(left);
        to_right.copy_from_slice(right);
    });
    rows.par_chunks_mut(CHUNK).zip(scratch.par_chunks(CHUNK)).for_each(|(rows, scratch)| rows.copy_from_slice(&scratch[..rows.len()]));
    left
}

fn partition_chunk(rows: &mut [u32], scratch: &mut [u32], bin_of_row: &[u8], goes_left: &[bool; BINS]) -> usize {
    let (mut left, mut right) = (0, 0);
    for index in 0..rows.len() {
        let row = rows[index];
        let goes = goes_left[usize::from(bin_of_row[row as usize])];
        // Both are written, one is kept: no branch to mispredict.
        rows[left] = row;
        scratch[right] = row;
        left += usize::from(goes);
        right += usize::from(!goes);
    }
    rows[left..].copy_from_slice(&scratch[..right]);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_their_order_whatever_the_size() {
        let mut goes_left = [false; BINS];
        goes_left[..100].fill(true);
        for count in [0, 1, 1_000, 5 * CHUNK + 17] {
            let bins: Vec<u8> = (0..count).map(|row| (row * 37 % 251) as u8).collect();
            let mut rows: Vec<u32> = (0..count as u32).collect();
            let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&row| bins[row as usize] < 100);
            let parted = partition(&mut rows, &mut vec![0; count], &bins, &goes_left);
            assert_eq!(parted, left.len());
            assert!(rows[..parted] == left && rows[parted..] == right, "{count} rows");
        }
    }
}
