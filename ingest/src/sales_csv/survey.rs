//! The first reading of a sales file: what its columns hold and how they are written, over all rows.

use chrono::NaiveTime;

use super::columns::{Columns, Part};
use super::options::SalesCsvOptions;
use crate::source::{SourceError, Understanding};
use crate::tabular::{
    Data, DateEvidence, DateFormat, Decimal, NumberEvidence, Origin, Reader, Table, TabularError, date_error, number_error,
};

/// What one row of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The total of a product on a business day.
    Daily,
    /// One sale with its time; a day's lines are added up.
    Lines,
    /// One line of a numbered order.
    Orders,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily totals",
            Self::Lines => "sales with a time, added up by business day",
            Self::Orders => "order lines",
        }
    }
}

/// Everything that the second reading needs.
#[derive(Debug, Clone)]
pub(super) struct Survey {
    pub columns: Columns,
    pub level: Level,
    /// Whether dates come with a time of day.
    pub timed: bool,
    pub dates: DateFormat,
    pub quantity: Decimal,
    pub price: Decimal,
    pub revenue: Decimal,
    pub understanding: Understanding,
}

const NUMBERS: [Part; 3] = [Part::Y, Part::Price, Part::Revenue];

impl Survey {
    pub(super) fn of(origin: &Origin, options: &SalesCsvOptions, chunk: usize) -> Result<Self, SourceError> {
        let mut reader = Reader::open(origin)?;
        let mut columns = Columns::assign(origin.name(), reader.columns(), &options.map)?;
        let mut dates = DateEvidence::default();
        let mut numbers: [NumberEvidence; 3] = Default::default();
        let mut is_empty = true;
        while let Some(table) = reader.next(chunk)? {
            is_empty = false;
            observe(&table, &columns, &mut dates, &mut numbers);
        }
        if is_empty {
            return Err(TabularError::NoRows { file: origin.name().to_owned() }.into());
        }
        if dates.timed > 0 {
            columns.drop(Part::Time);
        }
        let level = match (columns.get(Part::Order), dates.timed > 0 || columns.get(Part::Time).is_some()) {
            (Some(_), _) => Level::Orders,
            (None, true) => Level::Lines,
            (None, false) => Level::Daily,
        };
        let format = match options.locale.dates {
            Some(format) => format,
            None => dates.decide().map_err(|doubt| date_error(origin.name(), columns.get(Part::Ds).unwrap_or_default(), doubt))?,
        };
        let delimiter = reader.dialect().map(|dialect| dialect.delimiter);
        let decimal = |part: usize| -> Result<Decimal, SourceError> {
            if let Some(decimal) = options.locale.decimal {
                return Ok(decimal);
            }
            let elsewhere = || shown_by_all(&numbers);
            let decided =
                if NUMBERS[part] == Part::Y { numbers[part].decide(delimiter, elsewhere) } else { numbers[part].decide_whole(elsewhere) };
            decided.map_err(|doubt| number_error(origin.name(), columns.get(NUMBERS[part]).unwrap_or_default(), doubt).into())
        };
        let (quantity, price, revenue) = (decimal(0)?, decimal(1)?, decimal(2)?);
        let understanding = Understanding {
            level: level.name(),
            columns: columns.listed(),
            unused: columns.unused.clone(),
            formats: vec![reader.format(), format!("dates {format}"), format!("quantities with a {quantity}")],
        };
        Ok(Self { columns, level, timed: dates.timed > 0, dates: format, quantity, price, revenue, understanding })
    }
}

fn observe(table: &Table, columns: &Columns, dates: &mut DateEvidence, numbers: &mut [NumberEvidence; 3]) {
    if let Some(column) = columns.get(Part::Ds).and_then(|name| table.find(name)) {
        column.observe_dates(dates);
        if let Data::Stamps(stamps) = &column.column.data {
            dates.timed += stamps.iter().flatten().filter(|stamp| stamp.wall.time() != NaiveTime::MIN).count() as u64;
        }
    }
    for (part, evidence) in NUMBERS.iter().zip(numbers) {
        if let Some(column) = columns.get(*part).and_then(|name| table.find(name)) {
            column.observe_numbers(evidence);
        }
    }
}

fn shown_by_all(numbers: &[NumberEvidence]) -> Option<Decimal> {
    let mut shown = numbers.iter().filter_map(NumberEvidence::shown);
    let first = shown.next()?;
    shown.all(|other| other == first).then_some(first)
}
