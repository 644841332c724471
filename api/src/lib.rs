#![doc = include_str!("../README.md")]

mod access;
mod asked;
mod basket;
mod change;
mod cursor;
mod docs;
mod error;
mod examples;
mod extract;
mod field;
mod forms;
mod front;
mod http;
mod kept;
mod live;
mod once;
mod openapi;
mod outcomes;
mod problem;
mod provenance;
mod record;
mod routes;
mod server;
mod slug;
mod state;
mod stream;
mod tls;
mod warm;

pub use access::{Auth, alias_of};
pub use error::{ApiError, FieldError, Resource};
pub use front::Front;
pub use http::Api;
pub use live::Live;
pub use openapi::openapi;
pub use server::{bind, serve};
pub use state::{AppState, Limits, Services};
pub use tls::Tls;
pub use warm::keep_warm;

/// The whole API as a service: every route, the docs page, and what surrounds them.
pub fn router(state: AppState) -> Api {
    let (routes, document) = openapi::documented_routes();
    let routes = http::wrap(routes.merge(docs::routes(document)).fallback(unknown_route), &state).with_state(state.clone());
    Api::new(state, routes)
}

async fn unknown_route() -> ApiError {
    ApiError::RouteNotFound
}
