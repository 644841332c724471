//! Against requests that another site makes a browser send: the browser says from where they come, and a token that only our own
//! pages can read must come along (signed double submit, bound to the session).

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use platform::auth::InstallationSecret;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::error::ApiError;

const HEADER: &str = "x-csrf-token";

/// What a page of ours sends back in `x-csrf-token`.
pub(super) fn token(secret: &InstallationSecret, session: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(secret.sign("csrf tokens", &[session.as_bytes()]))
}

pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses what a browser says comes from elsewhere. Programs that are no browsers say nothing, and pass.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_ours = match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").is_some_and(|(_, host)| Some(host) == text(HOST.as_str())),
        (None, None) => true,
    };
    if is_ours { Ok(()) } else { Err(ApiError::ForeignOrigin) }
}

/// Refuses a request without the token of this session.
pub(crate) fn check_token(headers: &HeaderMap, secret: &InstallationSecret, session: Uuid) -> Result<(), ApiError> {
    let presented = headers.get(HEADER).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    let expected = token(secret, session);
    if bool::from(presented.ct_eq(expected.as_bytes())) { Ok(()) } else { Err(ApiError::CsrfTokenMissing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| (name.parse().expect("a name"), value.parse().expect("a value"));
        pairs.iter().map(pair).collect::<Vec<(axum::http::HeaderName, axum::http::HeaderValue)>>().into_iter().collect()
    }

    #[test]
    fn a_browser_that_says_elsewhere_is_refused() {
        let passes = |pairs: &[(&str, &str)]| check_origin(&headers(pairs)).is_ok();
        assert!(passes(&[]) && passes(&[("sec-fetch-site", "same-origin")]) && passes(&[("host", "a.id"), ("origin", "https://a.id")]));
        assert!(!passes(&[("sec-fetch-site", "cross-site")]) && !passes(&[("sec-fetch-site", "same-site")]));
        assert!(!passes(&[("host", "a.id"), ("origin", "https://b.id")]) && !passes(&[("host", "a.id"), ("origin", "null")]));
        assert!(!passes(&[("sec-fetch-site", "cross-site"), ("host", "a.id"), ("origin", "https://a.id")]));
    }

    #[test]
    fn a_token_belongs_to_one_session() {
        let secret = InstallationSecret::of("d41fb7c3e2a84960b5f0c9d7813e6a52".into()).expect("random enough");
        let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
        let with = |value: &str| headers(&[(HEADER, value)]);
        assert!(check_token(&with(&token(&secret, mine)), &secret, mine).is_ok());
        assert!(check_token(&with(&token(&secret, other)), &secret, mine).is_err());
        assert!(check_token(&HeaderMap::new(), &secret, mine).is_err());
    }
}
