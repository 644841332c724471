//! What models saw of a store on the eve of each business day. The bytes are objects.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMatrixRow {
    pub business_date: NaiveDate,
    /// No fact that became known later is in it; products, categories and list prices are those of when it was made.
    pub cutoff: DateTime<Utc>,
    /// SHA-256 of the facts and settings that it was made of.
    pub input_hash: Vec<u8>,
    pub code_version: String,
    pub object_key: String,
    /// SHA-256 of the object.
    pub content_hash: Vec<u8>,
    pub content_length: i64,
    /// One for each product and day ahead.
    pub row_count: i32,
    pub column_count: i32,
    pub made_in_ms: i32,
}

const TABLE: &str = "feature_matrices";

/// Stores the matrix of a day, in place of an earlier one. Answers with an object that no matrix names any more: delete it after the commit.
pub async fn replace_feature_matrix(
    connection: &mut PgConnection,
    store_id: Uuid,
    matrix: &FeatureMatrixRow,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    let earlier = sqlx::query_scalar!(
        "select object_key from feature_matrices where store_id = $1 and business_date = $2 for update",
        store_id,
        matrix.business_date,
    )
    .fetch_optional(&mut *connection)
    .await
    .in_table(TABLE, "keep a feature matrix")?;
    sqlx::query!(
        "insert into feature_matrices (store_id, business_date, cutoff, input_hash, code_version, object_key, content_hash,
                                       content_length, row_count, column_count, made_in_ms, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (store_id, business_date) do update
         set cutoff = excluded.cutoff, input_hash = excluded.input_hash, code_version = excluded.code_version,
             object_key = excluded.object_key, content_hash = excluded.content_hash, content_length = excluded.content_length,
             row_count = excluded.row_count, column_count = excluded.column_count, made_in_ms = excluded.made_in_ms,
             recorded_at = excluded.recorded_at
         where (feature_matrices.content_hash, feature_matrices.input_hash, feature_matrices.code_version)
             is distinct from (excluded.content_hash, excluded.input_hash, excluded.code_version)",
        store_id,
        matrix.business_date,
        matrix.cutoff,
        matrix.input_hash,
        matrix.code_version,
        matrix.object_key,
        matrix.content_hash,
        matrix.content_length,
        matrix.row_count,
        matrix.column_count,
        matrix.made_in_ms,
        now,
    )
    .execute(&mut *connection)
    .await
    .in_table(TABLE, "keep a feature matrix")?;
    let Some(earlier) = earlier else { return Ok(None) };
    sqlx::query_scalar!(r#"select $1::text as "earlier!" where not exists (select from feature_matrices where object_key = $1)"#, earlier,)
        .fetch_optional(connection)
        .await
        .in_table(TABLE, "look whether a matrix is still named")
}

/// Matrices of a store for the business days `[first_day, end_day)`, in their order.
pub async fn feature_matrices(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first_day: NaiveDate,
    end_day: NaiveDate,
) -> Result<Vec<FeatureMatrixRow>, DbError> {
    sqlx::query_as!(
        FeatureMatrixRow,
        "select business_date, cutoff, input_hash, code_version, object_key, content_hash, content_length, row_count, column_count, made_in_ms
         from feature_matrices
         where store_id = $1 and business_date >= $2 and business_date < $3
         order by business_date",
        store_id,
        first_day,
        end_day,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list feature matrices")
}

/// Milliseconds and rows of a matrix, in the middle of the latest hundred; `None` before the first.
pub async fn typical_matrix(executor: impl PgExecutor<'_>) -> Result<Option<(f64, f64)>, DbError> {
    let row = sqlx::query!(
        r#"select percentile_cont(0.5) within group (order by made_in_ms) as milliseconds,
                  percentile_cont(0.5) within group (order by row_count) as "row_count"
           from (select made_in_ms, row_count from feature_matrices order by recorded_at desc limit 100) as latest"#,
    )
    .fetch_one(executor)
    .await
    .in_table(TABLE, "see how long matrices take")?;
    Ok(row.milliseconds.zip(row.row_count))
}
