//! The OpenAPI 3.1 document, made from the handlers themselves.

use axum::Router;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response};
use utoipa_axum::router::OpenApiRouter;

use crate::examples;
use crate::forms;
use crate::problem::Problem;
use crate::routes;
use crate::state::AppState;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Viral Cast AI",
        description = "What small Indonesian food shops will sell, prepare and buy. Money is whole rupiah, days are business days of the \
                       store, times are UTC. Sign in at `/api/v1/auth/login`. What a route asks for is its `x-permission`: `public`, `signed-in`, \
                       `operator`, or something that a role in the store allows. Errors are RFC 9457 problem documents, in Indonesian or English by `Accept-Language`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "this server")),
    tags(
        (name = "auth", description = "Signing in and out"),
        (name = "users", description = "The person who asks"),
        (name = "stores", description = "Shops"),
        (name = "catalogue", description = "What a shop sells, and what that is made of"),
        (name = "members", description = "Who may act for a shop"),
        (name = "orders", description = "What customers order"),
        (name = "stock", description = "What is on the shelf, what is gone, what was thrown away"),
        (name = "calendar", description = "Promos and days that are not like others"),
        (name = "payments", description = "QRIS payments and refunds"),
        (name = "predictions", description = "What will sell"),
        (name = "plan", description = "What to prepare and what to buy"),
        (name = "payments", description = "Money that comes in and goes back"),
        (name = "market", description = "What food costs"),
        (name = "export", description = "Everything of a shop, as files"),
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
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::with_description("viralcast_access", "Changes also need the header `X-CSRF-Token`.");
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document.security = Some(["bearer", "cookie"].map(|name| SecurityRequirement::new::<_, [&str; 0], &str>(name, [])).to_vec());
    for (name, _, description) in EVERYWHERE.into_iter().chain(SIGNED_IN) {
        components.responses.insert(name.to_owned(), RefOr::T(problem(description)));
    }
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let is_public = operation.security.is_some();
        let expected = EVERYWHERE.iter().chain(SIGNED_IN.iter().filter(|_| !is_public));
        for (name, status, _) in expected {
            let response = || RefOr::Ref(Ref::from_response_name(*name));
            operation.responses.responses.entry((*status).to_owned()).or_insert_with(response);
        }
    }
    examples::illustrate(&mut document);
    forms::tighten(&mut document);
    (routes, document)
}

/// What a route that is not public may answer.
const SIGNED_IN: [(&str, &str, &str); 1] = [("SignInRequired", "401", "Nobody is signed in, or the token is expired or revoked.")];

/// What any route may answer, whatever it does: name, status, description.
const EVERYWHERE: [(&str, &str, &str); 9] = [
    ("InvalidRequest", "400", "A parameter is missing, malformed or unknown; `errors` names it."),
    ("Unfit", "422", "All is well-formed, and something does not fit what is there or each other; `errors` names it."),
    ("Forbidden", "403", "The caller's role does not allow it, or the browser asks for another site or without `X-CSRF-Token`."),
    ("BodyTooLarge", "413", "The request has a body larger than the server reads."),
    ("UnsupportedMediaType", "415", "The body is not of a type that the route reads."),
    ("TooManyRequests", "429", "Too many; again after `Retry-After` seconds."),
    ("ForeignHost", "421", "The request names a host that is not ours."),
    ("Internal", "500", "Our fault; quote `trace_id` when asking for help."),
    ("Unavailable", "503", "The database cannot be reached, or the answer was not ready in time; try again after `Retry-After` seconds."),
];

fn problem(description: &str) -> Response {
    let mut response = Response::new(description);
    let document = Content::new(Some(Ref::from_schema_name("Problem")));
    response.content.insert("application/problem+json".to_owned(), RefOr::T(document));
    response
}

pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}
