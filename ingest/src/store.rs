//! Facts of one record into the database, with everything that follows from them, in one transaction.

use chrono::{DateTime, Days, Utc};
use chrono_tz::Asia::Jakarta;
use platform::db::calendar_events::{CalendarOf, insert_calendar_events};
use platform::db::market_prices::insert_market_prices;
use platform::db::news_articles::{Article, insert_articles, list_mentions};
use platform::db::news_signals::replace_news_signals;
use platform::db::partition_ranges::mark_stale_since;
use platform::db::quarantined_rows::{NewQuarantinedRow, close_replayed_rows, insert_quarantined_rows};
use platform::db::stores::{stores_by_calendar, stores_in};
use platform::db::villages::upsert_village;
use platform::db::watermarks::advance_watermark;
use platform::db::weather_forecasts::insert_weather_forecasts;
use platform::db::weather_observations::insert_weather_observations;
use platform::db::{DbError, NewFacts};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::news::signals::{MEMORY, signals};
use crate::source::{Batch, Facts, Rejected};
use crate::store_orders::{StoreError, store_orders};

/// The region that is every region.
const EVERYWHERE: &str = "ID";
/// Days by which the date of an article may be told otherwise.
const REDATED: u64 = 7;

/// A record whose facts are to be stored.
pub(crate) struct Parsed<'a> {
    pub source: &'static str,
    pub scope: &'a str,
    pub record: Uuid,
    /// When it was told: a record that is parsed again says nothing new.
    pub told_at: DateTime<Utc>,
    pub name: &'a str,
    pub batch: &'a Batch,
    /// Whether it is the answer to a question about a window. What is told unasked says nothing of what was not told.
    pub is_answer: bool,
}

/// Writes new facts and quarantined rows, moves the watermark up to what is there, and marks the nights as stale that should have
/// known facts which came late.
pub(crate) async fn store(tx: &mut PgConnection, parsed: &Parsed<'_>, now: DateTime<Utc>) -> Result<(NewFacts, u64), StoreError> {
    let (new, latest) = store_facts(&mut *tx, parsed, now).await?;
    for village in &parsed.batch.villages {
        upsert_village(&mut *tx, village).await?;
    }
    let quarantined = quarantine(&mut *tx, parsed.source, parsed.scope, parsed.record, parsed.name, &parsed.batch.rejected).await?;
    let is_complete = parsed.is_answer || !matches!(parsed.batch.facts, Facts::PosOrders(_));
    if let Some(latest) = latest.filter(|_| is_complete) {
        advance_watermark(&mut *tx, parsed.source, parsed.scope, latest.min(now), now).await?;
    }
    if let Some(earliest) = new.earliest.filter(|earliest| *earliest < now) {
        for store_id in stores_concerned(&mut *tx, parsed).await? {
            mark_stale_since(&mut *tx, store_id, earliest).await?;
        }
    }
    Ok((new, quarantined))
}

/// Answers what is new, and up to when the record tells everything.
async fn store_facts(
    tx: &mut PgConnection,
    parsed: &Parsed<'_>,
    now: DateTime<Utc>,
) -> Result<(NewFacts, Option<DateTime<Utc>>), StoreError> {
    let record = Some(parsed.record);
    Ok(match &parsed.batch.facts {
        Facts::WeatherForecasts(rows) => {
            let latest = rows.iter().map(|row| row.available_at).max();
            (insert_weather_forecasts(tx, parsed.source, record, rows).await?, latest)
        }
        Facts::WeatherObservations(rows) => {
            let latest = rows.iter().map(|row| row.available_at).max();
            let new = insert_weather_observations(tx, record, parsed.told_at, rows).await?;
            // Nights know forecasts alone, so that what they learn from is what they will be told.
            (NewFacts { earliest: None, ..new }, latest)
        }
        Facts::MarketPrices(rows) => {
            let latest = rows.iter().map(|row| row.available_at).max();
            (insert_market_prices(tx, parsed.source, record, parsed.told_at, rows).await?, latest)
        }
        Facts::CalendarEvents(rows) => {
            let latest = rows.iter().map(|row| row.available_at).max();
            let nation = CalendarOf::Nation(parsed.scope.to_owned());
            (insert_calendar_events(tx, &nation, parsed.source, rows).await?, latest)
        }
        // Nothing found is an answer too.
        Facts::Articles(rows) => (store_articles(tx, parsed, rows).await?, Some(parsed.told_at)),
        Facts::PosOrders(orders) => {
            let latest = orders.iter().map(|order| order.updated_at).max();
            (store_orders(tx, parsed, orders, now).await?, latest)
        }
        // Of a store: `sales_csv` brings them in its own way.
        Facts::DailySales(_) | Facts::OrderLines(_) => (NewFacts::default(), None),
    })
}

