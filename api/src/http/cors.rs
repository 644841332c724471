//! Which other sites' scripts may ask. Our own pages are of our own origin and need none of this; the others send a bearer token, since
//! no browser sends them our cookies.

use std::time::Duration;

use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::front::Front;

pub(super) fn layer(front: &Front) -> CorsLayer {
    let origins = front.other_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let ours = |name: &'static str| HeaderName::from_static(name);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            ACCEPT_LANGUAGE,
            IF_NONE_MATCH,
            ours("idempotency-key"),
            ours("x-device-token"),
            ours("traceparent"),
        ])
        .expose_headers([
            ETAG,
            RETRY_AFTER,
            ours("ratelimit"),
            ours("ratelimit-policy"),
            ours("x-request-id"),
            ours("idempotency-replayed"),
        ])
        .max_age(Duration::from_secs(3600))
}
