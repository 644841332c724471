//! Who may come in, and how often: Basic auth with an empty password, and a number of requests by minute and endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::refusal::{Code, Refusal};
use super::{Gateway, INVALID_KEY, LIVE_KEY, TEST_KEY};
use crate::services::Context;

/// In which of the two worlds a key works. What is made in one is not found in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    Test,
    Live,
}

#[derive(Clone)]
pub(super) struct Gate {
    gateway: Gateway,
    windows: Arc<Mutex<HashMap<Endpoint, Window>>>,
}

type Endpoint = (Mode, Method, String);

struct Window {
    began: Instant,
    used: u32,
}

impl Gate {
    pub(super) fn new(context: &Context) -> Self {
        Gate { gateway: context.gateway.clone(), windows: Arc::default() }
    }

    /// Counts one request. The headers tell what is left.
    fn count(&self, endpoint: Endpoint, now: Instant) -> Result<HeaderMap, Refusal> {
        const MINUTE: Duration = Duration::from_secs(60);
        let limit = self.gateway.per_minute(endpoint.0);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(endpoint).or_insert(Window { began: now, used: 0 });
        if now.duration_since(window.began) >= MINUTE {
            *window = Window { began: now, used: 0 };
        }
        let is_allowed = window.used < limit;
        window.used += u32::from(is_allowed);
        let reset = MINUTE.saturating_sub(now.duration_since(window.began));
        let mut headers = HeaderMap::new();
        headers.insert("rate-limit-limit", limit.into());
        headers.insert("rate-limit-remaining", limit.saturating_sub(window.used).into());
        if let Ok(seconds) = HeaderValue::from_str(&format!("{:.2}", reset.as_secs_f64())) {
            headers.insert("rate-limit-reset", seconds);
        }
        if is_allowed { Ok(headers) } else { Err(Refusal::rate_limited(headers)) }
    }
}

pub(super) async fn pass(State(gate): State<Gate>, path: MatchedPath, mut request: Request, next: Next) -> Response {
    let entered = mode(request.headers()).ok_or(Refusal::from(Code::InvalidApiKey)).and_then(|mode| {
        // Names of methods are endless; what has no route of its own counts as one.
        let method = if request.method() == Method::GET { Method::GET } else { Method::POST };
        Ok((mode, gate.count((mode, method, path.as_str().to_owned()), Instant::now())?))
    });
    match entered {
        Err(refusal) => refusal.into_response(),
        Ok((mode, headers)) => {
            request.extensions_mut().insert(mode);
            let mut response = next.run(request).await;
            response.headers_mut().extend(headers);
            response
        }
    }
}

/// The key is the user, the password stays empty.
fn mode(headers: &HeaderMap) -> Option<Mode> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    match decoded.strip_suffix(':')? {
        INVALID_KEY => None,
        key if key.contains(':') => None,
        key if key.starts_with(TEST_KEY) => Some(Mode::Test),
        key if key.starts_with(LIVE_KEY) => Some(Mode::Live),
        _ => None,
    }
}

/// The version a request asks for.
pub(super) fn api_version(headers: &HeaderMap) -> Option<&str> {
    headers.get("api-version").map(|version| version.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_its_number_of_requests() {
        let gate = Gate { gateway: Gateway::default(), windows: Arc::default() };
        let (endpoint, start) = ((Mode::Test, Method::GET, "/".to_owned()), Instant::now());
        assert!((0..60).all(|_| gate.count(endpoint.clone(), start).is_ok()));
        let refused = gate.count(endpoint.clone(), start + Duration::from_millis(1_630)).expect_err("too many");
        let told = |name: &str| refused.headers[name].to_str().expect("text").to_owned();
        assert_eq!((told("rate-limit-reset").as_str(), told("rate-limit-remaining").as_str()), ("58.37", "0"));
        assert!(gate.count((Mode::Live, Method::GET, "/".to_owned()), start).is_ok());
        assert!(gate.count(endpoint, start + Duration::from_secs(60)).is_ok());
    }
}
