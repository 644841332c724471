//! What was odd about a source lately.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub source: String,
    pub scope: String,
    /// error, volume or duplicates.
    pub check_name: String,
    pub detail: String,
    /// How often since it was first seen.
    pub times: i32,
    pub last_at: DateTime<Utc>,
}

const TABLE: &str = "source_findings";

pub async fn note_finding(
    executor: impl PgExecutor<'_>,
    source: &str,
    scope: &str,
    check: &str,
    detail: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into source_findings as known (source, scope, check_name, detail, first_at, last_at) values ($1, $2, $3, $4, $5, $5)
         on conflict (source, scope, check_name) do update
         set detail = excluded.detail, times = known.times + 1, last_at = excluded.last_at",
        source,
        scope,
        check,
        detail,
        now,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "note a finding")?;
    Ok(())
}

/// A scope has been had without that finding.
pub async fn settle_finding(executor: impl PgExecutor<'_>, source: &str, scope: &str, check: &str) -> Result<(), DbError> {
    sqlx::query!("delete from source_findings where source = $1 and scope = $2 and check_name = $3", source, scope, check)
        .execute(executor)
        .await
        .in_table(TABLE, "settle a finding")?;
    Ok(())
}

/// All findings by source and scope.
pub async fn list_findings(executor: impl PgExecutor<'_>) -> Result<Vec<Finding>, DbError> {
    sqlx::query_as!(
        Finding,
        "select source, scope, check_name, detail, times, last_at from source_findings order by source, scope, check_name",
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list findings")
}

/// Notes how many facts a record held and answers what the last few records of the source and scope held in the median, for each day
/// they were asked for; `None` while there are fewer than four.
pub async fn usual_facts_a_day(
    connection: &mut sqlx::PgConnection,
    source: &str,
    scope: &str,
    record: Uuid,
    facts: i64,
) -> Result<Option<f64>, DbError> {
    sqlx::query!("update raw_records set fact_count = $2 where id = $1", record, facts)
        .execute(&mut *connection)
        .await
        .in_table("raw_records", "note the facts of a record")?;
    sqlx::query_scalar!(
        r#"select case when count(*) >= 4 then percentile_cont(0.5) within group (order by a_day) end as usual
           from (
               select fact_count / greatest(extract(epoch from coalesce(window_end - window_start, interval '1 day')) / 86400, 1)::float8
                          as a_day
               from raw_records
               where source = $1 and scope = $2 and id <> $3 and fact_count is not null
               order by fetched_at desc
               limit 12
           ) lately"#,
        source,
        scope,
        record,
    )
    .fetch_one(connection)
    .await
    .in_table("raw_records", "look at the volume of records")
}
