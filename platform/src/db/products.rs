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

/// A product as its owner decides it; what is sold under which category is found by id, not by name.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductEntry {
    pub id: Uuid,
    pub name: String,
    pub category_id: Option<Uuid>,
    pub unit: String,
    pub price: Option<i64>,
    pub batch_size: f64,
    pub shelf_life_days: i32,
    pub is_active: bool,
    pub first_sold_on: Option<NaiveDate>,
}

/// Which products of a store.
#[derive(Debug, Clone, Default)]
pub struct ProductFilter<'a> {
    /// Names that come after this one.
    pub after: Option<&'a str>,
    pub category_id: Option<Uuid>,
    /// Those that are no longer sold too.
    pub with_inactive: bool,
}

/// The first `limit` of the products that are asked for, by name.
pub async fn page_products(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    filter: &ProductFilter<'_>,
    limit: i64,
) -> Result<Vec<ProductEntry>, DbError> {
    sqlx::query_as!(
        ProductEntry,
        r#"select id, name, category_id, unit, price, batch_size::float8 as "batch_size!", shelf_life_days, is_active, first_sold_on
           from products
           where store_id = $1
             and ($2::text is null or name > $2)
             and ($3::uuid is null or category_id = $3)
             and (is_active or $4)
           order by name
           limit $5"#,
        store_id,
        filter.after,
        filter.category_id,
        filter.with_inactive,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("products", "list products")
}

pub async fn find_product(executor: impl PgExecutor<'_>, store_id: Uuid, id: Uuid) -> Result<Option<ProductEntry>, DbError> {
    sqlx::query_as!(
        ProductEntry,
        r#"select id, name, category_id, unit, price, batch_size::float8 as "batch_size!", shelf_life_days, is_active, first_sold_on
           from products
           where store_id = $1 and id = $2"#,
        store_id,
        id,
    )
    .fetch_optional(executor)
    .await
    .in_table("products", "find a product")
}

pub async fn insert_product(executor: impl PgExecutor<'_>, store_id: Uuid, product: &ProductEntry) -> Result<(), DbError> {
    sqlx::query!(
        "insert into products (id, store_id, name, category_id, unit, price, batch_size, shelf_life_days, is_active, first_sold_on)
         values ($1, $2, $3, $4, $5, $6, $7::float8::numeric(14,3), $8, $9, $10)",
        product.id,
        store_id,
        product.name,
        product.category_id,
        product.unit,
        product.price,
        product.batch_size,
        product.shelf_life_days,
        product.is_active,
        product.first_sold_on,
    )
    .execute(executor)
    .await
    .in_table("products", "create a product")?;
    Ok(())
}

pub async fn update_product(executor: impl PgExecutor<'_>, store_id: Uuid, product: &ProductEntry) -> Result<(), DbError> {
    sqlx::query!(
        "update products
         set name = $3, category_id = $4, unit = $5, price = $6, batch_size = $7::float8::numeric(14,3), shelf_life_days = $8,
             is_active = $9, first_sold_on = $10
         where store_id = $1 and id = $2",
        store_id,
        product.id,
        product.name,
        product.category_id,
        product.unit,
        product.price,
        product.batch_size,
        product.shelf_life_days,
        product.is_active,
        product.first_sold_on,
    )
    .execute(executor)
    .await
    .in_table("products", "change a product")?;
    Ok(())
}

/// Removes a product of which nothing is on record, with its recipe; one with a history is no longer sold, and stays. False if
/// there is no such product.
pub async fn delete_product(connection: &mut PgConnection, store_id: Uuid, id: Uuid) -> Result<bool, DbError> {
    let deleted = sqlx::query!(
        "delete from products
         where store_id = $1 and id = $2
           and not exists (select from order_items where store_id = $1 and product_id = $2)
           and not exists (select from sales_daily where store_id = $1 and product_id = $2)
           and not exists (select from stock_counts where store_id = $1 and product_id = $2)
           and not exists (select from stockout_events where store_id = $1 and product_id = $2)
           and not exists (select from waste_log where store_id = $1 and product_id = $2)
           and not exists (select from promos where store_id = $1 and product_id = $2)
           and not exists (select from overrides where store_id = $1 and product_id = $2)",
        store_id,
        id,
    )
    .execute(&mut *connection)
    .await
    .in_table("products", "remove a product")?;
    if deleted.rows_affected() == 1 {
        return Ok(true);
    }
    sqlx::query!("update products set is_active = false where store_id = $1 and id = $2", store_id, id)
        .execute(connection)
        .await
        .in_table("products", "stop selling a product")
        .map(|done| done.rows_affected() == 1)
}
