//! Counters and histograms of the whole process, in Prometheus' text format.

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::IntoResponse;
use metrics::gauge;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Caller;
use crate::error::ApiError;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(metrics))
}

/// Metrics of the process, for Prometheus: to whoever has the collector's token, to operators, and on a server that serves its own
/// machine alone to everyone.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "platform",
    responses((status = 200, description = "Prometheus text format 0.0.4", body = String, content_type = "text/plain")),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn metrics(
    State(state): State<AppState>,
    headers: HeaderMap,
    caller: Result<Caller, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let is_open = !state.front.is_public && state.front.metrics_token.is_none();
    let is_operator = caller.as_ref().is_ok_and(Caller::is_operator);
    if !is_open && !is_operator && !is_collector(&headers, &state) {
        return Err(caller.err().unwrap_or(ApiError::Forbidden { needed: "operator".to_owned() }));
    }
    let (open, idle) = (state.db.size(), state.db.num_idle());
    gauge!("db_pool_connections", "pool" => "serve", "state" => "idle").set(idle as f64);
    gauge!("db_pool_connections", "pool" => "serve", "state" => "busy").set(f64::from(open) - idle as f64);
    gauge!("db_pool_waiting", "pool" => "serve").set((state.db.places() - state.db.free_places()) as f64);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render()))
}

fn is_collector(headers: &HeaderMap, state: &AppState) -> bool {
    let Some(token) = &state.front.metrics_token else { return false };
    let presented = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    presented.ct_eq(format!("Bearer {}", token.expose_secret()).as_bytes()).into()
}
