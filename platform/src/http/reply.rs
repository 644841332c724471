use chrono::{DateTime, Utc};

/// What a service answered, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// With its query, without secrets: those travel in headers.
    pub url: String,
    pub status: u16,
    /// Those that tell something of the contents or of limits.
    pub headers: serde_json::Map<String, serde_json::Value>,
    pub content_type: Option<String>,
    pub bytes: Vec<u8>,
    /// By our own clock, when the answer was there.
    pub fetched_at: DateTime<Utc>,
}

impl Reply {
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The beginning of the body, for messages.
    #[must_use]
    pub fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.bytes).chars().take(200).collect()
    }

    /// A page for people, whatever the header says.
    pub(super) fn is_page(&self) -> bool {
        let declared = self.content_type.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        let start: Vec<u8> = self.bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(9).collect();
        declared || start.eq_ignore_ascii_case(b"<!doctype") || start.to_ascii_lowercase().starts_with(b"<html")
    }
}

/// Headers that are kept with a reply.
const KEPT: [&str; 7] = ["date", "etag", "last-modified", "cache-control", "retry-after", "content-language", "server"];

pub(super) fn kept_headers(headers: &reqwest::header::HeaderMap) -> serde_json::Map<String, serde_json::Value> {
    let kept = headers.iter().filter(|(name, _)| KEPT.contains(&name.as_str()) || name.as_str().contains("ratelimit"));
    kept.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_what_it_is() {
        let reply = |kind: Option<&str>, text: &str| Reply {
            url: String::new(),
            status: 200,
            headers: serde_json::Map::new(),
            content_type: kind.map(str::to_owned),
            bytes: text.as_bytes().to_vec(),
            fetched_at: DateTime::UNIX_EPOCH,
        };
        assert!(reply(Some("text/html; charset=utf-8"), "").is_page());
        assert!(reply(Some("application/json"), " \n<!DOCTYPE html><html>").is_page());
        assert!(reply(None, "<HTML>").is_page());
        assert!(!reply(Some("application/json"), "{\"a\": \"<html>\"}").is_page());
    }
}
