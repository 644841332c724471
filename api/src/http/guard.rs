//! Bounds on what one request may cost: bytes, and a handler's panic.

use std::any::Any;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::CONTENT_LENGTH;

use crate::error::ApiError;
use crate::state::Limits;

/// Refuses a body that is announced as too large before reading it; any other is cut off there.
pub(super) fn bound_body(request: &mut Request, limits: &Limits) -> Result<(), ApiError> {
    let limit_bytes = limits.body_bytes_of(request.uri().path());
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limit_bytes as u64) {
        return Err(ApiError::BodyTooLarge { limit_bytes });
    }
    DefaultBodyLimit::max(limit_bytes).apply(request);
    Ok(())
}

/// What became of a request whose handler panicked.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".to_owned());
    ApiError::Panicked { message }
}
