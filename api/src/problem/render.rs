//! Turns errors into documents, where the request's language and trace are known.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::header::{ACCEPT_LANGUAGE, ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Problem;
use super::language::Language;
use super::wording::Wording;
use crate::error::ApiError;
use crate::http::TraceId;

/// What kind of problem an answer tells of: the log has it too.
#[derive(Clone, Copy)]
pub(crate) struct Refusal(pub &'static str);

/// An error on its way out, carried as an extension of its response.
#[derive(Clone)]
struct Pending(Arc<ApiError>);

/// A response that [`Asked::render`] fills in.
pub(crate) fn pending(error: ApiError) -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Pending(Arc::new(error)));
    response
}

/// What a problem document takes from the request.
pub(crate) struct Asked {
    accepted: Option<HeaderValue>,
    uri: Uri,
    trace_id: Option<TraceId>,
}

impl Asked {
    pub fn of(request: &Request) -> Self {
        let accepted = request.headers().get(ACCEPT_LANGUAGE).cloned();
        Self { accepted, uri: request.uri().clone(), trace_id: request.extensions().get().cloned() }
    }

    /// Replaces every error response that is not a document yet, also those of the framework, and logs what is our fault.
    pub fn render(self, mut response: Response) -> Response {
        let Some(error) = error_of(&mut response) else { return response };

        let language = Language::of(self.accepted.as_ref());
        let wording = Wording::of(&error, language);
        if wording.status.is_server_error() {
            tracing::error!(http.status = wording.status.as_u16(), error = %domain::chain(&*error), "a request failed");
        }
        let status = wording.status;
        let refusal = Refusal(wording.kind);
        let trace_id = self.trace_id.map(|id| id.as_str().to_owned()).unwrap_or_default();
        let problem = document_of(wording, self.uri.path(), trace_id);
        let mut document = (status, Json(problem)).into_response();
        head(document.headers_mut(), &error, status, language, response.headers());
        // Who asked, for the log.
        *document.extensions_mut() = std::mem::take(response.extensions_mut());
        document.extensions_mut().insert(refusal);
        document
    }
}

/// What an error looks like, in English, for whoever reads the API's document.
pub(crate) fn example(error: &ApiError, instance: &str) -> Value {
    let problem = document_of(Wording::of(error, Language::English), instance, "4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    serde_json::to_value(problem).unwrap_or_default()
}

fn document_of(wording: Wording, instance: &str, trace_id: String) -> Problem {
    Problem {
        kind: wording.kind,
        title: wording.title,
        status: wording.status.as_u16(),
        detail: wording.detail,
        instance: instance.to_owned(),
        trace_id,
        hint: wording.hint,
        errors: wording.errors,
    }
}

fn error_of(response: &mut Response) -> Option<Arc<ApiError>> {
    if let Some(Pending(error)) = response.extensions_mut().remove() {
        return Some(error);
    }
    let status = response.status();
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let is_error = status.is_client_error() || status.is_server_error();
    (is_error && !is_json).then(|| Arc::new(ApiError::Refused(status)))
}

fn head(headers: &mut HeaderMap, error: &ApiError, status: StatusCode, language: Language, replaced: &HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    match status {
        StatusCode::SERVICE_UNAVAILABLE => headers.insert(RETRY_AFTER, HeaderValue::from_static("2")),
        StatusCode::UNAUTHORIZED => headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        _ => None,
    };
    let wait = match error {
        ApiError::TooManyAttempts { after } => Some(*after),
        ApiError::Payment(error) => error.wait(),
        _ => None,
    };
    if let Some(wait) = wait {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    for kept in [ALLOW, HeaderName::from_static("ratelimit"), HeaderName::from_static("ratelimit-policy")] {
        if let Some(value) = replaced.get(&kept) {
            headers.insert(kept, value.clone());
        }
    }
}
