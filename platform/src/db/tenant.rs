//! Who is asking: the settings that row-level security reads.

use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// On whose behalf the transaction reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenant {
    /// A person: sees the stores they are a member of.
    User(Uuid),
    /// A platform operator: sees every store.
    Operator(Uuid),
}

/// Sets the tenant until the end of the open transaction. Outside of one it has no effect: without a tenant the serving role
/// sees nothing at all.
pub async fn set_tenant(transaction: &mut PgConnection, tenant: Tenant) -> Result<(), DbError> {
    let (user_id, role) = match tenant {
        Tenant::User(id) => (id, "user"),
        Tenant::Operator(id) => (id, "operator"),
    };
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
    let begun = pool.begin_with("begin isolation level repeatable read read only").await;
    let mut transaction = begun.in_table("store_members", "begin a read")?;
    set_tenant(&mut transaction, tenant).await?;
    Ok(transaction)
}

/// Begins to read and write as `tenant`.
pub async fn begin_as(pool: &PgPool, tenant: Tenant) -> Result<Transaction<'static, Postgres>, DbError> {
    let mut transaction = begin_write(pool).await?;
    set_tenant(&mut transaction, tenant).await?;
    Ok(transaction)
}

/// Begins to write what is nobody's, such as an event that came from outside: row-level security shows no tenant's rows.
pub async fn begin_write(pool: &PgPool) -> Result<Transaction<'static, Postgres>, DbError> {
    pool.begin().await.in_table("any", "begin to write")
}

/// Makes lasting what was written.
pub async fn commit(transaction: Transaction<'static, Postgres>) -> Result<(), DbError> {
    transaction.commit().await.in_table("any", "commit")
}

/// Whether the database answers.
pub async fn ping(pool: &PgPool) -> Result<(), DbError> {
    let mut connection = pool.acquire().await.in_table("any", "reach the database")?;
    connection.ping().await.in_table("any", "reach the database")
}
