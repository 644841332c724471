//! Parquet by columns, without Arrow: one row group at a time. Nested columns are left out.

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use super::dates::Stamp;
use super::table::{Column, Data, Table, TextColumn};
use super::{Origin, TabularError, names};

pub(super) struct ParquetFile {
    name: String,
    reader: Box<dyn FileReader>,
    header: Vec<String>,
    /// Leaf numbers of the flat columns, in the order of `header`.
    leaves: Vec<usize>,
    next_group: usize,
    /// Decoded rows that are not handed out yet.
    pending: Option<Vec<Data>>,
    handed_out: u64,
}

impl ParquetFile {
    pub(super) fn open(origin: &Origin) -> Result<Self, TabularError> {
        let name = origin.name().to_owned();
        let reader = open_reader(origin).map_err(|error| match error {
            OpenError::Tabular(error) => error,
            OpenError::Parquet(source) => TabularError::Parquet { file: name.clone(), source },
        })?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let is_flat = |column: &ColumnDescPtr| column.max_rep_level() == 0 && column.path().parts().len() == 1;
        let leaves: Vec<usize> = (0..schema.num_columns()).filter(|&leaf| is_flat(&schema.column(leaf))).collect();
        let header: Vec<String> = leaves.iter().map(|&leaf| schema.column(leaf).name().to_owned()).collect();
        names::unique(&name, &header)?;
        Ok(Self { name, reader, header, leaves, next_group: 0, pending: None, handed_out: 0 })
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    pub(super) fn next(&mut self, limit: usize) -> Result<Option<Table>, TabularError> {
        let failed = |source| TabularError::Parquet { file: self.name.clone(), source };
        let mut data = self.pending.take().unwrap_or_default();
        while rows(&data) < limit && self.next_group < self.reader.num_row_groups() {
            let group = self.reader.get_row_group(self.next_group).map_err(failed)?;
            let read = read_group(group.as_ref(), &self.leaves).map_err(failed)?;
            self.next_group += 1;
            if data.is_empty() {
                data = read;
            } else {
                data.iter_mut().zip(read).for_each(|(column, more)| column.append(more));
            }
        }
        let count = rows(&data).min(limit);
        if count == 0 {
            return Ok(None);
        }
        if rows(&data) > count {
            self.pending = Some(data.iter_mut().map(|column| column.split_off(count)).collect());
        }
        let numbers = (self.handed_out + 1..=self.handed_out + count as u64).collect();
        self.handed_out += count as u64;
        let columns = self.header.iter().zip(data).map(|(name, data)| Column { name: name.clone(), data }).collect();
        Ok(Some(Table { file: self.name.clone(), dialect: None, columns, rows: numbers, malformed: Vec::new() }))
    }
}

enum OpenError {
    Tabular(TabularError),
    Parquet(ParquetError),
}

fn open_reader(origin: &Origin) -> Result<Box<dyn FileReader>, OpenError> {
    Ok(match origin.contents() {
        Some(contents) => Box::new(unwinding(|| SerializedFileReader::<Bytes>::new(contents.clone())).map_err(OpenError::Parquet)?),
        None => {
            let file = origin.file().map_err(OpenError::Tabular)?;
            Box::new(unwinding(|| SerializedFileReader::new(file)).map_err(OpenError::Parquet)?)
        }
    })
}

fn rows(data: &[Data]) -> usize {
    data.first().map_or(0, Data::len)
}

fn read_group(group: &dyn RowGroupReader, leaves: &[usize]) -> Result<Vec<Data>, ParquetError> {
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    leaves.iter().map(|&leaf| unwinding(|| read_column(group, leaf, rows))).collect()
}

/// The reader panics on some damaged pages (a dictionary index out of range): an error like any other, for its caller.
fn unwinding<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::General("a page is damaged".to_owned())))
}

fn read_column(group: &dyn RowGroupReader, leaf: usize, rows: usize) -> Result<Data, ParquetError> {
    let column = group.metadata().schema_descr().column(leaf);
    let meaning = Meaning::of(&column);
    Ok(match group.get_column_reader(leaf)? {
        ColumnReader::BoolColumnReader(reader) => Data::Flags(values(reader, &column, rows)?),
        ColumnReader::Int32ColumnReader(reader) => {
            meaning.integers(values(reader, &column, rows)?.into_iter().map(|value| value.map(i64::from)))
        }
        ColumnReader::Int64ColumnReader(reader) => meaning.integers(values(reader, &column, rows)?.into_iter()),
        ColumnReader::Int96ColumnReader(reader) => {
            let micros = values(reader, &column, rows)?.into_iter().map(|value| value.map(|value| value.to_micros()));
            Meaning::Timestamp { per_second: 1_000_000, utc: false }.integers(micros)
        }
        ColumnReader::FloatColumnReader(reader) => {
            Data::Numbers(values(reader, &column, rows)?.into_iter().map(|value| value.map(f64::from)).collect())
        }
        ColumnReader::DoubleColumnReader(reader) => Data::Numbers(values(reader, &column, rows)?),
        ColumnReader::ByteArrayColumnReader(reader) => meaning.bytes(values(reader, &column, rows)?.into_iter()),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            meaning.bytes(values(reader, &column, rows)?.into_iter().map(|value| value.map(ByteArray::from)))
        }
    })
}

