//! What operators do with a backfill; the rules are those of `viralcast backfill`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use platform::backfills;
use platform::db::tenant::commit;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::backfills::Backfill;
use crate::access::{Caller, Operator};
use crate::error::{ApiError, Resource};
use crate::extract::PathName;
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let first = OpenApiRouter::default().routes(routes!(pause)).routes(routes!(resume)).routes(routes!(cancel));
    first.routes(routes!(publish)).routes(routes!(roll_back))
}

/// A backfill that was moved on.
#[derive(Serialize, ToSchema)]
struct Moved {
    backfill: Backfill,
    /// Days of stores that another run speaks for now; null where nothing was published or taken back.
    #[schema(required = true, example = 31)]
    days: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Pause,
    Resume,
    Cancel,
    Publish,
    RollBack,
}

impl Move {
    /// As the record and the log have it.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Pause => ("backfill_paused", "paused"),
            Self::Resume => ("backfill_resumed", "running"),
            Self::Cancel => ("backfill_cancelled", "cancelled"),
            Self::Publish => ("backfill_published", "published"),
            Self::RollBack => ("backfill_rolled_back", "rolled back"),
        }
    }
}

/// Begin no further partition. Those that are being made end.
#[utoipa::path(
    post,
    path = "/api/v1/backfills/{backfill}/pause", operation_id = "pause_backfill",
    tag = "runs",
    params(
        ("backfill" = Uuid, Path, description = "Id of the backfill"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, description = "It is paused", body = Moved),
        (status = 404, description = "No such backfill", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not running; `hint` says what can be done", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn pause(
    _: Operator,
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(backfill): PathName,
) -> Result<Response, ApiError> {
    act(&state, &caller, &once, &backfill, Move::Pause).await
}

/// Go on where it was paused.
#[utoipa::path(
    post,
    path = "/api/v1/backfills/{backfill}/resume", operation_id = "resume_backfill",
    tag = "runs",
    params(
        ("backfill" = Uuid, Path, description = "Id of the backfill"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, description = "It is running", body = Moved),
        (status = 404, description = "No such backfill", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not paused; `hint` says what can be done", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn resume(
    _: Operator,
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(backfill): PathName,
) -> Result<Response, ApiError> {
    act(&state, &caller, &once, &backfill, Move::Resume).await
}

/// End it for good. What was made stays unseen, and its partitions count as made.
#[utoipa::path(
    post,
    path = "/api/v1/backfills/{backfill}/cancel", operation_id = "cancel_backfill",
    tag = "runs",
    params(
        ("backfill" = Uuid, Path, description = "Id of the backfill"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, description = "It is cancelled", body = Moved),
        (status = 404, description = "No such backfill", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has ended; `hint` says what can be done", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn cancel(
    _: Operator,
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(backfill): PathName,
) -> Result<Response, ApiError> {
    act(&state, &caller, &once, &backfill, Move::Cancel).await
}

/// Make what was made speak for its days, all at once.
#[utoipa::path(
    post,
    path = "/api/v1/backfills/{backfill}/publish", operation_id = "publish_backfill",
    tag = "runs",
    params(
        ("backfill" = Uuid, Path, description = "Id of the backfill"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, description = "It is published", body = Moved),
        (status = 404, description = "No such backfill", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its gates have not passed, or it is published; `hint` says what can be done", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn publish(
    _: Operator,
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(backfill): PathName,
) -> Result<Response, ApiError> {
    act(&state, &caller, &once, &backfill, Move::Publish).await
}

/// Give its days back to what spoke for them before. A day that something else has taken since stays theirs.
#[utoipa::path(
    post,
    path = "/api/v1/backfills/{backfill}/rollback", operation_id = "roll_back_backfill",
    tag = "runs",
    params(
        ("backfill" = Uuid, Path, description = "Id of the backfill"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, description = "It is rolled back", body = Moved),
        (status = 404, description = "No such backfill", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not published, or of facts, which stay; `hint` says what can be done", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn roll_back(
    _: Operator,
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(backfill): PathName,
) -> Result<Response, ApiError> {
    act(&state, &caller, &once, &backfill, Move::RollBack).await
}

/// The move, the record of who made it and the answer: all of them or none.
async fn act(state: &AppState, caller: &Caller, once: &Once, name: &str, wanted: Move) -> Result<Response, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::Backfill, name: name.to_owned() };
    let id = Uuid::try_parse(name).map_err(|_| missing())?;
    let mut transaction = caller.begin(state).await?;
    if let Some(answer) = once.seen(&mut transaction, state, &()).await? {
        return Ok(answer);
    }
    let now = state.clock.now();
    let days = match wanted {
        Move::Pause => backfills::pause(&mut transaction, id).await.map(|()| None),
        Move::Resume => backfills::resume(&mut transaction, id).await.map(|()| None),
        Move::Cancel => backfills::cancel(&mut transaction, id).await.map(|()| None),
        Move::Publish => backfills::publish(&mut transaction, id, now).await.map(Some),
        Move::RollBack => backfills::roll_back(&mut transaction, id, now).await.map(Some),
    }?;
    let (action, what) = wanted.names();
    remember(&mut transaction, state, caller, None, action, &id.to_string(), json!({ "days": days })).await?;
    let moved = Moved { backfill: backfills::find(&mut transaction, id).await?.into(), days };
    let answer = once.answer(&mut transaction, state, &(), StatusCode::OK, &moved).await?;
    commit(transaction).await?;
    backfills::moved(id, what);
    Ok(answer)
}
