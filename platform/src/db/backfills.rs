//! Backfills: what was asked for, how far each range has come, and the pointer swap at the end.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};
use super::partition_ranges::Span;

const TABLE: &str = "backfills";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBackfill {
    pub id: Uuid,
    pub asset: String,
    pub first_day: NaiveDate,
    /// Exclusive.
    pub end_day: NaiveDate,
    /// missing, failed, stale or all.
    pub mode: String,
    pub is_reversed: bool,
    pub requested_by: Option<String>,
    /// The job that runs when all partitions are made.
    pub parent_job_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct BackfillRow {
    pub id: Uuid,
    pub asset: String,
    pub first_day: NaiveDate,
    pub end_day: NaiveDate,
    pub mode: String,
    pub is_reversed: bool,
    /// running, paused, ready, refused, published, rolled_back or cancelled.
    pub state: String,
    pub total_count: i64,
    pub done_count: i64,
    pub failed_count: i64,
    pub gates: serde_json::Value,
    pub changes: serde_json::Value,
    pub requested_by: Option<String>,
    pub parent_job_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// When its pointer swap was; `None` for one that has no shadow.
    pub published_at: Option<DateTime<Utc>>,
}

/// Stores a backfill and its ranges.
pub async fn create_backfill(connection: &mut PgConnection, new: &NewBackfill, ranges: &[Span]) -> Result<(), DbError> {
    let total: i64 = ranges.iter().map(|range| (range.end_day - range.first_day).num_days()).sum();
    sqlx::query!(
        "insert into backfills (id, asset, first_day, end_day, mode, is_reversed, total_count, requested_by, parent_job_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id,
        new.asset,
        new.first_day,
        new.end_day,
        new.mode,
        new.is_reversed,
        total,
        new.requested_by,
        new.parent_job_id,
    )
    .execute(&mut *connection)
    .await
    .in_table(TABLE, "create a backfill")?;
    sqlx::query!(
        "insert into backfill_ranges (backfill_id, scope, first_day, end_day, next_day)
         select $1, scope, first_day, end_day, case when $5 then end_day - 1 else first_day end
         from unnest($2::text[], $3::date[], $4::date[]) as ranges (scope, first_day, end_day)",
        new.id,
        &ranges.iter().map(|range| range.scope.clone()).collect::<Vec<_>>(),
        &ranges.iter().map(|range| range.first_day).collect::<Vec<_>>(),
        &ranges.iter().map(|range| range.end_day).collect::<Vec<_>>(),
        new.is_reversed,
    )
    .execute(connection)
    .await
    .in_table("backfill_ranges", "create a backfill")?;
    Ok(())
}

/// One backfill, or the newest.
pub async fn list_backfills(executor: impl PgExecutor<'_>, id: Option<Uuid>, limit: i64) -> Result<Vec<BackfillRow>, DbError> {
    sqlx::query_as!(
        BackfillRow,
        r#"select id, asset, first_day, end_day, mode, is_reversed, state, total_count, gates, changes, requested_by, parent_job_id,
                  created_at, finished_at, published_at, coalesce(done, 0)::bigint as "done_count!", coalesce(failed, 0)::bigint as "failed_count!"
           from (select * from backfills where $1::uuid is null or id = $1 order by created_at desc limit $2) as chosen
           left join lateral (
               select sum(done_count) as done, sum(failed_count) as failed from backfill_ranges where backfill_id = chosen.id
           ) as progress on true
           order by created_at desc"#,
        id,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list backfills")
}

/// A partition to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPartition {
    /// Start of its range, which with backfill and scope names it.
    pub range: NaiveDate,
    /// Exclusive.
    pub range_end: NaiveDate,
    pub day: NaiveDate,
    /// Later days first.
    pub is_reversed: bool,
    /// Of the backfill.
    pub state: String,
}

/// The next partition of a scope; `None` when all are done.
pub async fn next_partition(executor: impl PgExecutor<'_>, backfill: Uuid, scope: &str) -> Result<Option<NextPartition>, DbError> {
    sqlx::query_as!(
        NextPartition,
        r#"select ranges.first_day as range, ranges.end_day as range_end, next_day as "day!", is_reversed, state
           from backfill_ranges as ranges
           join backfills on id = backfill_id
           where backfill_id = $1 and scope = $2 and next_day is not null
           order by case when is_reversed then ranges.end_day end desc, ranges.first_day
           limit 1"#,
        backfill,
        scope,
    )
    .fetch_optional(executor)
    .await
    .in_table("backfill_ranges", "find the next partition")
}

/// Moves a range on by `days`, the partition's own and those made with it. False if it stands elsewhere by now: someone else has made it.
pub async fn advance_range(
    executor: impl PgExecutor<'_>,
    backfill: Uuid,
    scope: &str,
    partition: &NextPartition,
    days: i32,
    is_failed: bool,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update backfill_ranges as ranges
         set next_day = case
                 when is_reversed and $4 - $6::integer >= ranges.first_day then $4 - $6::integer
                 when not is_reversed and $4 + $6::integer < ranges.end_day then $4 + $6::integer
             end,
             done_count = done_count + case when $5 then 0 else $6::integer end,
             failed_count = failed_count + case when $5 then $6::integer else 0 end
         from backfills
         where id = backfill_id and backfill_id = $1 and scope = $2 and ranges.first_day = $3 and next_day = $4",
        backfill,
        scope,
        partition.range,
        partition.day,
        is_failed,
        days,
    )
    .execute(executor)
    .await
    .in_table("backfill_ranges", "move a backfill on")?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what went wrong with a partition.
pub async fn note_failure(
    executor: impl PgExecutor<'_>,
    backfill: Uuid,
    scope: &str,
    day: NaiveDate,
    error: &str,
    attempts: i32,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into backfill_failures (backfill_id, scope, day, error, attempts, failed_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (backfill_id, scope, day) do update set error = excluded.error, attempts = excluded.attempts, failed_at = excluded.failed_at",
        backfill,
        scope,
        day,
        error,
        attempts,
        at,
    )
    .execute(executor)
    .await
    .in_table("backfill_failures", "note a failed partition")?;
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FailureRow {
    pub scope: String,
    pub day: NaiveDate,
    pub error: String,
    pub attempts: i32,
}

/// The newest failures of a backfill.
pub async fn list_failures(executor: impl PgExecutor<'_>, backfill: Uuid, limit: i64) -> Result<Vec<FailureRow>, DbError> {
    sqlx::query_as!(
        FailureRow,
        "select scope, day, error, attempts from backfill_failures where backfill_id = $1 order by failed_at desc limit $2",
        backfill,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("backfill_failures", "list failed partitions")
}

/// Keeps a run in a backfill's shadow.
pub async fn note_run(executor: impl PgExecutor<'_>, backfill: Uuid, store_id: Uuid, day: NaiveDate, run_id: Uuid) -> Result<(), DbError> {
    sqlx::query!(
        "insert into backfill_runs (backfill_id, store_id, business_date, run_id) values ($1, $2, $3, $4)
         on conflict (backfill_id, store_id, business_date) do update set run_id = excluded.run_id",
        backfill,
        store_id,
        day,
        run_id,
    )
    .execute(executor)
    .await
    .in_table("backfill_runs", "keep a run of a backfill")?;
    Ok(())
}

/// Moves a backfill from one of `from` to `to`, and answers whether it was there.
pub async fn move_state(executor: impl PgExecutor<'_>, id: Uuid, from: &[&str], to: &str) -> Result<bool, DbError> {
    let done = sqlx::query!("update backfills set state = $3 where id = $1 and state = any ($2)", id, from as &[&str], to)
        .execute(executor)
        .await
        .in_table(TABLE, "change the state of a backfill")?;
    Ok(done.rows_affected() == 1)
}

/// Closes a backfill whose partitions are all made with what its gates said.
pub async fn finish_backfill(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    state: &str,
    gates: &serde_json::Value,
    changes: &serde_json::Value,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update backfills set state = $2, gates = $3, changes = $4, finished_at = $5 where id = $1 and state in ('running', 'paused')",
        id,
        state,
        gates,
        changes,
        at,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "finish a backfill")?;
    Ok(())
}

/// What the runs of a shadow are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShadowCounts {
    pub runs: i64,
    pub gates_passed: i64,
    pub fresh: i64,
}

pub async fn count_shadow(executor: impl PgExecutor<'_>, id: Uuid) -> Result<ShadowCounts, DbError> {
    sqlx::query_as!(
        ShadowCounts,
        r#"select count(*) as "runs!", count(*) filter (where gates_passed) as "gates_passed!",
                  count(*) filter (where rung = 'fresh') as "fresh!"
           from backfill_runs
           join forecast_runs using (run_id)
           join runs on runs.id = run_id
           where backfill_id = $1"#,
        id,
    )
    .fetch_one(executor)
    .await
    .in_table("backfill_runs", "look at the runs of a backfill")
}

/// How the forecasts of a shadow's own days differ from those that speak for these days now.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Changes {
    /// Days that no run speaks for.
    pub new_days: i64,
    /// Product cells with one before and one after.
    pub cells: i64,
    /// Of these, changed by more than a hundredth.
    pub changed: i64,
    /// Median and greatest change as a share of what is shown now.
    pub median_share: Option<f64>,
    pub greatest_share: Option<f64>,
}

