//! Jobs that used up all their attempts, for operators.

use axum::Json;
use chrono::{DateTime, Utc};
use domain::ids::JobId;
use platform::queue::{self, DeadLetter};
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

/// Dead letters, newest first.
#[derive(Serialize, ToSchema)]
struct DeadLetters {
    dead_letters: Vec<Letter>,
}

/// A job that nobody tries any more, until someone replays it (`POST /api/v1/dead-letters/{letter}/replay`).
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
struct Letter {
    id: Uuid,
    #[schema(example = "run_nightly")]
    kind: String,
    #[schema(example = "nightly")]
    lane: String,
    attempts: i32,
    /// The last failures, oldest first: attempt, at, error.
    #[schema(value_type = Vec<Object>)]
    errors: serde_json::Value,
    /// Trace of the request, tick or command that asked for it.
    #[schema(required = true)]
    trace_id: Option<String>,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    died_at: Option<DateTime<Utc>>,
}

impl From<DeadLetter> for Letter {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.0,
            kind: letter.kind,
            lane: letter.lane,
            attempts: letter.attempts,
            errors: letter.errors,
            trace_id: letter.trace_id,
            created_at: letter.created_at,
            died_at: letter.finished_at,
        }
    }
}

/// The newest hundred dead letters.
#[utoipa::path(
    get,
    path = "/api/v1/dead-letters", operation_id = "list_dead_letters",
    tag = "platform",
    responses((status = 200, description = "Dead letters, newest first", body = DeadLetters)),
    extensions(("x-permission" = json!("operator"))),
)]
async fn list(_: Operator, Reader(mut transaction): Reader) -> Result<Json<DeadLetters>, ApiError> {
    let letters = queue::dead_letters(&mut *transaction, None, 100).await?;
    Ok(Json(DeadLetters { dead_letters: letters.into_iter().map(Letter::from).collect() }))
}

/// One dead letter.
#[utoipa::path(
    get,
    path = "/api/v1/dead-letters/{letter}", operation_id = "get_dead_letter",
    tag = "platform",
    params(("letter" = Uuid, Path, description = "Id of the job")),
    responses(
        (status = 200, description = "The dead letter", body = Letter),
        (status = 404, description = "No such dead letter", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn get(_: Operator, PathName(letter): PathName, Reader(mut transaction): Reader) -> Result<Json<Letter>, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::DeadLetter, name: letter.clone() };
    let id = Uuid::try_parse(&letter).map_err(|_| missing())?;
    queue::dead_letters(&mut *transaction, Some(JobId(id)), 1).await?.pop().map(|letter| Json(letter.into())).ok_or_else(missing)
}
