//! A sales export of a store into the database.
//!
//! The bytes land first, then facts, products, quarantine, watermark and event are written in one transaction. The same file
//! again changes nothing: a fact that is stored just so is left alone, one that differs gets a new version.

pub mod columns;
mod error;
mod load;
mod options;
mod reading;
mod report;
mod rows;
mod survey;

use std::path::Path;
use std::sync::Arc;

use platform::clock::Clock;
use platform::db::stores::StoreRow;
use platform::objects::Objects;
use sqlx::PgPool;

pub use error::IngestError;
pub use options::{ColumnMap, SalesCsvOptions};
pub use report::{Counts, Report};
pub use rows::SalesRows;

use crate::source::{ParseContext, RawRecord};
use crate::tabular::Origin;
use reading::Reading;

/// Name of the source.
pub const SOURCE: &str = "sales_csv";

/// Hears how many rows have been read so far.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// Where facts go and what time it is.
#[derive(Clone, Copy)]
pub struct Destination<'a> {
    /// Pool of the working role.
    pub pool: &'a PgPool,
    pub objects: &'a dyn Objects,
    pub clock: &'a dyn Clock,
}

/// Loads a file into a store.
///
/// # Errors
/// [`IngestError`]; when it is not the database or the object store that failed, nothing but the raw bytes has been stored.
pub async fn run(
    to: Destination<'_>,
    store: &StoreRow,
    file: &Path,
    options: &SalesCsvOptions,
    progress: Progress,
) -> Result<Report, IngestError> {
    let now = to.clock.now();
    let context = context(store)?;
    let (landed, contents) = load::land(to, store, file, options, now).await?;
    let reading = Reading::start(raw_record(contents, options, now)?, context, options.totals_only, progress);
    load::store_facts(to.pool, store, context.calendar, reading, landed, now).await
}

/// Reads a file as [`run`] would and tells what it found, writing nothing.
///
/// # Errors
/// As [`run`].
pub async fn dry_run(
    pool: &PgPool,
    clock: &dyn Clock,
    store: &StoreRow,
    file: &Path,
    options: &SalesCsvOptions,
    progress: Progress,
) -> Result<Report, IngestError> {
    let now = clock.now();
    let context = context(store)?;
    let mut reading = Reading::start(raw_record(Origin::path(file), options, now)?, context, options.totals_only, progress);
    while reading.pieces.recv().await.is_some() {}
    let told = reading.end().await?;
    let known = load::known_products(pool, store).await?;
    Ok(Report::of(&store.slug, &told, &known, context.calendar))
}

fn context(store: &StoreRow) -> Result<ParseContext, IngestError> {
    let time_zone = store.time_zone.parse().map_err(|_| IngestError::Zone { store: store.slug.clone(), zone: store.time_zone.clone() })?;
    Ok(ParseContext { calendar: domain::time::BusinessCalendar { time_zone, cutoff: store.business_day_cutoff } })
}

fn raw_record(contents: Origin, options: &SalesCsvOptions, now: chrono::DateTime<chrono::Utc>) -> Result<RawRecord, IngestError> {
    Ok(RawRecord { contents, fetched_at: now, parameters: load::parameters(options)?, scope: String::new() })
}
