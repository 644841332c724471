//! Facts of one record into the database, with everything that follows from them, in one transaction.

use chrono::{DateTime, Utc};
use platform::db::market_prices::insert_market_prices;
use platform::db::partition_ranges::mark_stale_since;
use platform::db::quarantined_rows::{NewQuarantinedRow, close_replayed_rows, insert_quarantined_rows};
use platform::db::stores::stores_in;
use platform::db::watermarks::advance_watermark;
use platform::db::weather_forecasts::copy_weather_forecasts;
use platform::db::{DbError, NewFacts};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::source::{Batch, Facts, Rejected};

/// What nights are made of.
const FORECASTS: &str = "forecasts";

/// A record whose facts are to be stored.
pub(crate) struct Parsed<'a> {
    pub source: &'static str,
    pub scope: &'a str,
    pub record: Uuid,
    /// When it was told: a record that is parsed again says nothing new.
    pub told_at: DateTime<Utc>,
    pub name: &'a str,
    pub batch: &'a Batch,
}

/// Writes new facts and quarantined rows, moves the watermark up to what is there, and marks the nights as stale that should have
/// known facts which came late.
pub(crate) async fn store(tx: &mut PgConnection, parsed: &Parsed<'_>, now: DateTime<Utc>) -> Result<(NewFacts, u64), DbError> {
    let record = Some(parsed.record);
    let (new, latest) = match &parsed.batch.facts {
        Facts::WeatherForecasts(rows) => {
            let latest = rows.iter().map(|row| row.available_at).max();
            (copy_weather_forecasts(&mut *tx, parsed.source, record, rows.iter().cloned()).await?, latest)
        }
        Facts::MarketPrices(rows) => {
            let latest = rows.iter().map(|row| row.available_at).max();
            (insert_market_prices(&mut *tx, parsed.source, record, parsed.told_at, rows).await?, latest)
        }
        // Of a store: `sales_csv` brings them in its own way.
        Facts::DailySales(_) | Facts::OrderLines(_) => (NewFacts::default(), None),
    };
    let quarantined = quarantine(&mut *tx, parsed.source, parsed.record, parsed.name, &parsed.batch.rejected).await?;
    if let Some(latest) = latest {
        advance_watermark(&mut *tx, parsed.source, parsed.scope, latest.min(now), now).await?;
    }
    if let Some(earliest) = new.earliest.filter(|earliest| *earliest < now) {
        for store_id in stores_in(&mut *tx, parsed.scope).await? {
            mark_stale_since(&mut *tx, FORECASTS, store_id, earliest).await?;
        }
    }
    Ok((new, quarantined))
}

/// Puts rows of a record aside, and closes those that were put aside before and can be read by now. Answers how many are new.
pub(crate) async fn quarantine(
    connection: &mut PgConnection,
    source: &str,
    record: Uuid,
    name: &str,
    rejected: &[Rejected],
) -> Result<u64, DbError> {
    let rows: Vec<NewQuarantinedRow> = rejected.iter().map(|row| quarantined(name, row)).collect();
    close_replayed_rows(&mut *connection, source, record, &rows).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    insert_quarantined_rows(&mut *connection, source, None, Some(record), &rows).await
}

pub(crate) fn quarantined(file: &str, row: &Rejected) -> NewQuarantinedRow {
    let error = &row.error;
    let is_cell = !error.column.is_empty();
    NewQuarantinedRow {
        file_name: Some(file.to_owned()),
        row_number: i64::try_from(error.row).unwrap_or(i64::MAX),
        column_name: is_cell.then(|| error.column.clone()),
        value: is_cell.then(|| error.text.clone()),
        reason: error.reason.clone(),
        row_text: row.row_text.clone(),
    }
}
