//! The record of who did what, for admins of a store and for operators.

use axum::Json;
use chrono::{DateTime, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::audit_log::{AuditFilter, AuditRow, list_audit};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::find_store;
use crate::access::{Caller, Operator, Reader};
use crate::cursor::{Cursor, default_limit, limit};
use crate::error::{ApiError, FieldError};
use crate::extract::{PathName, Query, optional_text};
use crate::field::optional_instant;
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(of_store)).routes(routes!(of_all))
}

#[derive(Serialize, ToSchema)]
struct AuditLog {
    entries: Vec<AuditEntry>,
    /// For the `cursor` of the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Something that somebody did. Entries are never changed; of people who had themselves erased the id remains.
#[derive(Serialize, ToSchema)]
struct AuditEntry {
    id: Uuid,
    /// Who did it; null where nobody was signed in.
    #[schema(required = true)]
    user_id: Option<Uuid>,
    /// Their name, where they have told one and are a member of one of the caller's stores.
    #[schema(required = true, example = "Sri")]
    user_name: Option<String>,
    #[schema(required = true)]
    store_id: Option<Uuid>,
    /// Verb in the past.
    #[schema(example = "member_added")]
    action: String,
    /// What it was done to, mostly an id.
    subject: String,
    /// Its fields depend on the action.
    #[schema(value_type = Object)]
    details: serde_json::Value,
    /// From where.
    #[schema(required = true, example = "203.0.113.9")]
    ip_address: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            user_name: row.user_name,
            store_id: row.store_id,
            action: row.action,
            subject: row.subject,
            details: row.details,
            ip_address: row.ip_address,
            created_at: row.created_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StoreAuditQuery {
    /// Id of who did it.
    #[param(nullable = false)]
    user: Option<Uuid>,
    /// What was done.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "member_added", min_length = 1, max_length = 200)]
    action: Option<String>,
    /// First instant.
    #[serde(default, deserialize_with = "optional_instant")]
    #[param(nullable = false, example = "2026-11-01T00:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// Not part of it.
    #[serde(default, deserialize_with = "optional_instant")]
    #[param(nullable = false, example = "2026-12-01T00:00:00Z")]
    until: Option<DateTime<Utc>>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    #[param(nullable = false, value_type = String)]
    cursor: Option<Cursor>,
    /// Rows of a page.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Slug or id of a store.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "warung-bu-sri", min_length = 1, max_length = 200)]
    store: Option<String>,
    /// Id of who did it.
    #[param(nullable = false)]
    user: Option<Uuid>,
    /// What was done.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "signed_in", min_length = 1, max_length = 200)]
    action: Option<String>,
    /// First instant.
    #[serde(default, deserialize_with = "optional_instant")]
    #[param(nullable = false, example = "2026-11-01T00:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// Not part of it.
    #[serde(default, deserialize_with = "optional_instant")]
    #[param(nullable = false, example = "2026-12-01T00:00:00Z")]
    until: Option<DateTime<Utc>>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    #[param(nullable = false, value_type = String)]
    cursor: Option<Cursor>,
    /// Rows of a page.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
}

/// What was done in a store, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/audit-log", operation_id = "list_store_audit_log",
    tag = "members",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), StoreAuditQuery),
    responses(
        (status = 200, description = "A page of entries", body = AuditLog),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("audit:read"))),
)]
async fn of_store(
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<StoreAuditQuery>,
    Reader(mut transaction): Reader,
) -> Result<Json<AuditLog>, ApiError> {
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Audit)).await?;
    let StoreAuditQuery { user, action, from, until, cursor, limit } = query;
    let filter = AuditFilter { store: Some(store.id), user, action: action.as_deref(), from, until, before: before(cursor) };
    Ok(Json(entries(&mut transaction, filter, limit).await?))
}

/// What was done anywhere, newest first: also what concerns no store, such as signing in.
#[utoipa::path(
    get,
    path = "/api/v1/audit-log", operation_id = "list_audit_log",
    tag = "platform",
    params(AuditQuery),
    responses(
        (status = 200, description = "A page of entries", body = AuditLog),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn of_all(_: Operator, Query(query): Query<AuditQuery>, Reader(mut transaction): Reader) -> Result<Json<AuditLog>, ApiError> {
    let AuditQuery { store, user, action, from, until, cursor, limit } = query;
    let store = match store {
        Some(store) => Some(find_store(&mut transaction, &store).await?.id),
        None => None,
    };
    let filter = AuditFilter { store, user, action: action.as_deref(), from, until, before: before(cursor) };
    Ok(Json(entries(&mut transaction, filter, limit).await?))
}

fn before(cursor: Option<Cursor>) -> Option<(DateTime<Utc>, Uuid)> {
    cursor.map(|Cursor(time, id)| (time, id))
}

async fn entries(connection: &mut PgConnection, filter: AuditFilter<'_>, limit: i64) -> Result<AuditLog, ApiError> {
    if matches!((filter.from, filter.until), (Some(from), Some(until)) if until < from) {
        return Err(FieldError::unfit("until", "must not be before `from`").into());
    }
    let mut rows = list_audit(connection, filter, limit + 1).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > page;
    rows.truncate(page);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| Cursor(row.created_at, row.id).to_string());
    Ok(AuditLog { entries: rows.into_iter().map(AuditEntry::from).collect(), next_cursor })
}
