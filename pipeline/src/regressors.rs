//! A regressor's cells with all their versions, read as of any knowledge.

use std::collections::HashMap;
use std::ops::Range;

use domain::features::EventTrack;
use domain::panel::{Beyond, Regressor, RegressorKind, Scope};
use domain::{Driver, Ordinal};

use crate::error::PipelineError;
use crate::latest::Latest;
use crate::observations::{LONGEST_GRID, check_periods, finite};

/// One regressor, indexed for look-ups by series and period.
pub(crate) struct RegressorStore {
    pub name: String,
    pub kind: RegressorKind,
    pub beyond: Beyond,
    pub scope: Scope,
    /// Number of levels of a category, 0 for numbers.
    pub levels: u32,
    /// For every series, which entry of `keys` holds its cells.
    slots: Vec<Option<usize>>,
    slot_of: HashMap<u32, usize>,
    keys: Vec<Versions>,
    latest: Vec<Latest>,
    /// First knowledge of a value that is no probability.
    number_from: Option<Ordinal>,
    /// First period on which a value between 0 and 1 still stands.
    amount_from: Option<Ordinal>,
    /// First knowledge of a value that no price has.
    no_price_from: Option<Ordinal>,
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
        let mut store = Self {
            name: regressor.name.clone(),
            kind: regressor.kind,
            beyond: regressor.beyond,
            scope: regressor.scope.clone(),
            levels: 0,
            slots: Vec::new(),
            slot_of: HashMap::new(),
            keys: Vec::new(),
            latest: Vec::new(),
            number_from: None,
            amount_from: None,
            no_price_from: None,
        };
        store.extend(regressor, series)?;
        Ok(store)
    }

    /// Adds cells, of periods and keys that have some or of others. What is younger than all that a key has is appended.
    pub fn extend(&mut self, regressor: &Regressor, series: usize) -> Result<(), PipelineError> {
        let cells = &regressor.cells;
        let lengths = vec![cells.key.len(), cells.at.len(), cells.value.len(), cells.known_from.len()];
        if lengths.iter().any(|&length| length != lengths[0]) {
            return Err(PipelineError::UnevenColumns { table: regressor.name.clone(), lengths });
        }
        self.scope = regressor.scope.clone();
        let rows = sorted_rows(regressor);
        check_periods(&self.name, &rows.iter().map(|row| row.at).collect::<Vec<_>>())?;
        for of_key in rows.chunk_by(|a, b| a.key == b.key) {
            self.extend_key(of_key)?;
        }
        self.slots.extend((self.slots.len()..series).map(|_| None));
        for (number, slot) in self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
            *slot = self.slot_of.get(&regressor.scope.key(number as u32)).copied();
        }
        self.levels = self.levels.max(cells.levels.len() as u32);
        self.note_values(&rows);
        Ok(())
    }

    fn extend_key(&mut self, rows: &[Row]) -> Result<(), PipelineError> {
        let slot = *self.slot_of.entry(rows[0].key).or_insert(self.keys.len());
        if slot == self.keys.len() {
            self.keys.push(Versions::new(&self.name, rows)?);
            self.latest.push(Latest::default());
        } else {
            self.keys[slot].extend(&self.name, rows)?;
        }
        if self.kind != RegressorKind::ObservedPast {
            return Ok(());
        }
        let latest = &mut self.latest[slot];
        if latest.append(rows.iter().map(|row| (row.at, row.known_from, row.value))).is_err() {
            *latest = Latest::new(self.keys[slot].cells());
        }
        Ok(())
    }

    /// What new values say about the kind of numbers these are.
    fn note_values(&mut self, rows: &[Row]) {
        let earliest = |known: Option<Ordinal>, is_so: fn(f64) -> bool| {
            rows.iter().filter(|row| is_so(row.value)).map(|row| row.known_from).chain(known).min()
        };
        self.number_from = earliest(self.number_from, |value| !value.is_nan() && !(0.0..=1.0).contains(&value));
        self.no_price_from = earliest(self.no_price_from, |value| value <= 0.0);
        // A new version may settle an old probability, so that all must be looked at again.
        if self.amount_from.is_some() || rows.iter().any(|row| is_fraction(row.value)) {
            self.amount_from = self.keys.iter().filter_map(Versions::amount_from).min();
        }
    }

    /// Which cells belong to a series; `None` if there are none.
    pub fn slot(&self, series: u32) -> Option<usize> {
        self.slots[series as usize]
    }

    /// The value of a period, as known by `known_by`.
    pub fn value(&self, slot: Option<usize>, at: Ordinal, known_by: Ordinal) -> Option<f64> {
        self.keys[slot?].value(at, known_by)
    }

    /// What a [`RegressorKind::KnownFuture`] was planned to be on a period, as known by `known_by`.
    ///
    /// A regressor that must be given for every future period was, by that contract, known ahead: a file that labels
    /// its cells with their own day still teaches, with the value known at the cutoff.
    pub fn planned(&self, slot: Option<usize>, at: Ordinal, known_by: Ordinal, cutoff: Ordinal) -> Option<f64> {
        let known = self.value(slot, at, known_by);
        match self.beyond {
            Beyond::Required => known.or_else(|| self.value(slot, at, cutoff)),
            Beyond::Zero => Some(known.unwrap_or(0.0)),
            Beyond::Climatology => known,
        }
    }

    /// Number of different keys.
    pub fn slots(&self) -> usize {
        self.keys.len()
    }

    /// Periods on which any version of a flag is set, ascending.
    pub fn periods_ever_set(&self, slot: usize) -> Vec<Ordinal> {
        let versions = &self.keys[slot];
        let is_set = |k: &usize| versions.value[versions.range(*k)].iter().any(|&value| value > 0.5);
        (0..versions.offsets.len() - 1).filter(is_set).map(|k| versions.first + k as Ordinal).collect()
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
            (versions.first..=last.min(versions.last()))
                .filter(|&at| versions.value(at, known_by).is_some_and(|value| value > 0.5))
                .collect()
        };
        let key = (0..series).map(|number| self.slots[number].map(|slot| slot as u32)).collect();
        EventTrack { name: self.name.clone(), key, periods: self.keys.iter().map(periods).collect() }
    }

    /// What it speaks of, if its name tells.
    pub fn driver(&self) -> Option<Driver> {
        Driver::of_regressor(&self.name)
    }

    /// Whether it tells, as far as is known by then, only yes from no on each day, or how likely yes is on days to come.
    ///
    /// A value between 0 and 1 may be a probability: of a day to come, and settled as 0 or 1 by that day. One that still
    /// stands on its day is an amount, such as a discount, and then so are the others.
    pub fn is_flag(&self, known_by: Ordinal) -> bool {
        let not_yet = |from: Option<Ordinal>| from.is_none_or(|from| from > known_by);
        self.is_planned_number() && not_yet(self.number_from) && not_yet(self.amount_from)
    }

    /// Whether it is told as an event.
    pub fn is_event(&self, known_by: Ordinal) -> bool {
        self.kind == RegressorKind::Event || self.is_flag(known_by)
    }

    /// Whether it is a plan or a forecast, which may turn out otherwise.
    pub fn is_ahead(&self) -> bool {
        matches!(self.kind, RegressorKind::KnownFuture | RegressorKind::Event)
    }

    /// Whether it tells, as far as is known by then, amounts that are never zero.
    pub fn is_price(&self, known_by: Ordinal) -> bool {
        self.is_planned_number() && !self.is_flag(known_by) && self.no_price_from.is_none_or(|from| from > known_by)
    }

    fn is_planned_number(&self) -> bool {
        self.kind == RegressorKind::KnownFuture && self.beyond != Beyond::Climatology && self.levels == 0
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

    /// Adds cells, sorted by period and knowledge.
    fn extend(&mut self, name: &str, rows: &[Row]) -> Result<(), PipelineError> {
        let (first, last) = (rows[0].at.min(self.first), rows[rows.len() - 1].at.max(self.last()));
        let periods = first.abs_diff(last) + 1;
        if periods > LONGEST_GRID {
            return Err(PipelineError::TooSparse { table: name.to_owned(), periods, limit: LONGEST_GRID });
        }
        let before = (self.first - first) as usize;
        self.offsets.splice(0..0, std::iter::repeat_n(0, before));
        self.first = first;
        let end = self.value.len() as u32;
        self.offsets.resize(periods as usize + 1, end);
        for row in rows {
            let k = (row.at - first) as usize;
            let versions = self.range(k);
            // Of equal versions the later row comes last, and so counts.
            let position = versions.start + self.known_from[versions].partition_point(|&from| from <= row.known_from);
            self.known_from.insert(position, row.known_from);
            self.value.insert(position, row.value);
            self.offsets[k + 1..].iter_mut().for_each(|offset| *offset += 1);
        }
        Ok(())
    }

    /// Every version as `(at, known_from, value)`.
    fn cells(&self) -> impl Iterator<Item = (Ordinal, Ordinal, f64)> {
        let of_period = move |k: usize| self.range(k).map(move |i| (self.first + k as Ordinal, self.known_from[i], self.value[i]));
        (0..self.offsets.len() - 1).flat_map(of_period)
    }

    /// First period, or later knowledge, on which a value between 0 and 1 stands that no later version has settled.
    fn amount_from(&self) -> Option<Ordinal> {
        let of_period = |k: usize| {
            let (at, versions) = (self.first + k as Ordinal, self.range(k));
            let end = versions.end;
            let due = move |i: usize| at.max(self.known_from[i]);
            let stands = move |&i: &usize| is_fraction(self.value[i]) && (i + 1 == end || self.known_from[i + 1] > due(i));
            versions.filter(stands).map(due).min()
        };
        (0..self.offsets.len() - 1).filter_map(of_period).min()
    }

    /// Last period that has a cell.
    fn last(&self) -> Ordinal {
        self.first + self.offsets.len() as Ordinal - 2
    }

    fn value(&self, at: Ordinal, known_by: Ordinal) -> Option<f64> {
        let k = usize::try_from(at.checked_sub(self.first)?).ok()?;
        if k + 1 >= self.offsets.len() {
            return None;
        }
        let versions = self.range(k);
        let known = self.known_from[versions.clone()].partition_point(|&from| from <= known_by);
        let value = self.value[versions][known.checked_sub(1)?];
        (!value.is_nan()).then_some(value)
    }

    /// Where the versions of period `first + k` are.
    fn range(&self, k: usize) -> Range<usize> {
        self.offsets[k] as usize..self.offsets[k + 1] as usize
    }
}

struct Row {
    key: u32,
    at: Ordinal,
    known_from: Ordinal,
    value: f64,
}

fn is_fraction(value: f64) -> bool {
    value > 0.0 && value < 1.0
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
