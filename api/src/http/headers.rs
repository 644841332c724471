//! Headers that tell browsers to trust a response with as little as possible.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::docs;

/// An API response is data: nothing in it may run, load or be framed.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The docs page runs its own scripts and styles, from this origin only.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                           frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Parts of paths under which names, telephone numbers and addresses of people are read.
const OF_PEOPLE: [&str; 5] = ["/orders", "/members", "/users/me", "/audit-log", "/auth/sessions"];

/// What a path's answers may be trusted with.
pub(super) struct Hardening {
    policy: &'static str,
    kept: &'static str,
}

impl Hardening {
    pub fn of(path: &str) -> Self {
        Self {
            policy: if docs::owns(path) { DOCS_POLICY } else { DATA_POLICY },
            // What one tenant reads is never kept by a shared cache; a browser may keep it if it asks again. What is of people it keeps
            // not at all.
            kept: if OF_PEOPLE.iter().any(|part| path.contains(part)) { "no-store" } else { "private, no-cache" },
        }
    }

    pub fn apply(&self, headers: &mut HeaderMap) {
        let fixed = [
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            // Browsers heed it over TLS only.
            (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
            (REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (CONTENT_SECURITY_POLICY, self.policy),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(self.kept));
    }
}
