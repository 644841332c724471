//! What ran, on which input, how long, with what result.

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use platform::db::runs::{RunFilter, RunRow, get_run, list_runs};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::stores;
use crate::access::{Operator, Reader};
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{PathName, Query, optional_day, optional_text};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(get))
}

/// Runs, newest first.
#[derive(Serialize, ToSchema)]
struct Runs {
    runs: Vec<Run>,
}

/// One execution of a piece of work.
#[derive(Serialize, ToSchema)]
struct Run {
    id: Uuid,
    #[schema(example = "nightly")]
    kind: String,
    #[schema(required = true)]
    store_id: Option<Uuid>,
    /// The business day served.
    #[schema(required = true)]
    business_date: Option<NaiveDate>,
    state: RunState,
    /// Rung of the ladder it reached; see a prediction's `rung`.
    #[schema(required = true, example = "fresh")]
    rung: Option<String>,
    #[schema(example = "0.1.0+d2ad45b")]
    code_version: String,
    /// SHA-256 of everything the result depends on, in hex: the same hash means the same result.
    input_hash: String,
    /// SHA-256 of the configuration, in hex.
    #[schema(required = true)]
    config_hash: Option<String>,
    started_at: DateTime<Utc>,
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    duration_ms: Option<i64>,
    #[schema(required = true)]
    row_count: Option<i64>,
    /// What went wrong, where it failed.
    #[schema(required = true)]
    error: Option<String>,
    /// Figures of this kind of run.
    #[schema(value_type = Object)]
    details: serde_json::Value,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RunState {
    Running,
    Finished,
    Failed,
    Cancelled,
}

impl RunState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The database knows these four only (`run_state_is_known`).
    fn of(text: &str) -> Self {
        [Self::Running, Self::Finished, Self::Failed].into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Cancelled)
    }
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            store_id: row.store_id,
            business_date: row.business_date,
            state: RunState::of(&row.state),
            rung: row.rung,
            code_version: row.code_version,
            input_hash: hex::encode(row.input_hash),
            config_hash: row.config_hash.map(hex::encode),
            started_at: row.started_at,
            finished_at: row.finished_at,
            duration_ms: row.duration_ms,
            row_count: row.row_count,
            error: row.error,
            details: row.details,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunQuery {
    /// Slug or id of a store.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "warung-bu-sri")]
    store: Option<String>,
    /// As in `nightly`.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "nightly")]
    kind: Option<String>,
    /// Where the run is.
    #[param(nullable = false, inline)]
    state: Option<RunState>,
    /// The business day served.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-23")]
    business_date: Option<NaiveDate>,
    /// Most runs to return.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: u16,
}

fn default_limit() -> u16 {
    50
}

/// Runs, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/runs", operation_id = "list_runs",
    tag = "runs",
    params(RunQuery),
    responses(
        (status = 200, description = "Runs that pass the filter, newest first", body = Runs),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn list(_: Operator, Query(query): Query<RunQuery>, Reader(mut transaction): Reader) -> Result<Json<Runs>, ApiError> {
    if !(1..=200).contains(&query.limit) {
        return Err(FieldError::new("limit", "must be between 1 and 200").into());
    }
    let store_id = match &query.store {
        Some(store) => Some(stores::find(&mut transaction, store).await?.id),
        None => None,
    };
    let state = query.state.map(RunState::as_str);
    let filter = RunFilter { kind: query.kind.as_deref(), store_id, state, business_date: query.business_date };
    let rows = list_runs(&mut *transaction, filter, i64::from(query.limit)).await?;
    Ok(Json(Runs { runs: rows.into_iter().map(Run::from).collect() }))
}

/// One run.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{run}", operation_id = "get_run",
    tag = "runs",
    params(("run" = Uuid, Path, description = "Id of the run")),
    responses(
        (status = 200, description = "The run", body = Run),
        (status = 404, description = "No such run", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn get(_: Operator, PathName(run): PathName, Reader(mut transaction): Reader) -> Result<Json<Run>, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::Run, name: run.clone() };
    let id = Uuid::try_parse(&run).map_err(|_| missing())?;
    get_run(&mut *transaction, id).await?.map(|row| Json(row.into())).ok_or_else(missing)
}
