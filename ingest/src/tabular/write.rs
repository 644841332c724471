//! Tables out: Parquet for pandas, polars and DuckDB, CSV for everyone.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::frequency::date_from_epoch;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::TabularError;

/// A column to write.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Texts as indexes into their distinct values; an index beyond `levels` is a null.
    Text {
        codes: Vec<u32>,
        levels: Vec<String>,
    },
    Int64(Vec<i64>),
    /// NaN is written as a null.
    Float64(Vec<f64>),
    Bool(Vec<bool>),
    /// Days since 1970-01-01.
    Date(Vec<i32>),
    /// Wall-clock microseconds since 1970-01-01T00:00:00, without a time zone.
    Timestamp(Vec<i64>),
}

impl ColumnData {
    /// Any texts, stored once each.
    #[must_use]
    pub fn text<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut numbers = std::collections::HashMap::new();
        let mut levels: Vec<String> = Vec::new();
        let codes = texts
            .into_iter()
            .map(|text| {
                *numbers.entry(text).or_insert_with(|| {
                    levels.push(text.to_owned());
                    u32::try_from(levels.len() - 1).unwrap_or(u32::MAX)
                })
            })
            .collect();
        Self::Text { codes, levels }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text { codes, .. } => codes.len(),
            Self::Int64(values) | Self::Timestamp(values) => values.len(),
            Self::Float64(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Date(values) => values.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn parquet_type(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, repetition, logical) = match self {
            Self::Text { .. } => (Physical::BYTE_ARRAY, Repetition::OPTIONAL, Some(LogicalType::String)),
            Self::Int64(_) => (Physical::INT64, Repetition::REQUIRED, None),
            Self::Float64(_) => (Physical::DOUBLE, Repetition::OPTIONAL, None),
            Self::Bool(_) => (Physical::BOOLEAN, Repetition::REQUIRED, None),
            Self::Date(_) => (Physical::INT32, Repetition::REQUIRED, Some(LogicalType::Date)),
            Self::Timestamp(_) => (Physical::INT64, Repetition::REQUIRED, Some(LogicalType::timestamp(false, TimeUnit::MICROS))),
        };
        Type::primitive_type_builder(name, physical).with_repetition(repetition).with_logical_type(logical).build()
    }

    /// The cell as CSV prints it; empty for a null.
    fn cell(&self, row: usize, into: &mut String) {
        use std::fmt::Write as _;
        into.clear();
        // Writing to a `String` cannot fail.
        let _ = match self {
            Self::Text { codes, levels } => {
                codes.get(row).and_then(|&code| levels.get(code as usize)).map_or(Ok(()), |text| into.write_str(text))
            }
            Self::Int64(values) => values.get(row).map_or(Ok(()), |value| write!(into, "{value}")),
            Self::Float64(values) => values.get(row).filter(|value| !value.is_nan()).map_or(Ok(()), |&value| write_number(into, value)),
            Self::Bool(values) => values.get(row).map_or(Ok(()), |value| write!(into, "{value}")),
            Self::Date(values) => {
                values.get(row).and_then(|&days| date_from_epoch(i64::from(days))).map_or(Ok(()), |date| write!(into, "{date}"))
            }
            Self::Timestamp(values) => values
                .get(row)
                .and_then(|&micros| chrono::DateTime::from_timestamp_micros(micros))
                .map_or(Ok(()), |at| write!(into, "{}", at.format("%Y-%m-%dT%H:%M:%S%.f"))),
        };
    }
}

/// The shortest digits that read back as the same number.
fn write_number(into: &mut String, value: f64) -> std::fmt::Result {
    use std::fmt::Write as _;
    let plain = value == 0.0 || (1e-5..1e16).contains(&value.abs());
    if plain { write!(into, "{value}") } else { write!(into, "{value:e}") }
}

/// Rows per row group: large enough to compress, small enough to read piecewise.
const GROUP: usize = 1 << 20;

/// Kinds of files that tables are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Compressed by Zstandard.
    Parquet,
    /// Comma, decimal point, ISO dates.
    Csv,
}

/// A table written piece by piece, so that it need not be in memory at once. The file appears whole, when
/// [`TableWriter::finish`] is called, or not at all.
pub struct TableWriter {
    path: PathBuf,
    /// Written beside `path` and renamed, so that a reader never sees half a file.
    beside: PathBuf,
    format: TableFormat,
    sink: Option<Sink>,
}

