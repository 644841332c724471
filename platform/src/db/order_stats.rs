//! What a store's orders add up to. An order is sold once it is paid or completed; what is pending may still be cancelled.

use chrono::NaiveDate;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// Orders of one business day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOfOrders {
    pub business_date: NaiveDate,
    pub sold: i64,
    pub pending: i64,
    /// Cancelled, or paid back.
    pub undone: i64,
    /// Rupiah of what was sold.
    pub revenue: i64,
    /// Sold orders whose source told no prices: they are not in `revenue`.
    pub unpriced: i64,
}

/// What was sold in one hour of the clock, over all days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourOfOrders {
    /// In the store's own zone.
    pub hour: i32,
    pub sold: i64,
    pub revenue: i64,
}

/// What was sold of one product, over all days.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductOfOrders {
    /// `None`: no product of the catalogue answers to the name.
    pub product_id: Option<Uuid>,
    pub product: String,
    /// In its unit.
    pub quantity: f64,
    /// Orders that it was in.
    pub orders: i64,
    pub revenue: i64,
}

const TABLE: &str = "orders";

/// Days from `first` to `last` that have orders, in their order.
pub async fn days_of_orders(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<DayOfOrders>, DbError> {
    sqlx::query_as!(
        DayOfOrders,
        r#"select business_date,
               count(*) filter (where status in ('paid', 'completed')) as "sold!",
               count(*) filter (where status = 'pending') as "pending!",
               count(*) filter (where status in ('cancelled', 'refunded')) as "undone!",
               coalesce(sum(total_amount) filter (where status in ('paid', 'completed')), 0)::bigint as "revenue!",
               count(*) filter (where status in ('paid', 'completed') and total_amount is null) as "unpriced!"
           from orders
           where store_id = $1 and business_date between $2 and $3
           group by business_date
           order by business_date"#,
        store_id,
        first,
        last,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "add up the days of orders")
}

/// Hours in which something was sold, in their order.
pub async fn hours_of_orders(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<HourOfOrders>, DbError> {
    sqlx::query_as!(
        HourOfOrders,
        r#"select extract(hour from o.order_date at time zone s.time_zone)::int as "hour!", count(*) as "sold!",
               coalesce(sum(o.total_amount), 0)::bigint as "revenue!"
           from orders o
           join stores s on s.id = o.store_id
           where o.store_id = $1 and o.business_date between $2 and $3 and o.status in ('paid', 'completed')
           group by 1
           order by 1"#,
        store_id,
        first,
        last,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "add up the hours of orders")
}

/// The `most` products that brought most rupiah, then most units.
pub async fn products_of_orders(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    most: i64,
) -> Result<Vec<ProductOfOrders>, DbError> {
    sqlx::query_as!(
        ProductOfOrders,
        r#"select i.product_id as "product_id?", coalesce(p.name, i.product_name) as "product!", sum(i.quantity)::float8 as "quantity!",
               count(distinct i.order_id) as "orders!", coalesce(sum(i.total_price), 0)::bigint as "revenue!"
           from orders o
           join order_items i on i.store_id = o.store_id and i.order_id = o.id
           left join products p on p.store_id = i.store_id and p.id = i.product_id
           where o.store_id = $1 and o.business_date between $2 and $3 and o.status in ('paid', 'completed')
           group by 1, 2
           order by 5 desc, 3 desc, 2
           limit $4"#,
        store_id,
        first,
        last,
        most,
    )
    .fetch_all(executor)
    .await
    .in_table("order_items", "add up the products of orders")
}
