//! Issued weather forecasts, every vintage.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::NewFacts;
use super::error::{DbError, InTable};
use super::month_partitions::{MonthlyTable, ensure_month_partitions};

/// The forecast for one region and day as it was issued at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct WeatherForecastRow {
    /// adm4, or a coarser code of the source's own.
    pub region: String,
    pub target_date: NaiveDate,
    pub issued_at: DateTime<Utc>,
    pub available_at: DateTime<Utc>,
    /// Mean of the day.
    pub temperature_c: Option<f32>,
    /// Sum of the day.
    pub rain_mm: Option<f32>,
    /// From 0 to 1.
    pub rain_probability: Option<f32>,
    pub humidity_percent: Option<f32>,
    pub wind_ms: Option<f32>,
}

const TABLE: &str = "weather_forecasts";

/// Stores vintages and returns those that were new; of a vintage that is told twice the telling counts that was known first. All or
/// nothing.
pub async fn insert_weather_forecasts(
    connection: &mut PgConnection,
    source: &str,
    raw_record_id: Option<Uuid>,
    rows: &[WeatherForecastRow],
) -> Result<NewFacts, DbError> {
    let operation = "store weather forecasts";
    let dates = rows.iter().map(|row| row.target_date);
    let (Some(first), Some(last)) = (dates.clone().min(), dates.max()) else {
        return Ok(NewFacts::default());
    };
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    ensure_month_partitions(&mut transaction, MonthlyTable::WeatherForecasts, first, last).await?;
    let values = |of: fn(&WeatherForecastRow) -> Option<f32>| rows.iter().map(of).collect::<Vec<Option<f32>>>();
    let told = sqlx::query_file!(
        "src/db/insert_weather_forecasts.sql",
        source,
        raw_record_id,
        &rows.iter().map(|row| row.region.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.target_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.issued_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.available_at).collect::<Vec<_>>(),
        &values(|row| row.temperature_c) as &[Option<f32>],
        &values(|row| row.rain_mm) as &[Option<f32>],
        &values(|row| row.rain_probability) as &[Option<f32>],
        &values(|row| row.humidity_percent) as &[Option<f32>],
        &values(|row| row.wind_ms) as &[Option<f32>],
    )
    .fetch_one(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(NewFacts::of(told.count, told.earliest))
}

/// Every vintage for `region` and the days [`first`, `last`] that was available by `available_until`, by day and availability.
pub async fn weather_forecast_vintages(
    executor: impl PgExecutor<'_>,
    region: &str,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<WeatherForecastRow>, DbError> {
    sqlx::query_as!(
        WeatherForecastRow,
        "select region, target_date, issued_at, available_at, temperature_c, rain_mm, rain_probability, humidity_percent, wind_ms
         from weather_forecasts
         where region = $1 and target_date between $2 and $3 and available_at <= $4
         order by target_date, available_at, issued_at, source",
        region,
        first,
        last,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "read the vintages of weather forecasts")
}
