//! The public halves of our signing keys.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get))
}

/// Keys by which others check our access tokens (RFC 7517).
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json", operation_id = "get_jwks",
    tag = "auth",
    responses((status = 200, description = "JSON Web Key Set", body = Object)),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn get(State(state): State<AppState>) -> Result<impl IntoResponse, ApiError> {
    let keys: Value = json!(state.auth.keys.public().await?);
    // A new key signs ten minutes after it is shown: whoever asks every five has it by then.
    Ok(([(CACHE_CONTROL, "public, max-age=300")], Json(keys)))
}
