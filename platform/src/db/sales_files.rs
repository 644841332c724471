//! Sales files that were left for us, and what became of each.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// A file as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SalesFile {
    pub path: String,
    /// Changes when the file does.
    pub version: String,
    /// `seen`, `taken`, `refused`
    pub state: String,
    pub store_id: Option<Uuid>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// As which it was taken.
    pub raw_record_id: Option<Uuid>,
    /// Rows understood and put aside, of a file that was taken.
    pub good_rows: Option<i64>,
    pub bad_rows: Option<i64>,
    pub seen_at: DateTime<Utc>,
}

const TABLE: &str = "sales_files";

/// Notes what became of a file.
pub async fn note_sales_file(executor: impl PgExecutor<'_>, place: &str, file: &SalesFile) -> Result<(), DbError> {
    sqlx::query!(
        "insert into sales_files (place, path, version, state, store_id, reason, raw_record_id, good_rows, bad_rows, seen_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (place, path) do update
         set version = excluded.version, state = excluded.state, store_id = excluded.store_id, reason = excluded.reason,
             raw_record_id = excluded.raw_record_id, good_rows = excluded.good_rows, bad_rows = excluded.bad_rows, seen_at = excluded.seen_at",
        place,
        file.path,
        file.version,
        file.state,
        file.store_id,
        file.reason,
        file.raw_record_id,
        file.good_rows,
        file.bad_rows,
        file.seen_at,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "note a file")?;
    Ok(())
}

/// All files of a place, by path.
pub async fn list_sales_files(executor: impl PgExecutor<'_>, place: &str) -> Result<Vec<SalesFile>, DbError> {
    sqlx::query_as!(
        SalesFile,
        "select path, version, state, store_id, reason, raw_record_id, good_rows, bad_rows, seen_at
         from sales_files where place = $1 order by path",
        place,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list files")
}

/// Files that were refused and have not changed since, wherever they lie, the last first.
pub async fn refused_sales_files(executor: impl PgExecutor<'_>) -> Result<Vec<SalesFile>, DbError> {
    sqlx::query_as!(
        SalesFile,
        "select path, version, state, store_id, reason, raw_record_id, good_rows, bad_rows, seen_at
         from sales_files where state = 'refused' order by seen_at desc, path limit 100",
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list refused files")
}
