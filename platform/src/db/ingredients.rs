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
