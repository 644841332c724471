//! How much one caller may ask: so many requests a minute by user, or by address where nobody is signed in. Every answer says what is
//! left (draft-ietf-httpapi-ratelimit-headers).

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use platform::limits::{Quota, Verdict};

use crate::access::who;
use crate::error::ApiError;
use crate::state::AppState;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

const WINDOW: Duration = Duration::from_secs(60);

/// Probes must not be kept out by whoever shares their address, and webhooks are counted by whoever sends them.
const FREE: [&str; 4] = ["/livez", "/readyz", "/metrics", "/api/v1/webhooks/"];

pub(super) async fn within(state: &AppState, request: Request, next: Next) -> Response {
    if FREE.iter().any(|free| request.uri().path().starts_with(free)) {
        return next.run(request).await;
    }
    let verdict = take(state, &who(request.extensions())).await;
    let mut response = match verdict.allowed {
        true => next.run(request).await,
        false => ApiError::TooManyAttempts { after: verdict.retry_after }.into_response(),
    };
    tell(response.headers_mut(), verdict);
    response
}

/// One request of theirs.
pub(super) async fn take(state: &AppState, who: &str) -> Verdict {
    state.limiter.take(who, Quota { requests: state.limits.requests_a_minute, window: WINDOW }).await
}

fn tell(headers: &mut HeaderMap, verdict: Verdict) {
    set(headers, POLICY, format!("\"default\";q={};w={}", verdict.limit, WINDOW.as_secs()));
    tell_left(headers, verdict);
}

/// The same to who has been told of the policy.
pub(super) fn tell_left(headers: &mut HeaderMap, verdict: Verdict) {
    set(headers, LEFT, format!("\"default\";r={};t={}", verdict.remaining, verdict.reset_after.as_secs_f64().ceil() as u64));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
