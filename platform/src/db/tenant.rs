//! Who is asking: the settings that row-level security reads.

use std::ops::Deref;
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Postgres, SqlSafeStr as _, SqlStr, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use super::error::{DbError, InTable};
use crate::database::{BEGIN, BEGIN_SNAPSHOT, begin, begin_with};

/// On whose behalf the transaction reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenant {
    /// A person: sees the stores they are a member of.
    User(Uuid),
    /// A platform operator: sees every store.
    Operator(Uuid),
}

impl Tenant {
    fn settings(self) -> (Uuid, &'static str) {
        match self {
            Self::User(id) => (id, "user"),
            Self::Operator(id) => (id, "operator"),
        }
    }

    /// A statement that begins a transaction, and in the same trip what [`set_tenant`] sets in it: a trip is what most statements cost most.
    fn after(self, begin: &str) -> SqlStr {
        let (user_id, role) = self.settings();
        // A number in hexadecimal and one of two words: nothing to quote.
        let statement = format!("{begin}; set local app.user_id = '{user_id}'; set local app.role = '{role}'");
        AssertSqlSafe(statement).into_sql_str()
    }
}

/// For each connection of the pool: so many may wait for one. Whoever comes then is told at once that the database is busy, since those
/// before them already wait as long as somebody with a phone in the hand does.
const WAITING_FOR_EACH: usize = 16;

/// The pool of the API, with a bound on how many wait for a connection. Clones are the same one.
#[derive(Clone)]
pub struct ServePool {
    pool: PgPool,
    places: Arc<Semaphore>,
}

impl ServePool {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let places = Arc::new(Semaphore::new(places_of(&pool)));
        Self { pool, places }
    }

    /// How many may wait for a connection.
    #[must_use]
    pub fn places(&self) -> usize {
        places_of(&self.pool)
    }

    /// How many more may begin to wait.
    #[must_use]
    pub fn free_places(&self) -> usize {
        self.places.available_permits()
    }

    /// A place among those who wait, until it is dropped.
    fn place(&self) -> Result<SemaphorePermit<'_>, DbError> {
        self.places.try_acquire().map_err(|_| {
            metrics::counter!("db_pool_refusals_total", "pool" => "serve").increment(1);
            DbError::Statement { table: "any", operation: "find a free connection", source: sqlx::Error::PoolTimedOut }
        })
    }

    /// A connection that names nobody: row-level security shows no tenant's rows.
    ///
    /// # Errors
    /// [`DbError`]; at once where too many wait.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, DbError> {
        let _place = self.place()?;
        self.pool.acquire().await.in_table("any", "find a free connection")
    }

    /// As [`begin_read`].
    ///
    /// # Errors
    /// [`DbError`]; at once where too many wait.
    pub async fn begin_read(&self, tenant: Tenant) -> Result<Transaction<'static, Postgres>, DbError> {
        let _place = self.place()?;
        begin_read(&self.pool, tenant).await
    }

    /// As [`begin_as`].
    ///
    /// # Errors
    /// [`DbError`]; at once where too many wait.
    pub async fn begin_as(&self, tenant: Tenant) -> Result<Transaction<'static, Postgres>, DbError> {
        let _place = self.place()?;
        begin_as(&self.pool, tenant).await
    }

    /// As [`begin_write`].
    ///
    /// # Errors
    /// [`DbError`]; at once where too many wait.
    pub async fn begin_write(&self) -> Result<Transaction<'static, Postgres>, DbError> {
        let _place = self.place()?;
        begin_write(&self.pool).await
    }
}

fn places_of(pool: &PgPool) -> usize {
    let connections = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
    connections.saturating_mul(WAITING_FOR_EACH).min(Semaphore::MAX_PERMITS)
}

impl Deref for ServePool {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        &self.pool
    }
}

/// Sets the tenant until the end of the open transaction. Outside of one it has no effect: without a tenant the serving role
/// sees nothing at all.
pub async fn set_tenant(transaction: &mut PgConnection, tenant: Tenant) -> Result<(), DbError> {
    let (user_id, role) = tenant.settings();
    sqlx::query!(
        r#"select set_config('app.user_id', $1, true) as "user_id!", set_config('app.role', $2, true) as "role!""#,
        user_id.to_string(),
        role,
    )
    .fetch_one(transaction)
    .await
    .in_table("store_members", "set the tenant of a transaction")?;
    Ok(())
}

/// Begins a read-only snapshot as `tenant`: every statement in it sees the same state of the database, and none can write.
pub async fn begin_read(pool: &PgPool, tenant: Tenant) -> Result<Transaction<'static, Postgres>, DbError> {
    begin_with(pool, tenant.after(BEGIN_SNAPSHOT)).await.in_table("store_members", "begin a read")
}

/// Begins to read and write as `tenant`.
pub async fn begin_as(pool: &PgPool, tenant: Tenant) -> Result<Transaction<'static, Postgres>, DbError> {
    begin_with(pool, tenant.after(BEGIN)).await.in_table("store_members", "begin to write")
}

/// Begins to write what is nobody's, such as an event that came from outside: row-level security shows no tenant's rows.
pub async fn begin_write(pool: &PgPool) -> Result<Transaction<'static, Postgres>, DbError> {
    begin(pool).await.in_table("any", "begin to write")
}

/// Makes lasting what was written.
pub async fn commit(transaction: Transaction<'static, Postgres>) -> Result<(), DbError> {
    transaction.commit().await.in_table("any", "commit")
}

/// Takes back what was written, and its locks, before it goes on.
pub async fn roll_back(transaction: Transaction<'static, Postgres>) -> Result<(), DbError> {
    transaction.rollback().await.in_table("any", "roll back")
}

/// Whether the database answers.
pub async fn ping(pool: &PgPool) -> Result<(), DbError> {
    let mut connection = pool.acquire().await.in_table("any", "reach the database")?;
    connection.ping().await.in_table("any", "reach the database")
}
