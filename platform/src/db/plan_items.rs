//! What to prepare and what to buy.

use chrono::NaiveDate;
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct PlanItemRow {
    pub business_date: NaiveDate,
    /// prep, kitchen (made on the way to the products) or purchase.
    pub kind: String,
    /// all, morning, midday or evening.
    pub part_of_day: String,
    pub product_id: Option<Uuid>,
    pub ingredient_id: Option<Uuid>,
    pub item: String,
    pub unit: String,
    /// What is expected to be used or sold, in `unit`, and its range.
    pub need: f64,
    pub low: f64,
    pub high: f64,
    /// What to make or buy: whole batches or packs, in `unit`.
    pub quantity: f64,
    /// How many batches or packs that is.
    pub pieces: i32,
    /// Rupiah.
    pub cost: Option<i64>,
    pub reason: Option<String>,
}

const TABLE: &str = "plan_items";

/// Replaces the whole plan of a run. All or nothing.
pub async fn replace_plan_items(connection: &mut PgConnection, run_id: Uuid, store_id: Uuid, items: &[PlanItemRow]) -> Result<(), DbError> {
    let operation = "store a plan";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    sqlx::query!("delete from plan_items where run_id = $1", run_id).execute(&mut *transaction).await.in_table(TABLE, operation)?;
    sqlx::query_file!(
        "src/db/insert_plan_items.sql",
        run_id,
        store_id,
        &items.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &items.iter().map(|item| item.business_date).collect::<Vec<_>>(),
        &items.iter().map(|item| item.kind.clone()).collect::<Vec<_>>(),
        &items.iter().map(|item| item.part_of_day.clone()).collect::<Vec<_>>(),
        &items.iter().map(|item| item.product_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &items.iter().map(|item| item.ingredient_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &items.iter().map(|item| item.item.clone()).collect::<Vec<_>>(),
        &items.iter().map(|item| item.unit.clone()).collect::<Vec<_>>(),
        &items.iter().map(|item| item.need).collect::<Vec<_>>(),
        &items.iter().map(|item| item.low).collect::<Vec<_>>(),
        &items.iter().map(|item| item.high).collect::<Vec<_>>(),
        &items.iter().map(|item| item.quantity).collect::<Vec<_>>(),
        &items.iter().map(|item| item.pieces).collect::<Vec<_>>(),
        &items.iter().map(|item| item.cost).collect::<Vec<_>>() as &[Option<i64>],
        &items.iter().map(|item| item.reason.clone()).collect::<Vec<_>>() as &[Option<String>],
    )
    .execute(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    transaction.commit().await.in_table(TABLE, operation)
}

/// The published plan of a store for one business day: preparation first, then purchases, in the order they were planned.
pub async fn published_plan(executor: impl PgExecutor<'_>, store_id: Uuid, business_date: NaiveDate) -> Result<Vec<PlanItemRow>, DbError> {
    sqlx::query_as!(
        PlanItemRow,
        r#"select i.business_date, i.kind, i.part_of_day, i.product_id, i.ingredient_id, i.item, i.unit, i.need, i.low, i.high,
                  i.quantity::float8 as "quantity!", i.pieces, i.cost, i.reason
           from published_runs p
           join plan_items i on i.run_id = p.run_id
           where p.store_id = $1 and i.store_id = $1 and i.business_date = $2
           order by array_position(array['prep', 'kitchen', 'purchase'], i.kind), i.id"#,
        store_id,
        business_date,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "read the published plan")
}