/// One column chunk with its nulls in place.
fn values<T: DataType>(mut reader: ColumnReaderImpl<T>, column: &ColumnDescPtr, rows: usize) -> Result<Vec<Option<T::T>>, ParquetError> {
    let (mut levels, mut present) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut read = 0;
    while read < rows {
        let (records, ..) = reader.read_records(rows - read, Some(&mut levels), None, &mut present)?;
        if records == 0 {
            return Err(ParquetError::EOF(format!("column `{}` ends after {read} of {rows} rows", column.name())));
        }
        read += records;
    }
    let full = column.max_def_level();
    if full == 0 {
        return Ok(present.into_iter().map(Some).collect());
    }
    let mut present = present.into_iter();
    Ok(levels.into_iter().map(|level| if level == full { present.next() } else { None }).collect())
}

/// What a physical value stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    /// 32 or 64 bits without a sign.
    Unsigned {
        bits: u8,
    },
    /// Days since 1970-01-01.
    Date,
    Timestamp {
        per_second: i64,
        utc: bool,
    },
    Decimal {
        scale: i32,
    },
}

impl Meaning {
    fn of(column: &ColumnDescPtr) -> Self {
        let bits = if column.physical_type() == Physical::INT32 { 32 } else { 64 };
        match column.logical_type_ref() {
            Some(LogicalType::Date) => Self::Date,
            Some(LogicalType::Timestamp(timestamp)) => {
                let per_second = match timestamp.unit {
                    TimeUnit::MILLIS => 1_000,
                    TimeUnit::MICROS => 1_000_000,
                    TimeUnit::NANOS => 1_000_000_000,
                };
                Self::Timestamp { per_second, utc: timestamp.is_adjusted_to_u_t_c }
            }
            Some(LogicalType::Decimal(decimal)) => Self::Decimal { scale: decimal.scale },
            Some(LogicalType::Integer(integer)) if !integer.is_signed => Self::Unsigned { bits },
            Some(_) => Self::Plain,
            None => Self::of_converted(column, bits),
        }
    }

    /// Older writers know only the converted type.
    fn of_converted(column: &ColumnDescPtr, bits: u8) -> Self {
        match column.converted_type() {
            ConvertedType::DATE => Self::Date,
            ConvertedType::TIMESTAMP_MILLIS => Self::Timestamp { per_second: 1_000, utc: true },
            ConvertedType::TIMESTAMP_MICROS => Self::Timestamp { per_second: 1_000_000, utc: true },
            ConvertedType::DECIMAL => Self::Decimal { scale: column.type_scale() },
            ConvertedType::UINT_32 | ConvertedType::UINT_64 => Self::Unsigned { bits },
            _ => Self::Plain,
        }
    }

    fn integers(self, values: impl Iterator<Item = Option<i64>>) -> Data {
        match self {
            Self::Plain => Data::Integers(values.collect()),
            // `as` keeps the 32 bits and drops the sign's extension.
            Self::Unsigned { bits: 32 } => Data::Integers(values.map(|value| value.map(|value| i64::from(value as u32))).collect()),
            Self::Unsigned { .. } => Data::Numbers(values.map(|value| value.map(|value| value as u64 as f64)).collect()),
            Self::Date => Data::Stamps(values.map(|days| domain::frequency::date_from_epoch(days?).map(Stamp::of_date)).collect()),
            Self::Timestamp { per_second, utc } => Data::Stamps(values.map(|value| stamp(value?, per_second, utc)).collect()),
            Self::Decimal { scale } => Data::Numbers(values.map(|value| value.map(|value| scaled(value as f64, scale))).collect()),
        }
    }

    fn bytes(self, values: impl Iterator<Item = Option<ByteArray>>) -> Data {
        if let Self::Decimal { scale } = self {
            return Data::Numbers(values.map(|value| value.map(|value| scaled(big_endian(value.data()), scale))).collect());
        }
        let mut texts = TextColumn::default();
        for value in values {
            texts.push(value.as_ref().map(|value| String::from_utf8_lossy(value.data())).unwrap_or_default().trim());
        }
        Data::Text(texts)
    }
}

fn stamp(value: i64, per_second: i64, utc: bool) -> Option<Stamp> {
    let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let wall = chrono::DateTime::from_timestamp(value.div_euclid(per_second), u32::try_from(nanos).ok()?)?.naive_utc();
    Some(Stamp { wall, offset_seconds: utc.then_some(0), timed: wall.time() != chrono::NaiveTime::MIN })
}

fn scaled(unscaled: f64, scale: i32) -> f64 {
    unscaled / 10_f64.powi(scale)
}

/// A big-endian number in two's complement of any width.
fn big_endian(bytes: &[u8]) -> f64 {
    let magnitude = bytes.iter().fold(0.0, |sum, &byte| sum * 256.0 + f64::from(byte));
    let negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
    match (negative, <[u8; 8]>::try_from(bytes)) {
        (_, Ok(eight)) => i64::from_be_bytes(eight) as f64,
        (false, _) => magnitude,
        (true, _) => {
            // -(!x + 1), so that small negative numbers of wide columns lose nothing.
            let inverted = bytes.iter().fold(0.0, |sum, &byte| sum * 256.0 + f64::from(!byte));
            -(inverted + 1.0)
        }
    }
}
