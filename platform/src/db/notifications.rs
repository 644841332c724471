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

/// Who of a store has not been mailed this news, of those who may come in.
pub async fn unmailed_news(executor: impl PgExecutor<'_>, store_id: Uuid, unique_key: &str) -> Result<Vec<UnmailedNews>, DbError> {
    sqlx::query_as!(
        UnmailedNews,
        "select n.id, u.email, n.title, n.body
         from notifications n
         join users u on u.id = n.user_id
         where n.store_id = $1 and n.unique_key = $2 and n.mailed_at is null and u.disabled_at is null
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

/// News as the person sees it who was told.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationRow {
    pub id: Uuid,
    pub store_id: Option<Uuid>,
    pub kind: String,
    pub title: String,
    pub body: String,
    pub data: serde_json::Value,
    pub read_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// News of a person, newest first, behind a row where one is given.
pub async fn list_notifications(
    executor: impl PgExecutor<'_>,
    user: Uuid,
    is_unread: Option<bool>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<NotificationRow>, DbError> {
    let (created_at, id) = before.unzip();
    sqlx::query_as!(
        NotificationRow,
        "select id, store_id, kind, title, body, data, read_at, created_at
         from notifications
         where user_id = $1 and ($2::boolean is null or (read_at is null) = $2)
           and ($3::timestamptz is null or (created_at, id) < ($3, $4))
         order by created_at desc, id desc
         limit $5",
        user,
        is_unread,
        created_at,
        id,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("notifications", "list news")
}

pub async fn count_unread(executor: impl PgExecutor<'_>, user: Uuid) -> Result<i64, DbError> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from notifications where user_id = $1 and read_at is null"#, user)
        .fetch_one(executor)
        .await
        .in_table("notifications", "count unread news")
}

/// False if the person has no such news. What was read before stays read since then.
pub async fn mark_read(executor: impl PgExecutor<'_>, user: Uuid, id: Uuid, now: DateTime<Utc>) -> Result<bool, DbError> {
    sqlx::query!("update notifications set read_at = coalesce(read_at, $3) where id = $2 and user_id = $1", user, id, now)
        .execute(executor)
        .await
        .in_table("notifications", "mark news as read")
        .map(|done| done.rows_affected() == 1)
}

/// Everything a person was told; answers how much of it was unread.
pub async fn mark_all_read(executor: impl PgExecutor<'_>, user: Uuid, now: DateTime<Utc>) -> Result<u64, DbError> {
    sqlx::query!("update notifications set read_at = $2 where user_id = $1 and read_at is null", user, now)
        .execute(executor)
        .await
        .in_table("notifications", "mark all news as read")
        .map(|done| done.rows_affected())
}
