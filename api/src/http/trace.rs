//! The id that ties a response, its log lines and its trace together: W3C trace context, version 00.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use uuid::Uuid;

/// W3C trace id: 32 lower-case hex digits, not all zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceId(String);

impl TraceId {
    /// The caller's trace if it sent a valid `traceparent`, else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let parent = headers.get("traceparent").and_then(|value| value.to_str().ok());
        parent.and_then(trace_id).unwrap_or_else(|| Self(Uuid::now_v7().simple().to_string()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for TraceId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`; later versions may append fields and keep the first four.
fn trace_id(traceparent: &str) -> Option<TraceId> {
    let mut fields = traceparent.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let known = version != "ff" && (version != "00" || fields.next().is_none());
    let valid = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let set = trace.contains(|digit| digit != '0') && parent.contains(|digit| digit != '0');
    (known && valid && set).then(|| TraceId(trace.to_owned()))
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
        let of = |text: &str| trace_id(text).map(|id| id.0);
        assert_eq!(of(&format!("00-{TRACE}-00f067aa0ba902b7-01")).as_deref(), Some(TRACE));
        assert_eq!(of(&format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-holds")).as_deref(), Some(TRACE));
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
            assert_eq!(trace_id(text), None, "{text}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", "nonsense".parse().expect("a header value"));
        let fresh = TraceId::of(&headers);
        assert!(hex(fresh.as_str(), 32) && fresh != TraceId::of(&headers));
    }
}
