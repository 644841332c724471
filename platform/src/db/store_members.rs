//! Who may act for a store.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "store_members";

#[derive(Debug, Clone)]
pub struct MemberRow {
    pub user_id: Uuid,
    pub email: String,
    pub name: Option<String>,
    pub role: String,
    pub created_at: DateTime<Utc>,
}

/// Members of a store by the time they came.
pub async fn list_members(executor: impl PgExecutor<'_>, store: Uuid) -> Result<Vec<MemberRow>, DbError> {
    sqlx::query_as!(
        MemberRow,
        "select m.user_id, u.email, u.name, m.role, m.created_at
         from store_members m join users u on u.id = m.user_id
         where m.store_id = $1
         order by m.created_at, m.user_id",
        store,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list members")
}

/// Adds someone. Whoever is a member already keeps their role: false.
pub async fn add_member(executor: impl PgExecutor<'_>, store: Uuid, user: Uuid, role: &str) -> Result<bool, DbError> {
    sqlx::query!(
        "insert into store_members (id, store_id, user_id, role) values ($1, $2, $3, $4)
         on conflict on constraint one_membership_per_user_and_store do nothing",
        Uuid::now_v7(),
        store,
        user,
        role,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "add a member")
    .map(|done| done.rows_affected() == 1)
}

/// False if they are no member. Taking the last admin's role away breaks `store_keeps_an_admin` at the commit.
pub async fn change_role(executor: impl PgExecutor<'_>, store: Uuid, user: Uuid, role: &str) -> Result<bool, DbError> {
    sqlx::query!("update store_members set role = $3 where store_id = $1 and user_id = $2", store, user, role)
        .execute(executor)
        .await
        .in_table(TABLE, "change a role")
        .map(|done| done.rows_affected() == 1)
}

/// False if they were no member. Removing the last admin breaks `store_keeps_an_admin` at the commit.
pub async fn remove_member(executor: impl PgExecutor<'_>, store: Uuid, user: Uuid) -> Result<bool, DbError> {
    sqlx::query!("delete from store_members where store_id = $1 and user_id = $2", store, user)
        .execute(executor)
        .await
        .in_table(TABLE, "remove a member")
        .map(|done| done.rows_affected() == 1)
}
