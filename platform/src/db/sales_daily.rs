//! Units sold per product and business day, version upon version.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgCopyIn;
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::copy::{CopyLine, copy_rows};
use super::error::{DbError, InTable};
use super::month_partitions::{MonthlyTable, ensure_month_partitions};
use super::partition_ranges::mark_stale_since;

/// One product on one business day, as a source tells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DailyRow {
    pub product_id: Uuid,
    pub business_date: NaiveDate,
    /// Selling units.
    pub quantity: f64,
    /// Rupiah.
    pub revenue: Option<i64>,
    /// Demand was at least `quantity`.
    pub is_sold_out: bool,
    /// When the first version of this fact could have been known: the day's end plus the source's declared delay.
    pub available_at: DateTime<Utc>,
}

/// Where a load comes from and when it happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DailyLoad<'a> {
    pub store_id: Uuid,
    pub source: &'a str,
    pub raw_record_id: Option<Uuid>,
    /// Now, by `platform::clock`. Corrections become available at it.
    pub recorded_at: DateTime<Utc>,
}

/// What a load changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadCounts {
    /// Facts that were not known before.
    pub inserted: u64,
    /// Facts that got a new version.
    pub superseded: u64,
    /// Facts that were known just so.
    pub unchanged: u64,
}

/// A version of a fact: from `available_at` on this is what we know, until the next one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SalesVersion {
    pub product_id: Uuid,
    pub business_date: NaiveDate,
    pub quantity: f64,
    pub is_sold_out: bool,
    pub available_at: DateTime<Utc>,
}

/// First and last business day of a store's sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SalesSpan {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

pub(super) const TABLE: &str = "sales_daily";

/// Loads daily totals by COPY and adds a version only where a fact is new or differs from its current version of the same
/// source. A fact told twice in `rows` counts as its sum. All or nothing.
pub async fn copy_sales_daily(
    connection: &mut PgConnection,
    load: DailyLoad<'_>,
    rows: impl Iterator<Item = DailyRow>,
) -> Result<LoadCounts, DbError> {
    let operation = "load daily sales";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    create_staging(&mut transaction).await?;
    copy_rows(&mut transaction, "copy staging_sales_daily from stdin", rows, |row, line| {
        line.value(row.product_id)
            .value(row.business_date)
            .value(row.quantity)
            .optional(row.revenue)
            .value(if row.is_sold_out { 't' } else { 'f' })
            .value(row.available_at.to_rfc3339());
    })
    .await
    .in_table(TABLE, operation)?;
    let counts = add_staged_versions(&mut transaction, load).await?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(counts)
}

/// A daily total on its way: [`DailyRow`] with the place of the product in the load's list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DailyTotal {
    pub product: u32,
    pub business_date: NaiveDate,
    pub quantity: f64,
    pub revenue: Option<i64>,
    pub is_sold_out: bool,
    pub available_at: DateTime<Utc>,
}

/// Daily totals as text for COPY: made where there is time for it, sent piece by piece.
#[derive(Debug, Default)]
pub struct DailyTotals(String);

impl DailyTotals {
    pub fn push(&mut self, total: &DailyTotal) {
        CopyLine::new(&mut self.0)
            .value(total.product)
            .value(total.business_date)
            .value(total.quantity)
            .optional(total.revenue)
            .value(if total.is_sold_out { 't' } else { 'f' })
            .value(total.available_at.to_rfc3339());
        self.0.push('\n');
    }

    /// What has been written since the last time, if it is worth sending.
    pub fn piece(&mut self, at_least: usize) -> Option<String> {
        (self.0.len() >= at_least && !self.0.is_empty()).then(|| std::mem::take(&mut self.0))
    }
}

/// As [`copy_sales_daily`], for totals that come in pieces and whose products are known only at the end. To be used in a transaction.
pub struct TotalsLoad;

