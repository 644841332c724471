//! Jobs that somebody of a store asked for, and what came of them.

use chrono::{DateTime, Utc};
use domain::failure::Failure;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "asked_jobs";

#[derive(Debug, Clone, PartialEq)]
pub struct NewAskedJob<'a> {
    pub job_id: Uuid,
    pub store_id: Uuid,
    /// As in `forecast_afresh`.
    pub kind: &'static str,
    pub asked_by: Uuid,
    pub request: &'a Value,
    pub asked_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AskedJob {
    pub job_id: Uuid,
    pub store_id: Uuid,
    pub kind: String,
    pub request: Value,
    pub result: Option<Value>,
    pub failure: Option<Value>,
    pub asked_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Of the job itself, as in `jobs`; `None` once that was pruned.
    pub state: Option<String>,
    /// When its last attempt began, by the clock of the database.
    pub attempted_at: Option<DateTime<Utc>>,
}

impl AskedJob {
    /// Whether what was noted of it is of its last attempt. The two are told by different clocks, which matters for a moment at most: a job
    /// that has ended says so itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.finished_at.is_some_and(|finished| self.attempted_at.is_none_or(|began| began <= finished))
    }
}

/// Nobody else asks for this kind of job in the store until the end of the transaction.
pub async fn lock_asking(transaction: &mut PgConnection, store_id: Uuid, kind: &str) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('asked:' || $1::uuid::text || ':' || $2::text, 0))", store_id, kind)
        .execute(transaction)
        .await
        .in_table(TABLE, "wait for others who ask")?;
    Ok(())
}

/// Notes who asked for a job, with the job itself in one transaction. A job that was asked for before stays theirs.
pub async fn note_asked(executor: impl PgExecutor<'_>, new: &NewAskedJob<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into asked_jobs (job_id, store_id, kind, asked_by, request, asked_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict on constraint asked_jobs_pkey do nothing",
        new.job_id,
        new.store_id,
        new.kind,
        new.asked_by,
        new.request,
        new.asked_at,
        new.expires_at,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "note who asked for a job")?;
    Ok(())
}

/// When jobs of this kind were asked for since then in a store, oldest first.
pub async fn asked_since(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    kind: &str,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, DbError> {
    sqlx::query_scalar!(
        "select asked_at from asked_jobs where store_id = $1 and kind = $2 and asked_at > $3 order by asked_at",
        store_id,
        kind,
        since,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "count what was asked for")
}

/// One of them, with where its job is.
pub async fn find_asked(executor: impl PgExecutor<'_>, job_id: Uuid) -> Result<Option<AskedJob>, DbError> {
    sqlx::query_as!(
        AskedJob,
        r#"select a.job_id, a.store_id, a.kind, a.request, a.result, a.failure, a.asked_at, a.finished_at, j.state as "state?",
                  j.attempted_at as "attempted_at?"
           from asked_jobs a
           left join jobs j on j.id = a.job_id
           where a.job_id = $1"#,
        job_id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find what was asked for")
}

/// Keeps what came of a job. One that nobody asked for leaves nothing behind.
pub async fn keep_result(executor: impl PgExecutor<'_>, job_id: Uuid, result: &Value, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update asked_jobs set result = $2, failure = null, finished_at = $3 where job_id = $1", job_id, result, now,)
        .execute(executor)
        .await
        .in_table(TABLE, "keep a result")?;
    Ok(())
}

/// Keeps why nothing came of a job.
pub async fn keep_failure(executor: impl PgExecutor<'_>, job_id: Uuid, failure: &Failure, now: DateTime<Utc>) -> Result<(), DbError> {
    let failure = serde_json::to_value(failure).unwrap_or_else(|_| serde_json::json!({ "code": Failure::Internal.code() }));
    sqlx::query!("update asked_jobs set failure = $2, result = null, finished_at = $3 where job_id = $1", job_id, failure, now,)
        .execute(executor)
        .await
        .in_table(TABLE, "keep a failure")?;
    Ok(())
}

/// Forgets what nobody is to look at any more.
pub async fn prune_asked(executor: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<u64, DbError> {
    sqlx::query!("delete from asked_jobs where expires_at < $1", now)
        .execute(executor)
        .await
        .in_table(TABLE, "forget what was asked for")
        .map(|done| done.rows_affected())
}
