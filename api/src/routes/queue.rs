//! How the job queue is, for operators.

use axum::Json;
use platform::queue;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Operator, Reader};
use crate::error::ApiError;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get))
}

/// The queue, lane by lane, and what someone should look at.
#[derive(Serialize, ToSchema)]
struct Queue {
    lanes: Vec<Lane>,
    alerts: Vec<Alert>,
}

#[derive(Serialize, ToSchema)]
struct Lane {
    #[schema(example = "nightly")]
    lane: String,
    /// Due and not begun.
    waiting: i64,
    /// Since the first of them was due.
    oldest_wait_seconds: f64,
    /// Not due yet, or to be tried again.
    later: i64,
    running: i64,
    /// Of workers that are gone, and nobody takes them over.
    stuck: i64,
    /// Used up all attempts.
    dead: i64,
}

#[derive(Serialize, ToSchema)]
struct Alert {
    #[schema(example = "dead_letters")]
    name: String,
    #[schema(example = "2 dead letters in lane nightly")]
    detail: String,
    /// What to do.
    #[schema(example = "viralcast dead list --lane nightly")]
    hint: String,
}

/// The job queue.
#[utoipa::path(
    get,
    path = "/api/v1/queue", operation_id = "get_queue",
    tag = "platform",
    responses((status = 200, description = "Lanes that have any job, and alerts", body = Queue)),
    extensions(("x-permission" = json!("operator"))),
)]
async fn get(_: Operator, Reader(mut transaction): Reader) -> Result<Json<Queue>, ApiError> {
    let lanes = queue::health(&mut *transaction).await?;
    let alerts = queue::alerts(&lanes).into_iter();
    Ok(Json(Queue {
        alerts: alerts.map(|alert| Alert { name: alert.name.to_owned(), detail: alert.detail, hint: alert.hint }).collect(),
        lanes: lanes
            .into_iter()
            .map(|lane| Lane {
                lane: lane.lane,
                waiting: lane.waiting,
                oldest_wait_seconds: lane.oldest_wait_seconds,
                later: lane.later,
                running: lane.running,
                stuck: lane.stuck,
                dead: lane.dead,
            })
            .collect(),
    }))
}
