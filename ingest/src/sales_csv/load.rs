//! What is read into the database: the bytes first, then everything else in one transaction.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use domain::event::{Event, SalesIngested};
use domain::ids::StoreId;
use domain::time::BusinessCalendar;
use platform::bus::outbox;
use platform::database::begin;
use platform::db::orders::{OrderLoad, daily_from_orders, days_left};
use platform::db::products::{NewProduct, list_products, upsert_products};
use platform::db::quarantined_rows::{NewQuarantinedRow, close_replayed_rows, insert_quarantined_rows};
use platform::db::raw_records::{LandedRecord, NewRawRecord, land_raw_record};
use platform::db::sales_daily::{DailyLoad, LoadCounts, TotalsLoad};
use platform::db::stores::StoreRow;
use platform::db::watermarks::advance_watermark;
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::reading::{Days, Piece, Reading, Told};
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

/// Puts the file into the object store, notes it as a raw record, and answers that with where to read it from: the very bytes that
/// were kept, if they lie on this machine.
pub(super) async fn land(
    to: Destination<'_>,
    store: &StoreRow,
    file: &Path,
    options: &SalesCsvOptions,
    now: DateTime<Utc>,
) -> Result<(LandedRecord, Origin), IngestError> {
    let given = Origin::path(file);
    let (key, size) = to.objects.put_file(file).await?;
    let record = NewRawRecord {
        source: SOURCE.to_owned(),
        store_id: Some(store.id),
        scope: store.slug.clone(),
        url: Some(given.name().to_owned()),
        headers: parameters(options)?,
        content_hash: key.hash().unwrap_or_default(),
        content_length: i64::try_from(size).unwrap_or(i64::MAX),
        object_key: key.to_string(),
        ..NewRawRecord::fetched(now)
    };
    let mut transaction = begin(to.pool).await.map_err(failed("reach the database"))?;
    let landed = land_raw_record(&mut transaction, &record).await?;
    transaction.commit().await.map_err(failed("keep what landed"))?;
    let kept = to.objects.local_path(&key).map(|path| Origin::named_path(given.name(), path));
    Ok((landed, kept.unwrap_or(given)))
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
    mut reading: Reading,
    landed: LandedRecord,
    now: DateTime<Utc>,
) -> Result<Report, IngestError> {
    let known = known_products(pool, store).await?;
    let load = DailyLoad { store_id: store.id, source: SOURCE, raw_record_id: Some(landed.id), recorded_at: now };
    let mut transaction = begin(pool).await.map_err(failed("begin a transaction"))?;
    let staged = stage(&mut transaction, &mut reading.pieces).await?;
    let told = reading.end().await?;
    let mut report = Report::of(&store.slug, &told, &known, calendar);
    (report.file_is_new, report.record) = (Some(landed.is_new), Some(landed.id));
    let ids = product_ids(&mut transaction, store, &told, known).await?;
    let facts = match staged {
        Staged::Totals => {
            let counts = TotalsLoad::store(&mut transaction, load, &ids).await?;
            report.count(counts, None);
            counts
        }
        Staged::Orders => {
            let products: Vec<_> = ids.iter().map(|id| Some(*id)).zip(told.products.iter().map(|product| product.name.as_str())).collect();
            let counts = OrderLoad::store(&mut transaction, load, &products).await?;
            // Derived totals name no record: they follow from all orders.
            let derived = DailyLoad { raw_record_id: None, ..load };
            let (mut first, mut last) = (told.days.first, told.days.last);
            if let Some((left, and_left)) = days_left(&mut transaction).await? {
                (first, last) = (first.min(left), last.max(and_left));
            }
            let totals = daily_from_orders(&mut transaction, derived, first, last).await?;
            report.count(counts, Some(totals));
            counts
        }
    };
    let refused: Vec<NewQuarantinedRow> = told.rejected.iter().map(|row| quarantined(&told.file, row)).collect();
    close_replayed_rows(&mut *transaction, SOURCE, landed.id, &refused).await?;
    for rows in refused.chunks(ROWS) {
        report.newly_quarantined += insert_quarantined_rows(&mut *transaction, SOURCE, Some(store.id), Some(landed.id), rows).await?;
    }
    let complete_until = complete_until(calendar, told.days, now);
    advance_watermark(&mut *transaction, SOURCE, &store.id.to_string(), complete_until, now).await?;
    announce(&mut transaction, store, told.days, facts, now).await?;
    transaction.commit().await.map_err(failed("commit the facts"))?;
    crate::events::sales_ingested(&report);
    Ok(report)
}

/// What was staged.
enum Staged {
    Orders,
    Totals,
}

/// Sends pieces to the database as they come: while it takes one, the next is made.
async fn stage(transaction: &mut PgConnection, pieces: &mut mpsc::Receiver<Piece>) -> Result<Staged, IngestError> {
    let (mut copy, first, staged) = match pieces.recv().await {
        Some(Piece::Orders(first)) => (OrderLoad::begin(transaction).await?, first, Staged::Orders),
        Some(Piece::Totals(first)) => (TotalsLoad::begin(transaction).await?, first, Staged::Totals),
        // Nothing to store: the reader says why.
        None => return Ok(Staged::Totals),
    };
    copy.send(first.into_bytes()).await.map_err(failed("send facts"))?;
    while let Some(Piece::Orders(text) | Piece::Totals(text)) = pieces.recv().await {
        copy.send(text.into_bytes()).await.map_err(failed("send facts"))?;
    }
    copy.finish().await.map_err(failed("send facts"))?;
    Ok(staged)
}

/// The id of every product that the file names, by its number; new ones are created.
async fn product_ids(
    transaction: &mut PgConnection,
    store: &StoreRow,
    told: &Told,
    mut known: ProductIds,
) -> Result<Vec<Uuid>, IngestError> {
    let new: Vec<NewProduct> = told
        .products
        .iter()
        .zip(0..)
        .filter(|(product, _)| !known.contains_key(&product.name))
        .map(|(product, number)| NewProduct {
            name: product.name.clone(),
            category: product.category.clone(),
            unit: UNIT.to_owned(),
            price: product.price,
            batch_size: 1.0,
            shelf_life_days: 0,
            first_sold_on: told.first_days.get(&number).copied(),
        })
        .collect();
    if !new.is_empty() {
        known.extend(upsert_products(transaction, store.id, &new).await?);
    }
    Ok(told.products.iter().map(|product| known.get(&product.name).copied().unwrap_or_default()).collect())
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
