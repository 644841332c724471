//! What lay on the shelf when somebody counted.

use chrono::{DateTime, NaiveDate, Utc};
use domain::time::Night;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// One count of one product or one ingredient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StockCountRow {
    pub product_id: Option<Uuid>,
    pub ingredient_id: Option<Uuid>,
    pub counted_at: DateTime<Utc>,
    pub business_date: NaiveDate,
    /// In the unit of the product or ingredient.
    pub quantity: f64,
}

/// Stores counts made at one moment of the business day (open, during or close), and told then.
pub async fn insert_stock_counts(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    moment: &str,
    counts: &[StockCountRow],
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "insert into stock_counts (store_id, moment, product_id, ingredient_id, counted_at, recorded_at, business_date, quantity)
         select $1, $2, new.product_id, new.ingredient_id, new.counted_at, new.counted_at, new.business_date, new.quantity::numeric(14,3)
         from unnest($3::uuid[], $4::uuid[], $5::timestamptz[], $6::date[], $7::float8[])
             as new (product_id, ingredient_id, counted_at, business_date, quantity)",
        store_id,
        moment,
        &counts.iter().map(|count| count.product_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &counts.iter().map(|count| count.ingredient_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &counts.iter().map(|count| count.counted_at).collect::<Vec<_>>(),
        &counts.iter().map(|count| count.business_date).collect::<Vec<_>>(),
        &counts.iter().map(|count| count.quantity).collect::<Vec<_>>(),
    )
    .execute(executor)
    .await
    .in_table("stock_counts", "store stock counts")?;
    Ok(done.rows_affected())
}

/// The last count of each thing that says what a night's day begins with: what a purchase list starts from. It was told by the night's cutoff, and
/// made by 03:30 or before the doors opened: whoever asks anew at noon has used a part since, which the whole day's list asks for too.
pub async fn latest_stock_counts(executor: impl PgExecutor<'_>, store_id: Uuid, night: Night) -> Result<Vec<StockCountRow>, DbError> {
    sqlx::query_as!(
        StockCountRow,
        r#"select distinct on (product_id, ingredient_id)
                  product_id, ingredient_id, counted_at, business_date, quantity::float8 as "quantity!"
           from stock_counts
           where store_id = $1 and recorded_at <= $2 and counted_at <= $2
               and (counted_at <= $3 or moment = 'open' and business_date <= $4)
           order by product_id, ingredient_id, counted_at desc, id desc"#,
        store_id,
        night.cutoff(),
        night.scheduled_cutoff(),
        night.date,
    )
    .fetch_all(executor)
    .await
    .in_table("stock_counts", "read the latest stock counts")
}

/// A count as somebody made it.
#[derive(Debug, Clone, PartialEq)]
pub struct StockCount {
    pub id: Uuid,
    pub product_id: Option<Uuid>,
    pub ingredient_id: Option<Uuid>,
    /// Name of the product or ingredient.
    pub item: String,
    /// open, during or close.
    pub moment: String,
    /// In the unit of the product or ingredient.
    pub quantity: f64,
    pub note: Option<String>,
    pub counted_at: DateTime<Utc>,
    pub business_date: NaiveDate,
}

/// Stores one; its `item` is looked up, not stored.
pub async fn insert_stock_count(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    count: &StockCount,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into stock_counts (id, store_id, product_id, ingredient_id, moment, quantity, note, counted_at, business_date, recorded_at)
         values ($1, $2, $3, $4, $5, $6::float8::numeric(14,3), $7, $8, $9, $10)",
        count.id,
        store_id,
        count.product_id,
        count.ingredient_id,
        count.moment,
        count.quantity,
        count.note,
        count.counted_at,
        count.business_date,
        now,
    )
    .execute(executor)
    .await
    .in_table("stock_counts", "store a stock count")?;
    Ok(())
}

/// Counts of the business days [`first`, `last`], newest first.
pub async fn list_stock_counts(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    limit: i64,
) -> Result<Vec<StockCount>, DbError> {
    sqlx::query_as!(
        StockCount,
        r#"select c.id, c.product_id, c.ingredient_id, coalesce(p.name, i.name) as "item!", c.moment,
                  c.quantity::float8 as "quantity!", c.note, c.counted_at, c.business_date
           from stock_counts c
           left join products p on p.id = c.product_id
           left join ingredient_catalog i on i.id = c.ingredient_id
           where c.store_id = $1 and c.business_date between $2 and $3
           order by c.counted_at desc, c.id desc
           limit $4"#,
        store_id,
        first,
        last,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("stock_counts", "list stock counts")
}
