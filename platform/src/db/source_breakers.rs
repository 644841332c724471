//! Circuit breakers of the sources, shared by all programs, and what sources do not cover.

use std::time::Duration;

use sqlx::PgExecutor;

use super::error::{DbError, InTable};

const TABLE: &str = "source_breakers";
/// Failures in a row that open a breaker.
const TOLERATED: i32 = 5;
/// For the first opening; doubles with every failed try.
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3600);
/// How long the program that tries has for it.
const TRIAL: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Breaker {
    pub source: String,
    /// In a row.
    pub failures: i32,
    /// Seconds until somebody asks again; `None` while it is closed.
    pub open_seconds: Option<i64>,
    pub last_error: Option<String>,
}

/// Whether the source may be asked now, and if not how long until it may. After an opening one program gets the right to try;
/// the others wait for what comes of it.
pub async fn pass_breaker(executor: impl PgExecutor<'_>, source: &str) -> Result<Option<Duration>, DbError> {
    let seconds = sqlx::query_scalar!(
        r#"with known as (
               select source, open_until from source_breakers where source = $1 for update
           ), trial as (
               update source_breakers set open_until = clock_timestamp() + $2::float8 * interval '1 second'
               from known
               where source_breakers.source = known.source and known.open_until <= clock_timestamp()
           )
           select extract(epoch from open_until - clock_timestamp())::float8 as "seconds!"
           from known
           where open_until > clock_timestamp()"#,
        source,
        TRIAL.as_secs_f64(),
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "look at a breaker")?;
    Ok(seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.001))))
}

/// The source has answered as it should.
pub async fn close_breaker(executor: impl PgExecutor<'_>, source: &str) -> Result<(), DbError> {
    sqlx::query!(
        "update source_breakers set failures = 0, open_until = null where source = $1 and (failures > 0 or open_until is not null)",
        source,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "close a breaker")?;
    Ok(())
}

/// The source has failed. Opens the breaker after [`TOLERATED`] in a row, at once for `at_least`.
pub async fn note_failure(executor: impl PgExecutor<'_>, source: &str, error: &str, at_least: Option<Duration>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into source_breakers as known (source, failures, open_until, last_error, last_error_at)
         values ($1, 1, case when $3::float8 is not null then clock_timestamp() + $3 * interval '1 second' end, $2, clock_timestamp())
         on conflict (source) do update
         set failures = known.failures + 1,
             open_until = greatest(
                 known.open_until,
                 case when known.failures + 1 >= $4 then clock_timestamp()
                     + least($5::float8 * power(2, least(known.failures + 1 - $4, 20)), $6::float8) * interval '1 second' end,
                 case when $3::float8 is not null then clock_timestamp() + $3 * interval '1 second' end),
             last_error = excluded.last_error,
             last_error_at = excluded.last_error_at",
        source,
        error,
        at_least.map(|wait| wait.as_secs_f64()),
        TOLERATED,
        FIRST.as_secs_f64(),
        LONGEST.as_secs_f64(),
    )
    .execute(executor)
    .await
    .in_table(TABLE, "note a failure of a source")?;
    Ok(())
}

/// Every breaker that has ever counted a failure.
pub async fn list_breakers(executor: impl PgExecutor<'_>) -> Result<Vec<Breaker>, DbError> {
    sqlx::query_as!(
        Breaker,
        "select source, failures, last_error,
                case when open_until > clock_timestamp() then extract(epoch from open_until - clock_timestamp())::bigint end as open_seconds
         from source_breakers
         order by source",
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list breakers")
}

/// Remembers that a source knows nothing of a scope.
pub async fn note_uncovered(
    executor: impl PgExecutor<'_>,
    source: &str,
    scope: &str,
    reason: &str,
    ask_again_at: chrono::DateTime<chrono::Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into uncovered_scopes (source, scope, reason, ask_again_at) values ($1, $2, $3, $4)
         on conflict (source, scope) do update set reason = excluded.reason, ask_again_at = excluded.ask_again_at",
        source,
        scope,
        reason,
        ask_again_at,
    )
    .execute(executor)
    .await
    .in_table("uncovered_scopes", "remember a scope that is not covered")?;
    Ok(())
}

/// The scopes of a source that are not to be asked for at `now`, with the reason.
pub async fn uncovered_scopes(
    executor: impl PgExecutor<'_>,
    source: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<(String, String)>, DbError> {
    let rows =
        sqlx::query!("select scope, reason from uncovered_scopes where source = $1 and ask_again_at > $2 order by scope", source, now)
            .fetch_all(executor)
            .await
            .in_table("uncovered_scopes", "list scopes that are not covered")?;
    Ok(rows.into_iter().map(|row| (row.scope, row.reason)).collect())
}
