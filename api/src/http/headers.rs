//! Headers that tell browsers to trust a response with as little as possible.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::docs;

/// An API response is data: nothing in it may run, load or be framed.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The docs page runs its own scripts and styles, from this origin only.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                           frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Parts of paths under which names, telephone numbers and addresses of people are read.
const OF_PEOPLE: [&str; 5] = ["/orders", "/members", "/users/me", "/audit-log", "/auth/sessions"];

pub(super) async fn harden(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let policy = if docs::owns(path) { DOCS_POLICY } else { DATA_POLICY };
    // What one tenant reads is never kept by a shared cache; a browser may keep it if it asks again. What is of people it keeps not at all.
    let kept = if OF_PEOPLE.iter().any(|part| path.contains(part)) { "no-store" } else { "private, no-cache" };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Browsers heed it over TLS only.
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (CONTENT_SECURITY_POLICY, policy),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(kept));
    response
}
