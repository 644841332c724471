//! Rows as columns, typed when asked.

use std::borrow::Cow;
use std::collections::HashMap;

use super::dates::{self, DateDoubt, DateEvidence, DateFormat, Stamp};
use super::dialect::Dialect;
use super::numbers::{self, Decimal, NumberDoubt, NumberEvidence, is_missing};
use super::{CellError, CellErrors, Locale, TabularError, closest, find};

/// Some or all rows of a file.
#[derive(Debug, Clone)]
pub struct Table {
    /// Name for messages.
    pub file: String,
    /// How a text file is written; `None` for Parquet.
    pub dialect: Option<Dialect>,
    pub columns: Vec<Column>,
    /// Row of the file of each row of the table, counted as in [`CellError::row`].
    pub rows: Vec<u64>,
    /// Rows left out because their fields do not match the header.
    pub malformed: Vec<CellError>,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub data: Data,
}

/// Cells in the type of the file: always text for CSV.
#[derive(Debug, Clone)]
pub enum Data {
    Text(TextColumn),
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    Flags(Vec<Option<bool>>),
    Stamps(Vec<Option<Stamp>>),
}

/// Texts one after the other in one buffer. A null is an empty text.
#[derive(Debug, Clone, Default)]
pub struct TextColumn {
    buffer: String,
    ends: Vec<usize>,
}

impl Data {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(texts) => texts.len(),
            Self::Integers(values) => values.len(),
            Self::Numbers(values) => values.len(),
            Self::Flags(values) => values.len(),
            Self::Stamps(values) => values.len(),
        }
    }

    /// Adds the rows of a column of the same type; of another type they are dropped.
    pub(super) fn append(&mut self, more: Self) {
        match (self, more) {
            (Self::Text(texts), Self::Text(more)) => more.iter().for_each(|text| texts.push(text)),
            (Self::Integers(values), Self::Integers(more)) => values.extend(more),
            (Self::Numbers(values), Self::Numbers(more)) => values.extend(more),
            (Self::Flags(values), Self::Flags(more)) => values.extend(more),
            (Self::Stamps(values), Self::Stamps(more)) => values.extend(more),
            (Self::Text(_) | Self::Integers(_) | Self::Numbers(_) | Self::Flags(_) | Self::Stamps(_), _) => {}
        }
    }

    /// Keeps the marked rows.
    fn retain(&mut self, keep: &[bool]) {
        fn only<T>(values: &mut Vec<T>, keep: &[bool]) {
            let mut marks = keep.iter();
            values.retain(|_| marks.next().copied().unwrap_or(false));
        }
        match self {
            Self::Text(texts) => {
                let mut kept = TextColumn::default();
                texts.iter().zip(keep).filter(|(_, keep)| **keep).for_each(|(text, _)| kept.push(text));
                *texts = kept;
            }
            Self::Integers(values) => only(values, keep),
            Self::Numbers(values) => only(values, keep),
            Self::Flags(values) => only(values, keep),
            Self::Stamps(values) => only(values, keep),
        }
    }

    /// Keeps the first `count` rows and returns the others.
    pub(super) fn split_off(&mut self, count: usize) -> Self {
        match self {
            Self::Text(texts) => Self::Text(texts.split_off(count)),
            Self::Integers(values) => Self::Integers(values.split_off(count)),
            Self::Numbers(values) => Self::Numbers(values.split_off(count)),
            Self::Flags(values) => Self::Flags(values.split_off(count)),
            Self::Stamps(values) => Self::Stamps(values.split_off(count)),
        }
    }
}

impl TextColumn {
    fn split_off(&mut self, count: usize) -> Self {
        let mut rest = Self::default();
        (count..self.len()).for_each(|index| rest.push(self.get(index)));
        self.ends.truncate(count);
        self.buffer.truncate(self.ends.last().copied().unwrap_or(0));
        rest
    }

    pub fn push(&mut self, text: &str) {
        self.push_with(|buffer| buffer.push_str(text));
    }

