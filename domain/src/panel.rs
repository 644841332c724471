//! Facts as plain columns, the hand-over from `jobs` and `cli` to `pipeline`.
//!
//! Every cell has a period (`at`) and the first cutoff that may know it (`known_from`), both [`Ordinal`]s of the panel's
//! frequency. Several versions of one cell may be present: as of a cutoff, the one with the greatest `known_from` that
//! is not later than the cutoff counts (of equal ones, the later row).

use crate::frequency::{Frequency, Ordinal};

/// A set of series on one grid, with their regressors.
#[derive(Debug, Clone)]
pub struct Panel {
    pub frequency: Frequency,
    /// `unique_id` of each series; every `series` number below indexes it.
    pub series: Vec<String>,
    pub observations: Observations,
    pub regressors: Vec<Regressor>,
    /// Periods on which the shop is closed (value > 0.5): no sale is possible, the forecast is exactly zero. Known ahead.
    pub closed: Option<Regressor>,
    pub gaps: GapPolicy,
}

/// What the absence of a row between a series' first and last one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GapPolicy {
    /// Nothing is known about that period; it never counts as a zero.
    #[default]
    Missing,
    /// Nothing was sold.
    Zero,
}

/// The target, in long form. Row order does not matter.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    pub series: Vec<u32>,
    pub at: Vec<Ordinal>,
    /// NaN is a missing value.
    pub value: Vec<f64>,
    pub known_from: Vec<Ordinal>,
    /// Sold out that day: the value is a lower bound of demand, or where `trust` is above 0 the demand recovered from it.
    pub censored: Vec<bool>,
    /// What the value may teach: 1 as observed, less where it was recovered or is unlike any other (a catering order), 0 for
    /// a lower bound that stayed one.
    pub trust: Vec<f32>,
}

impl Observations {
    pub fn push(&mut self, series: u32, at: Ordinal, value: f64, known_from: Ordinal, censored: bool) {
        self.push_trusted(series, at, value, known_from, censored, if censored { 0.0 } else { 1.0 });
    }

    /// As [`Observations::push`], of a value that was recovered or is to teach less than others.
    pub fn push_trusted(&mut self, series: u32, at: Ordinal, value: f64, known_from: Ordinal, censored: bool, trust: f32) {
        self.series.push(series);
        self.at.push(at);
        self.value.push(value);
        self.known_from.push(known_from);
        self.censored.push(censored);
        self.trust.push(trust);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }
}

/// When a regressor can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegressorKind {
    /// One value per series.
    Static,
    /// Known ahead, as of each cutoff: calendar, promo plan, issued weather forecast (every vintage is a version).
    KnownFuture,
    /// Yes or no, known ahead, and told as an event only ([`crate::FeatureSource::events`]): what columns say already, for
    /// models that see none.
    Event,
    /// Known only once it happened: news, prices, observed weather. Never read beyond the cutoff.
    ObservedPast,
}

/// One regressor in long form.
#[derive(Debug, Clone)]
pub struct Regressor {
    pub name: String,
    pub kind: RegressorKind,
    /// Which cells belong to which series.
    pub scope: Scope,
    /// What stands in where a [`RegressorKind::KnownFuture`] has no known value; ignored for the other kinds.
    pub beyond: Beyond,
    pub cells: Cells,
}

/// What a known-future regressor is worth on a period for which no value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Beyond {
    /// A value must be given for every future period (a plan, a price list); without one there is no forecast.
    #[default]
    Required,
    /// Issued for some periods ahead only (a weather forecast): farther ahead, what is usual at that time of the year.
    Climatology,
    /// Sparse (holidays, promotions): absence means no, the value is 0.
    Zero,
}

/// Maps a series to the key of a regressor's cells.
#[derive(Debug, Clone)]
pub enum Scope {
    /// One column for the whole panel (a national calendar): every cell has key 0.
    Panel,
    /// Cells are keyed by series number.
    Series,
    /// Cells are keyed by a group (a region, a store): `key[series]`.
    Group(Vec<u32>),
}

impl Scope {
    /// Key of the cells that belong to a series.
    #[must_use]
    pub fn key(&self, series: u32) -> u32 {
        match self {
            Self::Panel => 0,
            Self::Series => series,
            Self::Group(keys) => keys.get(series as usize).copied().unwrap_or(u32::MAX),
        }
    }
}

/// Cells of a regressor, as columns of equal length. `at` is ignored for [`RegressorKind::Static`].
#[derive(Debug, Clone, Default)]
pub struct Cells {
    pub key: Vec<u32>,
    pub at: Vec<Ordinal>,
    /// Number, or index into `levels`; NaN is missing.
    pub value: Vec<f64>,
    pub known_from: Vec<Ordinal>,
    /// Text values of a categorical regressor; empty for a number.
    pub levels: Vec<String>,
}

impl Cells {
    pub fn push(&mut self, key: u32, at: Ordinal, value: f64, known_from: Ordinal) {
        self.key.push(key);
        self.at.push(at);
        self.value.push(value);
        self.known_from.push(known_from);
    }
}
