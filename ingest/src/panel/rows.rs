//! The series and the time of every row.

use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::error::PanelError;
use super::grid::Grid;
use super::spec::PanelSpec;
use super::step::without_common_time;
use crate::tabular::dates::Stamp;
use crate::tabular::{CellError, CellErrors, ColumnRef, Data, DateFormat, Decimal, Locale, NumberEvidence, Table, TabularError, numbers};

/// Rows of the history, columns of equal length.
pub(super) struct Rows {
    pub file: String,
    /// Row of the file.
    pub numbers: Vec<u64>,
    /// Names of the series, in order of appearance.
    pub names: Vec<String>,
    /// Whether the file has an id column.
    pub named: bool,
    pub series: Vec<u32>,
    pub times: Times,
    /// How text dates are written.
    pub date_format: Option<DateFormat>,
}

/// The `ds` column.
pub(super) enum Times {
    Integers(Vec<i64>),
    Stamps(Vec<NaiveDateTime>),
}

impl Times {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Integers(_) => "integers",
            Self::Stamps(_) => "dates",
        }
    }
}

impl Rows {
    pub(super) fn read(table: &Table, spec: &PanelSpec) -> Result<Self, PanelError> {
        table.well_formed()?;
        let (names, series, named) = match table.find(&spec.id) {
            Some(column) => {
                let (names, series) = series_of(column, table, Vec::new())?;
                (names, series, true)
            }
            None if spec.id == PanelSpec::ID => (vec![stem(&table.file)], vec![0; table.len()], false),
            None => {
                return Err(table
                    .column(&spec.id)
                    .err()
                    .map_or(PanelError::NoValues { file: table.file.clone(), y: spec.id.clone() }, PanelError::from));
            }
        };
        let ds = table.column(&spec.ds)?;
        let (times, date_format) = read_times(ds, &spec.locale)?;
        Ok(Self { file: table.file.clone(), numbers: table.rows.clone(), names, named, series, times, date_format })
    }

    /// The target's values, `None` where missing.
    pub(super) fn target(&self, table: &Table, y: &str, locale: &Locale) -> Result<Vec<Option<f64>>, TabularError> {
        table.column(y)?.numbers(locale)?.all_good(&table.file)
    }

    pub(super) fn name(&self, row: usize) -> String {
        self.series.get(row).and_then(|&series| self.names.get(series as usize)).cloned().unwrap_or_default()
    }
}

fn stem(file: &str) -> String {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_owned()
}

/// Series by name; `known` ones keep their numbers.
fn series_of(column: ColumnRef<'_>, table: &Table, known: Vec<String>) -> Result<(Vec<String>, Vec<u32>), TabularError> {
    let found = column.categories(known);
    let (mut series, mut errors) = (Vec::with_capacity(table.len()), Vec::new());
    for (row, code) in found.codes.iter().enumerate() {
        match code {
            Some(code) => series.push(*code),
            None => errors.push(column.cell_error(row, "is empty, so the row belongs to no series")),
        }
    }
    refuse(table, &errors)?;
    Ok((found.levels, series))
}

fn refuse(table: &Table, errors: &[CellError]) -> Result<(), TabularError> {
    if errors.is_empty() { Ok(()) } else { Err(TabularError::Cells { file: table.file.clone(), errors: CellErrors::new(errors) }) }
}

/// Integers where every cell is one and they are not all `yyyymmdd`; dates otherwise.
fn read_times(column: ColumnRef<'_>, locale: &Locale) -> Result<(Times, Option<DateFormat>), TabularError> {
    if let Some(integers) = integers(column) {
        return Ok((Times::Integers(integers), None));
    }
    let format = column.date_format(locale)?;
    let values = column.dates_as(format);
    let mut errors = values.errors;
    for (row, value) in values.values.iter().enumerate() {
        if value.is_none() && numbers::is_missing(&column.text(row)) {
            errors.push(column.cell_error(row, "is empty, so the row has no time"));
        }
    }
    errors.sort_by_key(|error| error.row);
    refuse(column.table, &errors)?;
    let is_text = matches!(column.column.data, Data::Text(_));
    Ok((Times::Stamps(wall_clock(values.values.into_iter().flatten().collect())), is_text.then_some(format)))
}

/// One clock for all rows: as printed where every row has the same offset from UTC, UTC where they differ.
fn wall_clock(stamps: Vec<Stamp>) -> Vec<NaiveDateTime> {
    let one_offset = stamps.iter().all(|stamp| Some(stamp.offset_seconds) == stamps.first().map(|first| first.offset_seconds));
    let mut walls: Vec<NaiveDateTime> = stamps.iter().map(|stamp| if one_offset { stamp.wall } else { stamp.utc() }).collect();
    without_common_time(&mut walls);
    walls
}

fn integers(column: ColumnRef<'_>) -> Option<Vec<i64>> {
    let values: Vec<i64> = match &column.column.data {
        Data::Integers(values) => values.iter().copied().collect::<Option<_>>()?,
        Data::Text(texts) => texts.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?,
        Data::Numbers(_) | Data::Flags(_) | Data::Stamps(_) => return None,
    };
    let is_date = |value: &i64| {
        (19_000_101..=21_001_231).contains(value) && crate::tabular::dates::parse(&value.to_string(), DateFormat::ISO).is_some()
    };
    (!values.iter().all(is_date)).then_some(values)
}

/// Rows of a file of future values.
pub(super) struct Future<'a> {
    pub table: &'a Table,
    /// Row of the table, series, ordinal.
    pub cells: Vec<(usize, u32, i64)>,
    /// Rows of series that the history does not have.
    pub strangers: usize,
}

impl<'a> Future<'a> {
    /// A file without an id column holds for every series.
    pub(super) fn read(table: &'a Table, history: &Rows, grid: &Grid, spec: &PanelSpec) -> Result<Self, PanelError> {
        let column = table.find(&spec.id).filter(|_| history.named);
        let locale = Locale { dates: spec.locale.dates.or(history.date_format), ..spec.locale };
        let mut rows = Rows::read(
            table,
            &PanelSpec { id: if column.is_some() { spec.id.clone() } else { PanelSpec::ID.to_owned() }, locale, ..spec.clone() },
        )?;
        let ordinals = grid.place(&mut rows, history)?;
        super::grid::refuse_duplicates(&rows, &ordinals, grid)?;
        let known: HashMap<&str, u32> = history.names.iter().map(String::as_str).zip(0..).collect();
        let (mut cells, mut strangers) = (Vec::new(), 0);
        for (row, &at) in ordinals.iter().enumerate() {
            match column {
                None => cells.extend((0..history.names.len() as u32).map(|series| (row, series, at))),
                Some(_) => match known.get(rows.name(row).as_str()) {
                    Some(&series) => cells.push((row, series, at)),
                    None => strangers += 1,
                },
            }
        }
        Ok(Self { table, cells, strangers })
    }
}

/// Whether a column of cells is meant as numbers: more of them are than are not.
pub(super) fn is_numeric(column: ColumnRef<'_>) -> bool {
    match &column.column.data {
        Data::Text(_) => {
            let evidence: NumberEvidence = column.number_evidence();
            evidence.numbers() > evidence.not_numbers
        }
        Data::Integers(_) | Data::Numbers(_) | Data::Flags(_) => true,
        Data::Stamps(_) => false,
    }
}

/// The notation of a numeric column, for its counterpart in the file of future values.
pub(super) fn notation(column: ColumnRef<'_>, locale: &Locale) -> Result<Decimal, TabularError> {
    column.decimal(locale)
}