pub async fn shadow_changes(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Changes, DbError> {
    sqlx::query_as!(
        Changes,
        r#"with cells as (
               select shadow.store_id, shadow.business_date, days.run_id as shown,
                   abs(new.yhat - old.yhat) / greatest(old.yhat, 1) as share
               from backfill_runs as shadow
               left join published_days as days using (store_id, business_date)
               left join forecasts as new on new.run_id = shadow.run_id and new.target_kind = 'product'
                   and new.target_date = shadow.business_date
               left join forecasts as old on old.run_id = days.run_id and old.target_kind = 'product'
                   and old.target_date = new.target_date and old.target_item = new.target_item
               where shadow.backfill_id = $1
           )
           select count(distinct (store_id, business_date)) filter (where shown is null) as "new_days!",
               count(share) as "cells!", count(*) filter (where share > 0.01) as "changed!",
               percentile_cont(0.5) within group (order by share) as median_share, max(share) as greatest_share
           from cells"#,
        id,
    )
    .fetch_one(executor)
    .await
    .in_table("backfill_runs", "compare a backfill with what is published")
}

/// Makes the shadow speak for its days; answers how many.
pub async fn publish_shadow(connection: &mut PgConnection, id: Uuid, at: DateTime<Utc>) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "insert into published_days as shown (store_id, business_date, run_id, backfill_id, published_at)
         select store_id, business_date, run_id, backfill_id, $2 from backfill_runs where backfill_id = $1
         on conflict (store_id, business_date) do update
         set run_id = excluded.run_id, backfill_id = excluded.backfill_id, published_at = excluded.published_at
         where shown.backfill_id is distinct from excluded.backfill_id",
        id,
        at,
    )
    .execute(&mut *connection)
    .await
    .in_table("published_days", "publish a backfill")?;
    sqlx::query!("update backfills set published_at = $2 where id = $1", id, at)
        .execute(connection)
        .await
        .in_table(TABLE, "publish a backfill")?;
    Ok(done.rows_affected())
}