impl TotalsLoad {
    /// Makes the staging table and opens the way for totals.
    pub async fn begin(transaction: &mut PgConnection) -> Result<PgCopyIn<&mut PgConnection>, DbError> {
        let operation = "stage daily sales";
        sqlx::raw_sql(
            "create temp table if not exists staging_daily_totals (
                 product integer not null, business_date date not null, quantity numeric not null, revenue bigint,
                 is_sold_out boolean not null, available_at timestamptz not null
             ) on commit drop;
             truncate staging_daily_totals",
        )
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
        transaction.copy_in_raw("copy staging_daily_totals from stdin").await.in_table(TABLE, operation)
    }

    /// Stores what was staged. `products` are ids in the order of their numbers.
    pub async fn store(transaction: &mut PgConnection, load: DailyLoad<'_>, products: &[Uuid]) -> Result<LoadCounts, DbError> {
        create_staging(transaction).await?;
        sqlx::query(
            "insert into staging_sales_daily
             select product.id, total.business_date, total.quantity, total.revenue, total.is_sold_out, total.available_at
             from staging_daily_totals total
             join unnest($1::uuid[]) with ordinality as product (id, place) on product.place = total.product + 1",
        )
        .bind(products)
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, "stage daily sales")?;
        add_staged_versions(transaction, load).await
    }
}

/// An empty table of this transaction's own, in the shape of [`DailyRow`].
pub(super) async fn create_staging(transaction: &mut PgConnection) -> Result<(), DbError> {
    sqlx::raw_sql(
        "create temp table if not exists staging_sales_daily (
             product_id uuid not null, business_date date not null, quantity numeric not null, revenue bigint,
             is_sold_out boolean not null, available_at timestamptz not null
         ) on commit drop;
         truncate staging_sales_daily",
    )
    .execute(transaction)
    .await
    .in_table(TABLE, "stage daily sales")?;
    Ok(())
}

/// Turns what is staged into versions.
pub(super) async fn add_staged_versions(transaction: &mut PgConnection, load: DailyLoad<'_>) -> Result<LoadCounts, DbError> {
    let operation = "add versions of daily sales";
    take_turns(transaction, load).await?;
    let (first, last, unknown): (Option<NaiveDate>, Option<NaiveDate>, i64) = sqlx::query_as(
        "select min(first), max(last), count(*) filter (where p.id is null)
         from (select product_id, min(business_date) as first, max(business_date) as last
               from staging_sales_daily group by product_id) told
         left join products p on p.id = told.product_id and p.store_id = $1",
    )
    .bind(load.store_id)
    .fetch_one(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(LoadCounts::default());
    };
    if unknown > 0 {
        return Err(DbError::Refused {
            table: TABLE,
            operation,
            reason: format!("the rows name {unknown} products that the store `{}` does not have", load.store_id),
            hint: "create the products first and load with their ids",
        });
    }
    ensure_month_partitions(transaction, MonthlyTable::SalesDaily, first, last).await?;
    let (inserted, superseded, unchanged): (i64, i64, i64) = sqlx::query_as(include_str!("add_sales_versions.sql"))
        .bind(load.store_id)
        .bind(load.source)
        .bind(load.raw_record_id)
        .bind(load.recorded_at)
        .bind(first)
        .bind(last)
        .fetch_one(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    if inserted > 0 {
        widen_span(&mut *transaction, load, first, last).await?;
        mark_nights_stale(transaction, load, first, last).await?;
    }
    Ok(LoadCounts { inserted: inserted.unsigned_abs(), superseded: superseded.unsigned_abs(), unchanged: unchanged.unsigned_abs() })
}

async fn widen_span(executor: impl PgExecutor<'_>, load: DailyLoad<'_>, first: NaiveDate, last: NaiveDate) -> Result<(), DbError> {
    sqlx::query!(
        "insert into sales_spans as known (store_id, source, first_day, last_day) values ($1, $2, $3, $4)
         on conflict (store_id, source) do update
         set first_day = least(known.first_day, excluded.first_day), last_day = greatest(known.last_day, excluded.last_day)",
        load.store_id,
        load.source,
        first,
        last,
    )
    .execute(executor)
    .await
    .in_table("sales_spans", "note the span of sales")?;
    Ok(())
}

/// Nights that should have known what came only now. A correction is available from now on and changes no past night.
async fn mark_nights_stale(transaction: &mut PgConnection, load: DailyLoad<'_>, first: NaiveDate, last: NaiveDate) -> Result<(), DbError> {
    let earliest = sqlx::query_scalar!(
        "select min(available_at) from sales_daily
         where store_id = $1 and source = $2 and business_date between $3 and $4 and recorded_at = $5 and available_at < $5",
        load.store_id,
        load.source,
        first,
        last,
        load.recorded_at,
    )
    .fetch_one(&mut *transaction)
    .await
    .in_table(TABLE, "find the earliest of late sales")?;
    match earliest {
        Some(earliest) => mark_stale_since(transaction, load.store_id, earliest).await,
        None => Ok(()),
    }
}

/// Two loads of one source wait for each other, so that each compares with what the other has stored. Sorting a million rows
/// wants more memory than a short statement gets by default.
async fn take_turns(transaction: &mut PgConnection, load: DailyLoad<'_>) -> Result<(), DbError> {
    let operation = "stage daily sales";
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('sales_daily:' || $1::uuid::text || ':' || $2::text, 0))",
        load.store_id,
        load.source,
    )
    .execute(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    sqlx::raw_sql("analyze staging_sales_daily; set local work_mem = '64MB'").execute(transaction).await.in_table(TABLE, operation)?;
    Ok(())
}

