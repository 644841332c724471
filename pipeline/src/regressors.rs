//! A regressor's cells with all their versions, read as of any knowledge.

use std::collections::HashMap;

use domain::Ordinal;
use domain::features::EventTrack;
use domain::panel::{Beyond, Regressor, RegressorKind};

use crate::error::PipelineError;
use crate::latest::Latest;
use crate::observations::{LONGEST_GRID, check_periods, finite};

/// One regressor, indexed for look-ups by series and period.
pub(crate) struct RegressorStore {
    pub name: String,
    pub kind: RegressorKind,
    pub beyond: Beyond,
    /// Number of levels of a category, 0 for numbers.
    pub levels: u32,
    /// For every series, which entry of `keys` holds its cells.
    slots: Vec<Option<usize>>,
    keys: Vec<Versions>,
    latest: Vec<Latest>,
    /// First knowledge of a value that is neither 0 nor 1.
    number_from: Option<Ordinal>,
}

/// Every version of every period of one key: period `first + k` has the versions `offsets[k]..offsets[k + 1]`, in the
/// order in which they became known.
struct Versions {
    first: Ordinal,
    offsets: Vec<u32>,
    known_from: Vec<Ordinal>,
    value: Vec<f64>,
}

impl RegressorStore {
    pub fn new(regressor: &Regressor, series: usize) -> Result<Self, PipelineError> {
        let cells = &regressor.cells;
        let lengths = vec![cells.key.len(), cells.at.len(), cells.value.len(), cells.known_from.len()];
        if lengths.iter().any(|&length| length != lengths[0]) {
            return Err(PipelineError::UnevenColumns { table: regressor.name.clone(), lengths });
        }
        let rows = sorted_rows(regressor);
        check_periods(&regressor.name, &rows.iter().map(|row| row.at).collect::<Vec<_>>())?;
        let mut keys = Vec::new();
        let mut slot_of = HashMap::new();
        let mut latest = Vec::new();
        for of_key in rows.chunk_by(|a, b| a.key == b.key) {
            slot_of.insert(of_key[0].key, keys.len());
            keys.push(Versions::new(&regressor.name, of_key)?);
            if regressor.kind == RegressorKind::ObservedPast {
                latest.push(Latest::new(of_key.iter().map(|row| (row.at, row.known_from, row.value))));
            }
        }
        let slots = (0..series).map(|number| slot_of.get(&regressor.scope.key(number as u32)).copied()).collect();
        let is_flag = |value: f64| value.is_nan() || value == 0.0 || value == 1.0;
        Ok(Self {
            name: regressor.name.clone(),
            kind: regressor.kind,
            beyond: regressor.beyond,
            levels: cells.levels.len() as u32,
            slots,
            keys,
            latest,
            number_from: rows.iter().filter(|row| !is_flag(row.value)).map(|row| row.known_from).min(),
        })
    }

    /// Which cells belong to a series; `None` if there are none.
    pub fn slot(&self, series: u32) -> Option<usize> {
        self.slots[series as usize]
    }

    /// The value of a period, as known by `known_by`.
    pub fn value(&self, slot: Option<usize>, at: Ordinal, known_by: Ordinal) -> Option<f64> {
        self.keys[slot?].value(at, known_by)
    }

    /// The value of a [`RegressorKind::Static`].
    pub fn constant(&self, series: u32, known_by: Ordinal) -> Option<f64> {
        self.value(self.slot(series), 0, known_by)
    }

    /// First period that has a cell.
    pub fn first(&self, slot: Option<usize>) -> Option<Ordinal> {
        Some(self.keys[slot?].first)
    }

    /// What an [`RegressorKind::ObservedPast`] was last known to be, at each instant.
    pub fn latest(&self, slot: Option<usize>) -> Option<&Latest> {
        self.latest.get(slot?)
    }

    /// Periods up to `last` on which it is set, as known by `known_by`.
    pub fn track(&self, series: usize, last: Ordinal, known_by: Ordinal) -> EventTrack {
        let periods = |versions: &Versions| {
            (versions.first..=last.min(versions.last())).filter(|&at| versions.value(at, known_by).is_some_and(|value| value > 0.5)).collect()
        };
        let key = (0..series).map(|number| self.slots[number].map(|slot| slot as u32)).collect();
        EventTrack { name: self.name.clone(), key, periods: self.keys.iter().map(periods).collect() }
    }

    /// Whether it tells, as far as is known by then, only yes from no on each day.
    pub fn is_flag(&self, known_by: Ordinal) -> bool {
        let planned = self.kind == RegressorKind::KnownFuture && self.beyond != Beyond::Climatology && self.levels == 0;
        planned && self.number_from.is_none_or(|from| from > known_by)
    }
}

impl Versions {
    /// From cells of one key, sorted by period and knowledge.
    fn new(name: &str, rows: &[Row]) -> Result<Self, PipelineError> {
        let first = rows[0].at;
        let periods = first.abs_diff(rows[rows.len() - 1].at) + 1;
        if periods > LONGEST_GRID {
            return Err(PipelineError::TooSparse { table: name.to_owned(), periods, limit: LONGEST_GRID });
        }
        let mut offsets = vec![0_u32; periods as usize + 1];
        for row in rows {
            offsets[(row.at - first) as usize + 1] += 1;
        }
        for k in 0..periods as usize {
            offsets[k + 1] += offsets[k];
        }
        let known_from = rows.iter().map(|row| row.known_from).collect();
        Ok(Self { first, offsets, known_from, value: rows.iter().map(|row| row.value).collect() })
    }

    /// Last period that has a cell.
    fn last(&self) -> Ordinal {
        self.first + self.offsets.len() as Ordinal - 2
    }

    fn value(&self, at: Ordinal, known_by: Ordinal) -> Option<f64> {
        let k = usize::try_from(at.checked_sub(self.first)?).ok()?;
        let (start, end) = (*self.offsets.get(k)? as usize, *self.offsets.get(k + 1)? as usize);
        let known = self.known_from[start..end].partition_point(|&from| from <= known_by);
        let value = self.value[start..end][known.checked_sub(1)?];
        (!value.is_nan()).then_some(value)
    }
}

struct Row {
    key: u32,
    at: Ordinal,
    known_from: Ordinal,
    value: f64,
}

/// Cells by key, period and knowledge; of equal ones the later stays last, and so counts.
fn sorted_rows(regressor: &Regressor) -> Vec<Row> {
    let cells = &regressor.cells;
    let is_static = regressor.kind == RegressorKind::Static;
    let row = |i: usize| Row {
        key: cells.key[i],
        at: if is_static { 0 } else { cells.at[i] },
        known_from: cells.known_from[i],
        value: finite(cells.value[i]),
    };
    let mut rows: Vec<Row> = (0..cells.key.len()).map(row).collect();
    rows.sort_by_key(|row| (row.key, row.at, row.known_from));
    rows
}