enum Sink {
    Parquet(SerializedFileWriter<File>),
    Csv(csv::Writer<BufWriter<File>>),
}

impl TableWriter {
    #[must_use]
    pub fn new(path: &Path, format: TableFormat) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        Self { path: path.to_owned(), beside, format, sink: None }
    }

    /// Adds rows: columns of equal length, named in order, the same ones every time.
    ///
    /// # Errors
    /// [`TabularError::Write`], [`TabularError::Csv`] and [`TabularError::Parquet`], also for columns of unequal length.
    pub fn write(&mut self, columns: &[(&str, ColumnData)]) -> Result<(), TabularError> {
        let sink = match self.sink.take() {
            Some(sink) => sink,
            None => self.start(columns)?,
        };
        let sink = self.sink.insert(sink);
        let file = || self.path.display().to_string();
        match sink {
            Sink::Parquet(writer) => parquet_to(writer, columns).map_err(|source| TabularError::Parquet { file: file(), source }),
            Sink::Csv(writer) => csv_rows(writer, columns).map_err(|source| TabularError::Csv { file: file(), source }),
        }
    }

    /// Puts the file in its place. Without a row there is none.
    ///
    /// # Errors
    /// As [`TableWriter::write`].
    pub fn finish(mut self) -> Result<(), TabularError> {
        let failed = |source| TabularError::Write { path: self.path.display().to_string(), source };
        match self.sink.take() {
            Some(Sink::Parquet(writer)) => {
                writer.close().map_err(|source| TabularError::Parquet { file: self.path.display().to_string(), source })?;
            }
            Some(Sink::Csv(mut writer)) => writer.flush().map_err(failed)?,
            None => return Ok(()),
        }
        std::fs::rename(&self.beside, &self.path).map_err(failed)
    }

    fn start(&self, columns: &[(&str, ColumnData)]) -> Result<Sink, TabularError> {
        let file = File::create(&self.beside).map_err(|source| TabularError::Write { path: self.path.display().to_string(), source })?;
        let name = || self.path.display().to_string();
        match self.format {
            TableFormat::Parquet => {
                Ok(Sink::Parquet(parquet_writer(file, columns).map_err(|source| TabularError::Parquet { file: name(), source })?))
            }
            TableFormat::Csv => {
                let mut writer = csv::Writer::from_writer(BufWriter::new(file));
                csv_head(&mut writer, columns).map_err(|source| TabularError::Csv { file: name(), source })?;
                Ok(Sink::Csv(writer))
            }
        }
    }
}

impl Drop for TableWriter {
    fn drop(&mut self) {
        // There only where the table was not finished; a left-over part file is harmless.
        let _ = std::fs::remove_file(&self.beside);
    }
}

/// Writes columns of equal length, named in order. The file appears whole or not at all.
///
/// # Errors
/// [`TabularError::Write`] and [`TabularError::Parquet`], also for columns of unequal length.
pub fn write_parquet(path: &Path, columns: &[(&str, ColumnData)]) -> Result<(), TabularError> {
    write_as(TableFormat::Parquet, path, columns)
}

/// Writes columns of equal length as CSV (comma, decimal point, ISO dates). The file appears whole or not at all.
///
/// # Errors
/// [`TabularError::Write`] and [`TabularError::Csv`].
pub fn write_csv(path: &Path, columns: &[(&str, ColumnData)]) -> Result<(), TabularError> {
    write_as(TableFormat::Csv, path, columns)
}

/// What [`write_parquet`] writes, as bytes. The same columns give the same bytes.
///
/// # Errors
/// [`TabularError::Parquet`], also for columns of unequal length.
pub fn to_parquet(columns: &[(&str, ColumnData)]) -> Result<Vec<u8>, TabularError> {
    let write = || {
        let mut writer = parquet_writer(Vec::new(), columns)?;
        parquet_to(&mut writer, columns)?;
        writer.into_inner()
    };
    write().map_err(|source| TabularError::Parquet { file: "a table in memory".to_owned(), source })
}

fn write_as(format: TableFormat, path: &Path, columns: &[(&str, ColumnData)]) -> Result<(), TabularError> {
    let mut writer = TableWriter::new(path, format);
    writer.write(columns)?;
    writer.finish()
}

