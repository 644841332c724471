//! Dead letters that get another life; the rules are those of `viralcast dead replay`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::ids::JobId;
use domain::job::Lane;
use platform::db::tenant::commit;
use platform::queue::{self, JobFilter, State as JobState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Operator};
use crate::basket::all_right;
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName};
use crate::field::{optional_instant, optional_line, whole};
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(replay_all)).routes(routes!(replay))
}

const MOST: i64 = 1000;

/// What was replayed.
#[derive(Serialize, ToSchema)]
struct Replayed {
    /// Jobs that have all their attempts again.
    #[schema(example = 12)]
    replayed: u64,
}

/// Which dead letters; several of `kind`, `lane`, `error` and `since` narrow each other, and at least one is needed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "mail_news"}))]
struct Replay {
    /// Of this kind.
    #[serde(default, deserialize_with = "optional_line")]
    #[schema(example = "run_nightly", min_length = 1, max_length = 200)]
    kind: Option<String>,
    /// Of this lane.
    #[serde(default)]
    lane: Option<LaneName>,
    /// Whose last failure says this, whatever its case.
    #[serde(default, deserialize_with = "optional_line")]
    #[schema(example = "connection refused", min_length = 1, max_length = 200)]
    error: Option<String>,
    /// That died since then.
    #[serde(default, deserialize_with = "optional_instant")]
    #[schema(example = "2026-11-22T20:00:00Z")]
    since: Option<DateTime<Utc>>,
    /// At most this many, newest first.
    #[serde(default = "default_limit", deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 1000, default = 100)]
    limit: i64,
}

fn default_limit() -> i64 {
    100
}

/// Where jobs queue.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LaneName {
    Interactive,
    Nightly,
    Default,
    Backfill,
}

impl From<LaneName> for Lane {
    fn from(lane: LaneName) -> Self {
        match lane {
            LaneName::Interactive => Self::Interactive,
            LaneName::Nightly => Self::Nightly,
            LaneName::Default => Self::Default,
            LaneName::Backfill => Self::Backfill,
        }
    }
}

/// Give dead letters a fresh set of attempts. Of several that would do the same only the newest runs, and none beside a living job.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/replay", operation_id = "replay_dead_letters",
    tag = "platform",
    params(
        IdempotencyKey,
    ),
    request_body = Replay,
    responses(
        (status = 200, description = "How many were replayed", body = Replayed),
        (status = 409, description = "The same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn replay_all(
    _: Operator,
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    Body(which): Body<Replay>,
) -> Result<Response, ApiError> {
    let mut wrong = Vec::new();
    if !(1..=MOST).contains(&which.limit) {
        wrong.push(FieldError::new("limit", format!("must be 1 to {MOST}")));
    }
    if which.kind.is_none() && which.lane.is_none() && which.error.is_none() && which.since.is_none() {
        wrong.push(FieldError::unfit("", "must have at least one of `kind`, `lane`, `error` and `since`"));
    }
    all_right(wrong)?;
    let mut transaction = caller.begin(&state).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &which).await? {
        return Ok(answer);
    }
    let filter = JobFilter {
        kind: which.kind.clone(),
        lane: which.lane.map(Lane::from),
        error: which.error.clone(),
        since: which.since,
        limit: u32::try_from(which.limit).ok(),
        ..JobFilter::default()
    };
    let replayed = queue::replay(&mut *transaction, &filter).await?;
    let details = json!({ "which": which, "replayed": replayed });
    remember(&mut transaction, &state, &caller, None, "dead_letters_replayed", "jobs", details).await?;
    let answer = once.answer(&mut transaction, &state, &which, StatusCode::OK, &Replayed { replayed }).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// Give one dead letter a fresh set of attempts; its failures stay on record.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/{letter}/replay", operation_id = "replay_dead_letter",
    tag = "platform",
    params(
        ("letter" = Uuid, Path, description = "Id of the job"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, description = "It was replayed", body = Replayed),
        (status = 404, description = "No such dead letter", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is alive again, or another job does the same", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("operator"))),
)]
async fn replay(
    _: Operator,
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(letter): PathName,
) -> Result<Response, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::DeadLetter, name: letter.clone() };
    let id = JobId(Uuid::try_parse(&letter).map_err(|_| missing())?);
    let mut transaction = caller.begin(&state).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &()).await? {
        return Ok(answer);
    }
    match queue::state_of(&mut *transaction, id).await?.ok_or_else(missing)? {
        JobState::Discarded => {}
        _ => return Err(ApiError::Conflict { rule: "dead_letter_is_alive" }),
    }
    let filter = JobFilter { id: Some(id), ..JobFilter::default() };
    if queue::replay(&mut *transaction, &filter).await? == 0 {
        return Err(ApiError::Conflict { rule: "dead_letter_has_successor" });
    }
    remember(&mut transaction, &state, &caller, None, "dead_letter_replayed", &letter, json!({})).await?;
    let answer = once.answer(&mut transaction, &state, &(), StatusCode::OK, &Replayed { replayed: 1 }).await?;
    commit(transaction).await?;
    Ok(answer)
}
