//! Facts that are told again and again, kept as versions by `app.tell_versions`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::NewFacts;
use super::copy::{CopyLine, copy_rows};
use super::error::{DbError, InTable};

/// A table of versions, and what of its columns is told.
pub(super) struct Versioned {
    pub table: &'static str,
    /// What a fact is about.
    pub keys: &'static [&'static str],
    /// What is said of it.
    pub values: &'static [&'static str],
}

/// What one record says, and when it said so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling {
    pub raw_record_id: Option<Uuid>,
    pub told_at: DateTime<Utc>,
}

impl Versioned {
    /// Stores what was told and answers the versions that made. `write` writes keys, values and then `available_at` of a row. To be
    /// called in a transaction, with the partitions there.
    pub(super) async fn tell<R>(
        &self,
        transaction: &mut PgConnection,
        telling: Telling,
        rows: impl Iterator<Item = R>,
        write: impl FnMut(&R, &mut CopyLine<'_>),
    ) -> Result<NewFacts, DbError> {
        let (table, operation) = (self.table, "tell versions");
        // Two tellings of one table wait for each other, so that each sees what the other has said.
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('tell_versions:' || $1::text, 0))", table)
            .execute(&mut *transaction)
            .await
            .in_table(table, operation)?;
        let columns = [self.keys, self.values, &["available_at"]].concat().join(", ");
        let staging = format!(
            "drop table if exists pg_temp.tellings;
             create temp table tellings on commit drop as select {columns} from {table} with no data"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(staging)).execute(&mut *transaction).await.in_table(table, operation)?;
        copy_rows(transaction, &format!("copy tellings ({columns}) from stdin"), rows, write).await.in_table(table, operation)?;
        sqlx::raw_sql("analyze tellings").execute(&mut *transaction).await.in_table(table, operation)?;
        let (count, earliest): (i64, Option<DateTime<Utc>>) =
            sqlx::query_as("select new_versions, earliest from app.tell_versions($1::text::regclass, $2, $3, $4, $5)")
                .bind(table)
                .bind(self.keys)
                .bind(self.values)
                .bind(telling.raw_record_id)
                .bind(telling.told_at)
                .fetch_one(transaction)
                .await
                .in_table(table, operation)?;
        Ok(NewFacts::of(count, earliest))
    }
}
