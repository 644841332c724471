//! Makes the partitions of one scope, for a while.

use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::job::Outcome;
use ingest::feed::Days;
use platform::database::begin;
use platform::db::backfills::{NextPartition, advance_range, next_partition, note_failure, note_run};
use platform::db::partition_ranges::{self, mark_day, mark_days};
use platform::queue::JobContext;
use uuid::Uuid;

use super::asset::{Asset, Made, MakeError};
use super::{BackfillError, MoveError, asset, find};
use crate::events;
use crate::nightly::Nightly;

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
        Err(error @ (BackfillError::Moved(MoveError::NotFound { .. }) | BackfillError::UnknownAsset { .. })) => {
            return Outcome::Cancel(error.to_string());
        }
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
        let days = next.days(asset.days_at_once());
        let made = attempts(asset, scope, days, context).await;
        if let Some(wait) = made.as_ref().err().and_then(MakeError::wait) {
            return Outcome::Snooze(wait.max(Duration::from_secs(1)));
        }
        if let Err(error) = record(nightly, asset, backfill, scope, context, &next, made).await {
            return Outcome::Retry(Box::new(error));
        }
    }
}

/// What is made at once with the next partition.
trait AtOnce {
    fn days(&self, at_once: u32) -> Days;
}

impl AtOnce for NextPartition {
    fn days(&self, at_once: u32) -> Days {
        let more = chrono::Days::new(u64::from(at_once.max(1) - 1));
        let after = |day: NaiveDate| day.succ_opt().unwrap_or(day);
        if self.is_reversed {
            return Days { first: self.day.checked_sub_days(more).unwrap_or(self.day).max(self.range), end: after(self.day) };
        }
        Days { first: self.day, end: after(self.day.checked_add_days(more).unwrap_or(self.day)).min(self.range_end) }
    }
}

/// Some failures pass.
async fn attempts(asset: &dyn Asset, scope: &str, days: Days, context: &JobContext) -> Result<Made, MakeError> {
    let mut pause = Duration::from_millis(200);
    for _ in 1..ATTEMPTS {
        match asset.make(scope, days, context.job_id).await {
            Err(error) if error.may_pass() && error.wait().is_none() && !context.cancel.is_cancelled() => tokio::time::sleep(pause).await,
            other => return other,
        }
        pause *= 4;
    }
    asset.make(scope, days, context.job_id).await
}

/// The partition, its state and how far the range has come: all or nothing.
async fn record(
    nightly: &Nightly,
    asset: &dyn Asset,
    backfill: Uuid,
    scope: &str,
    context: &JobContext,
    next: &NextPartition,
    made: Result<Made, MakeError>,
) -> Result<(), BackfillError> {
    let days = next.days(asset.days_at_once());
    let length = i32::try_from((days.end - days.first).num_days()).unwrap_or(i32::MAX);
    let mut tx = begin(&nightly.work).await?;
    if !advance_range(&mut *tx, backfill, scope, next, length, made.is_err()).await? {
        // Another attempt, thought dead, was faster; its record is as good.
        return Ok(());
    }
    let (state, read_in) = match &made {
        Ok(made) => {
            if let Some((store_id, run_id)) = made.run {
                note_run(&mut *tx, backfill, store_id, days.first, run_id).await?;
            }
            (partition_ranges::Made::Materialised, made.read_in.as_deref())
        }
        Err(error) => {
            note_failure(&mut *tx, backfill, scope, days.first, &domain::chain(error), ATTEMPTS, nightly.clock.now()).await?;
            (partition_ranges::Made::Failed, None)
        }
    };
    match read_in {
        Some(snapshot) => mark_day(&mut tx, asset.name(), scope, state, days.first, Some(snapshot)).await?,
        None => mark_days(&mut tx, asset.name(), scope, state, days.first, days.end).await?,
    }
    context.progress_in(&mut tx).await?;
    tx.commit().await?;
    events::partition_made(asset.name(), made.is_ok());
    Ok(())
}
