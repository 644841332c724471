//! Up to when each source is complete.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    pub source: String,
    /// Store, region, topic; empty: the whole source.
    pub scope: String,
    /// Everything before it is there.
    pub complete_until: DateTime<Utc>,
    pub last_success_at: DateTime<Utc>,
    /// Failures in a row since then.
    pub failures: i32,
    pub last_error: Option<String>,
    pub last_error_at: Option<DateTime<Utc>>,
}

pub async fn get_watermark(executor: impl PgExecutor<'_>, source: &str, scope: &str) -> Result<Option<Watermark>, DbError> {
    sqlx::query_as!(
        Watermark,
        "select source, scope, complete_until, last_success_at, failures, last_error, last_error_at from watermarks where source = $1 and scope = $2",
        source,
        scope,
    )
    .fetch_optional(executor)
    .await
    .in_table("watermarks", "read a watermark")
}

/// Moves a watermark forward, never back, and returns where it stands now.
pub async fn advance_watermark(
    executor: impl PgExecutor<'_>,
    source: &str,
    scope: &str,
    complete_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, DbError> {
    sqlx::query_scalar!(
        "insert into watermarks (source, scope, complete_until, last_success_at)
         values ($1, $2, $3, $4)
         on conflict on constraint one_watermark_per_source_and_scope do update
         set complete_until = greatest(watermarks.complete_until, excluded.complete_until),
             last_success_at = greatest(watermarks.last_success_at, excluded.last_success_at),
             failures = 0
         returning complete_until",
        source,
        scope,
        complete_until,
        now,
    )
    .fetch_one(executor)
    .await
    .in_table("watermarks", "advance a watermark")
}

/// How far the sources of a store are: its own, those of its village and province, and those of everybody.
pub async fn watermarks_of_store(executor: impl PgExecutor<'_>, store_id: uuid::Uuid) -> Result<Vec<Watermark>, DbError> {
    sqlx::query_as!(
        Watermark,
        "select source, scope, complete_until, last_success_at, failures, last_error, last_error_at from watermarks
         where scope in ($1::uuid::text, '', 'ID')
            or scope in (select unnest(array[adm4, left(adm4, 2)]) from stores where id = $1)
         order by source, scope",
        store_id,
    )
    .fetch_all(executor)
    .await
    .in_table("watermarks", "read the watermarks of a store")
}

/// All watermarks by source and scope.
pub async fn list_watermarks(executor: impl PgExecutor<'_>) -> Result<Vec<Watermark>, DbError> {
    sqlx::query_as!(
        Watermark,
        "select source, scope, complete_until, last_success_at, failures, last_error, last_error_at from watermarks order by source, scope",
    )
    .fetch_all(executor)
    .await
    .in_table("watermarks", "list watermarks")
}

/// Up to when each scope of a source is complete.
pub async fn watermarks_of(executor: impl PgExecutor<'_>, source: &str) -> Result<HashMap<String, DateTime<Utc>>, DbError> {
    let rows = sqlx::query!("select scope, complete_until from watermarks where source = $1", source)
        .fetch_all(executor)
        .await
        .in_table("watermarks", "list the watermarks of a source")?;
    Ok(rows.into_iter().map(|row| (row.scope, row.complete_until)).collect())
}

/// Remembers why a scope could not be had; of one that never could there is a finding alone.
pub async fn note_source_error(
    executor: impl PgExecutor<'_>,
    source: &str,
    scope: &str,
    error: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update watermarks set failures = failures + 1, last_error = $3, last_error_at = $4 where source = $1 and scope = $2",
        source,
        scope,
        error,
        now,
    )
    .execute(executor)
    .await
    .in_table("watermarks", "note an error of a source")?;
    Ok(())
}
