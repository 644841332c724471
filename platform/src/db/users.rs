//! People who sign in.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    pub email: String,
    pub name: Option<String>,
    /// Argon2id in PHC format; without one the person cannot sign in yet.
    pub password_hash: Option<String>,
    /// Opens platform routes: runs, backfills, every store.
    pub is_operator: bool,
}

/// Creates an account and returns its id. An address that is taken, in whatever case, breaks `one_account_per_email`.
pub async fn create_user(executor: impl PgExecutor<'_>, user: &NewUser) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into users (id, email, name, password_hash, role) values ($1, $2, $3, $4, $5)",
        id,
        user.email,
        user.name,
        user.password_hash,
        if user.is_operator { "operator" } else { "user" },
    )
    .execute(executor)
    .await
    .in_table("users", "create a user")?;
    Ok(id)
}

/// The id of the account with this address, in whatever case.
pub async fn find_user_id(executor: impl PgExecutor<'_>, email: &str) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!("select id from users where lower(email) = lower($1)", email)
        .fetch_optional(executor)
        .await
        .in_table("users", "find a user")
}
