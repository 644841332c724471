//! What was read into the database: the bytes first, then everything else in one transaction.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use domain::event::{Event, SalesIngested};
use domain::ids::StoreId;
use domain::time::BusinessCalendar;
use platform::bus::outbox;
use platform::db::orders::{OrderLine, copy_orders, daily_from_orders};
use platform::db::products::{NewProduct, list_products, upsert_products};
use platform::db::quarantined_rows::{NewQuarantinedRow, insert_quarantined_rows};
use platform::db::raw_records::{LandedRecord, NewRawRecord, land_raw_record};
use platform::db::sales_daily::{DailyLoad, DailyRow, LoadCounts, copy_sales_daily};
use platform::db::stores::StoreRow;
use platform::db::watermarks::advance_watermark;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::collect::{Collected, CompactFacts, DailyFact, Days, Orders};
use super::{Destination, IngestError, Report, SOURCE, SalesCsvOptions};
use crate::store::quarantined;
use crate::tabular::Origin;

/// Unit of a product that a file brings; the owner may change it.
const UNIT: &str = "porsi";
/// Quarantined rows a statement.
const ROWS: usize = 5_000;

/// Ids of a store's products by name.
pub(super) type ProductIds = BTreeMap<String, Uuid>;

pub(super) fn parameters(options: &SalesCsvOptions) -> Result<serde_json::Value, IngestError> {
    serde_json::to_value(options).map_err(IngestError::Options)
}

/// Puts the bytes into the object store and notes them as a raw record.
pub(super) async fn land(
    to: Destination<'_>,
    store: &StoreRow,
    contents: &Origin,
    options: &SalesCsvOptions,
    now: DateTime<Utc>,
) -> Result<LandedRecord, IngestError> {
    use sha2::{Digest, Sha256};
    let bytes = contents.contents().map(|bytes| bytes.to_vec()).unwrap_or_default();
    let content_hash = Sha256::digest(&bytes).into();
    let content_length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let key = to.objects.put_content(bytes).await?;
    let record = NewRawRecord {
        source: SOURCE.to_owned(),
        store_id: Some(store.id),
        scope: store.slug.clone(),
        window: None,
        url: Some(contents.name().to_owned()),
        status: None,
        headers: parameters(options)?,
        content_type: None,
        content_hash,
        content_length,
        object_key: key.to_string(),
        fetched_at: now,
    };
    let mut connection = to.pool.acquire().await.map_err(failed("reach the database"))?;
    Ok(land_raw_record(&mut connection, &record).await?)
}

pub(super) async fn known_products(pool: &PgPool, store: &StoreRow) -> Result<ProductIds, IngestError> {
    let products = list_products(pool, store.id).await?;
    Ok(products.into_iter().map(|product| (product.name, product.id)).collect())
}

/// Writes facts, products, quarantine, watermark and event, all or nothing.
pub(super) async fn store_facts(
    pool: &PgPool,
    store: &StoreRow,
    calendar: BusinessCalendar,
    collected: Collected,
    landed: LandedRecord,
    now: DateTime<Utc>,
) -> Result<Report, IngestError> {
    let known = known_products(pool, store).await?;
    let mut report = Report::of(&store.slug, &collected, &known, calendar);
    report.file_is_new = Some(landed.is_new);
    let load = DailyLoad { store_id: store.id, source: SOURCE, raw_record_id: Some(landed.id), recorded_at: now };

    let mut transaction = pool.begin().await.map_err(failed("begin a transaction"))?;
    let ids = product_ids(&mut transaction, store, &collected, known).await?;
    let facts = match &collected.facts {
        CompactFacts::Daily(totals) => {
            let rows = daily_rows(totals, &ids, calendar);
            let counts = copy_sales_daily(&mut transaction, load, rows).await?;
            report.count(counts, None);
            counts
        }
        CompactFacts::Orders(orders) => {
            let (counts, totals) = store_orders(&mut transaction, load, orders, &collected, &ids, calendar).await?;
            report.count(counts, Some(totals));
            counts
        }
    };
    for rows in collected.rejected.chunks(ROWS) {
        let rows: Vec<NewQuarantinedRow> = rows.iter().map(|row| quarantined(&collected.file, row)).collect();
        report.newly_quarantined += insert_quarantined_rows(&mut *transaction, SOURCE, Some(store.id), Some(landed.id), &rows).await?;
    }
    let complete_until = complete_until(calendar, collected.days, now);
    advance_watermark(&mut *transaction, SOURCE, &store.id.to_string(), complete_until, now).await?;
    announce(&mut transaction, store, collected.days, facts, now).await?;
    transaction.commit().await.map_err(failed("commit the facts"))?;
    crate::events::sales_ingested(&report);
    Ok(report)
}

