//! The rows a simulated world hands over. Dates are business days, `available_at` is when one could have known the row.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Serialize;

/// One line of one order, as the till recorded it. Store and product are positions in the definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SalesLine {
    /// The business day the order belongs to.
    pub business_day: NaiveDate,
    /// Position of the order within its business day, from 1.
    pub order: u32,
    /// Local wall clock; after midnight it is the next calendar day.
    pub ordered_at: NaiveDateTime,
    /// Position in `Store::products`.
    pub product: u16,
    /// Selling units.
    pub quantity: u32,
    /// Rupiah per unit as paid (discounts taken off).
    pub unit_price: i64,
    /// Position in `Store::channels`.
    pub channel: u8,
}

/// A product sold out: demand went on, sales did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stockout {
    /// Store slug.
    pub store: String,
    /// Product name as in the sales export.
    pub product: String,
    /// Business day.
    pub business_day: NaiveDate,
    /// Units there were to sell.
    pub prepared: u32,
    /// Local time of the last sale.
    pub sold_out_at: NaiveDateTime,
    /// When the owner had written it down (the moment it happened).
    pub available_at: DateTime<Utc>,
}

/// The weather a region really had on one local calendar day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeatherActual {
    /// adm4 code of the region.
    pub region: String,
    /// Local calendar day.
    pub date: NaiveDate,
    /// Millimetres over the day.
    pub rain_mm: f64,
    /// Degrees Celsius.
    pub temperature_mean: f64,
    /// Degrees Celsius.
    pub temperature_min: f64,
    /// Degrees Celsius.
    pub temperature_max: f64,
    /// Percent.
    pub humidity: f64,
    /// Kilometres an hour.
    pub wind_kmh: f64,
    /// 07:00 local of the next day.
    pub available_at: DateTime<Utc>,
}

/// What one forecast run said about one local calendar day. Every run is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeatherForecast {
    /// adm4 code of the region.
    pub region: String,
    /// Model run (00 or 12 UTC).
    pub issued_at: DateTime<Utc>,
    /// 90 minutes after the run, when it could be fetched.
    pub available_at: DateTime<Utc>,
    /// The local calendar day that is forecast.
    pub date: NaiveDate,
    /// `date` minus the local day of the run: 0 to 3.
    pub lead_days: i64,
    /// Millimetres over the day.
    pub rain_mm: f64,
    /// Degrees Celsius.
    pub temperature_mean: f64,
    /// Degrees Celsius.
    pub temperature_min: f64,
    /// Degrees Celsius.
    pub temperature_max: f64,
    /// Percent.
    pub humidity: f64,
    /// Kilometres an hour.
    pub wind_kmh: f64,
    /// BMKG code of the day's dominant weather.
    pub weather: u16,
    /// Its Indonesian words.
    pub weather_desc: String,
}

/// What kind of day the calendar marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarKind {
    /// National holiday.
    Holiday,
    /// Joint leave: offices are closed, shops often are not.
    JointLeave,
    /// A day of fasting.
    Ramadan,
}

/// One marked day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalendarEvent {
    /// The day.
    pub date: NaiveDate,
    /// Its kind.
    pub kind: CalendarKind,
    /// Indonesian name.
    pub name: String,
    /// An astronomical expectation, not yet decreed.
    pub estimate: bool,
    /// When it was decreed.
    pub available_at: DateTime<Utc>,
}

/// A planned discount on one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promo {
    /// Store slug.
    pub store: String,
    /// Product name.
    pub product: String,
    /// What the poster says.
    pub name: String,
    /// First business day.
    pub starts_on: NaiveDate,
    /// Last business day, included.
    pub ends_on: NaiveDate,
    /// Percent off the list price.
    pub discount_percent: u32,
    /// When the owner planned it (well over two weeks ahead).
    pub available_at: DateTime<Utc>,
}

/// The owner's own list price from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceChange {
    /// Store slug.
    pub store: String,
    /// Product name.
    pub product: String,
    /// First business day of the price.
    pub effective_on: NaiveDate,
    /// Rupiah per selling unit.
    pub price: i64,
    /// Rupiah before; empty for the first price known.
    pub previous_price: Option<i64>,
    /// When it was decided.
    pub available_at: DateTime<Utc>,
}

/// A weekly market price of an ingredient in a store's region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarketPrice {
    /// Province code (first two digits of adm4).
    pub adm1: String,
    /// Province name.
    pub province: String,
    /// Day of the survey.
    pub date: NaiveDate,
    /// Ingredient slug.
    pub ingredient: String,
    /// Unit that `pack` counts.
    pub unit: String,
    /// Units in the pack that is priced.
    pub pack: f64,
    /// Rupiah per pack.
    pub price: i64,
    /// When it was published.
    pub available_at: DateTime<Utc>,
}

/// How loudly a topic was talked about on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewsSignal {
    /// Store slug the search was made for.
    pub store: String,
    /// Topic slug.
    pub topic: String,
    /// Headline of the loudest article.
    pub headline: String,
    /// Local calendar day.
    pub date: NaiveDate,
    /// Articles and posts found.
    pub mentions: u32,
    /// 21:00 local of that day.
    pub available_at: DateTime<Utc>,
}
