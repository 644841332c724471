//! What orders say of those who ordered: a name and a phone, to hand the order over.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// Takes name and phone out of an order. Whatever else it says stays. False where it said neither.
pub async fn forget_customer(executor: impl PgExecutor<'_>, store_id: Uuid, order: Uuid) -> Result<bool, DbError> {
    sqlx::query!(
        "update orders set customer_name = null, customer_phone = null
         where store_id = $1 and id = $2 and num_nonnulls(customer_name, customer_phone) > 0",
        store_id,
        order,
    )
    .execute(executor)
    .await
    .in_table("orders", "forget who ordered")
    .map(|done| done.rows_affected() == 1)
}

/// The same for orders that are older, so many at a time. Answers how many said something.
pub async fn forget_customers(executor: impl PgExecutor<'_>, before: DateTime<Utc>, most: i64) -> Result<u64, DbError> {
    sqlx::query!(
        "update orders set customer_name = null, customer_phone = null
         where id in (
             select id from orders
             where order_date < $1 and num_nonnulls(customer_name, customer_phone) > 0
             order by order_date
             limit $2)",
        before,
        most,
    )
    .execute(executor)
    .await
    .in_table("orders", "forget who ordered")
    .map(|done| done.rows_affected())
}