/// The id of every product that the file names, by its number; new ones are created.
async fn product_ids(
    transaction: &mut PgConnection,
    store: &StoreRow,
    collected: &Collected,
    mut known: ProductIds,
) -> Result<Vec<Uuid>, IngestError> {
    let first_days = first_days(collected);
    let new: Vec<NewProduct> = collected
        .products
        .iter()
        .enumerate()
        .filter(|(_, product)| !known.contains_key(&product.name))
        .map(|(number, product)| NewProduct {
            name: product.name.clone(),
            category: product.category.clone(),
            unit: UNIT.to_owned(),
            price: product.price,
            batch_size: 1.0,
            shelf_life_days: 0,
            first_sold_on: first_days.get(&(number as u32)).copied(),
        })
        .collect();
    if !new.is_empty() {
        known.extend(upsert_products(transaction, store.id, &new).await?);
    }
    Ok(collected.products.iter().map(|product| known.get(&product.name).copied().unwrap_or_default()).collect())
}

fn first_days(collected: &Collected) -> HashMap<u32, NaiveDate> {
    let mut first: HashMap<u32, NaiveDate> = HashMap::new();
    let mut touch = |product, day| {
        let known = first.entry(product).or_insert(day);
        *known = day.min(*known);
    };
    match &collected.facts {
        CompactFacts::Daily(totals) => totals.iter().for_each(|total| touch(total.product, total.day)),
        CompactFacts::Orders(orders) => orders.lines.iter().for_each(|line| touch(line.product, line.day)),
    }
    first
}

fn daily_rows<'a>(totals: &'a [DailyFact], ids: &'a [Uuid], calendar: BusinessCalendar) -> impl Iterator<Item = DailyRow> + 'a {
    let mut ends: HashMap<NaiveDate, DateTime<Utc>> = HashMap::new();
    totals.iter().map(move |total| DailyRow {
        product_id: ids[total.product as usize],
        business_date: total.day,
        quantity: total.quantity,
        revenue: total.revenue,
        is_sold_out: total.sold_out,
        available_at: *ends.entry(total.day).or_insert_with(|| calendar.end_of(total.day)),
    })
}

/// Stores orders and derives the totals of the days they touch. Derived totals name no record: they follow from all orders.
async fn store_orders(
    transaction: &mut PgConnection,
    load: DailyLoad<'_>,
    orders: &Orders,
    collected: &Collected,
    ids: &[Uuid],
    calendar: BusinessCalendar,
) -> Result<(LoadCounts, LoadCounts), IngestError> {
    let lines = orders.lines.iter().map(|line| {
        let ordered_at = calendar.local(line.ordered_at.date(), line.ordered_at.time());
        OrderLine {
            external_id: orders.number(line),
            ordered_at,
            business_date: line.day,
            product_id: ids.get(line.product as usize).copied(),
            product_name: collected.products.get(line.product as usize).map_or("", |product| product.name.as_str()),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total_price: line.unit_price.map(|price| domain::Idr(price).times(line.quantity).0),
            available_at: ordered_at,
        }
    });
    let counts = copy_orders(transaction, load, lines).await?;
    let derived = DailyLoad { raw_record_id: None, ..load };
    let totals = daily_from_orders(transaction, derived, collected.days.first, collected.days.last).await?;
    Ok((counts, totals))
}

/// The end of the last day told of, or the start of the day that is still going on.
fn complete_until(calendar: BusinessCalendar, days: Days, now: DateTime<Utc>) -> DateTime<Utc> {
    let end = calendar.end_of(days.last);
    if end <= now { end } else { calendar.start_of(calendar.business_day(now).min(days.last)) }
}

async fn announce(
    transaction: &mut PgConnection,
    store: &StoreRow,
    days: Days,
    counts: LoadCounts,
    now: DateTime<Utc>,
) -> Result<(), IngestError> {
    let rows = counts.inserted + counts.superseded;
    if rows == 0 {
        return Ok(());
    }
    let event = Event::SalesIngested(SalesIngested { store_id: StoreId(store.id), from: days.first, to: days.last, rows });
    outbox::record(transaction, &event.seal(now)?).await?;
    Ok(())
}

fn failed(action: &'static str) -> impl FnOnce(sqlx::Error) -> IngestError {
    move |source| IngestError::Transaction { action, source }
}
