//! Orders with their lines, and the daily totals that follow from them.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgCopyIn;
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::copy::{CopyLine, FLUSH_BYTES, copy_rows};
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
    /// Place of the product in the load's list.
    pub product: u32,
    pub quantity: f64,
    /// Rupiah; `None` where the source tells no prices.
    pub unit_price: Option<i64>,
    pub total_price: Option<i64>,
    /// When the order could have been known; `None`: when it was made.
    pub available_at: Option<DateTime<Utc>>,
    /// Taken back: the order is kept and counts nothing.
    pub is_cancelled: bool,
}

/// Order lines on their way, as text for COPY: made where there is time for it, sent piece by piece.
#[derive(Debug, Default)]
pub struct OrderLines {
    text: String,
    /// Lines of the whole load so far.
    written: u64,
}

/// Lines of one load: their place is in the last 32 bits of their id.
const MOST_LINES: u64 = u32::MAX as u64;

impl OrderLines {
    pub fn push(&mut self, line: &OrderLine<'_>) {
        CopyLine::new(&mut self.text)
            .value(self.written)
            .text(line.external_id)
            .value(line.ordered_at.timestamp_micros())
            .value(line.business_date.to_epoch_days())
            .value(line.product)
            .value(line.quantity)
            .optional(line.unit_price)
            .optional(line.total_price)
            .optional(line.available_at.map(|at| at.timestamp_micros()))
            .optional(line.is_cancelled.then_some('t'));
        self.text.push('\n');
        self.written += 1;
    }

    /// What has been written since the last time, if it is worth sending.
    pub fn piece(&mut self, at_least: usize) -> Option<String> {
        let is_worth_it = self.text.len() >= at_least && !self.text.is_empty();
        is_worth_it.then(|| std::mem::replace(&mut self.text, String::with_capacity(at_least + 4096)))
    }
}

const TABLE: &str = "orders";
const LINES: &str = "copy staging_order_lines from stdin";

/// A load of finished orders: [`OrderLoad::begin`], pieces of [`OrderLines`], then [`OrderLoad::store`]. An order whose number the
/// source has already told is left alone if its lines are the same and replaced whole if they are not, so the same file again
/// changes nothing. To be used in a transaction.
pub struct OrderLoad;

impl OrderLoad {
    /// Makes the staging tables and opens the way for lines.
    pub async fn begin(transaction: &mut PgConnection) -> Result<PgCopyIn<&mut PgConnection>, DbError> {
        let operation = "stage orders";
        sqlx::raw_sql(include_str!("stage_orders.sql")).execute(&mut *transaction).await.in_table(TABLE, operation)?;
        transaction.copy_in_raw(LINES).await.in_table(TABLE, operation)
    }

    /// Stores what was staged. `products` are id and name in the order of their numbers. Counts are orders.
    pub async fn store(
        transaction: &mut PgConnection,
        load: DailyLoad<'_>,
        products: &[(Option<Uuid>, &str)],
    ) -> Result<LoadCounts, DbError> {
        let operation = "stage orders";
        copy_rows(&mut *transaction, "copy staging_products from stdin", products.iter().zip(0..), |((id, name), number), line| {
            line.value(*number).optional(*id).text(name);
        })
        .await
        .in_table(TABLE, operation)?;
        let lines: i64 = sqlx::query_scalar("select coalesce(max(ordinal) + 1, 0) from staging_order_lines")
            .fetch_one(&mut *transaction)
            .await
            .in_table(TABLE, operation)?;
        if lines.unsigned_abs() > MOST_LINES {
            let reason = format!("{lines} order lines in one load are more than {MOST_LINES}");
            return Err(DbError::Refused { table: TABLE, operation, reason, hint: "split the file by days" });
        }
        store_staged_orders(transaction, load).await
    }
}

