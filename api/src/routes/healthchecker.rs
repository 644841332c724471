//! Whether the process lives, whether it can serve, and what it depends on.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(healthchecker)).routes(routes!(livez)).routes(routes!(readyz))
}

/// State of the server and of everything it needs.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `up` when every dependency is.
    status: Condition,
    #[schema(example = "0.1.0")]
    version: &'static str,
    checked_at: DateTime<Utc>,
    dependencies: Vec<Dependency>,
}

/// One thing the server needs.
#[derive(Serialize, ToSchema)]
struct Dependency {
    #[schema(example = "database")]
    name: &'static str,
    status: Condition,
    /// How long it took to answer, in milliseconds.
    #[schema(example = 0.8)]
    duration_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Condition {
    Up,
    Down,
}

/// Whether the process lives.
#[derive(Serialize, ToSchema)]
struct Alive {
    status: Condition,
}

/// Health of the server and of each dependency.
#[utoipa::path(
    get,
    path = "/api/v1/healthchecker",
    tag = "platform",
    responses(
        (status = 200, description = "Everything is up", body = Health),
        (status = 503, description = "Something is down; the body says what", body = Health),
    ),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn healthchecker(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    let dependencies = check_all(&state).await;
    let all_up = dependencies.iter().all(|dependency| dependency.status == Condition::Up);
    let (code, status) = if all_up { (StatusCode::OK, Condition::Up) } else { (StatusCode::SERVICE_UNAVAILABLE, Condition::Down) };
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION"), checked_at: state.clock.now(), dependencies }))
}

/// The process lives and answers; nothing else is asked.
#[utoipa::path(get, path = "/livez", tag = "platform", responses((status = 200, description = "The process lives", body = Alive)), security(()), extensions(("x-permission" = json!("public"))))]
async fn livez() -> Json<Alive> {
    Json(Alive { status: Condition::Up })
}

/// The process can serve: everything it needs answers quickly.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "platform",
    responses(
        (status = 200, description = "Send requests", body = Alive),
        (status = 503, description = "Do not send requests now", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn readyz(State(state): State<AppState>) -> Result<Json<Alive>, ApiError> {
    let down = |dependency: &Dependency| dependency.status == Condition::Down;
    let missing: Vec<&'static str> = check_all(&state).await.iter().filter(|one| down(one)).map(|one| one.name).collect();
    if missing.is_empty() { Ok(Json(Alive { status: Condition::Up })) } else { Err(ApiError::NotReady { dependencies: missing }) }
}

/// Every dependency, each with the short patience of a probe. A further engine is a further line here.
async fn check_all(state: &AppState) -> Vec<Dependency> {
    vec![check("database", state, platform::db::tenant::ping(&state.db)).await]
}

async fn check<E: std::error::Error>(name: &'static str, state: &AppState, probe: impl Future<Output = Result<(), E>>) -> Dependency {
    let started = Instant::now();
    let status = match timeout(state.limits.probe, probe).await {
        Ok(Ok(())) => Condition::Up,
        Ok(Err(error)) => {
            tracing::warn!(dependency = name, %error, "{name} does not answer");
            Condition::Down
        }
        Err(_) => {
            tracing::warn!(dependency = name, "{name} did not answer within {:?}", state.limits.probe);
            Condition::Down
        }
    };
    Dependency { name, status, duration_ms: started.elapsed().as_secs_f64() * 1e3 }
}
