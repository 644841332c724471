//! What the person who asks tells of themselves.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::ids::UserId;
use platform::cache::{Invalidation, Key, keys};
use platform::db::profiles::{ProfileRow, find_profile, put_profile};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::avatars;
use crate::access::Caller;
use crate::error::ApiError;
use crate::extract::Body;
use crate::field::{optional_lines, optional_phone};
use crate::kept::{IfNoneMatch, kept};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get, put))
}

#[derive(Serialize, ToSchema)]
struct Profile {
    /// With the country in front.
    #[schema(required = true, example = "+6281234567890")]
    phone: Option<String>,
    #[schema(required = true, example = "Jl. Melati 1, Jakarta")]
    address: Option<String>,
    #[schema(required = true, example = "Masak sejak 1998")]
    bio: Option<String>,
    /// Where the picture is, if there is one.
    #[schema(required = true, example = "/api/v1/users/me/avatar")]
    avatar_url: Option<String>,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        Self { phone: row.phone, address: row.address, bio: row.bio, avatar_url: row.avatar_url.map(|_| avatars::PATH.to_owned()) }
    }
}

/// A profile, as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProfile {
    /// An Indonesian number without its country is given it.
    #[serde(default, deserialize_with = "optional_phone")]
    #[schema(example = "0812-3456-7890")]
    phone: Option<String>,
    #[serde(default, deserialize_with = "optional_lines")]
    #[schema(example = "Jl. Melati 1, Jakarta", max_length = 500)]
    address: Option<String>,
    #[serde(default, deserialize_with = "optional_lines")]
    #[schema(example = "Masak sejak 1998", max_length = 500)]
    bio: Option<String>,
}

/// The caller's profile.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/profile", operation_id = "get_profile",
    tag = "users",
    params(IfNoneMatch),
    responses(
        (status = 200, description = "The profile", body = Profile, headers(("etag" = String, description = "Of these very bytes"))),
        (status = 304, description = "The caller has it already"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn get(State(state): State<AppState>, caller: Caller, headers: HeaderMap) -> Result<Response, ApiError> {
    kept(&state.cache, &key(caller.user), &headers, || find(&state, &caller)).await
}

async fn find(state: &AppState, caller: &Caller) -> Result<Profile, ApiError> {
    let mut transaction = state.db.begin_read(caller.tenant()).await?;
    Ok(find_profile(&mut *transaction, caller.user).await?.into())
}

fn key(user: Uuid) -> Key {
    keys::user_profile(UserId(user)).part("own")
}

/// What was kept of a profile is an old one: who has changed it reads their own writes.
pub(super) async fn forget(state: &AppState, user: Uuid) {
    state.cache.invalidate(Invalidation::key(&key(user))).await;
}

/// Replace the caller's profile; what is left out is gone. The picture stays.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/profile", operation_id = "put_profile",
    tag = "users",
    request_body = NewProfile,
    responses((status = 200, description = "The profile as it is now", body = Profile)),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn put(State(state): State<AppState>, caller: Caller, Body(new): Body<NewProfile>) -> Result<Json<Profile>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let row = ProfileRow { phone: new.phone, address: new.address, bio: new.bio, avatar_url: None };
    put_profile(&mut *transaction, caller.user, &row).await?;
    let row = find_profile(&mut *transaction, caller.user).await?;
    commit(transaction).await?;
    forget(&state, caller.user).await;
    Ok(Json(row.into()))
}
