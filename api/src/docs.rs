//! The OpenAPI document and a page to read and try it, both without the internet.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::state::AppState;

const PAGE: &str = "/docs";
pub(crate) const DOCUMENT: &str = "/api/v1/openapi.json";

/// Whether a path belongs to the docs page, which needs a looser content security policy than data does.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(PAGE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The page under `/docs/` (Swagger UI, its files are in the binary) and the document it reads.
pub(crate) fn routes(document: OpenApi) -> Router<AppState> {
    // The page's online validator would send the document to a third party.
    let config = Config::new([DOCUMENT]).validator_url("none").try_it_out_enabled(true).display_request_duration(true);
    let page: Router<AppState> = SwaggerUi::new(PAGE).config(config).into();
    let document = Arc::new(document);
    page.route(DOCUMENT, get(async move || Json(OpenApi::clone(&document))))
}
