//! What providers and tills tell us of themselves, stored before it is understood.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// An event as it was delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWebhookEvent<'a> {
    pub provider: &'a str,
    pub store_id: Option<Uuid>,
    /// What makes two deliveries the same event.
    pub event_key: &'a str,
    pub event_type: &'a str,
    pub headers: serde_json::Value,
    pub body: &'a [u8],
    pub received_at: DateTime<Utc>,
}

/// An event that waits to be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    pub provider: String,
    pub store_id: Option<Uuid>,
    pub event_key: String,
    pub body: Vec<u8>,
    pub received_at: DateTime<Utc>,
}

const TABLE: &str = "webhook_events";

/// Stores an event and answers its id; `None` if it has been delivered before, which is counted. The serving role may not read events,
/// so the id is made here.
pub async fn insert_webhook_event(connection: &mut PgConnection, event: &NewWebhookEvent<'_>) -> Result<Option<Uuid>, DbError> {
    let id = Uuid::now_v7();
    let inserted = sqlx::query!(
        "insert into webhook_events (id, provider, store_id, event_key, event_type, headers, body, received_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict do nothing",
        id,
        event.provider,
        event.store_id,
        event.event_key,
        event.event_type,
        event.headers,
        event.body,
        event.received_at,
    )
    .execute(&mut *connection)
    .await
    .in_table(TABLE, "store an event")?;
    if inserted.rows_affected() > 0 {
        return Ok(Some(id));
    }
    sqlx::query!(
        "update webhook_events set deliveries = deliveries + 1 where provider = $1 and event_key = $2",
        event.provider,
        event.event_key,
    )
    .execute(connection)
    .await
    .in_table(TABLE, "count a delivery")?;
    Ok(None)
}

/// An event whose effect is still to come; `None` if it has had it.
pub async fn waiting_webhook_event(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<WebhookEvent>, DbError> {
    sqlx::query_as!(
        WebhookEvent,
        "select provider, store_id, event_key, body, received_at
         from webhook_events where id = $1 and state in ('received', 'failed')",
        id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "read an event")
}

/// The event has had its effect.
pub async fn close_webhook_event(executor: impl PgExecutor<'_>, id: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update webhook_events set state = 'processed', processed_at = $2, error = null where id = $1", id, now)
        .execute(executor)
        .await
        .in_table(TABLE, "close an event")?;
    Ok(())
}

/// The event could not be understood; it waits.
pub async fn fail_webhook_event(executor: impl PgExecutor<'_>, id: Uuid, error: &str) -> Result<(), DbError> {
    sqlx::query!("update webhook_events set state = 'failed', error = $2 where id = $1", id, error)
        .execute(executor)
        .await
        .in_table(TABLE, "note why an event failed")?;
    Ok(())
}

/// The event is not about anything of ours.
pub async fn ignore_webhook_event(executor: impl PgExecutor<'_>, id: Uuid, why: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update webhook_events set state = 'ignored', processed_at = $3, error = $2 where id = $1", id, why, now)
        .execute(executor)
        .await
        .in_table(TABLE, "pass over an event")?;
    Ok(())
}

/// Forgets what tills pushed, once it has been dealt with: their bodies may say who ordered. What a gateway told of money is kept. Answers
/// how many went.
pub async fn prune_pushes(executor: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, DbError> {
    sqlx::query!(
        "delete from webhook_events where store_id is not null and state in ('processed', 'ignored') and processed_at < $1",
        before,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "forget what tills pushed")
    .map(|done| done.rows_affected())
}
