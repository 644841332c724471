//! Bounds on what one request may cost: bytes, time, and a handler's panic.

use std::any::Any;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::error::ApiError;
use crate::state::AppState;

/// Refuses a body that is announced as too large before reading it, and gives up when the response does not begin in
/// time. A handler that is given up on is dropped, and with it its transaction.
pub(super) async fn limit(State(state): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let limit_bytes = state.limits.body_bytes_of(request.uri().path());
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limit_bytes as u64) {
        return ApiError::BodyTooLarge { limit_bytes }.into_response();
    }
    DefaultBodyLimit::max(limit_bytes).apply(&mut request);
    match timeout(state.limits.timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Timeout { after: state.limits.timeout }.into_response(),
    }
}

/// The answer for a request whose handler panicked.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".to_owned());
    ApiError::Panicked { message }.into_response()
}
