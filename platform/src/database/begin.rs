//! How a transaction begins on a connection of a pool.

use sqlx::{PgPool, Postgres, SqlSafeStr as _, SqlStr, Transaction};

pub(crate) const BEGIN: &str = "begin";
pub(crate) const BEGIN_SNAPSHOT: &str = "begin isolation level repeatable read read only";

/// Begins a transaction, for whoever has a pool: in place of `Pool::begin`, which a lint refuses.
///
/// A `begin` that was sent is always waited for, though the request or job that wanted it is given up: the driver undoes a transaction only
/// from the answer on (sqlx 0.9), and whoever got the connection next would find themselves in it. Everything they wrote would be undone with
/// it. For the same reason a `Connection::begin` belongs on a connection that is in a transaction (where it makes a savepoint), or to a
/// program that nobody stops half way.
///
/// # Errors
/// Those of the pool and of the database.
pub async fn begin(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    begin_with(pool, BEGIN.into_sql_str()).await
}

/// As [`begin`], to read only: every statement sees the same state of the database.
///
/// # Errors
/// As [`begin`].
pub async fn begin_snapshot(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    begin_with(pool, BEGIN_SNAPSHOT.into_sql_str()).await
}

/// As [`begin`], by a statement that does so, and what goes with it in the same trip.
pub(crate) async fn begin_with(pool: &PgPool, statement: SqlStr) -> sqlx::Result<Transaction<'static, Postgres>> {
    let connection = pool.acquire().await?;
    let begun = tokio::spawn(Transaction::begin(connection, Some(statement)));
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}
