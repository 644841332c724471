//! What `models` asks of `pipeline`: feature matrices as of any cutoff.

use std::ops::RangeInclusive;

use crate::explanation::Driver;
use crate::frequency::{Frequency, Ordinal};
use crate::hint::Hint;

/// How feature rows relate to the cutoff they may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Rows for targets up to `lead` steps ahead: nothing of the target's own history younger than `lead` steps before
    /// the target is used, so that one row serves any step up to `lead` without knowing the steps between.
    Direct { lead: u16 },
    /// One step ahead; longer horizons feed predictions back through [`FeatureSource::step`].
    Recursive,
}

impl Layout {
    /// Steps between the youngest usable observation and the target.
    #[must_use]
    pub fn lead(self) -> u16 {
        match self {
            Self::Direct { lead } => lead.max(1),
            Self::Recursive => 1,
        }
    }
}

/// Rows of features, column-major: column `j` is `data[j * rows .. (j + 1) * rows]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureMatrix {
    pub columns: Vec<FeatureColumn>,
    pub rows: usize,
    /// NaN is missing.
    pub data: Vec<f32>,
    /// Series number of each row.
    pub series: Vec<u32>,
    /// Period that each row predicts.
    pub at: Vec<Ordinal>,
    /// Target as of the cutoff; NaN in future rows.
    pub target: Vec<f32>,
    /// 0 for rows that must not teach (missing, closed), less than 1 for doubtful ones (sold out, a one-off order), else 1.
    pub weight: Vec<f32>,
}

impl FeatureMatrix {
    /// Values of one column.
    #[must_use]
    pub fn column(&self, index: usize) -> &[f32] {
        &self.data[index * self.rows..(index + 1) * self.rows]
    }

    /// The same rows without the columns of some families.
    #[must_use]
    pub fn without_families(mut self, families: &[&str]) -> Self {
        let keep: Vec<bool> = self.columns.iter().map(|column| !families.contains(&column.family)).collect();
        let mut kept = 0;
        for (column, _) in keep.iter().enumerate().filter(|(_, keep)| **keep) {
            self.data.copy_within(column * self.rows..(column + 1) * self.rows, kept * self.rows);
            kept += 1;
        }
        self.data.truncate(kept * self.rows);
        let mut keep = keep.into_iter();
        self.columns.retain(|_| keep.next().unwrap_or(true));
        self
    }

    /// Index of a column by name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// A named column of a [`FeatureMatrix`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureColumn {
    pub name: String,
    /// `lags`, `calendar`, ...: the family that made it, which backtests switch on and off.
    pub family: &'static str,
    /// Number of levels if the column holds category codes, 0 for numbers.
    pub levels: u32,
    /// Whether the column carries the target's own scale (lags, rolling means) and is divided by the series' scale
    /// before a global model sees it.
    pub in_target_units: bool,
    /// What the column speaks of when a forecast is explained.
    pub driver: Driver,
    /// What a day is compared with when a forecast is explained.
    pub neutral: Neutral,
}

/// A column's value on a day like any other.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Neutral {
    /// There is none: the average of the training rows.
    #[default]
    Average,
    /// No value at all.
    Missing,
    /// Of a promotion or rain that there is not, of the middle of the month.
    At(f32),
}

impl Neutral {
    /// The cell of such a day; `None` for the average, which the model knows.
    #[must_use]
    pub fn cell(self) -> Option<f32> {
        match self {
            Self::Average => None,
            Self::Missing => Some(f32::NAN),
            Self::At(value) => Some(value),
        }
    }
}

/// One series as known at a cutoff, gap-filled to the grid: entry `k` is period `first + k`, the last one is the cutoff
/// or earlier if the series ended before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    pub first: Ordinal,
    /// NaN where nothing is known.
    pub values: Vec<f64>,
    /// Sold out: the value is a lower bound. Where demand was recovered it is not, and the value stands for any other.
    pub censored: Vec<bool>,
    /// No sale was possible.
    pub closed: Vec<bool>,
}

impl History {
    /// Period after the last entry.
    #[must_use]
    pub fn end(&self) -> Ordinal {
        self.first + self.values.len() as Ordinal
    }
}

/// On which periods a yes-or-no regressor that is known ahead (a holiday, a promotion) is set, as planned at a cutoff.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventTrack {
    pub name: String,
    /// `key[series]`: which of `periods` holds the series' periods; `None` if it has none.
    pub key: Vec<Option<u32>>,
    /// Periods with the event, ascending, up to the last step asked for.
    pub periods: Vec<Vec<Ordinal>>,
}

