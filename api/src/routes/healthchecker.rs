//! Whether the process lives, whether it can serve, and what it depends on.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::objects::{ObjectError, ObjectKey};
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
    /// That of the dependency that is worst off.
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
    /// How long it took to answer, in milliseconds; null for what is not asked, but known from its last answers.
    #[schema(required = true, example = 0.8)]
    duration_ms: Option<f64>,
}

/// `up`: it does what it should. `off`: it is not set up, and nobody expects it. `degraded`: it does not, and the server goes on without it.
/// `down`: it does not, and the server cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Condition {
    Up,
    Off,
    Degraded,
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
        (status = 200, description = "The server serves; the body says what it goes without", body = Health),
        (status = 503, description = "Something is down; the body says what", body = Health),
    ),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn healthchecker(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    let dependencies = check_all(&state).await;
    let worst = dependencies.iter().map(|dependency| dependency.status).max().unwrap_or(Condition::Up);
    let status = if worst == Condition::Off { Condition::Up } else { worst };
    let code = if status == Condition::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
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
    let (database, objects) = tokio::join!(
        check("database", state, Condition::Down, platform::db::tenant::ping(&state.db)),
        check("objects", state, Condition::Degraded, async { state.objects.exists(&probe_key()?).await.map(drop) }),
    );
    let known = |name, is_degraded: bool| Dependency {
        name,
        status: if is_degraded { Condition::Degraded } else { Condition::Up },
        duration_ms: None,
    };
    let payments = if state.payments.are_possible() { Condition::Up } else { Condition::Off };
    vec![
        database,
        objects,
        known("cache", state.cache.is_degraded()),
        known("limits", state.limiter.is_degraded()),
        Dependency { name: "payments", status: payments, duration_ms: None },
    ]
}

/// Nothing is there, and the store says so.
fn probe_key() -> Result<ObjectKey, ObjectError> {
    "health/probe".parse()
}

/// What it is when it does not answer.
async fn check<E: std::error::Error>(
    name: &'static str,
    state: &AppState,
    otherwise: Condition,
    probe: impl Future<Output = Result<(), E>>,
) -> Dependency {
    let started = Instant::now();
    let status = match timeout(state.limits.probe, probe).await {
        Ok(Ok(())) => Condition::Up,
        Ok(Err(error)) => {
            tracing::warn!(dependency = name, %error, "{name} does not answer");
            otherwise
        }
        Err(_) => {
            tracing::warn!(dependency = name, "{name} did not answer within {:?}", state.limits.probe);
            otherwise
        }
    };
    Dependency { name, status, duration_ms: Some(started.elapsed().as_secs_f64() * 1e3) }
}