/// Articles, and the signals of the days that they may say something else of by now.
async fn store_articles(tx: &mut PgConnection, parsed: &Parsed<'_>, articles: &[Article]) -> Result<NewFacts, DbError> {
    let count = insert_articles(&mut *tx, parsed.source, parsed.scope, Some(parsed.record), articles).await?;
    let days = articles.iter().filter_map(|article| article.published).map(|(at, _)| at.with_timezone(&Jakarta).date_naive());
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
        return Ok(NewFacts { count, earliest: None });
    };
    if count == 0 {
        return Ok(NewFacts::default());
    }
    // An article that is dated anew leaves the day before or after; what is said of a day shows for as long as it is remembered.
    let first = first.checked_sub_days(Days::new(REDATED)).unwrap_or(first);
    let last = last.checked_add_days(Days::new(REDATED + MEMORY)).unwrap_or(last);
    let since = first.checked_sub_days(Days::new(MEMORY)).unwrap_or(first);
    let mentions = list_mentions(&mut *tx, parsed.source, parsed.scope, since, last).await?;
    replace_news_signals(tx, parsed.source, parsed.scope, first, last, &signals(parsed.scope, &mentions, first, last)).await?;
    Ok(NewFacts { count, earliest: Some(parsed.told_at) })
}

async fn stores_concerned(tx: &mut PgConnection, parsed: &Parsed<'_>) -> Result<Vec<Uuid>, DbError> {
    match parsed.batch.facts {
        Facts::CalendarEvents(_) => stores_by_calendar(tx, parsed.scope).await,
        Facts::Articles(_) => stores_in(tx, EVERYWHERE).await,
        _ => stores_in(tx, parsed.scope).await,
    }
}

/// Puts rows of a record aside, and closes those that were put aside before and can be read by now. Answers how many are new.
pub(crate) async fn quarantine(
    connection: &mut PgConnection,
    source: &str,
    scope: &str,
    record: Uuid,
    name: &str,
    rejected: &[Rejected],
) -> Result<u64, DbError> {
    let rows: Vec<NewQuarantinedRow> = rejected.iter().map(|row| quarantined(name, row)).collect();
    close_replayed_rows(&mut *connection, source, record, &rows).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    insert_quarantined_rows(&mut *connection, source, store_of(scope), Some(record), &rows).await
}

/// The store that a scope is, by its id; regions and topics are none.
pub(crate) fn store_of(scope: &str) -> Option<Uuid> {
    scope.parse().ok()
}

pub(crate) fn quarantined(file: &str, row: &Rejected) -> NewQuarantinedRow {
    let error = &row.error;
    let is_cell = !error.column.is_empty();
    // What is refused may be refused for that.
    let text = |text: &str| text.replace('\0', "");
    NewQuarantinedRow {
        file_name: Some(file.to_owned()),
        row_number: i64::try_from(error.row).unwrap_or(i64::MAX),
        column_name: is_cell.then(|| text(&error.column)),
        value: is_cell.then(|| text(&error.text)),
        reason: text(&error.reason),
        row_text: row.row_text.as_deref().map(text),
    }
}
