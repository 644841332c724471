//! Counters and histograms of the whole process, in Prometheus' text format.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics::gauge;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(metrics))
}

/// Metrics of the process, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "platform",
    responses((status = 200, description = "Prometheus text format 0.0.4", body = String, content_type = "text/plain")),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let (open, idle) = (state.db.size(), state.db.num_idle());
    gauge!("db_pool_connections", "pool" => "serve", "state" => "idle").set(idle as f64);
    gauge!("db_pool_connections", "pool" => "serve", "state" => "busy").set(f64::from(open) - idle as f64);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render())
}
