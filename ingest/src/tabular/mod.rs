//! One reader of tables for `ingest`, `forecast FILE` and `backtest FILE`: CSV in the dialects of the world, workbooks, and Parquet.
//!
//! [`Reader::open`] looks at the file and hands out [`Table`]s of a bounded number of rows; [`read`] takes everything at
//! once. Cells stay as they are in the file until a typed accessor asks: `table.column("ds")?.dates(&locale)?`.

pub mod dates;
pub mod numbers;

mod csv_file;
mod dialect;
mod error;
mod names;
mod origin;
mod parquet_file;
mod records;
mod table;
mod workbook;
mod write;

use std::path::Path;

pub use dates::{DateEvidence, DateFormat, DateOrder, Stamp};
pub use dialect::{Dialect, Encoding};
pub(crate) use error::plural;
pub use error::{CellError, CellErrors, TabularError};
pub use names::{closest, find};
pub use numbers::{Decimal, NumberEvidence};
pub use origin::Origin;
pub use table::{Categories, Column, ColumnRef, Data, Table, TextColumn, Values};
pub(crate) use table::{date_error, number_error};
pub use write::{ColumnData, TableFormat, TableWriter, print_csv, to_parquet, write_csv, write_parquet};

use csv_file::CsvFile;
use parquet_file::ParquetFile;
use workbook::Workbook;

/// What the user said about dates and numbers; what is `None` is told from the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Locale {
    /// `--date-format`
    pub dates: Option<DateFormat>,
    /// `--decimal`
    pub decimal: Option<Decimal>,
}

/// Hands out a file's rows as tables of a bounded size, in file order.
pub struct Reader {
    file: File,
}

enum File {
    Csv(CsvFile),
    Parquet(ParquetFile),
    Workbook(Workbook),
}

impl Reader {
    /// Looks at the beginning (and, for its encoding, at all) of a file.
    ///
    /// # Errors
    /// [`TabularError`] when the file cannot be opened, is empty, is none of CSV, workbook and Parquet, or has no usable header.
    pub fn open(origin: &Origin) -> Result<Self, TabularError> {
        let file = match origin.kind()? {
            origin::Kind::Parquet => File::Parquet(ParquetFile::open(origin)?),
            origin::Kind::Workbook => File::Workbook(Workbook::open(origin)?),
            origin::Kind::Text => File::Csv(CsvFile::open(origin)?),
        };
        Ok(Self { file })
    }

    /// How a text file is written; `None` for others.
    #[must_use]
    pub fn dialect(&self) -> Option<&Dialect> {
        match &self.file {
            File::Csv(file) => Some(file.dialect()),
            File::Parquet(_) | File::Workbook(_) => None,
        }
    }

    /// What the file is, in words.
    #[must_use]
    pub fn format(&self) -> String {
        match &self.file {
            File::Csv(file) => file.dialect().to_string(),
            File::Parquet(_) => "Parquet".to_owned(),
            File::Workbook(_) => "a workbook".to_owned(),
        }
    }

    /// Column names in file order.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        match &self.file {
            File::Csv(file) => file.header(),
            File::Parquet(file) => file.header(),
            File::Workbook(file) => file.header(),
        }
    }

    /// The next rows, at most `limit`; `None` at the end of the file.
    ///
    /// # Errors
    /// [`TabularError`] when the file cannot be read further.
    pub fn next(&mut self, limit: usize) -> Result<Option<Table>, TabularError> {
        match &mut self.file {
            File::Csv(file) => file.next(limit),
            File::Parquet(file) => file.next(limit),
            File::Workbook(file) => Ok(file.next(limit)),
        }
    }
}

/// Reads a whole file.
///
/// # Errors
/// [`TabularError`], also when the file has a header but no rows.
pub fn read(path: &Path) -> Result<Table, TabularError> {
    read_origin(&Origin::path(path))
}

/// [`read`] for contents that are already in memory, or any other origin.
///
/// # Errors
/// As [`read`].
pub fn read_origin(origin: &Origin) -> Result<Table, TabularError> {
    let mut reader = Reader::open(origin)?;
    match reader.next(usize::MAX)? {
        Some(table) if table.len() + table.malformed.len() > 0 => Ok(table),
        _ => Err(TabularError::NoRows { file: origin.name().to_owned() }),
    }
}
