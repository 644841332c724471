//! What the person who asks was told.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::db::notifications::{NotificationRow, count_unread, list_notifications, mark_all_read, mark_read};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::cursor::{Cursor, default_limit, limit};
use crate::error::{ApiError, Resource};
use crate::extract::{PathName, Query};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(read)).routes(routes!(read_all))
}

#[derive(Serialize, ToSchema)]
struct Notifications {
    notifications: Vec<Notification>,
    /// All there are, whatever the filter.
    unread: i64,
    /// For the `cursor` of the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// News. The same news that is told again in other words takes the place of the earlier, and is unread again.
#[derive(Serialize, ToSchema)]
struct Notification {
    id: Uuid,
    /// Of the store that it is about.
    #[schema(required = true)]
    store_id: Option<Uuid>,
    #[schema(example = "plan_published")]
    kind: String,
    #[schema(example = "Rencana Warung Bu Sri untuk 2026-11-23")]
    title: String,
    #[schema(example = "Siapkan 90 Ayam Geprek.")]
    body: String,
    /// What a program needs to lead there; its fields depend on the kind.
    #[schema(value_type = Object)]
    data: serde_json::Value,
    /// Null while unread.
    #[schema(required = true)]
    read_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<NotificationRow> for Notification {
    fn from(row: NotificationRow) -> Self {
        Self {
            id: row.id,
            store_id: row.store_id,
            kind: row.kind,
            title: row.title,
            body: row.body,
            data: row.data,
            read_at: row.read_at,
            created_at: row.created_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NewsQuery {
    /// Only what is unread, or only what was read.
    #[param(nullable = false)]
    unread: Option<bool>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    #[param(nullable = false, value_type = String)]
    cursor: Option<Cursor>,
    /// Rows of a page.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
}

/// News of the caller, newest first. Whatever comes while it is read, each is on one page.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/notifications", operation_id = "list_notifications",
    tag = "users",
    params(NewsQuery),
    responses((status = 200, description = "A page of news", body = Notifications)),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn list(caller: Caller, Query(query): Query<NewsQuery>, Reader(mut transaction): Reader) -> Result<Json<Notifications>, ApiError> {
    let before = query.cursor.map(|Cursor(time, id)| (time, id));
    let mut rows = list_notifications(&mut *transaction, caller.user, query.unread, before, query.limit + 1).await?;
    let unread = count_unread(&mut *transaction, caller.user).await?;
    let page = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > page;
    rows.truncate(page);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| Cursor(row.created_at, row.id).to_string());
    Ok(Json(Notifications { notifications: rows.into_iter().map(Notification::from).collect(), unread, next_cursor }))
}

/// Mark one piece of news as read.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/notifications/{notification}/read", operation_id = "read_notification",
    tag = "users",
    params(("notification" = Uuid, Path, description = "Id of the news")),
    responses(
        (status = 204, description = "It is read"),
        (status = 404, description = "The caller was told no such news", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn read(State(state): State<AppState>, caller: Caller, PathName(notification): PathName) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::Notification, name: notification.clone() };
    let id = Uuid::try_parse(&notification).map_err(|_| missing())?;
    let mut transaction = caller.begin(&state).await?;
    if !mark_read(&mut *transaction, caller.user, id, state.clock.now()).await? {
        return Err(missing());
    }
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much was marked.
#[derive(Serialize, ToSchema)]
struct NewsRead {
    #[schema(example = 3)]
    read: u64,
}

/// Mark all news as read.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/notifications/read", operation_id = "read_all_notifications",
    tag = "users",
    responses((status = 200, description = "All of it is read; how much was not before", body = NewsRead)),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn read_all(State(state): State<AppState>, caller: Caller) -> Result<Json<NewsRead>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let read = mark_all_read(&mut *transaction, caller.user, state.clock.now()).await?;
    commit(transaction).await?;
    Ok(Json(NewsRead { read }))
}
