//! CSV in chunks of columns. Cells are copied into one buffer per column: no allocation per cell.

use std::io::Read;

use super::dialect::Dialect;
use super::records::{Found, Records};
use super::table::{Column, Data, Table, TextColumn};
use super::{CellError, DateFormat, Decimal, Origin, TabularError, dates, names, numbers};

pub(super) struct CsvFile {
    name: String,
    dialect: Dialect,
    header: Vec<String>,
    /// Fields of the header line; the last ones may be nameless and are left out.
    width: usize,
    records: Records,
}

impl CsvFile {
    pub(super) fn open(origin: &Origin) -> Result<Self, TabularError> {
        let dialect = Dialect::sniff(origin)?;
        let mut input = origin.open()?;
        std::io::copy(&mut input.by_ref().take(dialect.skip as u64), &mut std::io::sink()).map_err(|source| origin.read_error(source))?;
        let records = Records::new(input, dialect.delimiter, dialect.line_end, dialect.skipped_lines);
        let mut file = Self { name: origin.name().to_owned(), dialect, header: Vec::new(), width: 0, records };
        file.header = file.read_header()?;
        Ok(file)
    }

    pub(super) fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    fn read_header(&mut self) -> Result<Vec<String>, TabularError> {
        let Found::Record { .. } = self.read_record()? else { return Err(TabularError::Empty { file: self.name.clone() }) };
        let mut names = Vec::new();
        for cell in self.records.fields() {
            let mut name = String::new();
            self.dialect.decode(cell, &mut name);
            names.push(name);
        }
        self.width = names.len();
        while names.len() > 1 && names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        check_header(&self.name, &names)?;
        Ok(names)
    }

    fn read_record(&mut self) -> Result<Found, TabularError> {
        self.records.read().map_err(|source| TabularError::Read { file: self.name.clone(), source })
    }

    pub(super) fn next(&mut self, limit: usize) -> Result<Option<Table>, TabularError> {
        let mut cells: Vec<TextColumn> = self.header.iter().map(|_| TextColumn::default()).collect();
        let (mut rows, mut malformed) = (Vec::new(), Vec::new());
        while rows.len() + malformed.len() < limit {
            let (row, reason) = match self.read_record()? {
                Found::End => break,
                Found::OpenQuote { line } => (line, Some("opens a quote that is never closed".to_owned())),
                Found::Record { .. } if self.records.fields().all(<[u8]>::is_empty) => continue,
                Found::Record { line } => (line, self.malformed()),
            };
            if let Some(reason) = reason {
                malformed.push(CellError { row, column: String::new(), text: String::new(), reason });
                continue;
            }
            rows.push(row);
            for (column, cell) in cells.iter_mut().zip(self.records.fields()) {
                column.push_with(|buffer| self.dialect.decode(cell, buffer));
            }
        }
        if rows.is_empty() && malformed.is_empty() {
            return Ok(None);
        }
        let columns = self.header.iter().zip(cells).map(|(name, text)| Column { name: name.clone(), data: Data::Text(text) }).collect();
        Ok(Some(Table { file: self.name.clone(), dialect: Some(self.dialect.clone()), columns, rows, malformed }))
    }

    /// Why the current record does not fit the header. Empty fields beyond it, and fields without a name, are no harm.
    fn malformed(&self) -> Option<String> {
        let (found, expected) = (self.records.len(), self.header.len());
        let surplus = self.records.fields().skip(self.width).any(|cell| !cell.is_empty());
        (found < expected || surplus).then(|| format!("has {found} fields where the header has {expected}"))
    }
}

fn check_header(file: &str, names: &[String]) -> Result<(), TabularError> {
    let is_data = |name: &String| {
        numbers::parse(name, Decimal::Point).is_some()
            || numbers::parse(name, Decimal::Comma).is_some()
            || dates::parse(name, DateFormat::DAY_FIRST).is_some()
            || dates::parse(name, DateFormat::MONTH_FIRST).is_some()
    };
    if let Some(first) = names.iter().find(|name| dates::parse(name, DateFormat::DAY_FIRST).is_some() || names.iter().all(is_data)) {
        return Err(TabularError::NoHeader { file: file.to_owned(), first: format!("`{first}`") });
    }
    names::unique(file, names)
}
