//! Food prices on the markets, every version.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::NewFacts;
use super::error::{DbError, InTable};
use super::month_partitions::{MonthlyTable, ensure_month_partitions};
use super::tellings::{Telling, Versioned};

/// The price of a commodity in a region on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketPriceVersion {
    pub commodity: String,
    /// `ID`, or the first parts of a Kemendagri code.
    pub region: String,
    /// traditional, modern, wholesale or producer.
    pub market: String,
    pub price_date: NaiveDate,
    /// Rupiah per `unit`.
    pub price: i64,
    pub unit: String,
    /// Of the first version; a correction is available when it is recorded.
    pub available_at: DateTime<Utc>,
}

const TABLE: &str = "market_prices";
const VERSIONED: Versioned =
    Versioned { table: TABLE, keys: &["source", "commodity", "region", "market", "price_date"], values: &["price", "unit"] };

/// Stores prices as they were told at `told_at` and returns the versions that made: a price that was known just so makes none, so
/// that the same grid can be read every day. A changed price becomes available when it was told. Tellings may come in any order and
/// any number of times: the versions are the same in the end.
pub async fn insert_market_prices(
    connection: &mut PgConnection,
    source: &str,
    raw_record_id: Option<Uuid>,
    told_at: DateTime<Utc>,
    prices: &[MarketPriceVersion],
) -> Result<NewFacts, DbError> {
    let operation = "store market prices";
    let dates = prices.iter().map(|price| price.price_date);
    let (Some(first), Some(last)) = (dates.clone().min(), dates.max()) else {
        return Ok(NewFacts::default());
    };
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    ensure_month_partitions(&mut transaction, MonthlyTable::MarketPrices, first, last).await?;
    let telling = Telling { raw_record_id, told_at };
    let new = VERSIONED.tell(&mut transaction, telling, prices.iter(), |row, line| {
        line.text(source)
            .text(&row.commodity)
            .text(&row.region)
            .text(&row.market)
            .value(row.price_date)
            .value(row.price)
            .text(&row.unit)
            .value(row.available_at.to_rfc3339());
    });
    let new = new.await?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(new)
}

/// Versions of the prices of `commodities` on the days [`first`, `last`] that were known by `available_until`, in the regions
/// that contain `adm4` and in the whole country, by commodity, day and availability.
pub async fn market_price_versions(
    executor: impl PgExecutor<'_>,
    commodities: &[String],
    adm4: &str,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<MarketPriceVersion>, DbError> {
    sqlx::query_as!(
        MarketPriceVersion,
        "select commodity, region, market, price_date, price, unit, available_at
         from market_prices
         where commodity = any ($1) and (region = 'ID' or starts_with($2, region)) and price_date between $3 and $4
           and available_at <= $5
         order by commodity, price_date, available_at, region, market, source",
        commodities,
        adm4,
        first,
        last,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "read the versions of market prices")
}

/// A price as it is known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketPriceRow {
    pub source: String,
    pub commodity: String,
    pub region: String,
    pub market: String,
    pub price_date: NaiveDate,
    /// Rupiah per `unit`.
    pub price: i64,
    pub unit: String,
    pub available_at: DateTime<Utc>,
    /// When the source last said just so, if more than once.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// To whom it is owed, as the source asks for.
    pub attribution: Option<String>,
}

/// Which prices: of the days [`first`, `last`], as known at `now`.
#[derive(Debug, Clone, Copy)]
pub struct PriceFilter<'a> {
    pub first: NaiveDate,
    pub last: NaiveDate,
    pub now: DateTime<Utc>,
    pub commodity: Option<&'a str>,
    pub region: Option<&'a str>,
    /// A village: regions that contain it, and the whole country.
    pub around: Option<&'a str>,
    /// Day, commodity, region, market and source of the last row of the page before.
    pub after: Option<(NaiveDate, &'a [String; 4])>,
    pub limit: i64,
}

/// The newest day first, then by commodity, region, market and source.
pub async fn list_market_prices(executor: impl PgExecutor<'_>, filter: PriceFilter<'_>) -> Result<Vec<MarketPriceRow>, DbError> {
    let (day, names) = filter.after.unzip();
    let name = |place: usize| names.map(|names| names[place].as_str());
    sqlx::query_file_as!(
        MarketPriceRow,
        "src/db/market_prices_page.sql",
        filter.first,
        filter.last,
        filter.now,
        filter.commodity,
        filter.region,
        filter.around,
        day,
        name(0),
        name(1),
        name(2),
        name(3),
        filter.limit,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list market prices")
}
