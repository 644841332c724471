//! The front door: people go to the docs page, programs get an index.

use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, VARY};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::docs;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(index))
}

/// Where things are.
#[derive(Serialize, ToSchema)]
struct Index {
    #[schema(example = "Viral Cast AI")]
    name: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
    #[schema(example = "/docs/")]
    docs: &'static str,
    #[schema(example = "/api/v1/openapi.json")]
    openapi: &'static str,
    #[schema(example = "/api/v1/healthchecker")]
    health: &'static str,
    #[schema(example = "/api/v1/stores")]
    stores: &'static str,
}

/// Index of the API; a browser is sent to the docs page.
#[utoipa::path(
    get,
    path = "/",
    tag = "platform",
    responses((status = 200, description = "Where things are", body = Index), (status = 303, description = "To the docs page, for a browser")),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn index(headers: HeaderMap) -> Response {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        return ([(VARY, "accept")], Redirect::to("/docs/")).into_response();
    }
    let index = Index {
        name: "Viral Cast AI",
        version: env!("CARGO_PKG_VERSION"),
        docs: "/docs/",
        openapi: docs::DOCUMENT,
        health: "/api/v1/healthchecker",
        stores: "/api/v1/stores",
    };
    ([(VARY, "accept")], Json(index)).into_response()
}
