//! What the weather was, by those who measured or reconstructed it, every version.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::NewFacts;
use super::error::{DbError, InTable};
use super::month_partitions::{MonthlyTable, ensure_month_partitions};
use super::tellings::{Telling, Versioned};

/// The weather of a day in a region, as one observer has it. Observers have biases of their own: train on one, or tell them apart.
#[derive(Debug, Clone, PartialEq)]
pub struct WeatherObservationRow {
    /// adm4.
    pub region: String,
    /// Who says so: `bmkg_data_online`, `open_meteo`.
    pub observer: String,
    pub observed_on: NaiveDate,
    /// Of the first version; a correction is available when it was told.
    pub available_at: DateTime<Utc>,
    pub temperature_min_c: Option<f32>,
    /// Mean of the day.
    pub temperature_c: Option<f32>,
    pub temperature_max_c: Option<f32>,
    /// Sum of the day.
    pub rain_mm: Option<f32>,
    pub humidity_percent: Option<f32>,
    pub wind_ms: Option<f32>,
}

const TABLE: &str = "weather_observations";
const VERSIONED: Versioned = Versioned {
    table: TABLE,
    keys: &["region", "source", "observed_on"],
    values: &["temperature_min_c", "temperature_c", "temperature_max_c", "rain_mm", "humidity_percent", "wind_ms"],
};

/// Stores observations as they were told at `told_at` and returns the versions that made; one that was known just so makes none.
/// Tellings may come in any order and any number of times. All or nothing.
pub async fn insert_weather_observations(
    connection: &mut PgConnection,
    raw_record_id: Option<Uuid>,
    told_at: DateTime<Utc>,
    rows: &[WeatherObservationRow],
) -> Result<NewFacts, DbError> {
    let operation = "store weather observations";
    let dates = rows.iter().map(|row| row.observed_on);
    let (Some(first), Some(last)) = (dates.clone().min(), dates.max()) else {
        return Ok(NewFacts::default());
    };
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    ensure_month_partitions(&mut transaction, MonthlyTable::WeatherObservations, first, last).await?;
    let telling = Telling { raw_record_id, told_at };
    let new = VERSIONED.tell(&mut transaction, telling, rows.iter(), |row, line| {
        line.text(&row.region)
            .text(&row.observer)
            .value(row.observed_on)
            .optional(row.temperature_min_c)
            .optional(row.temperature_c)
            .optional(row.temperature_max_c)
            .optional(row.rain_mm)
            .optional(row.humidity_percent)
            .optional(row.wind_ms)
            .value(row.available_at.to_rfc3339());
    });
    let new = new.await?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(new)
}

/// Every version for `region` and the days [`first`, `last`] that was available by `available_until`, by day and availability.
pub async fn weather_observation_versions(
    executor: impl PgExecutor<'_>,
    region: &str,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<WeatherObservationRow>, DbError> {
    sqlx::query_as!(
        WeatherObservationRow,
        "select region, source as observer, observed_on, available_at, temperature_min_c, temperature_c, temperature_max_c, rain_mm,
                humidity_percent, wind_ms
         from weather_observations
         where region = $1 and observed_on between $2 and $3 and available_at <= $4
         order by observed_on, available_at, source",
        region,
        first,
        last,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "read the versions of weather observations")
}