    pub(super) fn push_with(&mut self, append: impl FnOnce(&mut String)) {
        append(&mut self.buffer);
        self.ends.push(self.buffer.len());
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a row; empty beyond the last.
    #[must_use]
    pub fn get(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends.get(index - 1).copied().unwrap_or(self.buffer.len()) };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.buffer.get(start..end).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// A column's values in one type, `None` where a cell is empty or wrong.
#[derive(Debug, Clone, Default)]
pub struct Values<T> {
    pub values: Vec<Option<T>>,
    pub errors: Vec<CellError>,
}

impl<T> Values<T> {
    /// The values, if no cell is wrong.
    ///
    /// # Errors
    /// [`TabularError::Cells`] with the first few.
    pub fn all_good(self, file: &str) -> Result<Vec<Option<T>>, TabularError> {
        if self.errors.is_empty() {
            return Ok(self.values);
        }
        Err(TabularError::Cells { file: file.to_owned(), errors: CellErrors::new(&self.errors) })
    }
}

/// Texts as numbers into a list of their distinct values, in order of appearance.
#[derive(Debug, Clone, Default)]
pub struct Categories {
    pub codes: Vec<Option<u32>>,
    pub levels: Vec<String>,
}

impl Table {
    /// Number of well-formed rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Keeps the rows that are marked, by their position.
    pub fn retain(&mut self, keep: &[bool]) {
        self.columns.iter_mut().for_each(|column| column.data.retain(keep));
        let mut marks = keep.iter();
        self.rows.retain(|_| marks.next().copied().unwrap_or(false));
    }

    /// The column of that name (exact, or else the only one that differs in case alone).
    ///
    /// # Errors
    /// [`TabularError::MissingColumn`] with the columns there are and the closest name.
    pub fn column(&self, name: &str) -> Result<ColumnRef<'_>, TabularError> {
        self.find(name).ok_or_else(|| {
            let present = self.names();
            TabularError::MissingColumn {
                file: self.file.clone(),
                wanted: name.to_owned(),
                closest: closest(&present, name).map(str::to_owned),
                present,
            }
        })
    }

    /// The column of that name, if there is one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ColumnRef<'_>> {
        let names = self.names();
        let found = find(&names, name)?;
        self.columns.iter().find(|column| column.name == found).map(|column| ColumnRef { table: self, column })
    }

    /// # Errors
    /// [`TabularError::Rows`] if rows were left out as malformed.
    pub fn well_formed(&self) -> Result<(), TabularError> {
        if self.malformed.is_empty() {
            return Ok(());
        }
        Err(TabularError::Rows { file: self.file.clone(), errors: CellErrors::new(&self.malformed) })
    }

    /// The decimal notation that the columns of plain numbers agree on.
    fn shown_decimal(&self) -> Option<Decimal> {
        let mut shown = self.columns.iter().filter_map(|column| ColumnRef { table: self, column }.number_evidence().shown());
        let first = shown.next()?;
        shown.all(|other| other == first).then_some(first)
    }
}

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub struct ColumnRef<'a> {
    pub table: &'a Table,
    pub column: &'a Column,
}

