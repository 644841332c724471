//! What is made of the past, for operators.

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use platform::db::backfills::{BackfillRow, list_backfills};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Operator, Reader};
use crate::error::{ApiError, Resource};
use crate::extract::PathName;
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(get))
}

/// Backfills, newest first.
#[derive(Serialize, ToSchema)]
struct Backfills {
    backfills: Vec<Backfill>,
}

/// Partitions of one asset over a range of days.
#[derive(Serialize, ToSchema)]
pub(super) struct Backfill {
    id: Uuid,
    #[schema(example = "forecasts")]
    asset: String,
    first_day: NaiveDate,
    /// The first day after the range.
    end_day: NaiveDate,
    /// missing, failed, stale or all.
    #[schema(example = "missing")]
    mode: String,
    /// running, paused, ready, refused, published, rolled_back or cancelled.
    #[schema(example = "ready")]
    state: String,
    total_count: i64,
    done_count: i64,
    failed_count: i64,
    /// Once all partitions were tried: name, passed, what it saw.
    #[schema(value_type = Vec<Object>)]
    gates: serde_json::Value,
    /// What publishing changes, and by how much.
    #[schema(value_type = Object)]
    changes: serde_json::Value,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
}

impl From<BackfillRow> for Backfill {
    fn from(row: BackfillRow) -> Self {
        Self {
            id: row.id,
            asset: row.asset,
            first_day: row.first_day,
            end_day: row.end_day,
            mode: row.mode,
            state: row.state,
            total_count: row.total_count,
            done_count: row.done_count,
            failed_count: row.failed_count,
            gates: row.gates,
            changes: row.changes,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

/// The newest fifty backfills.
#[utoipa::path(
    get,
    path = "/api/v1/backfills", operation_id = "list_backfills",
    tag = "runs",
    responses((status = 200, description = "Backfills, newest first", body = Backfills)),
    extensions(("x-permission" = json!("operator"))),
)]
async fn list(_: Operator, Reader(mut transaction): Reader) -> Result<Json<Backfills>, ApiError> {
    let rows = list_backfills(&mut *transaction, None, 50).await?;
    Ok(Json(Backfills { backfills: rows.into_iter().map(Backfill::from).collect() }))
}

/// One backfill.
#[utoipa::path(
    get,
    path = "/api/v1/backfills/{backfill}", operation_id = "get_backfill",
    tag = "runs",
    params(("backfill" = Uuid, Path, description = "Id of the backfill")),
    responses(
        (status = 200, description = "The backfill", body = Backfill),
        (status = 404, description = "No such backfill", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn get(_: Operator, PathName(backfill): PathName, Reader(mut transaction): Reader) -> Result<Json<Backfill>, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::Backfill, name: backfill.clone() };
    let id = Uuid::try_parse(&backfill).map_err(|_| missing())?;
    list_backfills(&mut *transaction, Some(id), 1).await?.pop().map(|row| Json(row.into())).ok_or_else(missing)
}
