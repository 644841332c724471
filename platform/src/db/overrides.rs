//! Numbers that a person has put in the place of a forecast.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct NewOverride {
    pub product_id: Uuid,
    pub target_date: NaiveDate,
    /// In selling units.
    pub quantity: f64,
    pub reason: String,
    pub user_id: Option<Uuid>,
    /// Whose number it replaces, and that number: the two are compared once the day is over.
    pub run_id: Option<Uuid>,
    pub model_quantity: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OverrideRow {
    pub id: Uuid,
    pub product_id: Uuid,
    pub target_date: NaiveDate,
    pub quantity: f64,
    pub reason: String,
    pub user_id: Option<Uuid>,
    pub model_quantity: Option<f64>,
    pub created_at: DateTime<Utc>,
}

const TABLE: &str = "overrides";

/// Sets the number of a product for a day; an earlier one is revoked at `now`.
pub async fn set_override(connection: &mut PgConnection, store_id: Uuid, now: DateTime<Utc>, new: &NewOverride) -> Result<Uuid, DbError> {
    let operation = "set an override";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    sqlx::query!(
        "update overrides set revoked_at = $4
         where store_id = $1 and product_id = $2 and target_date = $3 and revoked_at is null",
        store_id,
        new.product_id,
        new.target_date,
        now,
    )
    .execute(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into overrides (id, store_id, product_id, target_date, quantity, reason, user_id, run_id, model_quantity)
         values ($1, $2, $3, $4, $5::float8::numeric(14,3), $6, $7, $8, $9)",
        id,
        store_id,
        new.product_id,
        new.target_date,
        new.quantity,
        new.reason,
        new.user_id,
        new.run_id,
        new.model_quantity,
    )
    .execute(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(id)
}

/// Overrides in force for the days [`first`, `last`], by day and product.
pub async fn list_overrides(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<OverrideRow>, DbError> {
    sqlx::query_as!(
        OverrideRow,
        r#"select id, product_id, target_date, quantity::float8 as "quantity!", reason, user_id, model_quantity, created_at
           from overrides
           where store_id = $1 and target_date between $2 and $3 and revoked_at is null
           order by target_date, product_id"#,
        store_id,
        first,
        last,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list overrides")
}