/// Gives the days of a rolled back backfill to what spoke for them last, be it a night or another backfill that is still
/// published; answers how many. A day that something else has taken since stays theirs.
pub async fn roll_back_shadow(executor: impl PgExecutor<'_>, id: Uuid, at: DateTime<Utc>) -> Result<u64, DbError> {
    let back = sqlx::query_scalar!(
        r#"with own as (
               select store_id, business_date from published_days where backfill_id = $1
           ), heir as (
               select distinct on (store_id, business_date) store_id, business_date, run_id, backfill_id
               from own
               join (
                   select store_id, business_date, run_id, null as backfill_id, published_at from published_run_log
                   union all
                   select store_id, business_date, run_id, backfill_id, published_at
                   from backfill_runs
                   join backfills on id = backfill_id
                   where state = 'published' and id <> $1
               ) as spoke using (store_id, business_date)
               order by store_id, business_date, published_at desc
           ), back as (
               update published_days as days set run_id = heir.run_id, backfill_id = heir.backfill_id, published_at = $2
               from heir
               where (days.store_id, days.business_date) = (heir.store_id, heir.business_date)
           ), gone as (
               delete from published_days as days
               using own
               where (days.store_id, days.business_date) = (own.store_id, own.business_date)
                 and not exists (
                     select from heir where (heir.store_id, heir.business_date) = (own.store_id, own.business_date)
                 )
           )
           select count(*) as "days!" from own"#,
        id,
        at,
    )
    .fetch_one(executor)
    .await
    .in_table("published_days", "roll a backfill back")?;
    Ok(back.unsigned_abs())
}

/// Says that a night's own run speaks for its day.
pub async fn speak_for_day(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    business_date: NaiveDate,
    run_id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into published_days as shown (store_id, business_date, run_id, published_at) values ($1, $2, $3, $4)
         on conflict (store_id, business_date) do update
         set run_id = excluded.run_id, backfill_id = null, published_at = excluded.published_at
         where shown.run_id <> excluded.run_id",
        store_id,
        business_date,
        run_id,
        at,
    )
    .execute(executor)
    .await
    .in_table("published_days", "publish a day")?;
    Ok(())
}

/// Median milliseconds and rows of the last finished runs of a kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TypicalRun {
    pub milliseconds: Option<f64>,
    pub rows: Option<f64>,
}

pub async fn typical_run(executor: impl PgExecutor<'_>, kind: &str) -> Result<TypicalRun, DbError> {
    sqlx::query_as!(
        TypicalRun,
        "select percentile_cont(0.5) within group (order by duration_ms::float8) as milliseconds,
                percentile_cont(0.5) within group (order by row_count::float8) as rows
         from (select duration_ms, row_count from runs where kind = $1 and state = 'finished' order by started_at desc limit 500) as last",
        kind,
    )
    .fetch_one(executor)
    .await
    .in_table("runs", "look at past runs")
}
