//! Who may act for a store.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::access::{Action, Permission, Resource as Kind, StoreRole};
use domain::job::Letter;
use platform::db::DbError;
use platform::db::store_members::{MemberRow, add_member, change_role, list_members, remove_member};
use platform::db::tenant::{Tenant, commit, set_tenant};
use platform::db::users::{account_by_email, register_user};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::registrations::send_link;
use crate::access::{Caller, ClientAddress, Reader, check_attempt};
use crate::error::{ApiError, Resource};
use crate::extract::{Body, PathName, PathNames, email, optional_name};
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, add)).routes(routes!(change, remove))
}

#[derive(Serialize, ToSchema)]
struct Members {
    members: Vec<Member>,
}

#[derive(Serialize, ToSchema)]
struct Member {
    user_id: Uuid,
    #[schema(example = "budi@example.com")]
    email: String,
    #[schema(required = true, example = "Budi")]
    name: Option<String>,
    /// `user`, `manager` or `admin`.
    #[schema(example = "manager")]
    role: String,
    since: DateTime<Utc>,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self { user_id: row.user_id, email: row.email, name: row.name, role: row.role, since: row.created_at }
    }
}

/// What a member may be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Manager,
    Admin,
}

impl Role {
    fn name(self) -> &'static str {
        let role = match self {
            Self::User => StoreRole::User,
            Self::Manager => StoreRole::Manager,
            Self::Admin => StoreRole::Admin,
        };
        role.name()
    }
}

/// Members of a store by the time they came.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/members", operation_id = "list_members",
    tag = "members",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri")),
    responses(
        (status = 200, description = "Members", body = Members),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:read"))),
)]
async fn list(caller: Caller, PathName(store): PathName, Reader(mut transaction): Reader) -> Result<Json<Members>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Members)).await?;
    let rows = list_members(&mut *transaction, store).await?;
    Ok(Json(Members { members: rows.into_iter().map(Member::from).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMember {
    #[serde(deserialize_with = "email")]
    #[schema(example = "budi@example.com", max_length = 254, format = Email)]
    email: String,
    /// Taken where the address has no account yet.
    #[serde(default, deserialize_with = "optional_name")]
    #[schema(example = "Budi", max_length = 100)]
    name: Option<String>,
    role: Role,
}

/// Add a member by address. Without an account they get a mail by which to choose a password; whoever is a member keeps their role.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/members", operation_id = "add_member",
    tag = "members",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri")),
    request_body = NewMember,
    responses(
        (status = 201, description = "Members as they are now", body = Members),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The address cannot be added now", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:create"))),
)]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    Body(new): Body<NewMember>,
) -> Result<(StatusCode, Json<Members>), ApiError> {
    check_attempt(state.limiter.as_ref(), "mail", ClientAddress(caller.address), &new.email, None).await?;
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Members)).await?;
    let user = account_of(&mut transaction, &state, &caller, &new).await?;
    if add_member(&mut *transaction, store.id, user, new.role.name()).await? {
        let details = json!({ "role": new.role.name() });
        remember(&mut transaction, &state, &caller, Some(store.id), "member_added", &user.to_string(), details).await?;
    }
    let members = list_members(&mut *transaction, store.id).await?;
    commit(transaction).await?;
    state.auth.forget(user);
    Ok((StatusCode::CREATED, Json(Members { members: members.into_iter().map(Member::from).collect() })))
}

/// The account of an address, made where there is none: for the time of that the transaction is the newcomer's.
async fn account_of(transaction: &mut PgConnection, state: &AppState, caller: &Caller, new: &NewMember) -> Result<Uuid, ApiError> {
    let known = account_by_email(&mut *transaction, &new.email).await?;
    let (is_known, user) = (known.is_some(), known.as_ref().map_or_else(Uuid::now_v7, |account| account.user_id));
    if known.is_none_or(|account| !account.is_verified) {
        set_tenant(transaction, Tenant::User(user)).await?;
        // Disabled, or made by somebody else in this moment.
        if !register_user(&mut *transaction, user, &new.email, new.name.as_deref(), "id").await? && !is_known {
            return Err(ApiError::Conflict { rule: "member_cannot_be_added" });
        }
        send_link(transaction, state, user, Letter::JoinStore).await?;
        set_tenant(transaction, caller.tenant()).await?;
    }
    Ok(user)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberChange {
    role: Role,
}

/// Change what a member may do.
#[utoipa::path(
    patch,
    path = "/api/v1/stores/{store}/members/{user}", operation_id = "change_member",
    tag = "members",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("user" = Uuid, Path, description = "Id of the member"),
    ),
    request_body = MemberChange,
    responses(
        (status = 204, description = "Changed"),
        (status = 404, description = "No such store or member", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The store would have no admin", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:update"))),
)]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, user]): PathNames<2>,
    Body(change): Body<MemberChange>,
) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Members)).await?;
    let id = member_id(&user)?;
    if !change_role(&mut *transaction, store.id, id, change.role.name()).await? {
        return Err(missing(&user));
    }
    let details = json!({ "role": change.role.name() });
    remember(&mut transaction, &state, &caller, Some(store.id), "member_changed", &user, details).await?;
    finish(transaction).await?;
    state.auth.forget(id);
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a member. Everyone may remove themselves.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/members/{user}", operation_id = "remove_member",
    tag = "members",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("user" = Uuid, Path, description = "Id of the member"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such store or member", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The store would have no admin", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:delete"))),
)]
async fn remove(State(state): State<AppState>, caller: Caller, PathNames([store, user]): PathNames<2>) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let id = member_id(&user)?;
    let needed = if id == caller.user { Permission::to(Action::Read, Kind::Store) } else { Permission::to(Action::Delete, Kind::Members) };
    let store = caller.store(&mut transaction, &store, needed).await?;
    if !remove_member(&mut *transaction, store.id, id).await? {
        return Err(missing(&user));
    }
    remember(&mut transaction, &state, &caller, Some(store.id), "member_removed", &user, json!({})).await?;
    finish(transaction).await?;
    state.auth.forget(id);
    Ok(StatusCode::NO_CONTENT)
}

fn member_id(user: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(user).map_err(|_| missing(user))
}

fn missing(user: &str) -> ApiError {
    ApiError::NotFound { resource: Resource::Member, name: user.to_owned() }
}

/// Whether a store keeps an admin is asked at the commit.
async fn finish(transaction: Transaction<'static, Postgres>) -> Result<(), ApiError> {
    const KEPT: &str = "store_keeps_an_admin";
    commit(transaction).await.map_err(|error: DbError| match error.rule() {
        Some(KEPT) => ApiError::Conflict { rule: KEPT },
        _ => error.into(),
    })
}
