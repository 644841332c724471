//! The id that ties a response, its log lines and its trace together: W3C trace context, version 00.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use platform::telemetry;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// W3C trace id: 32 lower-case hex digits, not all zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceId(String);

impl TraceId {
    /// Of a cause as [`telemetry::cause`] writes it.
    pub(crate) fn of(cause: &str) -> Self {
        Self(telemetry::trace_of(cause).to_owned())
    }

    /// As the caller says, or a new one.
    pub(super) fn of_caller_or_new(headers: &HeaderMap) -> Self {
        Self::of(&caller(headers).unwrap_or_else(telemetry::new_trace))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// To whoever asked.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            headers.insert(REQUEST_ID, value);
        }
    }
}

impl<S: Sync> FromRequestParts<S> for TraceId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let own = || Self::of(&caller(&parts.headers).unwrap_or_else(telemetry::cause));
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(own))
    }
}

/// Trace and span of a caller that sent a valid `traceparent`, as a cause.
pub(super) fn caller(headers: &HeaderMap) -> Option<String> {
    let parent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    parent.and_then(cause)
}

/// `00-<32 hex>-<16 hex>-<2 hex>`; later versions may append fields and keep the first four.
fn cause(traceparent: &str) -> Option<String> {
    let mut fields = traceparent.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let known = version != "ff" && (version != "00" || fields.next().is_none());
    let valid = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let set = trace.contains(|digit| digit != '0') && parent.contains(|digit| digit != '0');
    (known && valid && set).then(|| format!("{trace}-{parent}"))
}

fn hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_valid_traceparent_is_continued() {
        let continued = Some(format!("{TRACE}-00f067aa0ba902b7"));
        assert_eq!(cause(&format!("00-{TRACE}-00f067aa0ba902b7-01")), continued);
        assert_eq!(cause(&format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-holds")), continued);
    }

    #[test]
    fn a_broken_traceparent_starts_a_new_trace() {
        let broken = [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473\u{e9}-00f067aa0ba902b7-01",
        ];
        for text in broken {
            assert_eq!(cause(text), None, "{text}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", "nonsense".parse().expect("a header value"));
        assert_eq!(caller(&headers), None);
        let fresh = TraceId::of(&telemetry::cause());
        assert!(hex(fresh.as_str(), 32) && fresh != TraceId::of(&telemetry::cause()));
    }
}
