//! What came from outside, by content.

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};
use super::month_partitions::{MonthlyTable, ensure_month_partitions};

/// A reply or a file as it came. The bytes lie in object storage under `object_key`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRawRecord {
    pub source: String,
    /// Whose file it is; `None`: everybody's.
    pub store_id: Option<Uuid>,
    /// Region, topic, ...; empty where the source has no such thing.
    pub scope: String,
    /// The half-open window it was fetched for.
    pub window: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pub url: Option<String>,
    pub status: Option<i16>,
    pub headers: serde_json::Value,
    pub content_type: Option<String>,
    /// SHA-256.
    pub content_hash: [u8; 32],
    pub content_length: i64,
    pub object_key: String,
    /// To whom what it tells is owed.
    pub attribution: Option<String>,
    pub fetched_at: DateTime<Utc>,
}

impl NewRawRecord {
    /// A record of which nothing is told yet.
    #[must_use]
    pub fn fetched(fetched_at: DateTime<Utc>) -> Self {
        Self {
            source: String::new(),
            store_id: None,
            scope: String::new(),
            window: None,
            url: None,
            status: None,
            headers: serde_json::json!({}),
            content_type: None,
            content_hash: [0; 32],
            content_length: 0,
            object_key: String::new(),
            attribution: None,
            fetched_at,
        }
    }
}

/// A record that is stored, and whether it was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LandedRecord {
    pub id: Uuid,
    pub is_new: bool,
}

/// A record to be parsed again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredRecord {
    pub id: Uuid,
    pub scope: String,
    pub object_key: String,
    pub fetched_at: DateTime<Utc>,
}

const TABLE: &str = "raw_records";

/// Stores the record, or finds the one of the same source, store and scope with the same bytes. Two landings of the same bytes at one
/// moment give one record.
pub async fn land_raw_record(connection: &mut PgConnection, record: &NewRawRecord) -> Result<LandedRecord, DbError> {
    let operation = "land a raw record";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    let day = record.fetched_at.date_naive();
    ensure_month_partitions(&mut transaction, MonthlyTable::RawRecords, day, day).await?;
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('raw_record:' || $1 || ':' || encode($2, 'hex'), 0))",
        record.source,
        &record.content_hash[..],
    )
    .execute(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    let known = sqlx::query_scalar!(
        "select id from raw_records
         where source = $1 and content_hash = $2 and store_id is not distinct from $3 and scope = $4
         order by fetched_at
         limit 1",
        record.source,
        &record.content_hash[..],
        record.store_id,
        record.scope,
    )
    .fetch_optional(&mut *transaction)
    .await
    .in_table(TABLE, operation)?;
    let landed = match known {
        Some(known) => LandedRecord { id: known, is_new: false },
        None => LandedRecord { id: insert(&mut transaction, record).await?, is_new: true },
    };
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(landed)
}

async fn insert(transaction: &mut PgConnection, record: &NewRawRecord) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into raw_records (id, source, store_id, scope, window_start, window_end, url, status, headers, content_type,
                                  content_hash, content_length, object_key, attribution, fetched_at, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)",
        id,
        record.source,
        record.store_id,
        record.scope,
        record.window.map(|(start, _)| start),
        record.window.map(|(_, end)| end),
        record.url,
        record.status,
        record.headers,
        record.content_type,
        &record.content_hash[..],
        record.content_length,
        record.object_key,
        record.attribution,
        record.fetched_at,
    )
    .execute(transaction)
    .await
    .in_table(TABLE, "land a raw record")?;
    Ok(id)
}

/// Good replies and files of a source about a scope whose window, or else time of arrival, touches `[first, end)`, oldest first.
pub async fn landed_records(
    executor: impl PgExecutor<'_>,
    source: &str,
    scope: &str,
    first: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Result<Vec<StoredRecord>, DbError> {
    sqlx::query_as!(
        StoredRecord,
        // Two looks, each by its own index: those without a window are in the months of their arrival.
        r#"select id as "id!", scope as "scope!", object_key as "object_key!", fetched_at as "fetched_at!"
           from (
               select * from raw_records where source = $1 and scope = $2 and window_start is null and fetched_at >= $3 and fetched_at < $4
               union all
               select * from raw_records where source = $1 and scope = $2 and window_start < $4 and window_end > $3
           ) as landed
           where coalesce(status, 200) between 200 and 299
           order by fetched_at, id"#,
        source,
        scope,
        first,
        end,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list raw records")
}

/// Scopes of a source that anything has landed of, with the first day and the day after the last.
pub async fn landed_spans(
    executor: impl PgExecutor<'_>,
    source: &str,
) -> Result<Vec<(String, chrono::NaiveDate, chrono::NaiveDate)>, DbError> {
    let rows = sqlx::query!(
        r#"select scope, min((fetched_at at time zone 'UTC')::date) as "first!", max((fetched_at at time zone 'UTC')::date) + 1 as "end!"
           from raw_records
           where source = $1 and coalesce(status, 200) between 200 and 299
           group by scope
           order by scope"#,
        source,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "find the spans of raw records")?;
    Ok(rows.into_iter().map(|row| (row.scope, row.first, row.end)).collect())
}
