//! Makes the partitions of one scope, for a while.

use std::time::{Duration, Instant};

use domain::job::Outcome;
use platform::db::backfills::{NextPartition, advance_range, next_partition, note_failure, note_run};
use platform::db::partition_ranges::{self, mark_day};
use platform::queue::JobContext;
use uuid::Uuid;

use super::asset::{Asset, Made};
use super::{BackfillError, asset, find};
use crate::events;
use crate::nightly::{NightError, Nightly, chain};

/// A job works this long, then queues again behind the other scopes: none waits for the end of another's years.
const TURN: Duration = Duration::from_secs(20);
/// How often a paused backfill looks whether it goes on; resuming wakes it.
const PAUSED: Duration = Duration::from_secs(60);
/// Attempts at one partition.
const ATTEMPTS: i32 = 3;

/// One turn at a scope of a backfill.
pub async fn fill(nightly: &Nightly, backfill: Uuid, scope: &str, context: &JobContext) -> Outcome {
    let asset = match find(nightly, backfill).await {
        Ok(row) => asset(nightly, &row.asset),
        Err(error) => Err(error),
    };
    let asset = match asset {
        Ok(asset) => asset,
        Err(error @ (BackfillError::NotFound { .. } | BackfillError::UnknownAsset { .. })) => return Outcome::Cancel(error.to_string()),
        Err(error) => return Outcome::Retry(Box::new(error)),
    };
    fill_asset(nightly, asset.as_ref(), backfill, scope, context).await
}

/// As [`fill`], of this asset.
pub async fn fill_asset(nightly: &Nightly, asset: &dyn Asset, backfill: Uuid, scope: &str, context: &JobContext) -> Outcome {
    let began = Instant::now();
    loop {
        let next = match next_partition(&nightly.work, backfill, scope).await {
            Ok(Some(next)) => next,
            Ok(None) => return Outcome::Done,
            Err(error) => return Outcome::Retry(Box::new(error)),
        };
        match next.state.as_str() {
            "running" => {}
            "paused" => return Outcome::Snooze(PAUSED),
            _ => return Outcome::Cancel(format!("backfill {backfill} is {}", next.state)),
        }
        if context.cancel.is_cancelled() || began.elapsed() >= TURN {
            return Outcome::Snooze(Duration::ZERO);
        }
        let made = attempts(asset, scope, &next, context).await;
        if let Err(error) = record(nightly, asset, backfill, scope, &next, made).await {
            return Outcome::Retry(Box::new(error));
        }
    }
}

/// Some failures pass.
async fn attempts(asset: &dyn Asset, scope: &str, next: &NextPartition, context: &JobContext) -> Result<Made, NightError> {
    let mut pause = Duration::from_millis(200);
    for _ in 1..ATTEMPTS {
        match asset.make(scope, next.day, context.job_id).await {
            Err(error) if error.may_pass() && !context.cancel.is_cancelled() => tokio::time::sleep(pause).await,
            other => return other,
        }
        pause *= 4;
    }
    asset.make(scope, next.day, context.job_id).await
}

/// The partition, its state and how far the range has come: all or nothing.
async fn record(
    nightly: &Nightly,
    asset: &dyn Asset,
    backfill: Uuid,
    scope: &str,
    next: &NextPartition,
    made: Result<Made, NightError>,
) -> Result<(), BackfillError> {
    let mut tx = nightly.work.begin().await?;
    if !advance_range(&mut *tx, backfill, scope, next, made.is_err()).await? {
        // Another attempt, thought dead, was faster; its record is as good.
        return Ok(());
    }
    let (state, read_in) = match &made {
        Ok(made) => {
            if let Some((store_id, run_id)) = made.run {
                note_run(&mut *tx, backfill, store_id, next.day, run_id).await?;
            }
            (partition_ranges::Made::Materialised, made.read_in.as_deref())
        }
        Err(error) => {
            note_failure(&mut *tx, backfill, scope, next.day, &chain(error), ATTEMPTS, nightly.clock.now()).await?;
            (partition_ranges::Made::Failed, None)
        }
    };
    mark_day(&mut tx, asset.name(), scope, state, next.day, read_in).await?;
    tx.commit().await?;
    events::partition_made(asset.name(), made.is_ok());
    Ok(())
}
