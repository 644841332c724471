//! Numbers that a person has put in the place of a forecast.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::plan::{Outcome, Score};
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
        "insert into overrides (id, store_id, product_id, target_date, quantity, reason, user_id, run_id, model_quantity, created_at)
         values ($1, $2, $3, $4, $5::float8::numeric(14,3), $6, $7, $8, $9, $10)",
        id,
        store_id,
        new.product_id,
        new.target_date,
        new.quantity,
        new.reason,
        new.user_id,
        new.run_id,
        new.model_quantity,
        now,
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

/// Nobody else changes the store's overrides until the end of the transaction, and no plan is made of them: a plan is made of all or
/// of none of the changes of each other transaction. Whoever moves the store's pointer too takes [`super::published_runs::lock_pointer`] first.
pub async fn lock_overrides(transaction: &mut PgConnection, store_id: Uuid) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('overrides:' || $1::uuid::text, 0))", store_id)
        .execute(transaction)
        .await
        .in_table(TABLE, "wait for other changes of overrides")?;
    Ok(())
}

/// Takes back the number of a product for a day. False where there is none in force.
pub async fn revoke_override(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    product_id: Uuid,
    target_date: NaiveDate,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update overrides set revoked_at = $4
         where store_id = $1 and product_id = $2 and target_date = $3 and revoked_at is null",
        store_id,
        product_id,
        target_date,
        now,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "revoke an override")?;
    Ok(done.rows_affected() == 1)
}

/// An override in force, with the names that people know.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedOverride {
    pub id: Uuid,
    pub product_id: Uuid,
    pub product: String,
    pub unit: String,
    pub target_date: NaiveDate,
    pub quantity: f64,
    pub reason: String,
    pub user_id: Option<Uuid>,
    pub user_name: Option<String>,
    pub run_id: Option<Uuid>,
    pub model_quantity: Option<f64>,
    pub created_at: DateTime<Utc>,
}

/// Overrides in force for the days [`first`, `last`], by day and product name; of one product or of all.
pub async fn named_overrides(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    product_id: Option<Uuid>,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<NamedOverride>, DbError> {
    sqlx::query_as!(
        NamedOverride,
        r#"select o.id, o.product_id, p.name as product, p.unit, o.target_date, o.quantity::float8 as "quantity!", o.reason, o.user_id,
                  u.name as "user_name?", o.run_id, o.model_quantity, o.created_at
           from overrides o
           join products p on p.store_id = o.store_id and p.id = o.product_id
           left join users u on u.id = o.user_id
           where o.store_id = $1 and ($2::uuid is null or o.product_id = $2) and o.target_date between $3 and $4 and o.revoked_at is null
           order by o.target_date, p.name"#,
        store_id,
        product_id,
        first,
        last,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list overrides")
}

/// An override beside what was sold on its day.
#[derive(Debug, Clone, PartialEq)]
pub struct OverrideOutcome {
    pub id: Uuid,
    pub product_id: Uuid,
    pub product: String,
    pub unit: String,
    pub target_date: NaiveDate,
    pub quantity: f64,
    pub reason: String,
    pub user_id: Option<Uuid>,
    pub user_name: Option<String>,
    pub model_quantity: Option<f64>,
    /// Units sold: 0 on a day on which the store sold other things only; `None` where no sale of that day is known.
    pub actual: Option<f64>,
    /// It ran out: demand was at least `actual`.
    pub is_sold_out: bool,
}

/// Overrides that were in force on the days [`first`, `last`], with what was known by `known_until` of the sales that count, by day and
/// product name. The days must be over.
pub async fn override_outcomes(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    known_until: DateTime<Utc>,
) -> Result<Vec<OverrideOutcome>, DbError> {
    sqlx::query_file_as!(OverrideOutcome, "src/db/override_outcomes.sql", store_id, first, last, known_until)
        .fetch_all(executor)
        .await
        .in_table(TABLE, "hold overrides against sales")
}

impl OverrideOutcome {
    /// As it is scored; `None` where nobody knows who was nearer: not told yet, sold out, or the model had no number.
    #[must_use]
    pub fn scored(&self) -> Option<Outcome> {
        let (model, actual) = (self.model_quantity?, self.actual?);
        (!self.is_sold_out).then_some(Outcome { quantity: self.quantity, model, actual })
    }
}

/// How much each person's next number weighs. Whoever is not among them has full trust.
#[must_use]
pub fn trusts(outcomes: &[OverrideOutcome]) -> HashMap<Option<Uuid>, f64> {
    let mut scores: HashMap<Option<Uuid>, Score> = HashMap::new();
    for (user, outcome) in outcomes.iter().filter_map(|row| Some((row.user_id, row.scored()?))) {
        scores.entry(user).or_default().add(outcome);
    }
    scores.into_iter().map(|(user, score)| (user, score.trust())).collect()
}
