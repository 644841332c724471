//! What a store buys, or makes for its own recipes.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct NewIngredient {
    pub name: String,
    pub unit: String,
    /// What one pack holds, in `unit`.
    pub pack_size: f64,
    /// Rupiah a pack; `None` where it is made in the store.
    pub pack_price: Option<i64>,
    pub shelf_life_days: i32,
    /// The market price it follows, by the source's own name.
    pub commodity: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IngredientRow {
    pub id: Uuid,
    pub name: String,
    pub unit: String,
    pub pack_size: f64,
    pub pack_price: Option<i64>,
    pub shelf_life_days: i32,
    pub commodity: Option<String>,
}

/// Creates or updates ingredients by name and returns their ids. A `None` leaves the stored value as it is.
pub async fn upsert_ingredients(
    connection: &mut PgConnection,
    store_id: Uuid,
    ingredients: &[NewIngredient],
) -> Result<BTreeMap<String, Uuid>, DbError> {
    let rows = sqlx::query!(
        "insert into ingredient_catalog (id, store_id, name, unit, pack_size, pack_price, shelf_life_days, commodity)
         select new.id, $1, new.name, new.unit, new.pack_size::numeric(14,3), new.pack_price, new.shelf_life_days, new.commodity
         from unnest($2::uuid[], $3::text[], $4::text[], $5::float8[], $6::bigint[], $7::integer[], $8::text[])
             as new (id, name, unit, pack_size, pack_price, shelf_life_days, commodity)
         on conflict on constraint ingredient_name_is_taken_in_store do update
         set unit = excluded.unit,
             pack_size = excluded.pack_size,
             pack_price = coalesce(excluded.pack_price, ingredient_catalog.pack_price),
             shelf_life_days = excluded.shelf_life_days,
             commodity = coalesce(excluded.commodity, ingredient_catalog.commodity)
         returning id, name",
        store_id,
        &ingredients.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &ingredients.iter().map(|new| new.name.clone()).collect::<Vec<_>>(),
        &ingredients.iter().map(|new| new.unit.clone()).collect::<Vec<_>>(),
        &ingredients.iter().map(|new| new.pack_size).collect::<Vec<_>>(),
        &ingredients.iter().map(|new| new.pack_price).collect::<Vec<_>>() as &[Option<i64>],
        &ingredients.iter().map(|new| new.shelf_life_days).collect::<Vec<_>>(),
        &ingredients.iter().map(|new| new.commodity.clone()).collect::<Vec<_>>() as &[Option<String>],
    )
    .fetch_all(connection)
    .await
    .in_table("ingredient_catalog", "create or update ingredients")?;
    Ok(rows.into_iter().map(|row| (row.name, row.id)).collect())
}

/// Every ingredient of a store by name.
pub async fn list_ingredients(executor: impl PgExecutor<'_>, store_id: Uuid) -> Result<Vec<IngredientRow>, DbError> {
    sqlx::query_as!(
        IngredientRow,
        r#"select id, name, unit, pack_size::float8 as "pack_size!", pack_price, shelf_life_days, commodity
           from ingredient_catalog
           where store_id = $1
           order by name"#,
        store_id,
    )
    .fetch_all(executor)
    .await
    .in_table("ingredient_catalog", "list ingredients")
}

/// An ingredient as its owner decides it.
#[derive(Debug, Clone, PartialEq)]
pub struct IngredientEntry {
    pub id: Uuid,
    pub name: String,
    pub category_id: Option<Uuid>,
    pub unit: String,
    pub description: Option<String>,
    pub pack_size: f64,
    pub pack_price: Option<i64>,
    pub shelf_life_days: i32,
    pub commodity: Option<String>,
}

/// The first `limit` ingredients whose names come after `after`, by name.
pub async fn page_ingredients(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<IngredientEntry>, DbError> {
    sqlx::query_as!(
        IngredientEntry,
        r#"select id, name, category_id, unit, description, pack_size::float8 as "pack_size!", pack_price, shelf_life_days, commodity
           from ingredient_catalog
           where store_id = $1 and ($2::text is null or name > $2)
           order by name
           limit $3"#,
        store_id,
        after,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("ingredient_catalog", "list ingredients")
}

/// Those of the ingredients of a store that have one of these ids.
pub async fn find_ingredients(executor: impl PgExecutor<'_>, store_id: Uuid, ids: &[Uuid]) -> Result<Vec<IngredientEntry>, DbError> {
    sqlx::query_as!(
        IngredientEntry,
        r#"select id, name, category_id, unit, description, pack_size::float8 as "pack_size!", pack_price, shelf_life_days, commodity
           from ingredient_catalog
           where store_id = $1 and id = any ($2)"#,
        store_id,
        ids,
    )
    .fetch_all(executor)
    .await
    .in_table("ingredient_catalog", "find ingredients")
}

pub async fn insert_ingredient(executor: impl PgExecutor<'_>, store_id: Uuid, new: &IngredientEntry) -> Result<(), DbError> {
    sqlx::query!(
        "insert into ingredient_catalog
             (id, store_id, name, category_id, unit, description, pack_size, pack_price, shelf_life_days, commodity)
         values ($1, $2, $3, $4, $5, $6, $7::float8::numeric(14,3), $8, $9, $10)",
        new.id,
        store_id,
        new.name,
        new.category_id,
        new.unit,
        new.description,
        new.pack_size,
        new.pack_price,
        new.shelf_life_days,
        new.commodity,
    )
    .execute(executor)
    .await
    .in_table("ingredient_catalog", "create an ingredient")?;
    Ok(())
}

pub async fn update_ingredient(executor: impl PgExecutor<'_>, store_id: Uuid, changed: &IngredientEntry) -> Result<(), DbError> {
    sqlx::query!(
        "update ingredient_catalog
         set name = $3, category_id = $4, unit = $5, description = $6, pack_size = $7::float8::numeric(14,3), pack_price = $8,
             shelf_life_days = $9, commodity = $10
         where store_id = $1 and id = $2",
        store_id,
        changed.id,
        changed.name,
        changed.category_id,
        changed.unit,
        changed.description,
        changed.pack_size,
        changed.pack_price,
        changed.shelf_life_days,
        changed.commodity,
    )
    .execute(executor)
    .await
    .in_table("ingredient_catalog", "change an ingredient")?;
    Ok(())
}

/// Units in which recipes measure an ingredient, or say how much of it they make.
pub async fn units_of_ingredient(executor: impl PgExecutor<'_>, store_id: Uuid, id: Uuid) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(
        r#"select unit as "unit!" from recipe_items where store_id = $1 and ingredient_id = $2
           union
           select yield_unit from recipes where store_id = $1 and ingredient_id = $2"#,
        store_id,
        id,
    )
    .fetch_all(executor)
    .await
    .in_table("recipe_items", "list the units of an ingredient")
}

/// Removes an ingredient and the recipe that makes it. One that was counted or thrown away is kept: false. One that a recipe uses
/// breaks `recipe_item_ingredient_is_of_same_store`.
pub async fn delete_ingredient(executor: impl PgExecutor<'_>, store_id: Uuid, id: Uuid) -> Result<bool, DbError> {
    sqlx::query!(
        "delete from ingredient_catalog
         where store_id = $1 and id = $2
           and not exists (select from stock_counts where store_id = $1 and ingredient_id = $2)
           and not exists (select from waste_log where store_id = $1 and ingredient_id = $2)",
        store_id,
        id,
    )
    .execute(executor)
    .await
    .in_table("ingredient_catalog", "remove an ingredient")
    .map(|done| done.rows_affected() == 1)
}
