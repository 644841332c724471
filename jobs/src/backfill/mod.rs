//! Backfills: partitions of an asset over any range, planned first, made in the shadow, judged, published, rolled back.
//!
//! A partition is made by the same code as its scheduled run. Each scope (store) of a backfill is one job that works for a
//! while, then queues again behind the others; when the last one has ended, the backfill is judged. How far each range has come
//! is written in the transaction that ends a partition, so that a killed program loses at most the partition it was at.

mod asset;
mod error;
mod fill;
mod forecasts;
mod judge;
mod plan;
mod source;

use std::sync::Arc;

use domain::job::{FillPartitions, JudgeBackfill};
use platform::db::backfills::{BackfillRow, NewBackfill, create_backfill, list_backfills, move_state, publish_shadow, roll_back_shadow};
use platform::queue::{self, EnqueueOptions, NewJob, enqueue_family};
use platform::telemetry;
use uuid::Uuid;

pub use asset::{Asset, Made, MakeError, Quota, Scope};
pub use error::BackfillError;
pub use fill::{fill, fill_asset};
pub use judge::judge;
pub use plan::{Mode, Plan, Request, ScreenChange, plan};

use crate::events;
use crate::nightly::Nightly;

/// Everything that can be backfilled.
#[must_use]
pub fn assets(nightly: &Nightly) -> Vec<Arc<dyn Asset>> {
    let mut all: Vec<Arc<dyn Asset>> = vec![Arc::new(forecasts::Forecasts(nightly.clone()))];
    all.extend(source::names().into_iter().map(|name| Arc::new(source::SourceAsset { name, nightly: nightly.clone() }) as Arc<dyn Asset>));
    all
}

/// # Errors
/// [`BackfillError::UnknownAsset`].
pub fn asset(nightly: &Nightly, name: &str) -> Result<Arc<dyn Asset>, BackfillError> {
    let all = assets(nightly);
    let known = all.iter().map(|asset| asset.name()).collect::<Vec<_>>().join(", ");
    all.into_iter().find(|asset| asset.name() == name).ok_or_else(|| BackfillError::UnknownAsset { name: name.to_owned(), known })
}

/// Starts what a plan says. `None` if there is nothing to make.
///
/// # Errors
/// [`BackfillError`]; then nothing was started.
pub async fn start(nightly: &Nightly, plan: &Plan, requested_by: Option<String>) -> Result<Option<Uuid>, BackfillError> {
    if plan.ranges.is_empty() {
        return Ok(None);
    }
    let backfill_id = Uuid::now_v7();
    let mut scopes: Vec<String> = plan.ranges.iter().map(|range| range.scope.clone()).collect();
    scopes.dedup();
    let options = || EnqueueOptions { trace_id: Some(telemetry::cause()), ..EnqueueOptions::default() };
    let fills: Result<Vec<NewJob>, _> =
        scopes.into_iter().map(|scope| NewJob::of(&FillPartitions { backfill_id, scope }, options())).collect();
    let judge = NewJob::of(&JudgeBackfill { backfill_id }, options())?;
    let new = NewBackfill {
        id: backfill_id,
        asset: plan.request.asset.clone(),
        first_day: plan.request.first_day,
        end_day: plan.request.end_day,
        mode: plan.request.mode.as_str().to_owned(),
        is_reversed: plan.request.is_reversed,
        requested_by,
        parent_job_id: judge.id().0,
    };
    let mut tx = nightly.work.begin().await?;
    create_backfill(&mut tx, &new, &plan.ranges).await?;
    enqueue_family(&mut tx, fills?, judge).await?;
    tx.commit().await?;
    events::backfill(backfill_id, "started");
    Ok(Some(backfill_id))
}

/// One backfill.
///
/// # Errors
/// [`BackfillError::NotFound`], [`BackfillError::Database`].
pub async fn find(nightly: &Nightly, id: Uuid) -> Result<BackfillRow, BackfillError> {
    list_backfills(&nightly.work, Some(id), 1).await?.pop().ok_or(BackfillError::NotFound { id })
}

/// No partition is begun any more; those that are being made end.
///
/// # Errors
/// [`BackfillError::State`] unless it is running.
pub async fn pause(nightly: &Nightly, id: Uuid) -> Result<(), BackfillError> {
    moved(nightly, id, &["running"], "paused").await
}

/// Goes on where it was paused.
///
/// # Errors
/// [`BackfillError::State`] unless it is paused.
pub async fn resume(nightly: &Nightly, id: Uuid) -> Result<(), BackfillError> {
    moved(nightly, id, &["paused"], "running").await?;
    let parent = find(nightly, id).await?.parent_job_id.unwrap_or_default();
    queue::hurry_children(&nightly.work, parent.into()).await?;
    Ok(())
}

/// Ends it for good. What was made stays in the shadow, and its partitions count as made.
///
/// # Errors
/// [`BackfillError::State`] if it has ended.
pub async fn cancel(nightly: &Nightly, id: Uuid) -> Result<(), BackfillError> {
    moved(nightly, id, &["running", "paused"], "cancelled").await?;
    let parent = find(nightly, id).await?.parent_job_id.unwrap_or_default();
    queue::hurry_children(&nightly.work, parent.into()).await?;
    Ok(())
}

/// Makes what was made speak for its days, all at once. Answers for how many days.
///
/// # Errors
/// [`BackfillError::State`] unless its gates have passed.
pub async fn publish(nightly: &Nightly, id: Uuid) -> Result<u64, BackfillError> {
    let mut tx = nightly.work.begin().await?;
    if !move_state(&mut *tx, id, &["ready", "rolled_back"], "published").await? {
        drop(tx);
        return Err(refused(nightly, id, "published").await);
    }
    let days = publish_shadow(&mut tx, id, nightly.clock.now()).await?;
    tx.commit().await?;
    events::backfill(id, "published");
    Ok(days)
}

/// Gives its days back to what spoke for them before. Answers how many.
///
/// # Errors
/// [`BackfillError::State`] unless it is published, [`BackfillError::NoShadow`] for facts.
pub async fn rollback(nightly: &Nightly, id: Uuid) -> Result<u64, BackfillError> {
    let backfill = find(nightly, id).await?;
    if !asset(nightly, &backfill.asset)?.has_shadow() {
        return Err(BackfillError::NoShadow { asset: backfill.asset });
    }
    let mut tx = nightly.work.begin().await?;
    if !move_state(&mut *tx, id, &["published"], "rolled_back").await? {
        drop(tx);
        return Err(refused(nightly, id, "rolled back").await);
    }
    let days = roll_back_shadow(&mut *tx, id, nightly.clock.now()).await?;
    tx.commit().await?;
    events::backfill(id, "rolled back");
    Ok(days)
}

async fn moved(nightly: &Nightly, id: Uuid, from: &[&str], to: &'static str) -> Result<(), BackfillError> {
    if !move_state(&nightly.work, id, from, to).await? {
        return Err(refused(nightly, id, to).await);
    }
    events::backfill(id, to);
    Ok(())
}

async fn refused(nightly: &Nightly, id: Uuid, wanted: &'static str) -> BackfillError {
    match find(nightly, id).await {
        Ok(backfill) => BackfillError::State { id, state: backfill.state, wanted },
        Err(error) => error,
    }
}
