//! Orders as our own API takes and shows them.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// Source of orders that are taken one by one.
pub const TAKEN: &str = "orders";
/// Source of orders that another program hands over, many at a time.
pub const HANDED_OVER: &str = "api_bulk";

const TABLE: &str = "orders";

#[derive(Debug, Clone, PartialEq)]
pub struct NewOrder<'a> {
    pub id: Uuid,
    pub store_id: Uuid,
    pub customer_name: Option<&'a str>,
    pub customer_phone: Option<&'a str>,
    pub order_date: DateTime<Utc>,
    pub business_date: NaiveDate,
    pub lines: &'a [OrderLineRow],
    pub now: DateTime<Utc>,
}

/// One line, in the order in which they were said.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderLineRow {
    /// `None`: no product of the catalogue answers to it.
    pub product_id: Option<Uuid>,
    pub product_name: String,
    pub quantity: f64,
    /// Rupiah; `None` where the source tells no prices.
    pub unit_price: Option<i64>,
    pub total_price: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    pub id: Uuid,
    pub source: String,
    pub external_id: String,
    pub customer_name: Option<String>,
    pub customer_phone: Option<String>,
    pub total_amount: Option<i64>,
    pub status: String,
    pub order_date: DateTime<Utc>,
    pub business_date: NaiveDate,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Stores an order that waits for its money. To be used in a transaction.
pub async fn insert_order(transaction: &mut PgConnection, order: &NewOrder<'_>) -> Result<(), DbError> {
    let operation = "take an order";
    sqlx::query!(
        "insert into orders (id, store_id, source, external_id, customer_name, customer_phone, total_amount, order_date,
                             business_date, available_at, recorded_at)
         values ($1, $2, $3, $1::uuid::text, $4, $5, $6, $7, $8, $9, $9)",
        order.id,
        order.store_id,
        TAKEN,
        order.customer_name,
        order.customer_phone,
        order.lines.iter().filter_map(|line| line.total_price).sum::<i64>(),
        order.order_date,
        order.business_date,
        order.now,
    )
    .execute(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    let lines = order.lines;
    sqlx::query!(
        "insert into order_items (id, store_id, order_id, line_number, product_id, product_name, quantity, unit_price, total_price)
         select new.id, $1, $2, new.line_number, new.product_id, new.product_name, new.quantity::numeric(14,3), new.unit_price,
                new.total_price
         from unnest($3::uuid[], $4::uuid[], $5::text[], $6::float8[], $7::bigint[], $8::bigint[]) with ordinality
             as new (id, product_id, product_name, quantity, unit_price, total_price, line_number)",
        order.store_id,
        order.id,
        &lines.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.product_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &lines.iter().map(|line| line.product_name.clone()).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.quantity).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.unit_price).collect::<Vec<_>>() as &[Option<i64>],
        &lines.iter().map(|line| line.total_price).collect::<Vec<_>>() as &[Option<i64>],
    )
    .execute(transaction)
    .await
    .in_table("order_items", operation)?;
    Ok(())
}

/// Which orders of a store are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrderFilter<'a> {
    pub status: Option<&'a str>,
    /// First business day.
    pub from: Option<NaiveDate>,
    /// Last business day.
    pub to: Option<NaiveDate>,
    /// Only those that stand behind this one in the list: time and id.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

