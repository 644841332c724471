//! What a store sells.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct NewProduct {
    pub name: String,
    pub category: Option<String>,
    pub unit: String,
    /// Rupiah.
    pub price: Option<i64>,
    /// Made in multiples of it, in `unit`.
    pub batch_size: f64,
    /// 0: sold on the day it is made.
    pub shelf_life_days: i32,
    pub first_sold_on: Option<NaiveDate>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProductRow {
    pub id: Uuid,
    pub name: String,
    pub category: Option<String>,
    pub unit: String,
    pub price: Option<i64>,
    pub batch_size: f64,
    pub shelf_life_days: i32,
    pub is_active: bool,
    pub first_sold_on: Option<NaiveDate>,
}

/// Creates the products, or updates those whose name the store already has, and returns every id by name. What is `None`
/// leaves the stored value as it is. Categories are created as they are met.
pub async fn upsert_products(
    connection: &mut PgConnection,
    store_id: Uuid,
    products: &[NewProduct],
) -> Result<BTreeMap<String, Uuid>, DbError> {
    ensure_categories(connection, store_id, products.iter().filter_map(|product| product.category.clone())).await?;
    let rows = sqlx::query_file!(
        "src/db/upsert_products.sql",
        store_id,
        &products.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &products.iter().map(|product| product.name.clone()).collect::<Vec<_>>(),
        &products.iter().map(|product| product.category.clone()).collect::<Vec<_>>() as &[Option<String>],
        &products.iter().map(|product| product.unit.clone()).collect::<Vec<_>>(),
        &products.iter().map(|product| product.price).collect::<Vec<_>>() as &[Option<i64>],
        &products.iter().map(|product| product.batch_size).collect::<Vec<_>>(),
        &products.iter().map(|product| product.shelf_life_days).collect::<Vec<_>>(),
        &products.iter().map(|product| product.first_sold_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
    )
    .fetch_all(connection)
    .await
    .in_table("products", "create or update products")?;
    Ok(rows.into_iter().map(|row| (row.name, row.id)).collect())
}

/// Ids by name, creating what the store does not have yet with the given unit. Known products stay as they are: this is how
/// a sales file brings new ones.
pub async fn ensure_products(
    connection: &mut PgConnection,
    store_id: Uuid,
    names: &[String],
    unit: &str,
) -> Result<BTreeMap<String, Uuid>, DbError> {
    sqlx::query!(
        "insert into products (id, store_id, name, unit)
         select new.id, $1, new.name, $4
         from unnest($2::uuid[], $3::text[]) as new (id, name)
         on conflict on constraint product_name_is_taken_in_store do nothing",
        store_id,
        &names.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        names,
        unit,
    )
    .execute(&mut *connection)
    .await
    .in_table("products", "create products")?;
    let rows = sqlx::query!("select id, name from products where store_id = $1 and name = any ($2)", store_id, names,)
        .fetch_all(connection)
        .await
        .in_table("products", "find products by name")?;
    Ok(rows.into_iter().map(|row| (row.name, row.id)).collect())
}

/// Every product of a store by name, inactive ones too.
pub async fn list_products(executor: impl PgExecutor<'_>, store_id: Uuid) -> Result<Vec<ProductRow>, DbError> {
    sqlx::query_as!(
        ProductRow,
        r#"select p.id, p.name, c.name as "category?", p.unit, p.price, p.batch_size::float8 as "batch_size!",
                  p.shelf_life_days, p.is_active, p.first_sold_on
           from products p
           left join categories c on c.id = p.category_id
           where p.store_id = $1
           order by p.name"#,
        store_id,
    )
    .fetch_all(executor)
    .await
    .in_table("products", "list products")
}

async fn ensure_categories(connection: &mut PgConnection, store_id: Uuid, names: impl Iterator<Item = String>) -> Result<(), DbError> {
    let names: Vec<String> = names.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    sqlx::query!(
        "insert into categories (id, store_id, name)
         select new.id, $1, new.name
         from unnest($2::uuid[], $3::text[]) as new (id, name)
         on conflict on constraint category_name_is_taken_in_store do nothing",
        store_id,
        &names.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &names,
    )
    .execute(connection)
    .await
    .in_table("categories", "create categories")?;
    Ok(())
}
