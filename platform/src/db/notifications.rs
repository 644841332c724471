//! News for people, told once each.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// News of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct News<'a> {
    pub store_id: Uuid,
    /// As in `plan_published`.
    pub kind: &'a str,
    pub title: &'a str,
    pub body: &'a str,
    pub data: serde_json::Value,
    /// The same key is the same news: told again in other words it takes the place of the earlier, and is unread again.
    pub unique_key: &'a str,
}

/// Tells every member of the store. Answers how many heard something new.
pub async fn tell_members(executor: impl PgExecutor<'_>, news: &News<'_>) -> Result<u64, DbError> {
    sqlx::query!(
        "insert into notifications as known (store_id, user_id, kind, title, body, data, unique_key)
         select $1, user_id, $2, $3, $4, $5, $6 from store_members where store_id = $1
         on conflict (user_id, unique_key) do update
         set title = excluded.title, body = excluded.body, data = excluded.data, read_at = null
         where known.body <> excluded.body",
        news.store_id,
        news.kind,
        news.title,
        news.body,
        news.data,
        news.unique_key,
    )
    .execute(executor)
    .await
    .in_table("notifications", "tell the members of a store")
    .map(|done| done.rows_affected())
}

/// News that has not gone out by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmailedNews {
    pub id: Uuid,
    pub email: String,
    pub title: String,
    pub body: String,
}

/// Who of a store has not been mailed this news.
pub async fn unmailed_news(executor: impl PgExecutor<'_>, store_id: Uuid, unique_key: &str) -> Result<Vec<UnmailedNews>, DbError> {
    sqlx::query_as!(
        UnmailedNews,
        "select n.id, u.email, n.title, n.body
         from notifications n
         join users u on u.id = n.user_id
         where n.store_id = $1 and n.unique_key = $2 and n.mailed_at is null
         order by n.id",
        store_id,
        unique_key,
    )
    .fetch_all(executor)
    .await
    .in_table("notifications", "find news to mail")
}

/// Remembers that news went out.
pub async fn mark_mailed(executor: impl PgExecutor<'_>, id: Uuid, at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update notifications set mailed_at = $2 where id = $1", id, at)
        .execute(executor)
        .await
        .in_table("notifications", "note that news went out")?;
    Ok(())
}
