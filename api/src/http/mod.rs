//! What happens to every request around its route: trace and span, security headers, compression, other sites, problem documents, panics, host
//! check, body limit, timeout, who asks, how often.
//!
//! Two layers take most of these steps, one after the other: a layer a step cost a short answer more than all the rest of it
//! (docs/benchmarks.md).

mod api;
mod at_hand;
mod cors;
mod guard;
mod headers;
mod host;
mod observe;
mod quota;
mod trace;

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;

use crate::access::{self, ClientAddress};
use crate::error::ApiError;
use crate::problem;
use crate::state::AppState;
use at_hand::Moment;
use headers::Hardening;
use observe::Observed;

pub use api::Api;
pub(crate) use at_hand::AtHand;
pub(crate) use trace::TraceId;

/// How many headers an answer gets here.
const HEADERS: usize = 16;

/// Wraps all routes, the unknown ones too.
pub(crate) fn wrap(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    routes.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(state.clone(), tell))
            .layer(CompressionLayer::new())
            .layer(cors::layer(&state.front))
            .layer(from_fn_with_state(state.clone(), guard)),
    )
}

/// Whatever is answered, and by whom, is told of, and browsers are told to trust it with little.
async fn tell(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let noted = at_hand::is_usual(request.method(), request.headers()).then(|| (at_hand::address(request.uri()), Moment::now(&state)));
    let observed = Observed::begin(&mut request);
    let address = ClientAddress::of(&request, &state.front.trusted_proxies);
    let hardening = Hardening::of(request.uri().path());
    let mut response = observed.during(next.run(request)).await;
    hardening.apply(response.headers_mut());
    observed.end(&mut response, || address.alias(state.auth.secret()));
    if let Some((address, moment)) = noted {
        state.at_hand.note(address, moment, observed.path, &response);
    }
    response
}

/// Whatever goes wrong is answered by a problem document.
async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let asked = problem::Asked::of(&request);
    let answered = AssertUnwindSafe(admit(&state, request, next)).catch_unwind().await;
    asked.render(answered.unwrap_or_else(|panic| guard::panicked(&*panic).into_response()))
}

/// Runs the route if the request may be, for as long as it may take. One that is given up on is dropped, and with it its transaction.
async fn admit(state: &AppState, mut request: Request, next: Next) -> Response {
    let admitted =
        host::require_ours(request.uri(), request.headers(), &state.front).and_then(|()| guard::bound_body(&mut request, &state.limits));
    if let Err(error) = admitted {
        return error.into_response();
    }
    let after = state.limits.timeout;
    let answered = tokio::time::timeout(after, async {
        let asker = access::identify(state, &mut request).await;
        let mut response = quota::within(state, request, next).await;
        // The steps on the way out add their headers to a map that has room for them.
        response.headers_mut().reserve(HEADERS);
        if let Some(asker) = asker {
            response.extensions_mut().insert(asker);
        }
        response
    });
    answered.await.unwrap_or_else(|_| ApiError::Timeout { after }.into_response())
}

#[cfg(test)]
mod tests;
