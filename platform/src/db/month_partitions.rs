//! Monthly partitions, made before rows need them.

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::error::{DbError, InTable};

/// The six tables that are partitioned by month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonthlyTable {
    SalesDaily,
    WeatherObservations,
    WeatherForecasts,
    MarketPrices,
    RawRecords,
    Forecasts,
}

impl MonthlyTable {
    pub const ALL: [Self; 6] =
        [Self::SalesDaily, Self::WeatherObservations, Self::WeatherForecasts, Self::MarketPrices, Self::RawRecords, Self::Forecasts];

    pub fn name(self) -> &'static str {
        match self {
            Self::SalesDaily => "sales_daily",
            Self::WeatherObservations => "weather_observations",
            Self::WeatherForecasts => "weather_forecasts",
            Self::MarketPrices => "market_prices",
            Self::RawRecords => "raw_records",
            Self::Forecasts => "forecasts",
        }
    }
}

/// Makes sure that each month from `first` to `last` (both included) has its partition; returns how many were made.
///
/// The bulk writers of this module call it themselves. Call it at the start of a transaction: making a partition waits for
/// whoever reads the default one.
pub async fn ensure_month_partitions(
    connection: &mut PgConnection,
    table: MonthlyTable,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<i32, DbError> {
    sqlx::query_scalar!(r#"select app.ensure_month_partitions($1, $2, $3) as "created!""#, table.name(), first, last,)
        .fetch_one(connection)
        .await
        .in_table(table.name(), "make monthly partitions")
}
