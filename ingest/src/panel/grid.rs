//! The regular grid that the rows of a panel lie on.

use domain::{Frequency, Ordinal};

use super::error::PanelError;
use super::report::FrequencyOrigin;
use super::rows::{Rows, Times};
use super::spec::{Gaps, PanelSpec};
use super::step::{Step, anchored, infer};

/// A panel's frequency and the period of every row.
pub(super) struct Grid {
    pub frequency: Frequency,
    pub origin: FrequencyOrigin,
    pub ordinals: Vec<Ordinal>,
    /// Rows by series and period.
    pub order: Vec<u32>,
}

/// Finds the frequency, places every row on it, and refuses rows that are off it or there twice.
pub(super) fn fit(rows: &mut Rows, spec: &PanelSpec) -> Result<Grid, PanelError> {
    let (frequency, origin) = match (&rows.times, spec.step) {
        (Times::Integers(_), None | Some(Step::Integer)) => (Frequency::Integer, FrequencyOrigin::Inferred),
        (times, Some(step)) if matches!(times, Times::Integers(_)) != (step == Step::Integer) => {
            return Err(PanelError::StepMisfit { file: rows.file.clone(), column: spec.ds.clone(), found: times.kind() });
        }
        (Times::Integers(_), Some(_)) => (Frequency::Integer, FrequencyOrigin::Named),
        (Times::Stamps(stamps), Some(step)) => (anchored(step, stamps), FrequencyOrigin::Named),
        (Times::Stamps(_), None) => inferred(rows)?,
    };
    let ordinals = place(rows, frequency)?;
    let order = by_series_and(&rows.series, &ordinals);
    let grid = Grid { frequency, origin, ordinals, order };
    refuse_duplicates(rows, &grid.ordinals, &grid)?;
    Ok(grid)
}

impl Grid {
    /// Places the rows of another file on this grid.
    pub(super) fn place(&self, rows: &mut Rows, history: &Rows) -> Result<Vec<Ordinal>, PanelError> {
        if rows.times.kind() != history.times.kind() {
            return Err(PanelError::OtherTimes {
                file: rows.file.clone(),
                column: "ds".to_owned(),
                found: rows.times.kind(),
                reference: history.file.clone(),
                expected: history.times.kind(),
            });
        }
        place(rows, self.frequency)
    }
}

fn inferred(rows: &Rows) -> Result<(Frequency, FrequencyOrigin), PanelError> {
    let Times::Stamps(stamps) = &rows.times else { return Ok((Frequency::Integer, FrequencyOrigin::Inferred)) };
    let seconds: Vec<i64> = stamps.iter().map(|at| at.and_utc().timestamp()).collect();
    let order = by_series_and(&rows.series, &seconds);
    let neighbours = || pairs(&rows.series, &order);
    match infer(neighbours().map(|(one, other)| seconds[other] - seconds[one])) {
        Ok(Some(step)) => Ok((anchored(step, stamps), FrequencyOrigin::Inferred)),
        // One row a series shows no step.
        Ok(None) => Ok((Frequency::Daily, FrequencyOrigin::Assumed)),
        Err(gap) => {
            let (one, other) = neighbours().find(|&(one, other)| seconds[other] - seconds[one] == gap).unwrap_or((0, 0));
            Err(PanelError::UnknownStep {
                file: rows.file.clone(),
                gap: in_words(gap),
                series: rows.name(one),
                first: shown(stamps[one]),
                first_row: rows.numbers[one],
                second: shown(stamps[other]),
                second_row: rows.numbers[other],
            })
        }
    }
}

fn place(rows: &Rows, frequency: Frequency) -> Result<Vec<Ordinal>, PanelError> {
    match &rows.times {
        Times::Integers(integers) => Ok(integers.clone()),
        Times::Stamps(stamps) => {
            let ordinals: Option<Vec<Ordinal>> = stamps.iter().map(|&at| frequency.ordinal(at)).collect();
            ordinals.ok_or_else(|| off_grid(rows, stamps, frequency))
        }
    }
}

