//! The person who asks.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use platform::db::tenant::commit;
use platform::db::users::{UserRow, find_user, update_user};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::error::ApiError;
use crate::extract::{Body, optional_name};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get, update))
}

/// An account, and where it may act.
#[derive(Serialize, ToSchema)]
struct Me {
    id: Uuid,
    #[schema(example = "sri@example.com")]
    email: String,
    #[schema(required = true, example = "Sri")]
    name: Option<String>,
    /// `user`, or `operator` of the platform.
    #[schema(example = "user")]
    role: String,
    /// `id` or `en`.
    #[schema(example = "id")]
    locale: String,
    #[schema(required = true)]
    email_verified_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// Stores that they are a member of.
    memberships: Vec<Membership>,
}

#[derive(Serialize, ToSchema)]
struct Membership {
    store_id: Uuid,
    #[schema(example = "warung-bu-sri")]
    store: String,
    /// `user`, `manager` or `admin`.
    #[schema(example = "admin")]
    role: String,
}

/// The caller's account.
#[utoipa::path(
    get,
    path = "/api/v1/users/me", operation_id = "get_me",
    tag = "users",
    responses((status = 200, description = "The account", body = Me)),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn get(caller: Caller, Reader(mut transaction): Reader) -> Result<Json<Me>, ApiError> {
    Ok(Json(me(&mut transaction, &caller).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MeChange {
    #[serde(default, deserialize_with = "optional_name")]
    #[schema(example = "Bu Sri", max_length = 100)]
    name: Option<String>,
    #[schema(inline)]
    locale: Option<Locale>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Locale {
    Id,
    En,
}

/// Change the caller's name or language; what is left out stays.
#[utoipa::path(
    patch,
    path = "/api/v1/users/me", operation_id = "update_me",
    tag = "users",
    request_body = MeChange,
    responses((status = 200, description = "The account as it is now", body = Me)),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn update(State(state): State<AppState>, caller: Caller, Body(change): Body<MeChange>) -> Result<Json<Me>, ApiError> {
    let locale = change.locale.map(|locale| match locale {
        Locale::Id => "id",
        Locale::En => "en",
    });
    let mut transaction = caller.begin(&state).await?;
    update_user(&mut *transaction, caller.user, change.name.as_deref(), locale).await?;
    let me = me(&mut transaction, &caller).await?;
    commit(transaction).await?;
    Ok(Json(me))
}

async fn me(connection: &mut PgConnection, caller: &Caller) -> Result<Me, ApiError> {
    let UserRow { id, email, name, role, locale, email_verified_at, created_at } =
        find_user(connection, caller.user).await?.ok_or(ApiError::SignInRequired)?;
    let memberships = caller.memberships().map(|membership| Membership {
        store_id: membership.store_id,
        store: membership.slug.clone(),
        role: membership.role.clone(),
    });
    Ok(Me { id, email, name, role, locale, email_verified_at, created_at, memberships: memberships.collect() })
}
