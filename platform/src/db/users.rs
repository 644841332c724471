//! People who sign in.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "users";

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
    .in_table(TABLE, "create a user")?;
    Ok(id)
}

/// The id of the account with this address, in whatever case.
pub async fn find_user_id(executor: impl PgExecutor<'_>, email: &str) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!("select id from users where lower(email) = lower($1)", email)
        .fetch_optional(executor)
        .await
        .in_table(TABLE, "find a user")
}

#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: Uuid,
    pub email: String,
    pub name: Option<String>,
    pub role: String,
    pub locale: String,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

pub async fn find_user(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<UserRow>, DbError> {
    sqlx::query_as!(UserRow, "select id, email, name, role, locale, email_verified_at, created_at from users where id = $1", id)
        .fetch_optional(executor)
        .await
        .in_table(TABLE, "read a user")
}

/// An account as whoever has the machine sees it.
#[derive(Debug, Clone)]
pub struct ListedUser {
    pub id: Uuid,
    pub email: String,
    pub name: Option<String>,
    pub role: String,
    pub email_verified_at: Option<DateTime<Utc>>,
    /// May not come in since then.
    pub disabled_at: Option<DateTime<Utc>>,
    pub has_second_factor: bool,
}

/// Everyone by address, but for those who had themselves erased; for the command line.
pub async fn list_users(executor: impl PgExecutor<'_>) -> Result<Vec<ListedUser>, DbError> {
    sqlx::query_as!(
        ListedUser,
        r#"select id, email, name, role, email_verified_at, disabled_at,
                  exists (select from second_factors f where f.user_id = u.id and f.confirmed_at is not null) as "has_second_factor!"
           from users u
           where erased_at is null
           order by lower(email)"#
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list users")
}

/// Where operators read their mail, as far as they have proved that they do.
pub async fn operator_addresses(executor: impl PgExecutor<'_>) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(
        "select email from users
         where role = 'operator' and email_verified_at is not null and disabled_at is null and erased_at is null
         order by lower(email)"
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "find operators")
}

/// What sign-in needs of an account.
#[derive(Debug, Clone)]
pub struct Account {
    pub user_id: Uuid,
    pub password_hash: Option<String>,
    pub is_verified: bool,
}

/// The account with this address, in whatever case, as long as it may come in. Asked before anyone is known.
pub async fn account_by_email(executor: impl PgExecutor<'_>, email: &str) -> Result<Option<Account>, DbError> {
    sqlx::query_as!(
        Account,
        r#"select user_id as "user_id!", password_hash, email_verified_at is not null as "is_verified!" from app.account_by_email($1)"#,
        email,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find an account")
}

/// Of whoever the transaction names; of nobody who may not come in.
pub async fn own_password_hash(executor: impl PgExecutor<'_>) -> Result<Option<String>, DbError> {
    sqlx::query_scalar!("select app.own_password_hash()").fetch_one(executor).await.in_table(TABLE, "read one's own password hash")
}

/// Registers the person whom the transaction names, without a password. False if the address is taken.
pub async fn register_user(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    email: &str,
    name: Option<&str>,
    locale: &str,
) -> Result<bool, DbError> {
    sqlx::query!(
        "insert into users (id, email, name, locale) values ($1, $2, $3, $4) on conflict (lower(email)) do nothing",
        id,
        email,
        name,
        locale,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "register a user")
    .map(|done| done.rows_affected() == 1)
}

/// Sets a new password. With `valid_from` every access token that was issued earlier stops working.
pub async fn set_password(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    password_hash: &str,
    valid_from: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update users set password_hash = $2, tokens_valid_from = coalesce($3, tokens_valid_from) where id = $1",
        id,
        password_hash,
        valid_from,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "set a password")?;
    Ok(())
}

/// Nobody signs in until a new one was chosen, and every access token that was issued earlier stops working. False if there was none.
pub async fn take_password_away(executor: impl PgExecutor<'_>, id: Uuid, now: DateTime<Utc>) -> Result<bool, DbError> {
    sqlx::query!("update users set password_hash = null, tokens_valid_from = $2 where id = $1 and password_hash is not null", id, now)
        .execute(executor)
        .await
        .in_table(TABLE, "take a password away")
        .map(|done| done.rows_affected() == 1)
}

/// Refuses every access token that was issued earlier.
pub async fn revoke_tokens(executor: impl PgExecutor<'_>, id: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update users set tokens_valid_from = $2 where id = $1", id, now)
        .execute(executor)
        .await
        .in_table(TABLE, "revoke the tokens of a user")?;
    Ok(())
}

/// The address is the person's: they have read a mail that was sent there.
pub async fn verify_email(executor: impl PgExecutor<'_>, id: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update users set email_verified_at = coalesce(email_verified_at, $2) where id = $1", id, now)
        .execute(executor)
        .await
        .in_table(TABLE, "verify an address")?;
    Ok(())
}

/// Name and language of whoever the transaction names; `None` leaves as it is.
pub async fn update_user(executor: impl PgExecutor<'_>, id: Uuid, name: Option<&str>, locale: Option<&str>) -> Result<(), DbError> {
    sqlx::query!("update users set name = coalesce($2, name), locale = coalesce($3, locale) where id = $1", id, name, locale)
        .execute(executor)
        .await
        .in_table(TABLE, "change a user")?;
    Ok(())
}

/// What a request is judged by: who it is from, whether they still are, for which stores they may act.
#[derive(Debug, Clone)]
pub struct Standing {
    pub role: String,
    /// Access tokens that were issued earlier are revoked.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// The session has not been ended.
    pub is_signed_in: bool,
    /// Nobody signs in to the account with a password alone.
    pub has_second_factor: bool,
    pub memberships: Vec<Membership>,
}

#[derive(Debug, Clone, serde::Deserialize)]
pub struct Membership {
    pub store_id: Uuid,
    pub slug: String,
    pub role: String,
}

/// The standing of a person in a session; `None` if the account is gone. The transaction must name the person.
pub async fn standing(executor: impl PgExecutor<'_>, user: Uuid, session: Uuid, now: DateTime<Utc>) -> Result<Option<Standing>, DbError> {
    let row = sqlx::query!(
        r#"select u.role, nullif(u.tokens_valid_from, '-infinity') as tokens_valid_from,
                  exists (select from auth_sessions a
                          where a.family_id = $2 and a.user_id = u.id and a.revoked_at is null and a.expires_at > $3) as "is_signed_in!",
                  exists (select from second_factors f where f.user_id = u.id and f.confirmed_at is not null) as "has_second_factor!",
                  (select coalesce(jsonb_agg(jsonb_build_object('store_id', m.store_id, 'slug', s.slug, 'role', m.role)), '[]')
                   from store_members m join stores s on s.id = m.store_id
                   where m.user_id = u.id) as "memberships!: Json<Vec<Membership>>"
           from users u where u.id = $1"#,
        user,
        session,
        now,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "read the standing of a user")?;
    Ok(row.map(|row| Standing {
        role: row.role,
        tokens_valid_from: row.tokens_valid_from,
        is_signed_in: row.is_signed_in,
        has_second_factor: row.has_second_factor,
        memberships: row.memberships.0,
    }))
}