impl<'a> ColumnRef<'a> {
    #[must_use]
    pub fn name(self) -> &'a str {
        &self.column.name
    }

    /// The cell as text; empty for a null.
    #[must_use]
    pub fn text(self, index: usize) -> Cow<'a, str> {
        match &self.column.data {
            Data::Text(texts) => Cow::Borrowed(texts.get(index)),
            Data::Integers(values) => shown(values, index, i64::to_string),
            Data::Numbers(values) => shown(values, index, f64::to_string),
            Data::Flags(values) => shown(values, index, bool::to_string),
            Data::Stamps(values) => shown(values, index, |stamp| {
                if stamp.timed { stamp.wall.format("%Y-%m-%dT%H:%M:%S").to_string() } else { stamp.wall.date().to_string() }
            }),
        }
    }

    /// An error for one cell of this column.
    #[must_use]
    pub fn cell_error(self, index: usize, reason: impl Into<String>) -> CellError {
        CellError {
            row: self.table.rows.get(index).copied().unwrap_or_default(),
            column: self.name().to_owned(),
            text: self.text(index).into_owned(),
            reason: reason.into(),
        }
    }

    /// Dates and timestamps. The format is `locale`'s or told from the column.
    ///
    /// # Errors
    /// [`TabularError`] when day and month cannot be told apart; cells that are no dates are in [`Values::errors`].
    pub fn dates(self, locale: &Locale) -> Result<Values<Stamp>, TabularError> {
        Ok(self.dates_as(self.date_format(locale)?))
    }

    /// The date format of this column.
    ///
    /// # Errors
    /// As [`ColumnRef::dates`].
    pub fn date_format(self, locale: &Locale) -> Result<DateFormat, TabularError> {
        if let Some(format) = locale.dates {
            return Ok(format);
        }
        let mut evidence = DateEvidence::default();
        self.observe_dates(&mut evidence);
        evidence.decide().map_err(|doubt| date_error(&self.table.file, self.name(), doubt))
    }

    /// Adds this column's cells to what is known of its date format.
    pub fn observe_dates(self, evidence: &mut DateEvidence) {
        if let Data::Text(texts) = &self.column.data {
            for (text, &row) in texts.iter().zip(&self.table.rows) {
                evidence.observe(row, text);
            }
        }
    }

    /// Dates and timestamps in a known format.
    #[must_use]
    pub fn dates_as(self, format: DateFormat) -> Values<Stamp> {
        match &self.column.data {
            Data::Text(texts) => {
                let mut previous: Option<(&str, Stamp)> = None;
                self.collect(
                    texts.iter(),
                    |text| match previous {
                        Some((known, stamp)) if known == text => Cell::Value(stamp),
                        _ if is_missing(text) => Cell::Missing,
                        _ => dates::parse(text, format).map_or(Cell::Wrong, |stamp| {
                            previous = Some((text, stamp));
                            Cell::Value(stamp)
                        }),
                    },
                    &format!("is not a date ({format})"),
                )
            }
            Data::Stamps(values) => Values { values: values.clone(), errors: Vec::new() },
            Data::Integers(values) => self.collect(
                values.iter(),
                |value| match value {
                    None => Cell::Missing,
                    Some(value) => dates::parse(&value.to_string(), DateFormat::ISO).map_or(Cell::Wrong, Cell::Value),
                },
                "is not a date",
            ),
            Data::Numbers(values) => self.collect(values.iter(), |value| value.map_or(Cell::Missing, |_| Cell::Wrong), "is not a date"),
            Data::Flags(values) => self.collect(values.iter(), |value| value.map_or(Cell::Missing, |_| Cell::Wrong), "is not a date"),
        }
    }

    /// Finite numbers; empty cells, `NaN` and nulls are `None`. The notation is `locale`'s or told from the column.
    ///
    /// # Errors
    /// [`TabularError`] when the notation cannot be told; cells that are no numbers are in [`Values::errors`].
    pub fn numbers(self, locale: &Locale) -> Result<Values<f64>, TabularError> {
        Ok(self.numbers_as(self.decimal(locale)?))
    }

    /// The notation of this column's numbers.
    ///
    /// # Errors
    /// As [`ColumnRef::numbers`].
    pub fn decimal(self, locale: &Locale) -> Result<Decimal, TabularError> {
        if let Some(decimal) = locale.decimal {
            return Ok(decimal);
        }
        let delimiter = self.table.dialect.as_ref().map(|dialect| dialect.delimiter);
        let evidence = self.number_evidence();
        evidence.decide(delimiter, || self.table.shown_decimal()).map_err(|doubt| number_error(&self.table.file, self.name(), doubt))
    }

    /// What this column's cells say about its notation.
    #[must_use]
    pub fn number_evidence(self) -> NumberEvidence {
        let mut evidence = NumberEvidence::default();
        self.observe_numbers(&mut evidence);
        evidence
    }

    /// Adds this column's cells to what is known of its notation.
    pub fn observe_numbers(self, evidence: &mut NumberEvidence) {
        if let Data::Text(texts) = &self.column.data {
            for (text, &row) in texts.iter().zip(&self.table.rows) {
                evidence.observe(row, text);
            }
        }
    }

    /// Finite numbers in a known notation.
    #[must_use]
    pub fn numbers_as(self, decimal: Decimal) -> Values<f64> {
        match &self.column.data {
            Data::Text(texts) => self.collect(
                texts.iter(),
                |text| {
                    if is_missing(text) { Cell::Missing } else { numbers::parse(text, decimal).map_or(Cell::Wrong, Cell::Value) }
                },
                &format!("is not a number ({decimal})"),
            ),
            Data::Integers(values) => {
                Values { values: values.iter().map(|value| value.map(|value| value as f64)).collect(), errors: Vec::new() }
            }
            Data::Flags(values) => {
                Values { values: values.iter().map(|value| value.map(|flag| f64::from(u8::from(flag)))).collect(), errors: Vec::new() }
            }
            Data::Numbers(values) => self.collect(
                values.iter(),
                |value| match value {
                    Some(value) if value.is_infinite() => Cell::Wrong,
                    Some(value) if !value.is_nan() => Cell::Value(*value),
                    _ => Cell::Missing,
                },
                "is not finite",
            ),
            Data::Stamps(values) => self.collect(values.iter(), |value| value.map_or(Cell::Missing, |_| Cell::Wrong), "is not a number"),
        }
    }

    /// Yes and no: booleans, numbers (above one half is yes), `true`/`false`, `yes`/`no`, `ya`/`tidak`.
    #[must_use]
    pub fn flags(self) -> Values<bool> {
        let reason = "is neither yes nor no";
        match &self.column.data {
            Data::Text(texts) => self.collect(
                texts.iter(),
                |text| {
                    if is_missing(text) { Cell::Missing } else { flag(text).map_or(Cell::Wrong, Cell::Value) }
                },
                reason,
            ),
            Data::Flags(values) => Values { values: values.clone(), errors: Vec::new() },
            Data::Integers(values) => {
                Values { values: values.iter().map(|value| value.map(|value| value > 0)).collect(), errors: Vec::new() }
            }
            Data::Numbers(values) => Values {
                values: values.iter().map(|value| value.filter(|value| !value.is_nan()).map(|value| value > 0.5)).collect(),
                errors: Vec::new(),
            },
            Data::Stamps(values) => self.collect(values.iter(), |value| value.map_or(Cell::Missing, |_| Cell::Wrong), reason),
        }
    }

    /// Texts as codes, in order of appearance; empty cells are `None`. `known` levels keep their codes.
    #[must_use]
    pub fn categories(self, known: Vec<String>) -> Categories {
        let mut levels = known;
        let mut codes = Vec::with_capacity(self.table.len());
        let mut numbers: HashMap<String, u32> = levels.iter().zip(0..).map(|(level, code)| (level.clone(), code)).collect();
        let mut previous: Option<(Cow<'_, str>, u32)> = None;
        for index in 0..self.table.len() {
            let text = self.text(index);
            if text.is_empty() {
                codes.push(None);
                continue;
            }
            let code = match &previous {
                Some((known, code)) if *known == text => *code,
                _ => *numbers.entry(text.clone().into_owned()).or_insert_with(|| {
                    levels.push(text.clone().into_owned());
                    u32::try_from(levels.len() - 1).unwrap_or(u32::MAX)
                }),
            };
            codes.push(Some(code));
            previous = Some((text, code));
        }
        Categories { codes, levels }
    }

    fn collect<C, T>(self, cells: impl Iterator<Item = C>, mut read: impl FnMut(C) -> Cell<T>, reason: &str) -> Values<T> {
        let mut values = Vec::with_capacity(self.table.len());
        let mut errors = Vec::new();
        for (index, cell) in cells.enumerate() {
            values.push(match read(cell) {
                Cell::Value(value) => Some(value),
                Cell::Missing => None,
                Cell::Wrong => {
                    errors.push(self.cell_error(index, reason));
                    None
                }
            });
        }
        Values { values, errors }
    }
}

