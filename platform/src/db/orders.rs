//! Orders with their lines, and the daily totals that follow from them.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::copy::copy_rows;
use super::error::{DbError, InTable};
use super::sales_daily::{DailyLoad, LoadCounts, add_staged_versions, create_staging};

/// One line of one order, as a till or a file tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderLine<'a> {
    /// The source's own order number. All lines of an order must be in one load.
    pub external_id: &'a str,
    pub ordered_at: DateTime<Utc>,
    /// In the store's own zone and by its cutoff.
    pub business_date: NaiveDate,
    pub product_id: Option<Uuid>,
    pub product_name: &'a str,
    pub quantity: f64,
    /// Rupiah; `None` where the source tells no prices.
    pub unit_price: Option<i64>,
    pub total_price: Option<i64>,
    /// When the order could have been known.
    pub available_at: DateTime<Utc>,
}

const TABLE: &str = "orders";

/// Loads finished orders by COPY. An order whose number the source has already told is left alone if its lines are the same
/// and replaced whole if they are not, so the same file again changes nothing. All or nothing; counts are orders.
pub async fn copy_orders<'a>(
    connection: &mut PgConnection,
    load: DailyLoad<'_>,
    lines: impl Iterator<Item = OrderLine<'a>>,
) -> Result<LoadCounts, DbError> {
    let operation = "load orders";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    sqlx::raw_sql(include_str!("stage_orders.sql")).execute(&mut *transaction).await.in_table(TABLE, operation)?;
    copy_rows(
        &mut transaction,
        "copy staging_order_lines (external_id, ordered_at, business_date, product_id, product_name, quantity, unit_price,
                                   total_price, available_at) from stdin",
        lines,
        |line, text| {
            text.text(line.external_id)
                .value(line.ordered_at.to_rfc3339())
                .value(line.business_date)
                .optional(line.product_id)
                .text(line.product_name)
                .value(line.quantity)
                .optional(line.unit_price)
                .optional(line.total_price)
                .value(line.available_at.to_rfc3339());
        },
    )
    .await
    .in_table(TABLE, operation)?;
    let counts = store_staged_orders(&mut transaction, load).await?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(counts)
}

async fn store_staged_orders(transaction: &mut PgConnection, load: DailyLoad<'_>) -> Result<LoadCounts, DbError> {
    let operation = "store staged orders";
    // Two loads of one source take turns; each sees what the other has stored.
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('orders:' || $1::uuid::text || ':' || $2::text, 0))",
        load.store_id,
        load.source,
    )
    .execute(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    sqlx::query(include_str!("judge_orders.sql"))
        .bind(load.store_id)
        .bind(load.source)
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    sqlx::raw_sql("analyze staging_orders; analyze staging_order_lines").execute(&mut *transaction).await.in_table(TABLE, operation)?;
    sqlx::query(include_str!("insert_orders.sql"))
        .bind(load.store_id)
        .bind(load.source)
        .bind(load.raw_record_id)
        .bind(load.recorded_at)
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    sqlx::raw_sql(include_str!("correct_orders.sql")).execute(&mut *transaction).await.in_table(TABLE, operation)?;
    sqlx::query(include_str!("insert_order_items.sql"))
        .bind(load.store_id)
        .execute(&mut *transaction)
        .await
        .in_table("order_items", operation)?;
    let (inserted, superseded, unchanged): (i64, i64, i64) = sqlx::query_as(
        "select count(*) filter (where verdict = 'new'), count(*) filter (where verdict = 'corrected'),
                count(*) filter (where verdict = 'same')
         from staging_orders",
    )
    .fetch_one(transaction)
    .await
    .in_table(TABLE, operation)?;
    Ok(LoadCounts { inserted: inserted.unsigned_abs(), superseded: superseded.unsigned_abs(), unchanged: unchanged.unsigned_abs() })
}

/// Makes the daily totals of [`first`, `last`] from the orders of `load.source`, under the same source name. Only days that
/// have ended by `load.recorded_at` in the store's own zone; cancelled and refunded orders do not count. Late or changed
/// orders become new versions, a product whose orders all went away becomes a version of zero.
///
/// Where a product has sold out that day, the total is marked as censored.
pub async fn daily_from_orders(
    connection: &mut PgConnection,
    load: DailyLoad<'_>,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<LoadCounts, DbError> {
    let operation = "add up orders to daily sales";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    create_staging(&mut transaction).await?;
    sqlx::query(include_str!("stage_daily_from_orders.sql"))
        .bind(load.store_id)
        .bind(load.source)
        .bind(first)
        .bind(last)
        .bind(load.recorded_at)
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    let counts = add_staged_versions(&mut transaction, load).await?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(counts)
}

/// When on one business day one product was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductOrders {
    pub product_id: Uuid,
    pub business_date: NaiveDate,
    /// Of each order with the product, in order of time, minutes from the start of the business day.
    pub minutes: Vec<i32>,
    /// Units in it.
    pub quantities: Vec<f64>,
    /// When all of them were known.
    pub available_at: DateTime<Utc>,
}

/// Orders of the business days [`first`, `last`] that were known by `available_until`, by product and day: those that the
/// store's daily sales count. Cancelled and refunded ones are left out.
pub async fn orders_by_product(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<ProductOrders>, DbError> {
    sqlx::query_file_as!(ProductOrders, "src/db/orders_by_product.sql", store_id, first, last, available_until)
        .fetch_all(executor)
        .await
        .in_table(TABLE, "list orders by product")
}
