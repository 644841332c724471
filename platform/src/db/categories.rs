//! How a store sorts what it sells and buys.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "categories";

#[derive(Debug, Clone, PartialEq)]
pub struct CategoryRow {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub parent_id: Option<Uuid>,
}

/// The first `limit` categories whose names come after `after`, by name.
pub async fn page_categories(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<CategoryRow>, DbError> {
    sqlx::query_as!(
        CategoryRow,
        "select id, name, description, parent_id
         from categories
         where store_id = $1 and ($2::text is null or name > $2)
         order by name
         limit $3",
        store_id,
        after,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list categories")
}

pub async fn find_category(executor: impl PgExecutor<'_>, store_id: Uuid, id: Uuid) -> Result<Option<CategoryRow>, DbError> {
    sqlx::query_as!(CategoryRow, "select id, name, description, parent_id from categories where store_id = $1 and id = $2", store_id, id,)
        .fetch_optional(executor)
        .await
        .in_table(TABLE, "find a category")
}

pub async fn insert_category(executor: impl PgExecutor<'_>, store_id: Uuid, category: &CategoryRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into categories (id, store_id, name, description, parent_id) values ($1, $2, $3, $4, $5)",
        category.id,
        store_id,
        category.name,
        category.description,
        category.parent_id,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "create a category")?;
    Ok(())
}

pub async fn update_category(executor: impl PgExecutor<'_>, store_id: Uuid, category: &CategoryRow) -> Result<(), DbError> {
    sqlx::query!(
        "update categories set name = $3, description = $4, parent_id = $5 where store_id = $1 and id = $2",
        store_id,
        category.id,
        category.name,
        category.description,
        category.parent_id,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "change a category")?;
    Ok(())
}

/// Whether a category is `other` or lies inside it, at any depth.
pub async fn is_category_inside(executor: impl PgExecutor<'_>, store_id: Uuid, id: Uuid, other: Uuid) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"with recursive above as (
               select id, parent_id from categories where store_id = $1 and id = $2
               union
               select c.id, c.parent_id from above join categories c on c.store_id = $1 and c.id = above.parent_id
           )
           select exists (select from above where id = $3) as "is_inside!""#,
        store_id,
        id,
        other,
    )
    .fetch_one(executor)
    .await
    .in_table(TABLE, "see where a category lies")
}

/// False if there is no such category. One that something is sorted under is kept by the reference of that.
pub async fn delete_category(executor: impl PgExecutor<'_>, store_id: Uuid, id: Uuid) -> Result<bool, DbError> {
    sqlx::query!("delete from categories where store_id = $1 and id = $2", store_id, id)
        .execute(executor)
        .await
        .in_table(TABLE, "remove a category")
        .map(|done| done.rows_affected() == 1)
}
