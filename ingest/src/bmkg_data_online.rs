//! Daily weather of a station, as people download it from BMKG's Data Online: CSV or a workbook, often saved again by a spreadsheet.
//!
//! `8888` (not measured), `9999` (no data), `-` and nothing are no value; a comma may part decimals; headers come in any case;
//! beside the table stand the station's particulars and a legend. Rain of a date is by convention that of the 24 hours up to 07:00
//! of it: most of it fell the day before. It is kept under the date that the file tells.

use std::io::Read as _;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Asia::Jakarta;
use platform::db::weather_observations::WeatherObservationRow;

use crate::source::{Batch, Facts, RawRecord, Rejected, SourceError};
use crate::sources::{day_end, is_told_by};
use crate::tabular::{CellError, ColumnRef, Table, TabularError, read_origin};

const OBSERVER: &str = "bmkg_data_online";
/// From the end of a day until a station's figures are out.
const DELAY: TimeDelta = TimeDelta::days(1);
/// Written for no measurement and for no data.
const NOTHING: [&str; 4] = ["8888", "9999", "-", ""];

/// Whether a record is a table and no reply of an API.
pub(crate) fn is_table(raw: &RawRecord) -> Result<bool, SourceError> {
    let mut start = [0; 64];
    let read = raw.contents.open()?.read(&mut start);
    let length = read.map_err(|source| TabularError::Open { path: raw.contents.name().to_owned(), source })?;
    let first = start[..length].iter().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf | 0xfe | 0xff));
    Ok(!matches!(first, Some(b'{' | b'[')))
}

pub(crate) fn parse(raw: &RawRecord) -> Result<Batch, SourceError> {
    let table = read_origin(&raw.contents)?;
    let columns = Columns::of(&table)?;
    let (mut facts, mut rejected, mut rows) = (Vec::new(), Vec::new(), 0);
    for index in 0..table.len() {
        // Below the table the legend may go on.
        if columns.date.text(index).trim().is_empty() {
            continue;
        }
        rows += 1;
        match columns.day(index, raw) {
            Ok(fact) => facts.extend(fact),
            Err(error) => rejected.push(Rejected { error, row_text: None }),
        }
    }
    Ok(Batch::of(rows, Facts::WeatherObservations(facts), rejected))
}

struct Columns<'a> {
    date: ColumnRef<'a>,
    minimum: ColumnRef<'a>,
    mean: ColumnRef<'a>,
    maximum: ColumnRef<'a>,
    humidity: ColumnRef<'a>,
    rain: ColumnRef<'a>,
    /// Mean of the day, in m/s.
    wind: Option<ColumnRef<'a>>,
}

impl<'a> Columns<'a> {
    fn of(table: &'a Table) -> Result<Self, SourceError> {
        Ok(Self {
            date: table.column("Tanggal")?,
            minimum: table.column("Tn")?,
            mean: table.column("Tavg")?,
            maximum: table.column("Tx")?,
            humidity: table.column("RH_avg")?,
            rain: table.column("RR")?,
            wind: table.find("ff_avg"),
        })
    }

    /// `None` for a day on which nothing was measured.
    fn day(&self, index: usize, raw: &RawRecord) -> Result<Option<WeatherObservationRow>, CellError> {
        let observed_on = date(self.date, index)?;
        if !is_told_by(observed_on, raw) {
            return Err(self.date.cell_error(index, "is no day of the past that anybody measured"));
        }
        let row = WeatherObservationRow {
            region: raw.scope.clone(),
            observer: OBSERVER.to_owned(),
            observed_on,
            available_at: (day_end(observed_on, Jakarta) + DELAY).min(raw.fetched_at),
            temperature_min_c: number(self.minimum, index, (-10.0, 50.0))?,
            temperature_c: number(self.mean, index, (-10.0, 50.0))?,
            temperature_max_c: number(self.maximum, index, (-10.0, 50.0))?,
            rain_mm: number(self.rain, index, (0.0, 700.0))?,
            humidity_percent: number(self.humidity, index, (0.0, 100.0))?,
            wind_ms: self.wind.map(|wind| number(wind, index, (0.0, 110.0))).transpose()?.flatten(),
        };
        let known = [row.temperature_min_c, row.temperature_c, row.temperature_max_c, row.rain_mm, row.humidity_percent, row.wind_ms];
        Ok(known.iter().any(Option::is_some).then_some(row))
    }
}

/// `31-12-2024` as BMKG writes it, `2024-12-31` as whoever cleaned it does.
fn date(column: ColumnRef<'_>, index: usize) -> Result<NaiveDate, CellError> {
    let text = column.text(index);
    let day = text.trim();
    let formats = ["%d-%m-%Y", "%d/%m/%Y", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"];
    let parsed = formats.iter().find_map(|format| NaiveDate::parse_from_str(day, format).ok());
    parsed.ok_or_else(|| column.cell_error(index, "is no date as in 31-12-2024"))
}

fn number(column: ColumnRef<'_>, index: usize, (least, most): (f32, f32)) -> Result<Option<f32>, CellError> {
    let text = column.text(index);
    let digits = text.trim();
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    if NOTHING.contains(&digits) {
        return Ok(None);
    }
    let value: f32 = digits.replace(',', ".").parse().map_err(|_| column.cell_error(index, "is no number"))?;
    if !(least..=most).contains(&value) {
        return Err(column.cell_error(index, format!("is not between {least} and {most}")));
    }
    Ok(Some(value))
}
