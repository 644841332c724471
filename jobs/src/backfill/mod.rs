//! Backfills: partitions of an asset over any range, planned first, made in the shadow, judged, published, rolled back.
//!
//! A partition is made by the same code as its scheduled run. Each scope (store) of a backfill is one job that works for a
//! while, then queues again behind the others; when the last one has ended, the backfill is judged. How far each range has come
//! is written in the transaction that ends a partition, so that a killed program loses at most the partition it was at.

mod asset;
mod error;
mod features;
mod fill;
mod forecasts;
mod judge;
mod plan;
mod source;

use std::sync::Arc;

use domain::job::{FillPartitions, JudgeBackfill};
use platform::backfills;
use platform::database::begin;
use platform::db::backfills::{BackfillRow, NewBackfill, create_backfill};
use platform::queue::{EnqueueOptions, NewJob, enqueue_family};
use platform::telemetry;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

pub use asset::{Asset, Made, MakeError, Quota, Scope};
pub use error::BackfillError;
pub use fill::{fill, fill_asset};
pub use judge::judge;
pub use plan::{Mode, Plan, Request, ScreenChange, plan};
pub use platform::backfills::MoveError;

use crate::nightly::Nightly;

/// Everything that can be backfilled.
#[must_use]
pub fn assets(nightly: &Nightly) -> Vec<Arc<dyn Asset>> {
    let mut all: Vec<Arc<dyn Asset>> = vec![Arc::new(forecasts::Forecasts(nightly.clone())), Arc::new(features::Features(nightly.clone()))];
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
    let mut tx = begin(&nightly.work).await?;
    create_backfill(&mut tx, &new, &plan.ranges).await?;
    enqueue_family(&mut tx, fills?, judge).await?;
    tx.commit().await?;
    backfills::moved(backfill_id, "started");
    Ok(Some(backfill_id))
}

/// One backfill.
///
/// # Errors
/// [`MoveError::NotFound`], [`BackfillError::Database`].
pub async fn find(nightly: &Nightly, id: Uuid) -> Result<BackfillRow, BackfillError> {
    Ok(backfills::find(&mut *nightly.work.acquire().await?, id).await?)
}

/// No partition is begun any more; those that are being made end.
///
/// # Errors
/// [`MoveError::State`] unless it is running.
pub async fn pause(nightly: &Nightly, id: Uuid) -> Result<(), BackfillError> {
    let mut tx = begin(&nightly.work).await?;
    backfills::pause(&mut tx, id).await?;
    committed(tx, id, "paused").await
}

/// Goes on where it was paused.
///
/// # Errors
/// [`MoveError::State`] unless it is paused.
pub async fn resume(nightly: &Nightly, id: Uuid) -> Result<(), BackfillError> {
    let mut tx = begin(&nightly.work).await?;
    backfills::resume(&mut tx, id).await?;
    committed(tx, id, "running").await
}

/// Ends it for good. What was made stays in the shadow, and its partitions count as made.
///
/// # Errors
/// [`MoveError::State`] if it has ended.
pub async fn cancel(nightly: &Nightly, id: Uuid) -> Result<(), BackfillError> {
    let mut tx = begin(&nightly.work).await?;
    backfills::cancel(&mut tx, id).await?;
    committed(tx, id, "cancelled").await
}

/// Makes what was made speak for its days, all at once. Answers for how many days.
///
/// # Errors
/// [`MoveError::State`] unless its gates have passed.
pub async fn publish(nightly: &Nightly, id: Uuid) -> Result<u64, BackfillError> {
    let mut tx = begin(&nightly.work).await?;
    let days = backfills::publish(&mut tx, id, nightly.clock.now()).await?;
    committed(tx, id, "published").await?;
    Ok(days)
}

/// Gives its days back to what spoke for them before. Answers how many.
///
/// # Errors
/// [`MoveError::State`] unless it is published, [`MoveError::NoShadow`] for facts.
pub async fn rollback(nightly: &Nightly, id: Uuid) -> Result<u64, BackfillError> {
    let mut tx = begin(&nightly.work).await?;
    let days = backfills::roll_back(&mut tx, id, nightly.clock.now()).await?;
    committed(tx, id, "rolled back").await?;
    Ok(days)
}

async fn committed(tx: Transaction<'static, Postgres>, id: Uuid, what: &'static str) -> Result<(), BackfillError> {
    tx.commit().await?;
    backfills::moved(id, what);
    Ok(())
}
