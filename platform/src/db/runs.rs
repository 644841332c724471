//! The history of runs: what ran on which input, how long, with what result.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun<'a> {
    /// As in `nightly`.
    pub kind: &'a str,
    pub store_id: Option<Uuid>,
    pub business_date: Option<NaiveDate>,
    /// Of everything the result depends on.
    pub input_hash: &'a [u8],
    pub config_hash: Option<&'a [u8]>,
    pub code_version: &'a str,
    pub job_id: Option<Uuid>,
    pub started_at: DateTime<Utc>,
}

/// What [`start_run`] found.
#[derive(Debug, Clone, PartialEq)]
pub enum StartedRun {
    /// A new run, now `running`.
    New(Uuid),
    /// The same input has been through already; nothing was started.
    Finished(Box<RunRow>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    pub id: Uuid,
    pub kind: String,
    pub store_id: Option<Uuid>,
    pub business_date: Option<NaiveDate>,
    /// running, finished, failed or cancelled.
    pub state: String,
    /// fresh, last_model, last_published or seasonal_naive.
    pub rung: Option<String>,
    pub input_hash: Vec<u8>,
    pub config_hash: Option<Vec<u8>>,
    pub code_version: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i64>,
    pub row_count: Option<i64>,
    pub error: Option<String>,
    pub details: serde_json::Value,
}

/// Which runs to list; what is `None` does not restrict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunFilter<'a> {
    pub kind: Option<&'a str>,
    pub store_id: Option<Uuid>,
    pub state: Option<&'a str>,
    pub business_date: Option<NaiveDate>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResult<'a> {
    pub finished_at: DateTime<Utc>,
    pub rung: Option<&'a str>,
    pub row_count: i64,
    pub details: serde_json::Value,
}

const TABLE: &str = "runs";

/// Starts a run, unless one of the same kind, store, day and input has finished: then that one is returned.
pub async fn start_run(connection: &mut sqlx::PgConnection, run: &NewRun<'_>) -> Result<StartedRun, DbError> {
    let finished = sqlx::query_as!(
        RunRow,
        "select id, kind, store_id, business_date, state, rung, input_hash, config_hash, code_version, started_at, finished_at,
                duration_ms, row_count, error, details
         from runs
         where kind = $1 and store_id is not distinct from $2 and business_date is not distinct from $3 and input_hash = $4
           and state = 'finished'",
        run.kind,
        run.store_id,
        run.business_date,
        run.input_hash,
    )
    .fetch_optional(&mut *connection)
    .await
    .in_table(TABLE, "start a run")?;
    if let Some(finished) = finished {
        return Ok(StartedRun::Finished(Box::new(finished)));
    }
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into runs (id, kind, store_id, business_date, input_hash, config_hash, code_version, job_id, started_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        run.kind,
        run.store_id,
        run.business_date,
        run.input_hash,
        run.config_hash,
        run.code_version,
        run.job_id,
        run.started_at,
    )
    .execute(connection)
    .await
    .in_table(TABLE, "start a run")?;
    Ok(StartedRun::New(id))
}

/// Closes a running run with its result. Where another run has finished on the same input meanwhile, the rule
/// `one_finished_run_per_input` refuses.
pub async fn finish_run(executor: impl PgExecutor<'_>, run_id: Uuid, result: &RunResult<'_>) -> Result<(), DbError> {
    let done = sqlx::query!(
        "update runs
         set state = 'finished', finished_at = $2, rung = $3, row_count = $4, details = $5,
             duration_ms = greatest(0, extract(epoch from $2 - started_at) * 1000)::bigint
         where id = $1 and state = 'running'",
        run_id,
        result.finished_at,
        result.rung,
        result.row_count,
        result.details,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "finish a run")?;
    expect_running(done.rows_affected(), run_id, "finish a run")
}

/// Closes a running run with what went wrong.
pub async fn fail_run(executor: impl PgExecutor<'_>, run_id: Uuid, finished_at: DateTime<Utc>, error: &str) -> Result<(), DbError> {
    let done = sqlx::query!(
        "update runs
         set state = 'failed', finished_at = $2, error = $3,
             duration_ms = greatest(0, extract(epoch from $2 - started_at) * 1000)::bigint
         where id = $1 and state = 'running'",
        run_id,
        finished_at,
        error,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "fail a run")?;
    expect_running(done.rows_affected(), run_id, "fail a run")
}

/// Closes the runs of a store that nobody works on any more: those that started before `started_before`, and those that an
/// earlier attempt of the same job left open. Returns how many there were.
pub async fn fail_abandoned_runs(
    executor: impl PgExecutor<'_>,
    kind: &str,
    store_id: Uuid,
    job_id: Option<Uuid>,
    started_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    let done = sqlx::query(
        "update runs
         set state = 'failed', finished_at = $5, error = 'the program that ran it ended before it did',
             duration_ms = greatest(0, extract(epoch from $5 - started_at) * 1000)::bigint
         where kind = $1 and store_id = $2 and state = 'running' and (started_at < $4 or job_id = $3)",
    )
    .bind(kind)
    .bind(store_id)
    .bind(job_id)
    .bind(started_before)
    .bind(now)
    .execute(executor)
    .await
    .in_table(TABLE, "close abandoned runs")?;
    Ok(done.rows_affected())
}

fn expect_running(changed: u64, run_id: Uuid, operation: &'static str) -> Result<(), DbError> {
    if changed == 1 {
        return Ok(());
    }
    Err(DbError::Refused {
        table: TABLE,
        operation,
        reason: format!("run `{run_id}` is not running"),
        hint: "`viralcast runs show` tells how it ended; start a new run to try again",
    })
}

pub async fn get_run(executor: impl PgExecutor<'_>, run_id: Uuid) -> Result<Option<RunRow>, DbError> {
    sqlx::query_as!(
        RunRow,
        "select id, kind, store_id, business_date, state, rung, input_hash, config_hash, code_version, started_at, finished_at,
                duration_ms, row_count, error, details
         from runs
         where id = $1",
        run_id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "read a run")
}

/// The newest `limit` runs that pass the filter.
pub async fn list_runs(executor: impl PgExecutor<'_>, filter: RunFilter<'_>, limit: i64) -> Result<Vec<RunRow>, DbError> {
    sqlx::query_as!(
        RunRow,
        "select id, kind, store_id, business_date, state, rung, input_hash, config_hash, code_version, started_at, finished_at,
                duration_ms, row_count, error, details
         from runs
         where ($1::text is null or kind = $1) and ($2::uuid is null or store_id = $2) and ($3::text is null or state = $3)
           and ($4::date is null or business_date = $4)
         order by started_at desc, id desc
         limit $5",
        filter.kind,
        filter.store_id,
        filter.state,
        filter.business_date,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list runs")
}
