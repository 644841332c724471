//! The inbox: which events a consumer has already turned into effects.

use chrono::{DateTime, Utc};
use domain::ids::EventId;
use sqlx::PgExecutor;

use super::BusError;

/// Takes note of the event in the transaction of its effects. False if it was there: then there is nothing left to do. Two
/// programs with the same event wait for each other here.
///
/// # Errors
/// [`BusError::Database`].
pub async fn first_time(transaction: impl PgExecutor<'_>, consumer: &str, event: EventId) -> Result<bool, BusError> {
    sqlx::query!("insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing", consumer, event.0)
        .execute(transaction)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(BusError::database("take note of an event"))
}

/// Forgets events handled before `before`, which must be longer ago than any bus delivers again. Answers how many.
///
/// # Errors
/// [`BusError::Database`].
pub async fn prune(executor: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, BusError> {
    sqlx::query!("delete from inbox where created_at < $1", before)
        .execute(executor)
        .await
        .map(|done| done.rows_affected())
        .map_err(BusError::database("prune the inbox"))
}