fn parquet_writer<W: Write + Send>(into: W, columns: &[(&str, ColumnData)]) -> Result<SerializedFileWriter<W>, ParquetError> {
    let fields = columns.iter().map(|(name, data)| data.parquet_type(name).map(Arc::new)).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?)).build();
    SerializedFileWriter::new(into, Arc::new(schema), Arc::new(properties))
}

fn parquet_to<W: Write + Send>(writer: &mut SerializedFileWriter<W>, columns: &[(&str, ColumnData)]) -> Result<(), ParquetError> {
    let rows = columns.first().map_or(0, |(_, data)| data.len());
    if let Some((name, data)) = columns.iter().find(|(_, data)| data.len() != rows) {
        return Err(ParquetError::General(format!("column `{name}` has {} rows, the first has {rows}", data.len())));
    }
    for start in (0..rows).step_by(GROUP) {
        let mut group = writer.next_row_group()?;
        write_group(&mut group, columns, start..(start + GROUP).min(rows))?;
        group.close()?;
    }
    Ok(())
}

fn write_group<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    columns: &[(&str, ColumnData)],
    rows: std::ops::Range<usize>,
) -> Result<(), ParquetError> {
    for (_, data) in columns {
        let Some(mut column) = group.next_column()? else { break };
        write_column(&mut column, data, rows.clone())?;
        column.close()?;
    }
    Ok(())
}

fn write_column(column: &mut SerializedColumnWriter<'_>, data: &ColumnData, rows: std::ops::Range<usize>) -> Result<(), ParquetError> {
    match data {
        ColumnData::Text { codes, levels } => {
            let texts: Vec<ByteArray> = levels.iter().map(|text| ByteArray::from(text.as_str())).collect();
            let cells = codes[rows].iter().map(|&code| texts.get(code as usize));
            let (present, defined) = nulls_apart(cells.map(Option::<&ByteArray>::cloned));
            column.typed::<ByteArrayType>().write_batch(&present, Some(&defined), None)?;
        }
        ColumnData::Float64(values) => {
            let (present, defined) = nulls_apart(values[rows].iter().map(|&value| (!value.is_nan()).then_some(value)));
            column.typed::<DoubleType>().write_batch(&present, Some(&defined), None)?;
        }
        ColumnData::Int64(values) | ColumnData::Timestamp(values) => {
            column.typed::<Int64Type>().write_batch(&values[rows], None, None)?;
        }
        ColumnData::Bool(values) => {
            column.typed::<BoolType>().write_batch(&values[rows], None, None)?;
        }
        ColumnData::Date(values) => {
            column.typed::<Int32Type>().write_batch(&values[rows], None, None)?;
        }
    }
    Ok(())
}

/// The present values, and per row whether one is present.
fn nulls_apart<T>(cells: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<i16>) {
    let (mut present, mut defined) = (Vec::new(), Vec::new());
    for cell in cells {
        defined.push(i16::from(cell.is_some()));
        present.extend(cell);
    }
    (present, defined)
}

/// Writes what [`write_csv`] does to anything that takes bytes.
///
/// # Errors
/// [`TabularError::Csv`].
pub fn print_csv(into: impl Write, columns: &[(&str, ColumnData)]) -> Result<(), TabularError> {
    csv_to(into, columns).map_err(|source| TabularError::Csv { file: "the output".to_owned(), source })
}

fn csv_to(into: impl Write, columns: &[(&str, ColumnData)]) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(BufWriter::new(into));
    csv_head(&mut writer, columns)?;
    csv_rows(&mut writer, columns)?;
    writer.flush()?;
    Ok(())
}

fn csv_head(writer: &mut csv::Writer<impl Write>, columns: &[(&str, ColumnData)]) -> Result<(), csv::Error> {
    writer.write_record(columns.iter().map(|(name, _)| name))
}

fn csv_rows(writer: &mut csv::Writer<impl Write>, columns: &[(&str, ColumnData)]) -> Result<(), csv::Error> {
    let mut cell = String::new();
    for row in 0..columns.first().map_or(0, |(_, data)| data.len()) {
        for (_, data) in columns {
            data.cell(row, &mut cell);
            writer.write_field(&cell)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(())
}
