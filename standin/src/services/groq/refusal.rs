//! Error bodies: `{"error": {"message", "type", "code"?, "failed_generation"?}}`.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::fill;
use super::request::Wanted;

const INVALID_REQUEST: &str = "invalid_request_error";

/// A request that is not answered.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    pub(super) error: ErrorBody,
    headers: HeaderMap,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ErrorBody {
    pub(super) message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_generation: Option<String>,
    /// Only inside a stream, whose own status is 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_code: Option<u16>,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, code: Option<&'static str>, message: String) -> Self {
        let error = ErrorBody { message, kind, code, failed_generation: None, status_code: None };
        Refusal { status, error, headers: HeaderMap::new() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, None, message.into())
    }

    pub(super) fn bad_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, INVALID_REQUEST, None, "Invalid API Key".to_owned())
    }

    /// The body alone is too large, whatever is in it.
    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, None, "Request Entity Too Large".to_owned())
    }

    pub(super) fn unknown_model(id: &str) -> Self {
        let message = format!("The model `{id}` does not exist or you do not have access to it.");
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, Some("model_not_found"), message)
    }

    pub(super) fn decommissioned(id: &str) -> Self {
        let message = format!(
            "The model `{id}` has been decommissioned and is no longer supported. Please refer to \
             https://console.groq.com/docs/deprecations for a recommendation on which model to use instead."
        );
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, Some("model_decommissioned"), message)
    }

    /// More than a whole minute's tokens at once: waiting does not help, so there is no `retry-after`.
    pub(super) fn above_the_limit(message: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "tokens", None, message)
    }

    /// What is limited is `tokens` or `requests`.
    pub(super) fn rate_limited(kind: &'static str, message: String, wait_seconds: u64, mut headers: HeaderMap) -> Self {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_seconds));
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, kind, Some("rate_limit_exceeded"), message);
        Refusal { headers, ..refusal }
    }

    /// The model called the first tool with an argument it does not have and without those it needs.
    pub(super) fn tool_use_failed(wanted: &Wanted) -> Self {
        let (name, missing) = match wanted.tools().first() {
            Some(tool) => (tool.function.name.as_str(), fill::required(&tool.function.parameters)),
            None => ("unknown", Vec::new()),
        };
        let missing: Vec<String> = missing.iter().map(|property| format!("'{property}'")).collect();
        let missing = if missing.is_empty() { String::new() } else { format!("missing properties: {}, ", missing.join(", ")) };
        let message = format!(
            "Tool call validation failed: tool call validation failed: parameters for tool {name} did not match schema: errors: \
             [{missing}additionalProperties 'invalid_param' not allowed]"
        );
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, Some("tool_use_failed"), message);
        refusal.error.failed_generation = Some(json!({"name": name, "arguments": {"invalid_param": "value"}}).to_string());
        refusal
    }

    /// A status that was asked for. Those the contract lists have a body of their kind, others one of a server's error.
    pub(super) fn planned(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, code, message) = match status.as_u16() {
            401 => return Self::bad_key(),
            403 => (INVALID_REQUEST, None, "You do not have permission to access this resource."),
            413 => return Self::too_large(),
            422 => (INVALID_REQUEST, None, "The request was well-formed but could not be followed due to semantic errors."),
            424 => (INVALID_REQUEST, None, "A dependent request failed."),
            429 => ("requests", Some("rate_limit_exceeded"), "Rate limit reached. Please try again in 2s."),
            498 => ("internal_server_error", None, "The flex tier is at capacity. Please try again later."),
            499 => (INVALID_REQUEST, None, "The request was cancelled."),
            400..=497 => (INVALID_REQUEST, None, "The request was refused."),
            503 => ("internal_server_error", None, "Service unavailable."),
            _ => ("internal_server_error", None, "Internal server error."),
        };
        let mut refusal = Self::new(status, kind, code, message.to_owned());
        if status == StatusCode::TOO_MANY_REQUESTS {
            refusal.headers.insert(header::RETRY_AFTER, HeaderValue::from(2));
        }
        refusal
    }

    pub(super) fn in_stream(self) -> Value {
        json!({"error": ErrorBody { status_code: Some(self.status.as_u16()), ..self.error }})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, self.headers, Json(json!({"error": self.error}))).into_response()
    }
}
