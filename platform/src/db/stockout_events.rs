//! When a product was gone before the day was over.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockoutRow {
    pub product_id: Uuid,
    pub business_date: NaiveDate,
    pub sold_out_at: DateTime<Utc>,
    pub restocked_at: Option<DateTime<Utc>>,
    pub available_at: DateTime<Utc>,
}

/// Stores sold-out events and returns how many were new; the same product at the same instant is the same event.
pub async fn insert_stockouts(executor: impl PgExecutor<'_>, store_id: Uuid, source: &str, events: &[StockoutRow]) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "insert into stockout_events (store_id, source, product_id, business_date, sold_out_at, restocked_at, available_at)
         select $1, $2, new.*
         from unnest($3::uuid[], $4::date[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[]) as new
         on conflict on constraint product_sells_out_once_at_a_time do nothing",
        store_id,
        source,
        &events.iter().map(|event| event.product_id).collect::<Vec<_>>(),
        &events.iter().map(|event| event.business_date).collect::<Vec<_>>(),
        &events.iter().map(|event| event.sold_out_at).collect::<Vec<_>>(),
        &events.iter().map(|event| event.restocked_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &events.iter().map(|event| event.available_at).collect::<Vec<_>>(),
    )
    .execute(executor)
    .await
    .in_table("stockout_events", "store sold-out events")?;
    Ok(done.rows_affected())
}

/// Events of the business days [`first`, `last`] that were known by `available_until`, by product and time.
pub async fn list_stockouts(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<StockoutRow>, DbError> {
    sqlx::query_as!(
        StockoutRow,
        "select product_id, business_date, sold_out_at, restocked_at, available_at
         from stockout_events
         where store_id = $1 and business_date between $2 and $3 and available_at <= $4
         order by product_id, sold_out_at",
        store_id,
        first,
        last,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table("stockout_events", "list sold-out events")
}

/// Waits for others who say that this product is sold out or back; false where the store has no such product. To be used in a
/// transaction.
pub async fn lock_product(executor: impl PgExecutor<'_>, store_id: Uuid, product_id: Uuid) -> Result<bool, DbError> {
    let found = sqlx::query!("select id from products where store_id = $1 and id = $2 for no key update", store_id, product_id)
        .fetch_optional(executor)
        .await
        .in_table("products", "lock a product")?;
    Ok(found.is_some())
}

/// The event of this business day that nobody has ended yet: a new day begins with what was made for it.
pub async fn open_stockout(
    executor: impl PgExecutor<'_>,
    product_id: Uuid,
    business_date: NaiveDate,
) -> Result<Option<StockoutRow>, DbError> {
    sqlx::query_as!(
        StockoutRow,
        "select product_id, business_date, sold_out_at, restocked_at, available_at
         from stockout_events
         where product_id = $1 and business_date = $2 and restocked_at is null
         order by sold_out_at desc
         limit 1",
        product_id,
        business_date,
    )
    .fetch_optional(executor)
    .await
    .in_table("stockout_events", "find an open sold-out event")
}

/// The product is back: ends the open events of this business day and says how many those were.
pub async fn end_stockouts(
    executor: impl PgExecutor<'_>,
    product_id: Uuid,
    business_date: NaiveDate,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "update stockout_events set restocked_at = greatest($3, sold_out_at + interval '1 microsecond')
         where product_id = $1 and business_date = $2 and restocked_at is null",
        product_id,
        business_date,
        now,
    )
    .execute(executor)
    .await
    .in_table("stockout_events", "end sold-out events")?;
    Ok(done.rows_affected())
}
