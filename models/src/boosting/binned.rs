//! A table cut into bins once, to fit any number of losses on.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::columns::{Column, Columns};
use super::cuts::Cuts;
use super::error::BoostingError;

/// Columns whose bins stand together in one 64-bit word per row.
pub(super) const LANES: usize = 8;
/// Rows from which the cuts of a column are learnt.
const SAMPLE: usize = 200_000;
/// Rows that fixed-point sums and row numbers have room for.
pub(super) const MOST_ROWS: usize = 1 << 30;
const MOST_COLUMNS: usize = u16::MAX as usize;

/// A table as bins of one byte. Columns that never vary are dropped.
pub struct Binned {
    pub(super) rows: usize,
    /// Columns of the table it was made from.
    pub(super) width: usize,
    pub(super) columns: Vec<BinnedColumn>,
    pub(super) packs: Vec<Pack>,
}

pub(super) struct BinnedColumn {
    /// Which column of the table.
    pub index: usize,
    pub cuts: Cuts,
    pub bin_of_row: Vec<u8>,
}

impl BinnedColumn {
    pub fn is_category(&self) -> bool {
        matches!(self.cuts, Cuts::Categories { .. })
    }
}

/// Bins of up to [`LANES`] columns, interleaved: byte `l` of `words[row]` is the bin of column `first + l`.
pub(super) struct Pack {
    pub first: usize,
    pub lanes: usize,
    pub words: Vec<u64>,
}

impl Binned {
    /// Cuts every column into at most `bins` bins of about equal weight (one more for missing values).
    ///
    /// `weight` has one value per row; rows of weight 0 don't count. The cuts of a large table are learnt from 200,000
    /// rows, chosen by `seed`.
    ///
    /// # Errors
    /// [`BoostingError::NoRows`], [`BoostingError::LengthMismatch`], [`BoostingError::InvalidWeight`],
    /// [`BoostingError::NoWeight`], [`BoostingError::TooMany`] rows or columns, or [`BoostingError::InvalidParameter`] for
    /// a number of bins outside of 2 to 255.
    pub fn new(table: &Columns<'_>, weight: &[f32], bins: usize, seed: u64) -> Result<Self, BoostingError> {
        if !(2..=255).contains(&bins) {
            return Err(BoostingError::InvalidParameter { name: "bins", value: bins as f64, range: "[2, 255]" });
        }
        if table.rows > MOST_ROWS {
            return Err(BoostingError::TooMany { what: "rows", most: MOST_ROWS, found: table.rows });
        }
        if table.width() > MOST_COLUMNS {
            return Err(BoostingError::TooMany { what: "columns", most: MOST_COLUMNS, found: table.width() });
        }
        check_weights(table.rows, weight)?;
        let sample = sample(table.rows, seed);
        let bin = |(index, column): (usize, &Column<'_>)| bin(index, column, weight, &sample, bins);
        let columns: Vec<BinnedColumn> = table.columns.par_iter().enumerate().filter_map(bin).collect();
        let packs = pack(table.rows, &columns);
        Ok(Self { rows: table.rows, width: table.width(), columns, packs })
    }

    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }
}

pub(super) fn check_weights(rows: usize, weight: &[f32]) -> Result<(), BoostingError> {
    if rows == 0 {
        return Err(BoostingError::NoRows);
    }
    if weight.len() != rows {
        return Err(BoostingError::LengthMismatch { what: "weight", expected: rows, found: weight.len() });
    }
    if let Some((row, &value)) = weight.iter().enumerate().find(|(_, weight)| !(weight.is_finite() && **weight >= 0.0)) {
        return Err(BoostingError::InvalidWeight { row, value });
    }
    if weight.iter().all(|&weight| weight == 0.0) { Err(BoostingError::NoWeight) } else { Ok(()) }
}

/// Rows to learn cuts from: all, or one of each of [`SAMPLE`] equal stretches, so that no period of the rows resonates.
fn sample(rows: usize, seed: u64) -> Vec<u32> {
    if rows <= SAMPLE {
        return (0..rows as u32).collect();
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let start = |part: usize| (part as u64 * rows as u64 / SAMPLE as u64) as u32;
    (0..SAMPLE).map(|part| random.gen_range(start(part)..start(part + 1))).collect()
}

fn bin(index: usize, column: &Column<'_>, weight: &[f32], sample: &[u32], bins: usize) -> Option<BinnedColumn> {
    let cuts = if column.levels == 0 {
        let pairs = sample.iter().map(|&row| (column.values[row as usize], weight[row as usize]));
        Cuts::of_numbers(pairs.filter(|(value, weight)| !value.is_nan() && *weight > 0.0), bins)
    } else {
        let mut totals = vec![0.0; column.levels as usize];
        for (&value, &weight) in column.values.iter().zip(weight).filter(|(value, _)| **value >= 0.0) {
            if let Some(total) = totals.get_mut(value as usize) {
                *total += f64::from(weight);
            }
        }
        Cuts::of_categories(&totals, bins)
    };
    let bin_of_row = cuts.assign(column.values);
    let first = *bin_of_row.first()?;
    bin_of_row.iter().any(|&bin| bin != first).then_some(BinnedColumn { index, cuts, bin_of_row })
}

/// Interleaves columns, spread evenly over as few packs as possible.
fn pack(rows: usize, columns: &[BinnedColumn]) -> Vec<Pack> {
    let packs = columns.len().div_ceil(LANES);
    let start = |pack: usize| pack * columns.len() / packs;
    let interleave = |number: usize| {
        let members = &columns[start(number)..start(number + 1)];
        let mut words = vec![0u64; rows];
        for (lane, column) in members.iter().enumerate() {
            for (word, &bin) in words.iter_mut().zip(&column.bin_of_row) {
                *word |= u64::from(bin) << (8 * lane);
            }
        }
        Pack { first: start(number), lanes: members.len(), words }
    };
    (0..packs).into_par_iter().map(interleave).collect()
}