/// [`OrderLoad`] for lines that are in memory. `products` are id and name in the order of their numbers. All or nothing.
pub async fn copy_orders<'a>(
    connection: &mut PgConnection,
    load: DailyLoad<'_>,
    products: &[(Option<Uuid>, &str)],
    lines: impl Iterator<Item = OrderLine<'a>>,
) -> Result<LoadCounts, DbError> {
    let operation = "load orders";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    let mut copy = OrderLoad::begin(&mut transaction).await?;
    let mut text = OrderLines::default();
    for line in lines {
        text.push(&line);
        if let Some(piece) = text.piece(FLUSH_BYTES) {
            copy.send(piece.into_bytes()).await.in_table(TABLE, operation)?;
        }
    }
    if let Some(piece) = text.piece(0) {
        copy.send(piece.into_bytes()).await.in_table(TABLE, operation)?;
    }
    copy.finish().await.in_table(TABLE, operation)?;
    let counts = OrderLoad::store(&mut transaction, load, products).await?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(counts)
}

/// Loads and totals of one source take turns; each sees what the others have stored.
async fn take_turn(transaction: &mut PgConnection, load: DailyLoad<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('orders:' || $1::uuid::text || ':' || $2::text, 0))",
        load.store_id,
        load.source,
    )
    .execute(transaction)
    .await
    .in_table(TABLE, "wait for other loads")?;
    Ok(())
}

async fn store_staged_orders(transaction: &mut PgConnection, load: DailyLoad<'_>) -> Result<LoadCounts, DbError> {
    let operation = "store staged orders";
    take_turn(transaction, load).await?;
    // Millions of orders are grouped and joined: that wants more memory than a short statement gets by default.
    sqlx::raw_sql("analyze staging_order_lines; analyze staging_products; set local work_mem = '192MB'")
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    sqlx::query(include_str!("judge_orders.sql"))
        .bind(load.store_id)
        .bind(load.source)
        .bind(id_prefix())
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    sqlx::raw_sql("analyze staging_orders").execute(&mut *transaction).await.in_table(TABLE, operation)?;
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
        .bind(id_prefix())
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

/// The first and the last day that corrected orders of the load before have left for another, in the same transaction: their totals are
/// to be made anew as well.
pub async fn days_left(transaction: &mut PgConnection) -> Result<Option<(NaiveDate, NaiveDate)>, DbError> {
    let (first, last): (Option<NaiveDate>, Option<NaiveDate>) =
        sqlx::query_as("select min(was_on), max(was_on) from staging_orders where verdict = 'corrected' and was_on <> business_date")
            .fetch_one(transaction)
            .await
            .in_table(TABLE, "find the days that orders have left")?;
    Ok(first.zip(last))
}

/// A version-7 id without its last 32 bits.
fn id_prefix() -> String {
    let mut id = Uuid::now_v7().to_string();
    id.truncate(28);
    id
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
    // No total may be made beside a load whose orders it does not see yet.
    take_turn(&mut transaction, load).await?;
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

/// Sources that have told of orders of a store on the days [`first`, `last`].
pub async fn order_sources(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(
        "select distinct source from orders where store_id = $1 and business_date between $2 and $3 order by source",
        store_id,
        first,
        last,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list the sources of orders")
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

/// What its payment needs to know of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderToPay {
    pub store_id: Uuid,
    pub status: String,
    /// Rupiah; `None` where no prices are known.
    pub total_amount: Option<i64>,
}

/// Nobody else changes the order, or begins a payment of it, until the end of the transaction; `None` if it does not exist for whoever
/// asks.
pub async fn lock_order(transaction: &mut PgConnection, id: Uuid) -> Result<Option<OrderToPay>, DbError> {
    sqlx::query_as!(OrderToPay, "select store_id, status, total_amount from orders where id = $1 for update", id)
        .fetch_optional(transaction)
        .await
        .in_table(TABLE, "lock an order")
}

/// An order that waits for its money has it.
pub async fn pay_order(executor: impl PgExecutor<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("update orders set status = 'paid' where id = $1 and status = 'pending'", id)
        .execute(executor)
        .await
        .in_table(TABLE, "mark an order as paid")?;
    Ok(())
}

/// The whole money went back: the order counts as sold no more, which nobody could know before `now`.
pub async fn refund_order(executor: impl PgExecutor<'_>, id: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update orders set status = 'refunded', available_at = greatest(available_at, $2) where id = $1", id, now)
        .execute(executor)
        .await
        .in_table(TABLE, "mark an order as refunded")?;
    Ok(())
}
