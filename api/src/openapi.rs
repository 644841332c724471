//! The OpenAPI 3.1 document, made from the handlers themselves.

use axum::Router;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{Content, Ref, RefOr, Response};
use utoipa_axum::router::OpenApiRouter;

use crate::problem::Problem;
use crate::routes;
use crate::state::AppState;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Viral Cast AI",
        description = "What small Indonesian food shops will sell, prepare and buy. Money is whole rupiah, days are business days of the \
                       store, times are UTC. Errors are RFC 9457 problem documents, in Indonesian or English by `Accept-Language`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "this server")),
    tags(
        (name = "stores", description = "Shops"),
        (name = "predictions", description = "What will sell"),
        (name = "plan", description = "What to prepare and what to buy"),
        (name = "payments", description = "Money that comes in and goes back"),
        (name = "runs", description = "How the numbers were made"),
        (name = "platform", description = "Whether everything works"),
    ),
    components(schemas(Problem)),
)]
struct Document;

/// The document, as `GET /api/v1/openapi.json` serves it.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented_routes().1
}

/// Routes and their document, from the same registrations.
pub(crate) fn documented_routes() -> (Router<AppState>, utoipa::openapi::OpenApi) {
    let (routes, mut document) = OpenApiRouter::with_openapi(Document::openapi()).merge(routes::all()).split_for_parts();
    let components = document.components.get_or_insert_default();
    for (name, _, description) in EVERYWHERE {
        components.responses.insert(name.to_owned(), RefOr::T(problem(description)));
    }
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for (name, status, _) in EVERYWHERE {
            let response = || RefOr::Ref(Ref::from_response_name(name));
            operation.responses.responses.entry(status.to_owned()).or_insert_with(response);
        }
    }
    (routes, document)
}

/// What any route may answer, whatever it does: name, status, description.
const EVERYWHERE: [(&str, &str, &str); 5] = [
    ("InvalidRequest", "400", "A parameter is missing, malformed or unknown; `errors` names it."),
    ("BodyTooLarge", "413", "The request has a body larger than the server reads."),
    ("ForeignHost", "421", "The request names another host than this machine."),
    ("Internal", "500", "Our fault; quote `trace_id` when asking for help."),
    ("Unavailable", "503", "The database cannot be reached, or the answer was not ready in time; try again after `Retry-After` seconds."),
];

fn problem(description: &str) -> Response {
    let mut response = Response::new(description);
    let document = Content::new(Some(Ref::from_schema_name("Problem")));
    response.content.insert("application/problem+json".to_owned(), RefOr::T(document));
    response
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}
