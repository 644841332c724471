//! The target's cells, sorted as they come, read as of any cutoff.

use std::ops::RangeInclusive;

use domain::Ordinal;
use domain::panel::{GapPolicy, Observations};

use crate::error::PipelineError;

/// Longest grid of one series, or one regressor's key: seven years of minutes.
pub(crate) const LONGEST_GRID: u64 = 4_000_000;
/// Largest number of periods over all series.
const LARGEST_PANEL: u64 = 400_000_000;
/// Ordinals beyond this cannot be told from arithmetic overflow.
const FARTHEST_PERIOD: Ordinal = 1 << 48;

/// Cells of all series, each ordered by period and knowledge, so that the last eligible cell of a period counts.
pub(crate) struct SortedObservations {
    series: Vec<SortedCells>,
    gaps: GapPolicy,
    censored_from: Option<Ordinal>,
}

/// Cells of one series.
#[derive(Default)]
struct SortedCells {
    at: Vec<Ordinal>,
    known_from: Vec<Ordinal>,
    value: Vec<f64>,
    censored: Vec<bool>,
    trust: Vec<f32>,
    out_of_order: bool,
}

/// Values of one stretch of a series' grid.
#[derive(Default)]
pub(crate) struct Stretch {
    pub values: Vec<f64>,
    /// Sold out, whether demand was recovered or not.
    pub censored: Vec<bool>,
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
        let mut sorted = Self { series: Vec::new(), gaps, censored_from: None };
        sorted.extend(cells, series)?;
        Ok(sorted)
    }

    /// Adds cells, of old series or new ones. What is younger than all that a series has is appended to it; a correction
    /// is put into its place.
    pub fn extend(&mut self, cells: &Observations, series: usize) -> Result<(), PipelineError> {
        check_columns(cells, series)?;
        self.series.resize_with(series, SortedCells::default);
        let mut counts = vec![0; series];
        for &number in &cells.series {
            counts[number as usize] += 1;
        }
        for (sorted, count) in self.series.iter_mut().zip(counts) {
            sorted.reserve(count);
        }
        for i in 0..cells.len() {
            let sorted = &mut self.series[cells.series[i] as usize];
            sorted.push(
                cells.at[i],
                cells.known_from[i],
                finite(cells.value[i]),
                cells.censored[i],
                trust(cells.trust[i], cells.censored[i]),
            );
            if cells.censored[i] {
                let known = cells.at[i].max(cells.known_from[i]);
                self.censored_from = Some(self.censored_from.map_or(known, |from| from.min(known)));
            }
        }
        self.series.iter_mut().for_each(SortedCells::sort);
        self.check_grid()
    }

    pub fn gaps(&self) -> GapPolicy {
        self.gaps
    }

    /// First and last period with a value; `None` if there is none.
    pub fn span(&self, series: usize, as_of: AsOf) -> Option<(Ordinal, Ordinal)> {
        self.series[series].span(as_of)
    }

    /// Whether a sold-out period was known by then.
    pub fn any_censored(&self, known_by: Ordinal) -> bool {
        self.censored_from.is_some_and(|from| from <= known_by)
    }

    /// The grid of a series over `periods`, which may reach beyond its span; NaN where nothing is known.
    pub fn stretch(&self, series: usize, as_of: AsOf, periods: RangeInclusive<Ordinal>) -> Stretch {
        let (from, to) = periods.into_inner();
        let length = usize::try_from(to - from + 1).unwrap_or(0);
        let mut stretch = Stretch { values: vec![f64::NAN; length], censored: vec![false; length], trust: vec![1.0; length] };
        let cells = &self.series[series];
        let Some((first, last)) = cells.span(as_of) else { return stretch };
        if self.gaps == GapPolicy::Zero {
            fill(&mut stretch.values, from, first, last);
        }
        let end = cells.end(as_of.until.min(to));
        let start = cells.at[..end].partition_point(|&at| at < from);
        for i in start..end {
            if cells.known_from[i] <= as_of.known_by {
                let position = (cells.at[i] - from) as usize;
                stretch.values[position] = cells.value[i];
                stretch.censored[position] = cells.censored[i];
                stretch.trust[position] = cells.trust[i];
            }
        }
        stretch
    }

    fn check_grid(&self) -> Result<(), PipelineError> {
        let mut total = 0_u64;
        for cells in &self.series {
            let (Some(first), Some(last)) = (cells.at.first(), cells.at.last()) else { continue };
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

impl SortedCells {
    /// Room for a few more: doubling a panel in memory to append one day would be waste.
    fn reserve(&mut self, more: usize) {
        if more > self.at.capacity() - self.at.len() {
            let room = more.max(self.at.len() / 16);
            self.at.reserve_exact(room);
            self.known_from.reserve_exact(room);
            self.value.reserve_exact(room);
            self.censored.reserve_exact(room);
            self.trust.reserve_exact(room);
        }
    }

    fn push(&mut self, at: Ordinal, known_from: Ordinal, value: f64, censored: bool, trust: f32) {
        let last = self.at.last().copied().zip(self.known_from.last().copied());
        self.out_of_order |= last.is_some_and(|last| last > (at, known_from));
        self.at.push(at);
        self.known_from.push(known_from);
        self.value.push(value);
        self.censored.push(censored);
        self.trust.push(trust);
    }

    /// Orders by period and knowledge; usually it is so already.
    fn sort(&mut self) {
        if !std::mem::take(&mut self.out_of_order) {
            return;
        }
        let mut order: Vec<usize> = (0..self.at.len()).collect();
        // Stable: of equal versions the later row stays last, and so counts.
        order.sort_by_key(|&i| (self.at[i], self.known_from[i]));
        self.at = order.iter().map(|&i| self.at[i]).collect();
        self.known_from = order.iter().map(|&i| self.known_from[i]).collect();
        self.value = order.iter().map(|&i| self.value[i]).collect();
        self.censored = order.iter().map(|&i| self.censored[i]).collect();
        self.trust = order.iter().map(|&i| self.trust[i]).collect();
    }

    fn span(&self, as_of: AsOf) -> Option<(Ordinal, Ordinal)> {
        let end = self.end(as_of.until);
        let has_value = |&i: &usize| !self.value[i].is_nan() && self.counts(i, end, as_of.known_by);
        let first = (0..end).find(has_value)?;
        let last = (0..end).rev().find(has_value)?;
        Some((self.at[first], self.at[last]))
    }

    /// Position after the cells of periods up to `until`.
    fn end(&self, until: Ordinal) -> usize {
        self.at.partition_point(|&at| at <= until)
    }

    /// Whether cell `i` is the version that counts for its period.
    fn counts(&self, i: usize, end: usize, known_by: Ordinal) -> bool {
        let superseded = i + 1 < end && self.at[i + 1] == self.at[i] && self.known_from[i + 1] <= known_by;
        self.known_from[i] <= known_by && !superseded
    }
}

/// Zeros between the first and the last value, as far as the stretch reaches.
fn fill(values: &mut [f64], from: Ordinal, first: Ordinal, last: Ordinal) {
    let inside = |at: Ordinal| (at - from).clamp(0, values.len() as Ordinal) as usize;
    let (start, end) = (inside(first), inside(last + 1));
    values[start..end.max(start)].fill(0.0);
}

fn check_columns(cells: &Observations, series: usize) -> Result<(), PipelineError> {
    let lengths =
        vec![cells.series.len(), cells.at.len(), cells.value.len(), cells.known_from.len(), cells.censored.len(), cells.trust.len()];
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
