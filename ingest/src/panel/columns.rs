//! The columns beside the target: their kinds and values.

use std::collections::HashMap;

use domain::Ordinal;
use domain::panel::{Beyond, Cells, Regressor, RegressorKind, Scope};

use super::error::PanelError;
use super::filter::is_filtered;
use super::grid::Grid;
use super::name_of;
use super::report::ColumnReport;
use super::rows::{Future, Rows, is_numeric, notation};
use super::spec::PanelSpec;
use crate::tabular::{Categories, ColumnRef, Data, Decimal, Table, TabularError, Values, numbers};

/// Known to any cutoff.
const ALWAYS: Ordinal = Ordinal::MIN;

/// Why a column of `--where` is no regressor.
const FILTERED: &str = "chooses the rows";

/// Columns by part, named as in the file.
pub(super) struct Roles {
    pub y: String,
    pub regressors: Vec<(String, RegressorKind)>,
    pub closed: Option<String>,
    pub left_out: Vec<(String, &'static str)>,
}

impl Roles {
    pub(super) fn assign(table: &Table, spec: &PanelSpec) -> Result<Self, PanelError> {
        let mut parts: HashMap<String, &'static str> = HashMap::new();
        let mut give = |name: &str, part: &'static str| -> Result<String, PanelError> {
            match parts.insert(name.to_owned(), part) {
                Some(first) => Err(PanelError::TwoKinds { column: name.to_owned(), first, second: part }),
                None => Ok(name.to_owned()),
            }
        };
        if let Some(id) = table.find(&spec.id) {
            give(id.name(), "the series")?;
        }
        give(name_of(table, &spec.ds)?, "the time")?;
        let y = give(name_of(table, &spec.y)?, "the target")?;
        let closed = spec.closed.as_ref().map(|name| give(name_of(table, name)?, "closed days")).transpose()?;
        let mut regressors = Vec::new();
        for (names, kind) in [
            (&spec.known_future, RegressorKind::KnownFuture),
            (&spec.observed_past, RegressorKind::ObservedPast),
            (&spec.statics, RegressorKind::Static),
        ] {
            for name in names {
                regressors.push((give(name_of(table, name)?, kind_name(kind))?, kind));
            }
        }
        let mut left_out = Vec::new();
        for name in &spec.exclude {
            left_out.push((give(name_of(table, name)?, "excluded")?, "excluded"));
        }
        for column in table.columns.iter().filter(|column| !parts.contains_key(&column.name)) {
            let reason = if is_filtered(table, &spec.filters, &column.name) { Some(FILTERED) } else { unusable(table, &column.name) };
            match reason {
                Some(reason) => left_out.push((column.name.clone(), reason)),
                None => regressors.push((column.name.clone(), RegressorKind::ObservedPast)),
            }
        }
        Ok(Self { y, regressors, closed, left_out })
    }
}

pub(super) fn kind_name(kind: RegressorKind) -> &'static str {
    match kind {
        RegressorKind::Static => "static",
        RegressorKind::KnownFuture => "known-future",
        RegressorKind::Event => "event",
        RegressorKind::ObservedPast => "observed-past",
    }
}

/// Why a column that nobody named is no regressor.
fn unusable(table: &Table, name: &str) -> Option<&'static str> {
    let is_row_index = name.is_empty() || name.starts_with("__index_level_") || name.starts_with("Unnamed: ");
    if is_row_index {
        return Some("a row index");
    }
    let column = table.find(name)?;
    let empty = (0..table.len()).all(|row| numbers::is_missing(&column.text(row)));
    empty.then_some("empty")
}

/// Regressors as the panel holds them.
pub(super) struct Regressors {
    pub columns: Vec<Regressor>,
    pub closed: Option<Regressor>,
    pub report: Vec<ColumnReport>,
}

pub(super) fn regressors(
    table: &Table,
    rows: &Rows,
    grid: &Grid,
    roles: &Roles,
    future: Option<&Future<'_>>,
    spec: &PanelSpec,
) -> Result<Regressors, PanelError> {
    let mut columns = Vec::new();
    let mut report = Vec::new();
    for (name, kind) in &roles.regressors {
        let mut coded = Coded::read(table.column(name)?, spec)?;
        if *kind == RegressorKind::KnownFuture {
            coded.name_blanks();
        }
        let known = |at| if *kind == RegressorKind::ObservedPast { at } else { ALWAYS };
        let mut cells = if *kind == RegressorKind::Static {
            one_per_series(table.column(name)?, rows, &coded.values)?
        } else {
            let mut cells = Cells::default();
            for (row, value) in coded.values.iter().enumerate() {
                let at = grid.ordinals[row];
                cells.push(rows.series[row], at, *value, known(at));
            }
            cells
        };
        let mut levels = coded.levels.clone();
        if let (RegressorKind::KnownFuture, Some(future)) = (kind, future) {
            levels = append_future(&mut cells, future, future.table.column(name)?, &coded)?;
        }
        cells.levels = levels.unwrap_or_default();
        report.push(ColumnReport { name: name.clone(), part: kind_name(*kind), categories: cells.levels.len() });
        columns.push(Regressor { name: name.clone(), kind: *kind, scope: Scope::Series, beyond: Beyond::Required, cells });
    }
    let closed = roles.closed.as_ref().map(|name| closed(table, name, rows, grid, future)).transpose()?;
    if let Some(closed) = &closed {
        report.push(ColumnReport { name: closed.name.clone(), part: "closed days", categories: 0 });
    }
    report.extend(roles.left_out.iter().map(|(name, reason)| ColumnReport { name: name.clone(), part: reason, categories: 0 }));
    Ok(Regressors { columns, closed, report })
}

