//! Whom to tell of a hole (RFC 9116).

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use chrono::TimeDelta;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, Resource};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get))
}

/// Whoever has kept it asks again after so long: what it names is read from the settings.
const GOOD_FOR: TimeDelta = TimeDelta::days(30);

/// Whom to tell of a hole, where whoever runs this says so (`http.security_contact`).
#[utoipa::path(
    get,
    path = "/.well-known/security.txt", operation_id = "get_security_txt",
    tag = "platform",
    responses(
        (status = 200, description = "RFC 9116", body = String, content_type = "text/plain", example = json!("Contact: mailto:keamanan@app.example.id\nExpires: 2026-12-30T00:00:00Z\nPreferred-Languages: id, en\nCanonical: https://app.example.id/.well-known/security.txt\n")),
        (status = 404, description = "Nobody is named", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn get(State(state): State<AppState>) -> Result<impl IntoResponse, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::SecurityContact, name: "security.txt".to_owned() };
    let contact = state.front.security_contact.as_ref().ok_or_else(missing)?;
    let until = (state.clock.now() + GOOD_FOR).format("%Y-%m-%dT00:00:00Z");
    let text = format!(
        "Contact: {contact}\nExpires: {until}\nPreferred-Languages: id, en\nCanonical: {}/.well-known/security.txt\n",
        state.front.origin
    );
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text))
}
