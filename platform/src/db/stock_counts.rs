//! What lay on the shelf when somebody counted.

use chrono::{DateTime, NaiveDate, Utc};
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

/// Stores counts made at one moment of the business day: open, during or close.
pub async fn insert_stock_counts(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    moment: &str,
    counts: &[StockCountRow],
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "insert into stock_counts (store_id, moment, product_id, ingredient_id, counted_at, business_date, quantity)
         select $1, $2, new.product_id, new.ingredient_id, new.counted_at, new.business_date, new.quantity::numeric(14,3)
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

/// The last count of each thing that was made by `until`: what a purchase list starts from.
pub async fn latest_stock_counts(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    until: DateTime<Utc>,
) -> Result<Vec<StockCountRow>, DbError> {
    sqlx::query_as!(
        StockCountRow,
        r#"select distinct on (product_id, ingredient_id)
                  product_id, ingredient_id, counted_at, business_date, quantity::float8 as "quantity!"
           from stock_counts
           where store_id = $1 and counted_at <= $2
           order by product_id, ingredient_id, counted_at desc, id desc"#,
        store_id,
        until,
    )
    .fetch_all(executor)
    .await
    .in_table("stock_counts", "read the latest stock counts")
}
