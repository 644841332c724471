//! A fresh forecast, for whoever does not want to wait for the night.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::TimeDelta;
use domain::access::{Action, Permission, Resource as Kind};
use domain::ids::StoreId;
use domain::job::ForecastAfresh;
use platform::db::tenant::commit;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Caller;
use crate::asked::{Asking, Bound, JobReference, ask};
use crate::error::ApiError;
use crate::extract::PathName;
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(create))
}

/// A forecast takes seconds of a whole machine.
const BOUND: Bound = Bound { most: 6, window: TimeDelta::hours(24) };
const KEPT: TimeDelta = TimeDelta::days(30);

/// Forecast, plan and publish today's business day once more, with everything that is known by now; at most six times in 24 hours a
/// store. While one is waiting or running, asking again answers the same job. It passes the same gates as every night; what is published
/// is not replaced by anything worse.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/forecasts", operation_id = "create_forecast",
    tag = "predictions",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        IdempotencyKey,
    ),
    responses(
        (
            status = 202, description = "A worker will do it; see how far it is at `Location`", body = JobReference,
            headers(("Location" = String, description = "Path of the job")),
        ),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("predictions:create"))),
)]
async fn create(State(state): State<AppState>, caller: Caller, once: Once, PathName(store): PathName) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Predictions)).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &()).await? {
        return Ok(answer);
    }
    let asking = Asking { request: json!({}), bound: Some(BOUND), kept: KEPT };
    let job = ask(&mut transaction, &state, &caller, store.id, &ForecastAfresh { store_id: StoreId(store.id) }, &asking).await?;
    remember(&mut transaction, &state, &caller, Some(store.id), "forecast_asked_for", &job.id.to_string(), json!({})).await?;
    let answer = once.answer_at(&mut transaction, &state, &(), StatusCode::ACCEPTED, Some(&job.url), &job).await?;
    commit(transaction).await?;
    Ok(answer)
}
