//! Moving a backfill on: paused, resumed, cancelled, published, rolled back. One set of rules for everybody who may: the command line
//! as a worker, the API as an operator.
//!
//! Each function works in the caller's transaction, so that what else belongs to the change (a record of who asked) is there or is
//! not with it. Tell of it with [`moved`] after the commit.

use chrono::{DateTime, Utc};
use domain::Hint;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::db::DbError;
use crate::db::backfills::{BackfillRow, list_backfills, move_state, publish_shadow, roll_back_shadow};
use crate::queue::{self, QueueError};

/// A backfill that was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("there is no backfill {id}")]
    NotFound { id: Uuid },
    #[error("backfill {id} is {state} and can't be {wanted}")]
    State { id: Uuid, state: String, wanted: &'static str },
    #[error("`{asset}` is there as soon as it is made: nothing waits to be shown, and nothing can be taken back")]
    NoShadow { asset: String },
    #[error("the database failed")]
    Database(#[from] DbError),
    #[error("its jobs could not be woken")]
    Queue(#[from] QueueError),
}

impl Hint for MoveError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { .. } => "`viralcast backfill status` lists them".to_owned(),
            Self::State { state, .. } => match state.as_str() {
                "refused" => "its gates have not passed: `viralcast backfill status ID` says which; mend and start another".to_owned(),
                "running" => "wait until it is ready, or pause or cancel it".to_owned(),
                "paused" => "resume it, or cancel it".to_owned(),
                "ready" => "publish it, or start another".to_owned(),
                "published" => "it can be rolled back".to_owned(),
                "rolled_back" => "it can be published again".to_owned(),
                _ => "start another one".to_owned(),
            },
            Self::NoShadow { .. } => "correct the facts at their source: a later telling takes the place of an earlier one, and what was made of it can be made again".to_owned(),
            Self::Database(source) => return source.hint(),
            Self::Queue(source) => return source.hint(),
        })
    }
}

/// One backfill.
///
/// # Errors
/// [`MoveError::NotFound`], [`MoveError::Database`].
pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<BackfillRow, MoveError> {
    list_backfills(connection, Some(id), 1).await?.pop().ok_or(MoveError::NotFound { id })
}

/// No partition is begun any more; those that are being made end.
///
/// # Errors
/// [`MoveError::State`] unless it is running.
pub async fn pause(transaction: &mut PgConnection, id: Uuid) -> Result<(), MoveError> {
    change(transaction, id, &["running"], "paused", "paused").await
}

/// Goes on where it was paused.
///
/// # Errors
/// [`MoveError::State`] unless it is paused.
pub async fn resume(transaction: &mut PgConnection, id: Uuid) -> Result<(), MoveError> {
    change(transaction, id, &["paused"], "running", "resumed").await?;
    hurry(transaction, id).await
}

/// Ends it for good. What was made stays in the shadow, and its partitions count as made.
///
/// # Errors
/// [`MoveError::State`] if it has ended.
pub async fn cancel(transaction: &mut PgConnection, id: Uuid) -> Result<(), MoveError> {
    change(transaction, id, &["running", "paused"], "cancelled", "cancelled").await?;
    hurry(transaction, id).await
}

/// Makes what was made speak for its days, all at once. Answers for how many days.
///
/// # Errors
/// [`MoveError::State`] unless its gates have passed.
pub async fn publish(transaction: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<u64, MoveError> {
    change(transaction, id, &["ready", "rolled_back"], "published", "published").await?;
    Ok(publish_shadow(transaction, id, now).await?)
}

/// Gives its days back to what spoke for them before. Answers how many.
///
/// # Errors
/// [`MoveError::State`] unless it is published, [`MoveError::NoShadow`] for facts: these are published without a swap of pointers.
pub async fn roll_back(transaction: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<u64, MoveError> {
    let backfill = find(transaction, id).await?;
    if backfill.state == "published" && backfill.published_at.is_none() {
        return Err(MoveError::NoShadow { asset: backfill.asset });
    }
    change(transaction, id, &["published"], "rolled_back", "rolled back").await?;
    Ok(roll_back_shadow(transaction, id, now).await?)
}

/// Log line and metric of a backfill that is now `what`.
pub fn moved(id: Uuid, what: &str) {
    metrics::counter!("backfills_total", "what" => what.to_owned()).increment(1);
    tracing::info!(backfill.id = %id, what, "backfill {id} is {what}");
}

async fn change(transaction: &mut PgConnection, id: Uuid, from: &[&str], to: &'static str, wanted: &'static str) -> Result<(), MoveError> {
    if move_state(&mut *transaction, id, from, to).await? {
        return Ok(());
    }
    let state = find(transaction, id).await?.state;
    Err(MoveError::State { id, state, wanted })
}

/// Its jobs look now, not when a pause would have ended.
async fn hurry(transaction: &mut PgConnection, id: Uuid) -> Result<(), MoveError> {
    let parent = find(transaction, id).await?.parent_job_id;
    if let Some(parent) = parent {
        queue::hurry_children(transaction, parent.into()).await?;
    }
    Ok(())
}
