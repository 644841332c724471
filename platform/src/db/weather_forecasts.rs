//! Issued weather forecasts, every vintage.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::NewFacts;
use super::copy::copy_rows;
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

/// Loads vintages by COPY and returns those that were new; of a vintage that is told twice the telling counts that was known first.
/// All or nothing.
pub async fn copy_weather_forecasts(
    connection: &mut PgConnection,
    source: &str,
    raw_record_id: Option<Uuid>,
    rows: impl Iterator<Item = WeatherForecastRow>,
) -> Result<NewFacts, DbError> {
    let operation = "load weather forecasts";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    sqlx::raw_sql(
        "create temp table if not exists staging_weather_forecasts (
             region text, target_date date, issued_at timestamptz, available_at timestamptz, temperature_c real, rain_mm real,
             rain_probability real, humidity_percent real, wind_ms real
         ) on commit drop;
         truncate staging_weather_forecasts",
    )
    .execute(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    let copied = copy_rows(&mut transaction, "copy staging_weather_forecasts from stdin", rows, |row, line| {
        line.text(&row.region)
            .value(row.target_date)
            .value(row.issued_at.to_rfc3339())
            .value(row.available_at.to_rfc3339())
            .optional(row.temperature_c)
            .optional(row.rain_mm)
            .optional(row.rain_probability)
            .optional(row.humidity_percent)
            .optional(row.wind_ms);
    })
    .await
    .in_table(TABLE, operation)?;
    let new = if copied == 0 { NewFacts::default() } else { insert_staged(&mut transaction, source, raw_record_id).await? };
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(new)
}

async fn insert_staged(transaction: &mut PgConnection, source: &str, raw_record_id: Option<Uuid>) -> Result<NewFacts, DbError> {
    let operation = "store weather forecasts";
    let (first, last): (NaiveDate, NaiveDate) = sqlx::query_as("select min(target_date), max(target_date) from staging_weather_forecasts")
        .fetch_one(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    ensure_month_partitions(transaction, MonthlyTable::WeatherForecasts, first, last).await?;
    let (count, earliest): (i64, Option<DateTime<Utc>>) = sqlx::query_as(
        "with told as (
             insert into weather_forecasts as known (region, source, target_date, issued_at, available_at, temperature_c, rain_mm,
                                                     rain_probability, humidity_percent, wind_ms, raw_record_id)
             select distinct on (region, target_date, issued_at) region, $1, target_date, issued_at, available_at, temperature_c,
                    rain_mm, rain_probability, humidity_percent, wind_ms, $2
             from staging_weather_forecasts
             order by region, target_date, issued_at, available_at
             on conflict (region, source, target_date, issued_at) do update
             set available_at = excluded.available_at, temperature_c = excluded.temperature_c, rain_mm = excluded.rain_mm,
                 rain_probability = excluded.rain_probability, humidity_percent = excluded.humidity_percent,
                 wind_ms = excluded.wind_ms, raw_record_id = excluded.raw_record_id
             where excluded.available_at < known.available_at
             returning available_at
         )
         select count(*), min(available_at) from told",
    )
    .bind(source)
    .bind(raw_record_id)
    .fetch_one(transaction)
    .await
    .in_table(TABLE, operation)?;
    Ok(NewFacts::of(count, earliest))
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
