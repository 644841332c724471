//! Who is asking: the settings that row-level security reads.

use sqlx::PgConnection;
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
