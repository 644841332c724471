//! Answers to requests that may come again, kept with what they did.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "idempotency_keys";

/// What was answered the first time.
#[derive(Debug, Clone)]
pub struct KeptAnswer {
    pub request_hash: Vec<u8>,
    pub status: i16,
    pub headers: Value,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct NewAnswer<'a> {
    pub user_id: Uuid,
    pub key: &'a str,
    /// Method and path.
    pub route: &'a str,
    pub request_hash: &'a [u8],
    pub status: i16,
    pub headers: Value,
    pub body: &'a [u8],
    pub expires_at: DateTime<Utc>,
}

/// Takes a key for the open transaction. False if another transaction has it: the same request is on its way.
pub async fn try_take_key(executor: impl PgExecutor<'_>, user: Uuid, key: &str) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('idempotency:' || $1 || ':' || $2, 0)) as "taken!""#,
        user.to_string(),
        key,
    )
    .fetch_one(executor)
    .await
    .in_table(TABLE, "take an idempotency key")
}

/// The answer that is kept under a key and has not expired.
pub async fn kept_answer(executor: impl PgExecutor<'_>, user: Uuid, key: &str, now: DateTime<Utc>) -> Result<Option<KeptAnswer>, DbError> {
    sqlx::query_as!(
        KeptAnswer,
        r#"select request_hash, response_status as "status!", coalesce(response_headers, '{}') as "headers!", response_body as "body!"
           from idempotency_keys
           where user_id = $1 and key = $2 and expires_at > $3 and response_status is not null"#,
        user,
        key,
        now,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find a kept answer")
}

/// Keeps an answer, in the transaction that did what it says. One that has expired makes room.
pub async fn keep_answer(executor: impl PgExecutor<'_>, answer: &NewAnswer<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into idempotency_keys
             (id, user_id, key, route, request_hash, response_status, response_headers, response_body, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict on constraint idempotency_key_is_taken do update
         set route = excluded.route, request_hash = excluded.request_hash, response_status = excluded.response_status,
             response_headers = excluded.response_headers, response_body = excluded.response_body, expires_at = excluded.expires_at",
        Uuid::now_v7(),
        answer.user_id,
        answer.key,
        answer.route,
        answer.request_hash,
        answer.status,
        answer.headers,
        answer.body,
        answer.expires_at,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "keep an answer")?;
    Ok(())
}

/// Forgets answers that nobody can ask for any more.
pub async fn prune_answers(executor: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<u64, DbError> {
    sqlx::query!("delete from idempotency_keys where expires_at < $1", now)
        .execute(executor)
        .await
        .in_table(TABLE, "forget kept answers")
        .map(|done| done.rows_affected())
}
