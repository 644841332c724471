//! `--where COLUMN=VALUE`: the rows of a file that a panel is made of.

use std::str::FromStr;

use super::error::PanelError;
use crate::tabular::{ColumnRef, Decimal, Table, closest, find, numbers};

/// One condition on a row. Conditions on one column are alternatives, those on several columns must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub column: String,
    /// As the file writes it; numbers are compared by value.
    pub value: String,
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((column, value)) if !column.trim().is_empty() => {
                Ok(Self { column: column.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err(format!("`{text}` is not of the form COLUMN=VALUE")),
        }
    }
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.column, self.value)
    }
}

/// Values listed in an error.
const LISTED: usize = 12;

/// Keeps the rows that all filters let through; returns how many it dropped.
pub(super) fn apply(table: &mut Table, filters: &[Filter]) -> Result<usize, PanelError> {
    let before = table.len();
    if !filters.is_empty() {
        let keep = marked(table, filters)?;
        table.retain(&keep);
    }
    if table.is_empty() && before > 0 {
        return Err(PanelError::NothingLeft { file: table.file.clone(), filters: shown(filters) });
    }
    Ok(before - table.len())
}

/// As [`apply`] on a file that need not have the columns nor the values: that of the future values.
pub(super) fn apply_where_known(table: &mut Table, filters: &[Filter]) {
    let known: Vec<Filter> = filters.iter().filter(|filter| table.find(&filter.column).is_some()).cloned().collect();
    for column in columns(table, &known) {
        let mine = of_column(table, &known, &column);
        let keep: Vec<bool> = match table.find(&column) {
            Some(column) => (0..table.len()).map(|row| mine.iter().any(|filter| matches(column, row, filter))).collect(),
            None => continue,
        };
        table.retain(&keep);
    }
}

/// Whether a column is there to choose rows by.
pub(super) fn is_filtered(table: &Table, filters: &[Filter], name: &str) -> bool {
    columns(table, filters).iter().any(|column| column == name)
}

fn marked(table: &Table, filters: &[Filter]) -> Result<Vec<bool>, PanelError> {
    for filter in filters {
        let column = table.column(&filter.column)?;
        if !(0..table.len()).any(|row| matches(column, row, filter)) {
            return Err(unknown_value(column, filter));
        }
    }
    let mut keep = vec![true; table.len()];
    for name in columns(table, filters) {
        let (column, mine) = (table.column(&name)?, of_column(table, filters, &name));
        for (row, keep) in keep.iter_mut().enumerate() {
            *keep = *keep && mine.iter().any(|filter| matches(column, row, filter));
        }
    }
    Ok(keep)
}

/// Names of the filtered columns as the file has them, once each.
fn columns(table: &Table, filters: &[Filter]) -> Vec<String> {
    let mut names: Vec<String> = filters.iter().filter_map(|filter| Some(table.find(&filter.column)?.name().to_owned())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn of_column<'a>(table: &Table, filters: &'a [Filter], name: &str) -> Vec<&'a Filter> {
    filters.iter().filter(|filter| table.find(&filter.column).is_some_and(|column| column.name() == name)).collect()
}

fn matches(column: ColumnRef<'_>, row: usize, filter: &Filter) -> bool {
    let cell = column.text(row);
    let number = |text: &str| numbers::parse(text, Decimal::Point);
    cell.trim() == filter.value || number(&filter.value).is_some_and(|wanted| number(&cell) == Some(wanted))
}

fn unknown_value(column: ColumnRef<'_>, filter: &Filter) -> PanelError {
    let levels = column.categories(Vec::new()).levels;
    let near = find(&levels, &filter.value).or_else(|| closest(&levels, &filter.value)).map(str::to_owned);
    let more = levels.len().saturating_sub(LISTED);
    let tail = if more == 0 { String::new() } else { format!(" and {more} more") };
    let listed: Vec<String> = levels.iter().take(LISTED).map(|level| format!("`{level}`")).collect();
    PanelError::UnknownValue {
        file: column.table.file.clone(),
        column: column.name().to_owned(),
        value: filter.value.clone(),
        present: format!("{}{tail}", listed.join(", ")),
        closest: near,
    }
}

fn shown(filters: &[Filter]) -> String {
    filters.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