/// Orders by time, newest first.
pub async fn list_orders(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    filter: OrderFilter<'_>,
    limit: i64,
) -> Result<Vec<OrderRow>, DbError> {
    let (time, id) = filter.after.unzip();
    sqlx::query_as!(
        OrderRow,
        "select id, source, external_id, customer_name, customer_phone, total_amount, status, order_date, business_date, created_at,
                updated_at
         from orders
         where store_id = $1 and ($2::text is null or status = $2) and ($3::date is null or business_date >= $3)
           and ($4::date is null or business_date <= $4)
           and ($5::timestamptz is null or (order_date, id) < ($5, $6::uuid))
         order by order_date desc, id desc
         limit $7",
        store_id,
        filter.status,
        filter.from,
        filter.to,
        time,
        id,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list orders")
}

/// `None` where the store has no such order.
pub async fn get_order(executor: impl PgExecutor<'_>, store_id: Uuid, id: Uuid) -> Result<Option<OrderRow>, DbError> {
    sqlx::query_as!(
        OrderRow,
        "select id, source, external_id, customer_name, customer_phone, total_amount, status, order_date, business_date, created_at,
                updated_at
         from orders
         where store_id = $1 and id = $2",
        store_id,
        id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "read an order")
}

/// Its lines, in their order.
pub async fn order_lines(executor: impl PgExecutor<'_>, order_id: Uuid) -> Result<Vec<OrderLineRow>, DbError> {
    sqlx::query_as!(
        OrderLineRow,
        r#"select product_id, product_name, quantity::float8 as "quantity!", unit_price, total_price
           from order_items
           where order_id = $1
           order by line_number"#,
        order_id,
    )
    .fetch_all(executor)
    .await
    .in_table("order_items", "read the lines of an order")
}

/// It counts as sold no more, which nobody could know before `now`.
pub async fn cancel_order(executor: impl PgExecutor<'_>, id: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update orders set status = 'cancelled', available_at = greatest(available_at, $2) where id = $1", id, now)
        .execute(executor)
        .await
        .in_table(TABLE, "cancel an order")?;
    Ok(())
}

/// It has been handed over.
pub async fn complete_order(executor: impl PgExecutor<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("update orders set status = 'completed' where id = $1", id)
        .execute(executor)
        .await
        .in_table(TABLE, "complete an order")?;
    Ok(())
}

/// Whether someone may pay it at this moment.
pub async fn is_being_paid(executor: impl PgExecutor<'_>, id: Uuid) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"select exists (select from payments where order_id = $1 and status in ('pending', 'awaiting')) as "is_being_paid!""#,
        id,
    )
    .fetch_one(executor)
    .await
    .in_table("payments", "look for an open payment of an order")
}

/// After [`copy_orders`](super::orders::copy_orders), in the same transaction: orders keep the days that they have left, for whoever adds
/// up later.
pub async fn keep_days_left(transaction: &mut PgConnection) -> Result<(), DbError> {
    sqlx::query(
        "update orders set left_days = left_days || told.was_on
         from staging_orders told
         where told.verdict = 'corrected' and told.was_on <> told.business_date and orders.id = told.id",
    )
    .execute(transaction)
    .await
    .in_table(TABLE, "keep the days that orders have left")?;
    Ok(())
}

/// After [`copy_orders`](super::orders::copy_orders), in the same transaction: the first business day that an order was on before it was told
/// of otherwise; `None` where nothing took the place of anything.
pub async fn first_day_rewritten(transaction: &mut PgConnection) -> Result<Option<NaiveDate>, DbError> {
    // Not checked beforehand: the table lives as long as the transaction.
    sqlx::query_scalar("select min(was_on) from staging_orders where verdict = 'corrected'")
        .fetch_one(transaction)
        .await
        .in_table(TABLE, "see which days are written anew")
}

/// Business days of orders of one source of a store that have changed, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedDays {
    pub store_id: Uuid,
    pub source: String,
    pub first: NaiveDate,
    pub last: NaiveDate,
}

/// The days of those of the API's orders that were made or changed at `since` or later, and the days that they have left.
pub async fn changed_days(executor: impl PgExecutor<'_>, since: DateTime<Utc>) -> Result<Vec<ChangedDays>, DbError> {
    sqlx::query_as!(
        ChangedDays,
        r#"select store_id, source, min(day) as "first!", max(day) as "last!"
           from (select store_id, source, day,
                        day - row_number() over (partition by store_id, source order by day)::integer as island
                 from (select distinct store_id, source, unnest(business_date || left_days) as day
                       from orders
                       where source in ('orders', 'api_bulk') and updated_at >= $1) changed
                ) numbered
           group by store_id, source, island
           order by store_id, source, min(day)"#,
        since,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "find the days of changed orders")
}
