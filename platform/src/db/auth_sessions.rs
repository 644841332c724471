//! Who is signed in where. One row a refresh token; the rows of one device are a family, which is what people call a session.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "auth_sessions";

/// Why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    SignedOut,
    SignedOutEverywhere,
    /// A refresh token came twice: one of the two who have it stole it.
    Reused,
    TooMany,
    PasswordChanged,
    SecondFactorSet,
    ByOperator,
}

impl Revocation {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::Reused => "reused",
            Self::TooMany => "too_many",
            Self::PasswordChanged => "password_changed",
            Self::SecondFactorSet => "second_factor_set",
            Self::ByOperator => "by_operator",
        }
    }
}

#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    pub user_id: Uuid,
    pub family_id: Uuid,
    pub refresh_hash: [u8; 32],
    pub user_agent: Option<&'a str>,
    pub ip_address: Option<&'a str>,
    /// Of the family: when the password was given.
    pub signed_in_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct SessionRow {
    pub id: Uuid,
    pub family_id: Uuid,
    pub successor_id: Option<Uuid>,
    pub signed_in_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
}

/// A family that is signed in.
#[derive(Debug, Clone)]
pub struct LiveSession {
    pub family_id: Uuid,
    pub user_agent: Option<String>,
    pub ip_address: Option<String>,
    pub signed_in_at: DateTime<Utc>,
    /// When it last got tokens.
    pub seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Whose refresh token has this hash. Asked before anyone is known.
pub async fn user_of_refresh_token(executor: impl PgExecutor<'_>, hash: &[u8; 32]) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!("select app.user_of_refresh_token($1)", hash.as_slice())
        .fetch_one(executor)
        .await
        .in_table(TABLE, "find whose refresh token it is")
}

/// The row of a refresh token, locked: of two refreshes with the same token the second sees what the first did.
pub async fn lock_session(executor: impl PgExecutor<'_>, hash: &[u8; 32]) -> Result<Option<SessionRow>, DbError> {
    sqlx::query_as!(
        SessionRow,
        "select id, family_id, successor_id, signed_in_at, used_at, revoked_at, expires_at
         from auth_sessions where refresh_hash = $1 for update",
        hash.as_slice(),
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find a session")
}

pub async fn insert_session(executor: impl PgExecutor<'_>, session: &NewSession<'_>) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into auth_sessions (id, user_id, family_id, refresh_hash, user_agent, ip_address, signed_in_at, expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6::text::inet, $7, $8, $9)",
        id,
        session.user_id,
        session.family_id,
        session.refresh_hash.as_slice(),
        session.user_agent,
        session.ip_address,
        session.signed_in_at,
        session.expires_at,
        session.now,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "store a session")?;
    Ok(id)
}

/// Marks a refresh token as used, with the one that follows it.
pub async fn use_session(executor: impl PgExecutor<'_>, id: Uuid, successor: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update auth_sessions set used_at = $3, successor_id = $2 where id = $1", id, successor, now)
        .execute(executor)
        .await
        .in_table(TABLE, "use a session")?;
    Ok(())
}

/// Ends a session of the person whom the transaction names. False if there is none. It waits for a refresh that is on its way, whose
/// new token it would not see.
pub async fn revoke_family(
    transaction: &mut PgConnection,
    user: Uuid,
    family: Uuid,
    because: Revocation,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    lock_sessions(&mut *transaction, user).await?;
    sqlx::query!(
        "update auth_sessions set revoked_at = $4, revoked_because = $3
         where family_id = $2 and user_id = $1 and revoked_at is null",
        user,
        family,
        because.name(),
        now,
    )
    .execute(transaction)
    .await
    .in_table(TABLE, "end a session")
    .map(|done| done.rows_affected() > 0)
}

/// Ends all sessions of a person, but for one; the ids of those it was. It waits as [`revoke_family`] does.
pub async fn revoke_others(
    transaction: &mut PgConnection,
    user: Uuid,
    but: Option<Uuid>,
    because: Revocation,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    lock_sessions(&mut *transaction, user).await?;
    sqlx::query_scalar!(
        r#"with ended as (
               update auth_sessions set revoked_at = $4, revoked_because = $3
               where user_id = $1 and family_id is distinct from $2 and revoked_at is null
               returning family_id
           )
           select distinct family_id as "family_id!" from ended"#,
        user,
        but,
        because.name(),
        now,
    )
    .fetch_all(transaction)
    .await
    .in_table(TABLE, "end sessions")
}

/// Lets whatever begins, renews and ends sessions of one person take turns, until the open transaction ends.
pub async fn lock_sessions(executor: impl PgExecutor<'_>, user: Uuid) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('sessions:' || $1::text, 0))", user.to_string())
        .fetch_one(executor)
        .await
        .in_table(TABLE, "wait for other sign-ins")?;
    Ok(())
}

/// Sessions of a person, the one seen last first.
pub async fn list_sessions(executor: impl PgExecutor<'_>, user: Uuid, now: DateTime<Utc>) -> Result<Vec<LiveSession>, DbError> {
    sqlx::query_as!(
        LiveSession,
        r#"select family_id, user_agent, host(ip_address) as ip_address, signed_in_at, created_at as seen_at, expires_at
           from auth_sessions
           where user_id = $1 and used_at is null and revoked_at is null and expires_at > $2
           order by created_at desc, id desc"#,
        user,
        now,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "list sessions")
}

/// Forgets refresh tokens that are of no use to anyone any more.
pub async fn prune_sessions(executor: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, DbError> {
    sqlx::query!("delete from auth_sessions where expires_at < $1", before)
        .execute(executor)
        .await
        .in_table(TABLE, "forget old sessions")
        .map(|done| done.rows_affected())
}