/// Every version of every daily fact of a store that was available by `available_until`, ordered by product, day and
/// availability. Only the sales that count: the store's own orders or the imported totals, as the store's setting says.
pub async fn sales_versions(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    available_until: DateTime<Utc>,
) -> Result<Vec<SalesVersion>, DbError> {
    sqlx::query_as!(
        SalesVersion,
        r#"select d.product_id, d.business_date, d.quantity::float8 as "quantity!", d.is_sold_out, d.available_at
           from sales_daily d
           join stores s on s.id = d.store_id
           where d.store_id = $1
             and d.available_at <= $2
             and (d.source = 'orders') = (s.sales_source = 'orders')
           order by d.product_id, d.business_date, d.available_at, d.source"#,
        store_id,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "read the versions of daily sales")
}

/// A version of a fact with the money that it brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SalesFact {
    pub product_id: Uuid,
    pub business_date: NaiveDate,
    pub quantity: f64,
    /// Rupiah; `None` where the source tells no prices.
    pub revenue: Option<i64>,
    pub is_sold_out: bool,
    pub available_at: DateTime<Utc>,
}

/// As [`sales_versions`], of the business days [`first`, `last`] only, with what they brought.
pub async fn sales_facts(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<SalesFact>, DbError> {
    sqlx::query_as!(
        SalesFact,
        r#"select d.product_id, d.business_date, d.quantity::float8 as "quantity!", d.revenue, d.is_sold_out, d.available_at
           from sales_daily d
           join stores s on s.id = d.store_id
           where d.store_id = $1
             and d.business_date between $2 and $3
             and d.available_at <= $4
             and (d.source = 'orders') = (s.sales_source = 'orders')
           order by d.product_id, d.business_date, d.available_at, d.source"#,
        store_id,
        first,
        last,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "read daily sales")
}

/// First and last day of the sales that count, whenever they became known, of each of these stores that has any.
pub async fn sales_spans(executor: impl PgExecutor<'_>, stores: &[Uuid]) -> Result<HashMap<Uuid, SalesSpan>, DbError> {
    let rows = sqlx::query!(
        r#"select s.id, min(spans.first_day) as "first!", max(spans.last_day) as "last!"
           from stores s
           join sales_spans spans on spans.store_id = s.id and (spans.source = 'orders') = (s.sales_source = 'orders')
           where s.id = any ($1)
           group by s.id"#,
        stores,
    )
    .fetch_all(executor)
    .await
    .in_table("sales_spans", "find the spans of daily sales")?;
    Ok(rows.into_iter().map(|row| (row.id, SalesSpan { first: row.first, last: row.last })).collect())
}

/// The last business day of a store with sales that were known at `now` and that had ended by then, in the store's own zone.
pub async fn last_complete_business_date(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<NaiveDate>, DbError> {
    sqlx::query_scalar!(
        "select max(d.business_date)
         from sales_daily d
         join stores s on s.id = d.store_id
         where d.store_id = $1
           and d.available_at <= $2
           and (d.source = 'orders') = (s.sales_source = 'orders')
           and (d.business_date + 1 + s.business_day_cutoff) at time zone s.time_zone <= $2",
        store_id,
        now,
    )
    .fetch_one(executor)
    .await
    .in_table(TABLE, "find the last complete business day")
}
