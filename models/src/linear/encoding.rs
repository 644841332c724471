//! From feature columns to the centred, standardised columns of a linear model.

use domain::FeatureMatrix;
use domain::features::FeatureColumn;
use serde::{Deserialize, Serialize};

use crate::direct::scaled;

/// Categories with more levels than this (product ids) are left to the trees.
const MOST_LEVELS: u32 = 40;
/// Share of missing values from which on a column gets a missing flag.
const COMMONLY_MISSING: f64 = 0.02;
/// Standardised values are kept within this many spreads: a future far outside what was seen must not run away.
const REACH: f64 = 6.0;
/// Smallest spread of an indicator, so that a rare level is not blown up.
const SMALLEST_INDICATOR_SPREAD: f64 = 0.1;

/// How each feature column is turned into columns of a linear model; learnt on training rows, applied to any.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Encoding {
    pub(super) columns: Vec<Encoded>,
}

/// What a model makes of a feature column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    LeftOut,
    AsIs,
    /// `ln(1 + value)`, values below zero as zero: effects on an amount become effects on its logarithm.
    Logarithm,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Encoded {
    name: String,
    #[serde(default)]
    pub(super) logarithm: bool,
    pub(super) kind: Kind,
}

pub(super) fn seen(value: f64, logarithm: bool) -> f64 {
    // A clamp leaves a missing value missing.
    if logarithm { value.clamp(0.0, f64::INFINITY).ln_1p() } else { value }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// `(value - mean) / spread`, 0 where missing; then the flag, if missing values are common.
    Number { mean: f64, spread: f64, missing: Option<f64> },
    /// One indicator per level, centred at the level's share.
    Levels { shares: Vec<f64> },
}

impl Kind {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Number { missing, .. } => 1 + usize::from(missing.is_some()),
            Self::Levels { shares } => shares.len(),
        }
    }
}

impl Encoding {
    /// Of every column as it is.
    pub fn learn(rows: &FeatureMatrix, teaching: &[usize], units: &[f64]) -> Self {
        Self::learn_as(rows, teaching, units, |_| View::AsIs)
    }

    /// Of every column as the model wants to see it. Categories have no logarithm.
    pub fn learn_as(rows: &FeatureMatrix, teaching: &[usize], units: &[f64], view: impl Fn(&FeatureColumn) -> View) -> Self {
        let learn = |(index, column): (usize, &FeatureColumn)| {
            let logarithm = match view(column) {
                View::LeftOut => return None,
                View::AsIs => false,
                View::Logarithm => column.levels == 0,
            };
            let value = |row| seen(scaled(rows, index, row, units), logarithm);
            let kind = if column.levels > 0 { level_shares(rows, index, teaching) } else { number(rows, teaching, value) };
            Some(Encoded { name: column.name.clone(), logarithm, kind: kind? })
        };
        Self { columns: rows.columns.iter().enumerate().filter_map(learn).collect() }
    }

    /// Columns of the linear model.
    pub fn width(&self) -> usize {
        self.columns.iter().map(|column| column.kind.width()).sum()
    }

    /// Where the encoded columns stand in a matrix, or the name of one that is not there.
    pub fn locate(&self, rows: &FeatureMatrix) -> Result<Vec<usize>, String> {
        self.columns.iter().map(|column| rows.position(&column.name).ok_or_else(|| column.name.clone())).collect()
    }

    /// Writes one row; `columns` as located, `into` is [`Encoding::width`] long.
    pub fn encode(&self, rows: &FeatureMatrix, columns: &[usize], row: usize, units: &[f64], into: &mut [f64]) {
        let mut next = 0;
        for (encoded, &column) in self.columns.iter().zip(columns) {
            let value = seen(scaled(rows, column, row, units), encoded.logarithm);
            let cells = &mut into[next..next + encoded.kind.width()];
            write(&encoded.kind, value, cells);
            next += cells.len();
        }
    }

    /// `intercept + x coefficients` of every row, or the name of a column that is not there.
    pub fn predictors(&self, rows: &FeatureMatrix, units: &[f64], intercept: f64, coefficients: &[f64]) -> Result<Vec<f64>, String> {
        let columns = self.locate(rows)?;
        let mut encoded = vec![0.0; self.width()];
        let predict = |row| {
            self.encode(rows, &columns, row, units, &mut encoded);
            intercept + encoded.iter().zip(coefficients).map(|(value, coefficient)| value * coefficient).sum::<f64>()
        };
        Ok((0..rows.rows).map(predict).collect())
    }
}

pub(super) fn write(kind: &Kind, value: f64, cells: &mut [f64]) {
    match kind {
        Kind::Number { mean, spread, missing } => {
            cells[0] = if value.is_finite() { ((value - mean) / spread).clamp(-REACH, REACH) } else { 0.0 };
            if let Some(share) = missing {
                cells[1] = indicator(!value.is_finite(), *share);
            }
        }
        Kind::Levels { shares } => {
            let level = (value.is_finite() && value >= 0.0).then_some(value as usize);
            for (index, (cell, &share)) in cells.iter_mut().zip(shares).enumerate() {
                // A level that was never seen, or none at all, says nothing: the average of all levels.
                *cell = if level.is_some_and(|level| level < shares.len()) { indicator(level == Some(index), share) } else { 0.0 };
            }
        }
    }
}

fn indicator(set: bool, share: f64) -> f64 {
    (f64::from(u8::from(set)) - share) / (share * (1.0 - share)).sqrt().max(SMALLEST_INDICATOR_SPREAD)
}

fn number(rows: &FeatureMatrix, teaching: &[usize], value: impl Fn(usize) -> f64) -> Option<Kind> {
    let (mut total, mut known, mut sum, mut square) = (0.0, 0.0, 0.0, 0.0);
    for &row in teaching {
        let (weight, value) = (f64::from(rows.weight[row]), value(row));
        total += weight;
        if value.is_finite() {
            known += weight;
            sum += weight * value;
            square += weight * value * value;
        }
    }
    let mean = sum / known;
    let spread = (square / known - mean * mean).max(0.0).sqrt();
    let missing = 1.0 - known / total;
    let flag = (missing >= COMMONLY_MISSING).then_some(missing);
    // Rounding leaves a constant column a spread of the order of its mean times the machine's epsilon.
    (spread > 1e-6 * mean.abs().max(1e-6)).then_some(Kind::Number { mean, spread, missing: flag })
}

fn level_shares(rows: &FeatureMatrix, column: usize, teaching: &[usize]) -> Option<Kind> {
    let count = rows.columns[column].levels;
    if !(2..=MOST_LEVELS).contains(&count) {
        return None;
    }
    let mut shares = vec![0.0; count as usize];
    let mut total = 0.0;
    for &row in teaching {
        let value = rows.column(column)[row];
        if value.is_finite() && value >= 0.0 {
            let weight = f64::from(rows.weight[row]);
            if let Some(share) = shares.get_mut(value as usize) {
                *share += weight;
                total += weight;
            }
        }
    }
    shares.iter_mut().for_each(|share| *share /= f64::max(total, f64::MIN_POSITIVE));
    (shares.iter().filter(|&&share| share > 0.0).count() > 1).then_some(Kind::Levels { shares })
}
