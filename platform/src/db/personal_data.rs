//! What is held about a person, beside their account, their profile, what they were told and what they did.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// Where somebody is or was signed in: one device, however often its tokens were renewed. Never a token.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeviceRow {
    pub session_id: Uuid,
    pub user_agents: Vec<String>,
    pub ip_addresses: Vec<String>,
    pub signed_in_at: DateTime<Utc>,
    /// When it last got tokens.
    pub seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revoked_because: Option<String>,
}

/// Every device of a person that is not forgotten yet, the one seen last first.
pub async fn devices(executor: impl PgExecutor<'_>, user: Uuid) -> Result<Vec<DeviceRow>, DbError> {
    sqlx::query_as!(
        DeviceRow,
        r#"select family_id as session_id,
                  coalesce(array_agg(distinct user_agent) filter (where user_agent is not null), '{}') as "user_agents!",
                  coalesce(array_agg(distinct host(ip_address)) filter (where ip_address is not null), '{}') as "ip_addresses!",
                  min(signed_in_at) as "signed_in_at!", max(created_at) as "seen_at!", max(expires_at) as "expires_at!",
                  max(revoked_at) as revoked_at, max(revoked_because) as revoked_because
           from auth_sessions
           where user_id = $1
           group by family_id
           order by max(created_at) desc, family_id"#,
        user,
    )
    .fetch_all(executor)
    .await
    .in_table("auth_sessions", "list devices")
}

/// Where a person may act.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MembershipRow {
    pub store_id: Uuid,
    pub store: String,
    pub store_name: String,
    pub role: String,
    pub since: DateTime<Utc>,
}

pub async fn memberships(executor: impl PgExecutor<'_>, user: Uuid) -> Result<Vec<MembershipRow>, DbError> {
    sqlx::query_as!(
        MembershipRow,
        "select m.store_id, s.slug as store, s.name as store_name, m.role, m.created_at as since
         from store_members m join stores s on s.id = m.store_id
         where m.user_id = $1
         order by m.created_at, m.store_id",
        user,
    )
    .fetch_all(executor)
    .await
    .in_table("store_members", "list memberships")
}

/// A link that was mailed. Never its token.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LinkRow {
    pub purpose: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
}

pub async fn links(executor: impl PgExecutor<'_>, user: Uuid) -> Result<Vec<LinkRow>, DbError> {
    sqlx::query_as!(
        LinkRow,
        "select purpose, created_at, expires_at, used_at from one_time_tokens where user_id = $1 order by created_at, id",
        user,
    )
    .fetch_all(executor)
    .await
    .in_table("one_time_tokens", "list links")
}

/// A request whose answer is kept for a day, so that it can come again.
#[derive(Debug, Clone, serde::Serialize)]
pub struct KeptRequestRow {
    pub request: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub async fn kept_requests(executor: impl PgExecutor<'_>, user: Uuid) -> Result<Vec<KeptRequestRow>, DbError> {
    sqlx::query_as!(
        KeptRequestRow,
        "select route as request, created_at, expires_at from idempotency_keys where user_id = $1 order by created_at, id",
        user,
    )
    .fetch_all(executor)
    .await
    .in_table("idempotency_keys", "list kept requests")
}

/// A number that a person put in the place of a forecast.
#[derive(Debug, Clone, serde::Serialize)]
pub struct OwnOverrideRow {
    pub id: Uuid,
    pub store_id: Uuid,
    pub product_id: Uuid,
    pub target_date: NaiveDate,
    pub quantity: f64,
    pub reason: String,
    pub created_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// The next of them, by id.
pub async fn own_overrides(
    executor: impl PgExecutor<'_>,
    user: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<OwnOverrideRow>, DbError> {
    sqlx::query_as!(
        OwnOverrideRow,
        r#"select id, store_id, product_id, target_date, quantity::float8 as "quantity!", reason, created_at, revoked_at
           from overrides
           where user_id = $1 and ($2::uuid is null or id > $2)
           order by id
           limit $3"#,
        user,
        after,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("overrides", "list the overrides of a person")
}
