//! Requests that may come again (draft-ietf-httpapi-idempotency-key-header). The answer is kept in the transaction that did what it
//! says: whatever fails, both are there or neither, and the same request again does nothing and hears the same.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use platform::db::idempotency_keys::{KeptAnswer, NewAnswer, keep_answer, kept_answer, try_take_key};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::access::Caller;
use crate::error::{ApiError, FieldError};
use crate::state::AppState;

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
const LONGEST_KEY: usize = 255;

/// The header, as the document tells of it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read from the headers themselves")]
pub(crate) struct IdempotencyKey {
    /// Random, and the same again when trying again; 1 to 255 printable characters of ASCII, no blank before or behind.
    #[param(rename = "Idempotency-Key", nullable = false, example = "8e03978e-40d5-43e8-bc93-6894a57f9324")]
    key: Option<String>,
}

/// The header `Idempotency-Key` of a request, if it has one, and what to do about it.
pub(crate) struct Once {
    key: Option<Key>,
}

struct Key {
    text: String,
    user: Uuid,
    route: String,
}

impl Once {
    /// Call it first in the transaction: an answer means that it was done before. `request` is the body as understood.
    ///
    /// # Errors
    /// [`ApiError::InFlight`] while the same request is being answered, [`ApiError::KeyReused`] for another request.
    pub async fn seen(
        &self,
        transaction: &mut PgConnection,
        state: &AppState,
        request: &impl Serialize,
    ) -> Result<Option<Response>, ApiError> {
        let Some(key) = &self.key else { return Ok(None) };
        // Asked first without taking the key: whoever hears a kept answer holds up nobody.
        if let Some(kept) = key.kept(&mut *transaction, state, request).await? {
            return Ok(Some(kept));
        }
        if !try_take_key(&mut *transaction, key.user, &key.text).await? {
            return Err(ApiError::InFlight);
        }
        // It may have been answered while we asked for the key.
        key.kept(transaction, state, request).await
    }

    /// Keeps the answer, and gives it. Commit the transaction before it goes out.
    pub async fn answer(
        &self,
        transaction: &mut PgConnection,
        state: &AppState,
        request: &impl Serialize,
        status: StatusCode,
        body: &impl Serialize,
    ) -> Result<Response, ApiError> {
        self.answer_at(transaction, state, request, status, None, body).await
    }

    /// The same with a `Location`: a path of ours.
    pub async fn answer_at(
        &self,
        transaction: &mut PgConnection,
        state: &AppState,
        request: &impl Serialize,
        status: StatusCode,
        location: Option<&str>,
        body: &impl Serialize,
    ) -> Result<Response, ApiError> {
        if let Some(key) = &self.key {
            let bytes = serde_json::to_vec(body).map_err(|_| ApiError::Unwritable)?;
            let answer = NewAnswer {
                user_id: key.user,
                key: &key.text,
                route: &key.route,
                request_hash: &key.hash(request)?,
                status: i16::try_from(status.as_u16()).unwrap_or(200),
                headers: location.map_or_else(|| json!({}), |location| json!({ LOCATION: location })),
                body: &bytes,
                expires_at: state.clock.now() + KEPT,
            };
            keep_answer(transaction, &answer).await?;
        }
        Ok(located((status, Json(body)).into_response(), location))
    }
}

impl Key {
    async fn kept(&self, transaction: &mut PgConnection, state: &AppState, request: &impl Serialize) -> Result<Option<Response>, ApiError> {
        match kept_answer(transaction, self.user, &self.text, state.clock.now()).await? {
            Some(kept) if kept.request_hash != self.hash(request)? => Err(ApiError::KeyReused),
            kept => Ok(kept.map(replay)),
        }
    }

    /// Of method, path and body.
    fn hash(&self, request: &impl Serialize) -> Result<Vec<u8>, ApiError> {
        let body = serde_json::to_vec(request).map_err(|_| ApiError::Unwritable)?;
        Ok(Sha256::new().chain_update(self.route.as_bytes()).chain_update([0]).chain_update(body).finalize().to_vec())
    }
}

/// Marked, so that whoever looks at a trace sees that nothing was done.
fn replay(kept: KeptAnswer) -> Response {
    let status = u16::try_from(kept.status).ok().and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true")),
    ];
    located((status, headers, kept.body).into_response(), kept.headers[LOCATION].as_str())
}

const LOCATION: &str = "location";

fn located(mut response: Response, location: Option<&str>) -> Response {
    if let Some(location) = location.and_then(|path| HeaderValue::from_str(path).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The header as it came: HTTP takes blanks away from both ends (RFC 9110, section 5.5).
///
/// # Errors
/// For one that no such header may be.
pub(crate) fn sent_key(headers: &HeaderMap, longest: usize) -> Result<Option<&str>, FieldError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=longest).contains(&key.len()));
    let refused = || FieldError::new("Idempotency-Key", format!("must be 1 to {longest} printable characters of ASCII"));
    key.map(Some).ok_or_else(refused)
}

impl FromRequestParts<AppState> for Once {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Some(text) = sent_key(&parts.headers, LONGEST_KEY)?.map(str::to_owned) else { return Ok(Self { key: None }) };
        let route = format!("{} {}", parts.method, parts.uri.path());
        let user = Caller::from_request_parts(parts, state).await?.user;
        Ok(Self { key: Some(Key { text, user, route }) })
    }
}
