//! What happens to every request around its handler, from the outside in: trace and span, compression, other sites, security headers,
//! problem documents, panics, host check, body limit, timeout, who asks, how often.

mod cors;
mod guard;
mod headers;
mod host;
mod observe;
mod quota;
mod trace;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::access;
use crate::problem;
use crate::state::AppState;

pub(crate) use trace::TraceId;

/// Wraps all routes, the unknown ones too.
pub(crate) fn wrap(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    // Cloned at every step of every request: one pointer, not all that it points to.
    let shared = Arc::new(state.clone());
    routes.layer(
        ServiceBuilder::new()
            .layer(from_fn(observe::request))
            .layer(CompressionLayer::new())
            .layer(cors::layer(&state.front))
            .layer(from_fn(headers::harden))
            .layer(from_fn(problem::render))
            .layer(CatchPanicLayer::custom(guard::panicked))
            .layer(from_fn_with_state(Arc::clone(&shared), host::require_ours))
            .layer(from_fn_with_state(Arc::clone(&shared), guard::limit))
            .layer(from_fn_with_state(Arc::clone(&shared), access::identify))
            .layer(from_fn_with_state(Arc::clone(&shared), quota::limit)),
    )
}

#[cfg(test)]
mod tests;