impl EventTrack {
    /// Periods of one series.
    #[must_use]
    pub fn of(&self, series: usize) -> &[Ordinal] {
        let key = self.key.get(series).copied().flatten();
        key.and_then(|key| self.periods.get(key as usize)).map_or(&[], Vec::as_slice)
    }
}

/// A panel that can be read as of any cutoff. Implemented by `pipeline`; `models` knows nothing else of features.
///
/// Every method reads only cells with `known_from <= cutoff`, and of the target only periods `<= cutoff`: corrupting
/// whatever is younger must not change a byte of the answer.
pub trait FeatureSource: Send + Sync {
    fn frequency(&self) -> Frequency;

    /// `unique_id` of every series.
    fn series(&self) -> &[String];

    /// Last period with an observation, over all series as known at the end of time: the default cutoff. `None` if the
    /// panel is empty.
    fn last_period(&self) -> Option<Ordinal>;

    /// Every series as of a cutoff; a series without an observation by then has no values.
    ///
    /// # Errors
    /// [`FeatureError`] if a column cannot be computed.
    fn histories(&self, cutoff: Ordinal) -> Result<Vec<History>, FeatureError>;

    /// Training rows with targets at or before the cutoff, the youngest at most `max_rows` of them, spread evenly over
    /// the series, ordered by series, then period.
    ///
    /// # Errors
    /// [`FeatureError`] if a column cannot be computed.
    fn training(&self, cutoff: Ordinal, layout: Layout, max_rows: usize) -> Result<FeatureMatrix, FeatureError>;

    /// One row per series that has a history, and step, ordered by series, then step. The same columns as `training`.
    ///
    /// # Errors
    /// [`FeatureError::MissingFuture`] if a known-future regressor has no value for a period it is needed on.
    fn future(&self, cutoff: Ordinal, layout: Layout, steps: RangeInclusive<u16>) -> Result<FeatureMatrix, FeatureError>;

    /// Rows of the next step of a recursive forecast: step `n + 1`, where `predicted[series]` holds the `n` predictions
    /// so far (all of the same length).
    ///
    /// # Errors
    /// As [`FeatureSource::future`].
    fn step(&self, cutoff: Ordinal, predicted: &[Vec<f64>]) -> Result<FeatureMatrix, FeatureError>;

    /// Every yes-or-no regressor that is known ahead, up to `horizon` steps after the cutoff, as planned at the cutoff.
    ///
    /// # Errors
    /// [`FeatureError`] if the column cannot be read.
    fn events(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<EventTrack>, FeatureError>;

    /// Whether each series is closed on each of the steps: `closed[series][step - 1]`.
    ///
    /// # Errors
    /// [`FeatureError`] if the column cannot be read.
    fn closed(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<Vec<bool>>, FeatureError>;

    /// What was observed on the steps after a cutoff, as known today: the held-out truth of a backtest. `NaN` where
    /// nothing is known. The only method that looks beyond the cutoff, and never an input of a model.
    ///
    /// # Errors
    /// [`FeatureError`] if the column cannot be read.
    fn actuals(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<Vec<f64>>, FeatureError>;
}

/// Why features could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    #[error("known-future regressor `{name}` has no value for series `{series}` at {period}")]
    MissingFuture { name: String, series: String, period: String },
    #[error("feature family `{family}` could not be computed")]
    Compute {
        family: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Hint for FeatureError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::MissingFuture { name, .. } => {
                Some(format!("give its future values (for a file: --future FILE with a column `{name}`), or drop it from --known-future"))
            }
            Self::Compute { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_dropped_with_their_columns() {
        let column = |name: &str, family| FeatureColumn { name: name.to_owned(), family, ..FeatureColumn::default() };
        let matrix = FeatureMatrix {
            columns: vec![column("a", "lags"), column("b", "events"), column("c", "lags"), column("d", "trend")],
            rows: 2,
            data: (0..8_u8).map(f32::from).collect(),
            ..FeatureMatrix::default()
        };
        let kept = matrix.clone().without_families(&["lags"]);
        assert_eq!((kept.column(0), kept.column(1)), ([2.0, 3.0].as_slice(), [6.0, 7.0].as_slice()));
        assert_eq!((kept.position("b"), kept.position("d"), kept.columns.len()), (Some(0), Some(1), 2));
        assert_eq!(matrix.clone().without_families(&[]), matrix);
    }
}