/// The first row off the grid with its neighbour.
fn off_grid(rows: &Rows, stamps: &[chrono::NaiveDateTime], frequency: Frequency) -> PanelError {
    let seconds: Vec<i64> = stamps.iter().map(|at| at.and_utc().timestamp()).collect();
    let order = by_series_and(&rows.series, &seconds);
    let is_off = |row: usize| frequency.ordinal(stamps[row]).is_none();
    let alone = order.iter().map(|&row| row as usize).find(|&row| is_off(row)).map_or((0, 0), |row| (row, row));
    let (one, other) = pairs(&rows.series, &order).find(|&(one, other)| is_off(one) || is_off(other)).unwrap_or(alone);
    PanelError::Irregular {
        file: rows.file.clone(),
        series: rows.name(one),
        first: shown(stamps[one]),
        first_row: rows.numbers[one],
        second: shown(stamps[other]),
        second_row: rows.numbers[other],
        step: frequency.to_string(),
    }
}

/// # Errors
/// [`PanelError::Duplicate`] naming the first pair.
pub(super) fn refuse_duplicates(rows: &Rows, ordinals: &[Ordinal], grid: &Grid) -> Result<(), PanelError> {
    let order = by_series_and(&rows.series, ordinals);
    let mut twice = pairs(&rows.series, &order).filter(|&(one, other)| ordinals[one] == ordinals[other]);
    let Some((one, other)) = twice.next() else { return Ok(()) };
    let (first_row, second_row) = (rows.numbers[one].min(rows.numbers[other]), rows.numbers[one].max(rows.numbers[other]));
    Err(PanelError::Duplicate {
        file: rows.file.clone(),
        series: rows.name(one),
        at: grid.frequency.label(ordinals[one]),
        first_row,
        second_row,
        more: twice.count(),
    })
}

/// Periods without a row inside the series, up to `last`.
pub(super) fn gaps(rows: &Rows, grid: &Grid, target: &[Option<f64>], last: Ordinal, spec: &PanelSpec) -> Result<u64, PanelError> {
    let mut total = 0;
    let mut first = None;
    for (one, other) in pairs(&rows.series, &grid.order) {
        let absent = grid.ordinals[other].saturating_sub(grid.ordinals[one]).saturating_sub(1);
        // Beyond the last value lie only future rows.
        if absent > 0 && (grid.ordinals[other] <= last || target[other].is_some()) {
            total += absent.unsigned_abs();
            first.get_or_insert(one);
        }
    }
    match first {
        Some(row) if spec.gaps == Gaps::Error => Err(PanelError::Gap {
            file: rows.file.clone(),
            series: rows.name(row),
            at: grid.frequency.label(grid.ordinals[row] + 1),
            more: usize::try_from(total - 1).unwrap_or(usize::MAX),
        }),
        _ => Ok(total),
    }
}

fn by_series_and(series: &[u32], key: &[i64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(series.len()).unwrap_or(u32::MAX)).collect();
    let place = |row: &u32| (series[*row as usize], key[*row as usize]);
    if !order.is_sorted_by_key(place) {
        order.sort_by_key(place);
    }
    order
}

/// Neighbouring rows of one series.
fn pairs<'a>(series: &'a [u32], order: &'a [u32]) -> impl Iterator<Item = (usize, usize)> + 'a {
    order.windows(2).map(|pair| (pair[0] as usize, pair[1] as usize)).filter(|&(one, other)| series[one] == series[other])
}

fn shown(at: chrono::NaiveDateTime) -> String {
    if at.time() == chrono::NaiveTime::MIN { at.date().to_string() } else { at.to_string() }
}

fn in_words(seconds: i64) -> String {
    if seconds % 86_400 == 0 {
        format!("{} days", seconds / 86_400)
    } else if seconds % 60 == 0 {
        format!("{} minutes", seconds / 60)
    } else {
        format!("{seconds} seconds")
    }
}
