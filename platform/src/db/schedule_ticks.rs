//! Which ticks of which schedules have fired.
//!
//! The job of a tick is `schedule:key`, where the key is what it fires for: a store, or nothing.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "schedule_ticks";

/// A tick to be claimed, and the job that it causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTick {
    pub job: String,
    pub fire_at: DateTime<Utc>,
    pub job_id: Uuid,
    /// When the job should have ended.
    pub late_at: DateTime<Utc>,
}

/// Claims ticks for `claimed_by`; of any number of schedulers one gets each. Answers the jobs of those that this call got.
pub async fn claim_ticks(executor: impl PgExecutor<'_>, ticks: &[NewTick], claimed_by: &str) -> Result<Vec<Uuid>, DbError> {
    let jobs: Vec<&str> = ticks.iter().map(|tick| tick.job.as_str()).collect();
    let fire_at: Vec<DateTime<Utc>> = ticks.iter().map(|tick| tick.fire_at).collect();
    let job_ids: Vec<Uuid> = ticks.iter().map(|tick| tick.job_id).collect();
    let late_at: Vec<DateTime<Utc>> = ticks.iter().map(|tick| tick.late_at).collect();
    sqlx::query_scalar!(
        r#"insert into schedule_ticks (job, fire_at, job_id, late_at, claimed_by)
           select *, $5 from unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::timestamptz[])
           on conflict do nothing
           returning job_id as "job_id!""#,
        jobs.as_slice() as _,
        &fire_at,
        &job_ids,
        &late_at,
        claimed_by,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "claim ticks")
}

/// Names another job as the one that a tick causes: it was in the queue already.
pub async fn attach_job(executor: impl PgExecutor<'_>, tick_job_id: Uuid, job_id: Uuid) -> Result<(), DbError> {
    sqlx::query!("update schedule_ticks set job_id = $2 where job_id = $1", tick_job_id, job_id)
        .execute(executor)
        .await
        .in_table(TABLE, "name the job of a tick")?;
    Ok(())
}

/// The latest tick of each of these, where there is one.
pub async fn last_ticks(executor: impl PgExecutor<'_>, jobs: &[String]) -> Result<Vec<(String, DateTime<Utc>)>, DbError> {
    let rows = sqlx::query!(
        r#"select asked.job as "job!", last.fire_at
           from unnest($1::text[]) as asked (job)
           cross join lateral (
               select fire_at from schedule_ticks where job = asked.job order by fire_at desc limit 1
           ) as last"#,
        jobs,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "find the last ticks")?;
    Ok(rows.into_iter().map(|row| (row.job, row.fire_at)).collect())
}

/// Up to when all ticks of a definition were made; one that was never seen begins at `now`, or where the schedule's other
/// definitions have come to.
pub async fn checked_until(
    connection: &mut sqlx::PgConnection,
    schedule: &str,
    definition: &[u8],
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, DbError> {
    sqlx::query!(
        "insert into schedule_definitions (schedule, definition, checked_until)
         select $1, $2, coalesce(max(checked_until), $3) from schedule_definitions where schedule = $1
         on conflict do nothing",
        schedule,
        definition,
        now,
    )
    .execute(&mut *connection)
    .await
    .in_table("schedule_definitions", "begin a schedule")?;
    sqlx::query_scalar!("select checked_until from schedule_definitions where schedule = $1 and definition = $2", schedule, definition)
        .fetch_one(connection)
        .await
        .in_table("schedule_definitions", "find how far a schedule is")
}

/// Takes note that all ticks of a definition up to `until` were made.
pub async fn advance_checked(
    executor: impl PgExecutor<'_>,
    schedule: &str,
    definition: &[u8],
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update schedule_definitions set checked_until = $3 where schedule = $1 and definition = $2 and checked_until < $3",
        schedule,
        definition,
        until,
    )
    .execute(executor)
    .await
    .in_table("schedule_definitions", "note how far a schedule is")?;
    Ok(())
}

/// A tick whose job did not end in time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LateTick {
    pub job: String,
    pub fire_at: DateTime<Utc>,
    pub job_id: Option<Uuid>,
    pub late_at: Option<DateTime<Utc>>,
}

/// Judges the ticks that should be done by `now` and were not judged yet, and answers those that are late: their job has not
/// ended, or is a dead letter. A job that is no longer there has ended.
pub async fn judge_late(executor: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<Vec<LateTick>, DbError> {
    let rows = sqlx::query!(
        r#"update schedule_ticks as tick
           set was_late = exists (
               select from jobs where jobs.id = tick.job_id and (jobs.finished_at is null or jobs.state = 'discarded')
           )
           where was_late is null and job_id is not null and late_at <= $1
           returning job, fire_at, job_id, late_at, was_late as "was_late!""#,
        now,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "look for late ticks")?;
    let late = rows.into_iter().filter(|row| row.was_late);
    Ok(late.map(|row| LateTick { job: row.job, fire_at: row.fire_at, job_id: row.job_id, late_at: row.late_at }).collect())
}

/// Ticks since `since` that were late, newest first.
pub async fn late_ticks(executor: impl PgExecutor<'_>, since: DateTime<Utc>) -> Result<Vec<LateTick>, DbError> {
    sqlx::query_as!(
        LateTick,
        "select job, fire_at, job_id, late_at from schedule_ticks where was_late and fire_at >= $1 order by fire_at desc limit 1000",
        since,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list late ticks")
}

/// Forgets ticks before `before`, but for the latest of each. Answers how many.
pub async fn prune_ticks(executor: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, DbError> {
    sqlx::query!(
        "delete from schedule_ticks as old
         where fire_at < $1 and exists (select from schedule_ticks as later where later.job = old.job and later.fire_at > old.fire_at)",
        before,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "forget old ticks")
    .map(|done| done.rows_affected())
}

/// The database's own time, to hold a clock against.
pub async fn database_time(executor: impl PgExecutor<'_>) -> Result<DateTime<Utc>, DbError> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(executor).await.in_table(TABLE, "ask for the time")
}