enum Cell<T> {
    Value(T),
    Missing,
    Wrong,
}

fn shown<T>(values: &[Option<T>], index: usize, show: impl FnOnce(&T) -> String) -> Cow<'static, str> {
    Cow::Owned(values.get(index).and_then(Option::as_ref).map(show).unwrap_or_default())
}

fn flag(text: &str) -> Option<bool> {
    const YES: [&str; 6] = ["true", "yes", "ya", "y", "t", "x"];
    const NO: [&str; 5] = ["false", "no", "tidak", "n", "f"];
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(&YES) {
        return Some(true);
    }
    if is_one_of(&NO) {
        return Some(false);
    }
    numbers::parse(text, Decimal::Point).map(|value| value > 0.5)
}

pub(crate) fn date_error(file: &str, column: &str, doubt: DateDoubt) -> TabularError {
    let (file, column) = (file.to_owned(), column.to_owned());
    match doubt {
        DateDoubt::TwoReadings { example, day_first, month_first } => TabularError::AmbiguousDates {
            file,
            column,
            row: example.row,
            text: example.text,
            day_first: day_first.to_string(),
            month_first: month_first.to_string(),
        },
        DateDoubt::Mixed { day_first, month_first } => TabularError::MixedDates {
            file,
            column,
            day_first: day_first.text,
            day_first_row: day_first.row,
            month_first: month_first.text,
            month_first_row: month_first.row,
        },
        DateDoubt::ShortYears(example) => TabularError::ShortYears { file, column, row: example.row, text: example.text },
    }
}

pub(crate) fn number_error(file: &str, column: &str, doubt: NumberDoubt) -> TabularError {
    let (file, column) = (file.to_owned(), column.to_owned());
    match doubt {
        NumberDoubt::TwoReadings(example) => TabularError::AmbiguousNumbers {
            file,
            column,
            as_point: numbers::parse(&example.text, Decimal::Point).unwrap_or(f64::NAN),
            as_comma: numbers::parse(&example.text, Decimal::Comma).unwrap_or(f64::NAN),
            row: example.row,
            text: example.text,
        },
        NumberDoubt::Mixed { point, comma } => {
            TabularError::MixedNumbers { file, column, point: point.text, point_row: point.row, comma: comma.text, comma_row: comma.row }
        }
    }
}
