//! What a source is: a name, and a pure function from the bytes that landed to facts.
//!
//! Bytes land first, as they came (`raw_records` and the object store); parsing does no IO beyond reading them, so that
//! history can be parsed again without asking anybody for anything.

use chrono::{DateTime, Utc};
use domain::Hint;
use domain::facts::{DailySales, OrderLine};
use domain::time::BusinessCalendar;
use platform::db::calendar_events::CalendarEventVersion;
use platform::db::market_prices::MarketPriceVersion;
use platform::db::news_articles::Article;
use platform::db::villages::VillageRow;
use platform::db::weather_forecasts::WeatherForecastRow;
use platform::db::weather_observations::WeatherObservationRow;

use crate::feed::{Feed, Terms};
use crate::tabular::{CellError, Origin, TabularError};

/// Something outside that facts come from.
pub trait Source: Send + Sync {
    /// The same in code, schedules, tables and metric labels.
    fn name(&self) -> &'static str;

    /// One line for a listing.
    fn about(&self) -> &'static str;

    /// What it promises and what it wants.
    fn terms(&self) -> Terms;

    /// How it asks; `None` for a source that is handed files alone.
    fn feed(&self) -> Option<&dyn Feed> {
        None
    }

    /// Whether it can be handed a file about a scope as well.
    fn takes_files(&self) -> bool {
        false
    }

    /// What of a record is kept: without whoever bought, where the source knows how it says so. Facts are read from what is kept.
    fn kept(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    /// Facts of one raw record, batch by batch. Pure: the same record and context give the same batches.
    ///
    /// # Errors
    /// [`SourceError`] when the record as a whole cannot be understood; rows that cannot are in [`Batch::rejected`].
    fn parse(&self, raw: &RawRecord, context: &ParseContext) -> Result<Box<dyn Batches>, SourceError>;
}

/// The facts of one record, in bounded pieces.
pub trait Batches: Send {
    /// How the record was understood, one line each: columns used, date and number formats.
    fn understood(&self) -> &Understanding;

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`SourceError`] when the record cannot be read further.
    fn next_batch(&mut self) -> Result<Option<Batch>, SourceError>;
}

/// A record that is one piece.
pub struct Once {
    understanding: Understanding,
    batch: Option<Batch>,
}

impl Once {
    #[must_use]
    pub fn new(understanding: Understanding, batch: Batch) -> Self {
        Self { understanding, batch: Some(batch) }
    }
}

impl Batches for Once {
    fn understood(&self) -> &Understanding {
        &self.understanding
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, SourceError> {
        Ok(self.batch.take())
    }
}

/// What landed.
#[derive(Debug, Clone)]
pub struct RawRecord {
    /// File or reply, with the name that messages use.
    pub contents: Origin,
    /// When it arrived.
    pub fetched_at: DateTime<Utc>,
    /// What a file is to be read with, as the source wrote it down (`raw_records.headers`).
    pub parameters: serde_json::Value,
    /// What it was asked about: a region, a province, ...; a store's slug.
    pub scope: String,
}

/// What a source may know beside the record itself.
#[derive(Debug, Clone, Copy)]
pub struct ParseContext {
    /// How the store counts its days.
    pub calendar: BusinessCalendar,
}

/// A piece of a parsed record.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Rows of the record that this piece stands for, good or bad.
    pub rows: u64,
    pub facts: Facts,
    /// What the rows tell of products beside their sales.
    pub products: Vec<ProductTold>,
    /// Where the regions are that it tells of.
    pub villages: Vec<VillageRow>,
    pub rejected: Vec<Rejected>,
}

impl Batch {
    /// Of a source that tells of no products and villages.
    #[must_use]
    pub fn of(rows: u64, facts: Facts, rejected: Vec<Rejected>) -> Self {
        Self { rows, facts, products: Vec::new(), villages: Vec::new(), rejected }
    }
}

/// Facts of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Facts {
    DailySales(Vec<DailySales>),
    OrderLines(Vec<OrderLine>),
    WeatherForecasts(Vec<WeatherForecastRow>),
    WeatherObservations(Vec<WeatherObservationRow>),
    MarketPrices(Vec<MarketPriceVersion>),
    /// Of the nation that the record is about.
    CalendarEvents(Vec<CalendarEventVersion>),
    Articles(Vec<Article>),
    /// Of the store that the record is about.
    PosOrders(Vec<PosOrder>),
}

impl Facts {
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::DailySales(facts) => facts.len(),
            Self::OrderLines(facts) => facts.len(),
            Self::WeatherForecasts(facts) => facts.len(),
            Self::WeatherObservations(facts) => facts.len(),
            Self::MarketPrices(facts) => facts.len(),
            Self::CalendarEvents(facts) => facts.len(),
            Self::Articles(facts) => facts.len(),
            Self::PosOrders(facts) => facts.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An order as a till tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct PosOrder {
    /// The till's own number.
    pub number: String,
    pub ordered_at: DateTime<Utc>,
    /// Of this version of it.
    pub updated_at: DateTime<Utc>,
    /// Taken back.
    pub is_void: bool,
    pub items: Vec<PosItem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PosItem {
    pub product: String,
    pub quantity: f64,
    /// Rupiah.
    pub unit_price: Option<i64>,
}

/// A product as the record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductTold {
    pub name: String,
    pub category: Option<String>,
    /// Rupiah, as of its last row.
    pub price: Option<i64>,
}

/// A row for the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rejected {
    #[serde(flatten)]
    pub error: CellError,
    /// The whole row, where it could be split.
    pub row_text: Option<String>,
}

/// How a record was understood.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Understanding {
    /// `order lines`, `daily totals`, ...
    pub level: &'static str,
    /// Part and the column that plays it, in the order of importance.
    pub columns: Vec<(&'static str, String)>,
    /// Columns that play no part.
    pub unused: Vec<String>,
    /// Separator, encoding, date and number formats.
    pub formats: Vec<String>,
}

/// Why a record cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Table(#[from] TabularError),
    #[error("no column of `{file}` can be told to hold {what}; it has {}", .present.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
    NoColumn { file: String, part: &'static str, what: &'static str, present: Vec<String> },
    #[error("`{file}` is no JSON")]
    Json {
        file: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{file}` is not what it should be: {reason}")]
    Shape { file: String, reason: String },
    #[error("the parameters stored with `{file}` are not this source's")]
    Parameters {
        file: String,
        #[source]
        source: serde_json::Error,
    },
}

impl Hint for SourceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Table(error) => error.hint(),
            Self::NoColumn { part, .. } => Some(format!("name it: `--map {part}=COLUMN`")),
            Self::Json { .. } | Self::Shape { .. } => Some("the service may have changed: look into the landed record".to_owned()),
            Self::Parameters { .. } => Some("ingest the file again with `viralcast ingest`".to_owned()),
        }
    }
}