/// Numbers, or codes of texts; NaN where a cell is empty.
struct Coded {
    values: Vec<f64>,
    /// Of a column of texts.
    levels: Option<Vec<String>>,
    /// Of a column of numbers.
    decimal: Decimal,
}

impl Coded {
    fn read(column: ColumnRef<'_>, spec: &PanelSpec) -> Result<Self, TabularError> {
        if !is_numeric(column) {
            let (values, levels) = codes(column.categories(Vec::new()));
            return Ok(Self { values, levels: Some(levels), decimal: Decimal::Point });
        }
        let decimal = notation(column, &spec.locale)?;
        Ok(Self { values: plain(column.numbers_as(decimal), column.table)?, levels: None, decimal })
    }
}

/// An empty cell among texts that are known ahead: no promo, no holiday.
const BLANK: &str = "(blank)";

impl Coded {
    /// Makes empty cells of a column of texts a category of their own: a plan leaves ordinary days empty.
    fn name_blanks(&mut self) {
        let Some(levels) = &mut self.levels else { return };
        if self.values.iter().any(|value| value.is_nan()) {
            let code = levels.len() as f64;
            levels.push(BLANK.to_owned());
            self.values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = code);
        }
    }
}

fn codes(found: Categories) -> (Vec<f64>, Vec<String>) {
    (found.codes.into_iter().map(|code| code.map_or(f64::NAN, f64::from)).collect(), found.levels)
}

fn plain(values: Values<f64>, table: &Table) -> Result<Vec<f64>, TabularError> {
    Ok(values.all_good(&table.file)?.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}

/// Adds the values of the file of future values; returns the levels of a column of texts, new ones appended.
fn append_future(
    cells: &mut Cells,
    future: &Future<'_>,
    column: ColumnRef<'_>,
    history: &Coded,
) -> Result<Option<Vec<String>>, TabularError> {
    let (values, levels) = match &history.levels {
        Some(levels) => {
            // A blank is a category only where the history has some.
            let blank = levels.iter().position(|level| level == BLANK);
            let (mut values, levels) = codes(column.categories(levels.clone()));
            if let Some(blank) = blank {
                values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = blank as f64);
            }
            (values, Some(levels))
        }
        None if matches!(column.column.data, Data::Text(_)) => (plain(column.numbers_as(history.decimal), column.table)?, None),
        None => (plain(column.numbers_as(Decimal::Point), column.table)?, None),
    };
    for &(row, series, at) in &future.cells {
        cells.push(series, at, values[row], ALWAYS);
    }
    Ok(levels)
}

fn one_per_series(column: ColumnRef<'_>, rows: &Rows, values: &[f64]) -> Result<Cells, PanelError> {
    let mut first_rows: Vec<Option<usize>> = vec![None; rows.names.len()];
    let mut cells = Cells::default();
    for (row, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        let series = rows.series[row];
        match first_rows[series as usize] {
            None => {
                first_rows[series as usize] = Some(row);
                cells.push(series, 0, *value, ALWAYS);
            }
            Some(first) if values[first] == *value => {}
            Some(first) => {
                return Err(PanelError::StaticChanges {
                    file: rows.file.clone(),
                    column: column.name().to_owned(),
                    series: rows.name(row),
                    first: column.text(first).into_owned(),
                    first_row: rows.numbers[first],
                    second: column.text(row).into_owned(),
                    second_row: rows.numbers[row],
                });
            }
        }
    }
    Ok(cells)
}

fn closed(table: &Table, name: &str, rows: &Rows, grid: &Grid, future: Option<&Future<'_>>) -> Result<Regressor, TabularError> {
    let mut cells = Cells::default();
    let flags = table.column(name)?.flags().all_good(&table.file)?;
    for (row, flag) in flags.iter().enumerate() {
        if let Some(flag) = flag {
            cells.push(rows.series[row], grid.ordinals[row], f64::from(u8::from(*flag)), ALWAYS);
        }
    }
    if let Some(future) = future {
        let flags = future.table.column(name)?.flags().all_good(&future.table.file)?;
        for &(row, series, at) in &future.cells {
            if let Some(flag) = flags[row] {
                cells.push(series, at, f64::from(u8::from(flag)), ALWAYS);
            }
        }
    }
    Ok(Regressor { name: name.to_owned(), kind: RegressorKind::KnownFuture, scope: Scope::Series, beyond: Beyond::Zero, cells })
}
