//! The target's cells, sorted once, read as of any cutoff.

use std::ops::{Range, RangeInclusive};

use domain::Ordinal;
use domain::panel::{GapPolicy, Observations};

use crate::error::PipelineError;

/// Longest grid of one series, or one regressor's key: seven years of minutes.
pub(crate) const LONGEST_GRID: u64 = 4_000_000;
/// Largest number of periods over all series.
const LARGEST_PANEL: u64 = 400_000_000;
/// Ordinals beyond this cannot be told from arithmetic overflow.
const FARTHEST_PERIOD: Ordinal = 1 << 48;

/// Cells of all series, ordered by series, period and knowledge, so that the last eligible cell of a period counts.
pub(crate) struct SortedObservations {
    offsets: Vec<usize>,
    at: Vec<Ordinal>,
    known_from: Vec<Ordinal>,
    value: Vec<f64>,
    trust: Vec<f32>,
    gaps: GapPolicy,
}

/// Values of one stretch of a series' grid.
#[derive(Default)]
pub(crate) struct Stretch {
    pub values: Vec<f64>,
    /// 0 for a lower bound.
    pub trust: Vec<f32>,
}

/// A bound on what may be read.
#[derive(Clone, Copy)]
pub(crate) struct AsOf {
    /// Cells known later do not exist.
    pub known_by: Ordinal,
    /// Periods later than this do not exist.
    pub until: Ordinal,
}

impl AsOf {
    pub fn cutoff(cutoff: Ordinal) -> Self {
        Self { known_by: cutoff, until: cutoff }
    }

    /// Everything that is known today.
    pub fn today() -> Self {
        Self { known_by: Ordinal::MAX, until: Ordinal::MAX }
    }
}

impl SortedObservations {
    pub fn new(cells: &Observations, series: usize, gaps: GapPolicy) -> Result<Self, PipelineError> {
        check_columns(cells, series)?;
        let order = sorted_order(cells);
        let mut offsets = vec![0; series + 1];
        for &number in &cells.series {
            offsets[number as usize + 1] += 1;
        }
        for number in 0..series {
            offsets[number + 1] += offsets[number];
        }
        let sorted = Self {
            offsets,
            at: order.iter().map(|&i| cells.at[i]).collect(),
            known_from: order.iter().map(|&i| cells.known_from[i]).collect(),
            value: order.iter().map(|&i| finite(cells.value[i])).collect(),
            trust: order.iter().map(|&i| trust(cells.trust[i], cells.censored[i])).collect(),
            gaps,
        };
        sorted.check_grid(series)?;
        Ok(sorted)
    }

    /// First and last period with a value; `None` if there is none.
    pub fn span(&self, series: usize, as_of: AsOf) -> Option<(Ordinal, Ordinal)> {
        let cells = self.cells(series, as_of.until);
        let has_value = |&i: &usize| !self.value[i].is_nan() && self.counts(i, cells.end, as_of.known_by);
        let first = cells.clone().find(has_value)?;
        let last = cells.clone().rev().find(has_value)?;
        Some((self.at[first], self.at[last]))
    }

    /// The grid of a series over `periods`, which may reach beyond its span; NaN where nothing is known.
    pub fn stretch(&self, series: usize, as_of: AsOf, periods: RangeInclusive<Ordinal>) -> Stretch {
        let (from, to) = periods.into_inner();
        let length = usize::try_from(to - from + 1).unwrap_or(0);
        let mut stretch = Stretch { values: vec![f64::NAN; length], trust: vec![1.0; length] };
        let Some((first, last)) = self.span(series, as_of) else { return stretch };
        if self.gaps == GapPolicy::Zero {
            fill(&mut stretch.values, from, first, last);
        }
        let cells = self.cells(series, as_of.until.min(to));
        let start = cells.start + self.at[cells.clone()].partition_point(|&at| at < from);
        for i in start..cells.end {
            if self.known_from[i] <= as_of.known_by {
                let position = (self.at[i] - from) as usize;
                stretch.values[position] = self.value[i];
                stretch.trust[position] = self.trust[i];
            }
        }
        stretch
    }

    /// Positions of a series' cells up to a period.
    fn cells(&self, series: usize, until: Ordinal) -> Range<usize> {
        let (start, end) = (self.offsets[series], self.offsets[series + 1]);
        start..start + self.at[start..end].partition_point(|&at| at <= until)
    }

    /// Whether cell `i` is the version that counts for its period.
    fn counts(&self, i: usize, end: usize, known_by: Ordinal) -> bool {
        let superseded = i + 1 < end && self.at[i + 1] == self.at[i] && self.known_from[i + 1] <= known_by;
        self.known_from[i] <= known_by && !superseded
    }

    fn check_grid(&self, series: usize) -> Result<(), PipelineError> {
        let mut total = 0_u64;
        for number in 0..series {
            let at = &self.at[self.offsets[number]..self.offsets[number + 1]];
            let (Some(first), Some(last)) = (at.first(), at.last()) else { continue };
            let periods = first.abs_diff(*last) + 1;
            total += periods;
            if periods > LONGEST_GRID {
                return Err(PipelineError::TooSparse { table: "observations".to_owned(), periods, limit: LONGEST_GRID });
            }
        }
        if total > LARGEST_PANEL {
            return Err(PipelineError::TooSparse { table: "observations".to_owned(), periods: total, limit: LARGEST_PANEL });
        }
        Ok(())
    }
}

/// Zeros between the first and the last value, as far as the stretch reaches.
fn fill(values: &mut [f64], from: Ordinal, first: Ordinal, last: Ordinal) {
    let inside = |at: Ordinal| (at - from).clamp(0, values.len() as Ordinal) as usize;
    let (start, end) = (inside(first), inside(last + 1));
    values[start..end.max(start)].fill(0.0);
}

fn sorted_order(cells: &Observations) -> Vec<usize> {
    let key = |&i: &usize| (cells.series[i], cells.at[i], cells.known_from[i]);
    let mut order: Vec<usize> = (0..cells.len()).collect();
    if !order.is_sorted_by_key(key) {
        // Stable: of equal versions the later row stays last, and so counts.
        order.sort_by_key(key);
    }
    order
}

fn check_columns(cells: &Observations, series: usize) -> Result<(), PipelineError> {
    let lengths = vec![cells.series.len(), cells.at.len(), cells.value.len(), cells.known_from.len(), cells.censored.len(), cells.trust.len()];
    if lengths.iter().any(|&length| length != lengths[0]) {
        return Err(PipelineError::UnevenColumns { table: "observations".to_owned(), lengths });
    }
    if let Some(&number) = cells.series.iter().find(|&&number| number as usize >= series) {
        return Err(PipelineError::UnknownSeries { table: "observations".to_owned(), series: number, count: series });
    }
    check_periods("observations", &cells.at)
}

/// Refuses periods that no calendar has.
pub(crate) fn check_periods(table: &str, at: &[Ordinal]) -> Result<(), PipelineError> {
    match at.iter().find(|at| at.unsigned_abs() > FARTHEST_PERIOD as u64) {
        Some(&at) => Err(PipelineError::OutOfRange { table: table.to_owned(), at }),
        None => Ok(()),
    }
}

/// 0 says lower bound, which only a sold-out period can be.
fn trust(trust: f32, censored: bool) -> f32 {
    let least = if censored { 0.0 } else { f32::MIN_POSITIVE };
    if trust.is_nan() { 1.0 } else { trust.clamp(least, 1.0) }
}

/// Infinities are no numbers of anything sold.
pub(crate) fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}
