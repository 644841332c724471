//! What was thrown away.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct Waste {
    pub id: Uuid,
    pub product_id: Option<Uuid>,
    pub ingredient_id: Option<Uuid>,
    /// Name of the product or ingredient.
    pub item: String,
    /// In the unit of the product or ingredient.
    pub quantity: f64,
    /// unsold, spoiled, kitchen, returned or other.
    pub reason: String,
    pub note: Option<String>,
    pub business_date: NaiveDate,
    pub recorded_at: DateTime<Utc>,
}

/// Stores one entry; its `item` is looked up, not stored.
pub async fn insert_waste(executor: impl PgExecutor<'_>, store_id: Uuid, waste: &Waste) -> Result<(), DbError> {
    sqlx::query!(
        "insert into waste_log (id, store_id, product_id, ingredient_id, quantity, reason, note, business_date, recorded_at)
         values ($1, $2, $3, $4, $5::float8::numeric(14,3), $6, $7, $8, $9)",
        waste.id,
        store_id,
        waste.product_id,
        waste.ingredient_id,
        waste.quantity,
        waste.reason,
        waste.note,
        waste.business_date,
        waste.recorded_at,
    )
    .execute(executor)
    .await
    .in_table("waste_log", "store waste")?;
    Ok(())
}

/// Waste of the business days [`first`, `last`], newest first.
pub async fn list_waste(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    limit: i64,
) -> Result<Vec<Waste>, DbError> {
    sqlx::query_as!(
        Waste,
        r#"select w.id, w.product_id, w.ingredient_id, coalesce(p.name, i.name) as "item!", w.quantity::float8 as "quantity!",
                  w.reason, w.note, w.business_date, w.recorded_at
           from waste_log w
           left join products p on p.id = w.product_id
           left join ingredient_catalog i on i.id = w.ingredient_id
           where w.store_id = $1 and w.business_date between $2 and $3
           order by w.recorded_at desc, w.id desc
           limit $4"#,
        store_id,
        first,
        last,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("waste_log", "list waste")
}

/// False where the store has no such entry.
pub async fn delete_waste(executor: impl PgExecutor<'_>, store_id: Uuid, id: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query!("delete from waste_log where store_id = $1 and id = $2", store_id, id)
        .execute(executor)
        .await
        .in_table("waste_log", "delete waste")?;
    Ok(done.rows_affected() == 1)
}
