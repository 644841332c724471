//! Pictures of people. What a picture is, its first bytes say; the header of whoever sends it is not asked.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::db::profiles::{find_profile, set_avatar};
use platform::db::tenant::commit;
use platform::objects::{ObjectError, ObjectKey};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::profiles;
use crate::access::{Caller, Reader};
use crate::error::{ApiError, Resource};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) const PATH: &str = "/api/v1/users/me/avatar";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get, put, remove))
}

/// The bytes of a picture that browsers show.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
struct Picture(Bytes);

impl FromRequest<AppState> for Picture {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let limit_bytes = state.limits.body_bytes_of(request.uri().path());
        let bytes = Bytes::from_request(request, state).await.map_err(|_| ApiError::BodyTooLarge { limit_bytes })?;
        kind_of(&bytes).map(|_| Self(bytes)).ok_or(ApiError::NotAPicture)
    }
}

pub(super) fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Where all pictures of a person are, also one that was replaced when the object store did not answer.
pub(super) fn folder_of(user: Uuid) -> String {
    format!("avatars/{user}")
}

/// Under the person, so that nobody's picture is another's, and under what it shows: a new picture has a new key.
fn key_of(user: Uuid, bytes: &[u8]) -> Result<ObjectKey, ApiError> {
    Ok(format!("{}/{}", folder_of(user), hex::encode(Sha256::digest(bytes))).parse()?)
}

/// The caller's picture.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/avatar", operation_id = "get_avatar",
    tag = "users",
    responses(
        (status = 200, description = "The picture; `ETag` says which", content((Picture = "image/png"), (Picture = "image/jpeg"), (Picture = "image/webp"))),
        (status = 304, description = "The one that `If-None-Match` names"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Reader(mut transaction): Reader,
) -> Result<Response, ApiError> {
    let key = find_profile(&mut *transaction, caller.user).await?.avatar_url.ok_or_else(missing)?;
    drop(transaction);
    let tag = format!("\"{}\"", key.rsplit('/').next().unwrap_or_default());
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|value| value.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    let bytes = state.objects.get(&key.parse()?).await.map_err(|error| match error {
        ObjectError::NotFound { .. } => missing(),
        error => error.into(),
    })?;
    let kind = kind_of(&bytes).ok_or_else(missing)?;
    Ok(([(CONTENT_TYPE, kind.to_owned()), (ETAG, tag)], bytes).into_response())
}

/// Set the caller's picture: a PNG, JPEG or WebP of at most 256 KiB.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/avatar", operation_id = "put_avatar",
    tag = "users",
    request_body(content((Picture = "image/png"), (Picture = "image/jpeg"), (Picture = "image/webp"))),
    responses((status = 204, description = "Set")),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn put(State(state): State<AppState>, caller: Caller, Picture(bytes): Picture) -> Result<StatusCode, ApiError> {
    let key = key_of(caller.user, &bytes)?;
    state.objects.put(&key, bytes.into()).await?;
    replace(&state, &caller, Some(&key)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take the caller's picture away, if there is one.
#[utoipa::path(
    delete,
    path = "/api/v1/users/me/avatar", operation_id = "delete_avatar",
    tag = "users",
    responses((status = 204, description = "There is none any more")),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn remove(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    replace(&state, &caller, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Names the new picture, then removes the old one: it is never named and gone.
async fn replace(state: &AppState, caller: &Caller, key: Option<&ObjectKey>) -> Result<(), ApiError> {
    let mut transaction = caller.begin(state).await?;
    let old = set_avatar(&mut transaction, caller.user, key.map(ObjectKey::as_str)).await?;
    commit(transaction).await?;
    profiles::forget(state, caller.user).await;
    if let Some(old) = old.filter(|old| key.is_none_or(|key| key.as_str() != old)) {
        state.objects.delete(&old.parse()?).await?;
    }
    Ok(())
}

fn missing() -> ApiError {
    ApiError::NotFound { resource: Resource::Avatar, name: "avatar".to_owned() }
}
