//! Rows that could not be read, with the reason.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQuarantinedRow {
    pub file_name: Option<String>,
    /// As a person counts: the header is row 1.
    pub row_number: i64,
    pub column_name: Option<String>,
    /// What stood in that column.
    pub value: Option<String>,
    pub reason: String,
    /// The whole row as it came.
    pub row_text: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedRow {
    pub id: Uuid,
    pub source: String,
    pub file_name: Option<String>,
    pub row_number: i64,
    pub column_name: Option<String>,
    pub value: Option<String>,
    pub reason: String,
    pub row_text: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Puts rows aside and returns how many were not waiting yet: the same row of the same record is quarantined once, and again if it had
/// been settled.
pub async fn insert_quarantined_rows(
    executor: impl PgExecutor<'_>,
    source: &str,
    store_id: Option<Uuid>,
    raw_record_id: Option<Uuid>,
    rows: &[NewQuarantinedRow],
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "insert into quarantined_rows (source, store_id, raw_record_id, file_name, row_number, column_name, value, reason, row_text)
         select $1, $2, $3, new.*
         from unnest($4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[]) as new
         on conflict on constraint row_is_quarantined_once do update set state = 'open' where quarantined_rows.state <> 'open'",
        source,
        store_id,
        raw_record_id,
        &rows.iter().map(|row| row.file_name.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.row_number).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.column_name.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.value.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.row_text.clone()).collect::<Vec<_>>() as &[Option<String>],
    )
    .execute(executor)
    .await
    .in_table("quarantined_rows", "quarantine rows")?;
    Ok(done.rows_affected())
}

/// Closes the open rows of a record, but for those that are still refused: the record has been parsed again.
pub async fn close_replayed_rows(
    executor: impl PgExecutor<'_>,
    source: &str,
    raw_record_id: Uuid,
    refused: &[NewQuarantinedRow],
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "update quarantined_rows as known set state = 'replayed'
         where source = $1 and raw_record_id = $2 and state = 'open' and not exists (
             select from unnest($3::bigint[], $4::text[]) as refused (row_number, column_name)
             where refused.row_number = known.row_number and refused.column_name is not distinct from known.column_name
         )",
        source,
        raw_record_id,
        &refused.iter().map(|row| row.row_number).collect::<Vec<_>>(),
        &refused.iter().map(|row| row.column_name.clone()).collect::<Vec<_>>() as &[Option<String>],
    )
    .execute(executor)
    .await
    .in_table("quarantined_rows", "close quarantined rows")?;
    Ok(done.rows_affected())
}

/// Closes the open rows of a store (or of no store) that somebody has dealt with otherwise, of one record or of all.
pub async fn dismiss_quarantined_rows(
    executor: impl PgExecutor<'_>,
    source: &str,
    store_id: Option<Uuid>,
    raw_record_id: Option<Uuid>,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "update quarantined_rows set state = 'dismissed'
         where source = $1 and store_id is not distinct from $2 and state = 'open' and ($3::uuid is null or raw_record_id = $3)",
        source,
        store_id,
        raw_record_id,
    )
    .execute(executor)
    .await
    .in_table("quarantined_rows", "dismiss quarantined rows")?;
    Ok(done.rows_affected())
}

/// Open rows of a store (or of no store) and source, the first `limit` by record and row.
pub async fn list_quarantined_rows(
    executor: impl PgExecutor<'_>,
    source: &str,
    store_id: Option<Uuid>,
    limit: i64,
) -> Result<Vec<QuarantinedRow>, DbError> {
    sqlx::query_as!(
        QuarantinedRow,
        "select id, source, file_name, row_number, column_name, value, reason, row_text, created_at
         from quarantined_rows
         where source = $1 and store_id is not distinct from $2 and state = 'open'
         order by raw_record_id, row_number, column_name
         limit $3",
        source,
        store_id,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("quarantined_rows", "list quarantined rows")
}

/// How many rows of a source are open, over all stores.
pub async fn count_quarantined_rows(executor: impl PgExecutor<'_>, source: &str) -> Result<i64, DbError> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from quarantined_rows where source = $1 and state = 'open'"#, source,)
        .fetch_one(executor)
        .await
        .in_table("quarantined_rows", "count quarantined rows")
}
