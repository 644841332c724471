//! Shops that the caller may see.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{NaiveDate, NaiveTime};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::recipes::lock_catalogue;
use platform::db::stores::{NewStore, SalesSource, StoreRow, create_store, find_store, list_stores, update_store};
use platform::db::tenant::{commit, roll_back};
use platform::db::users::find_user;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::change::Change;
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName};
use crate::field::{cutoff, name, optional_adm4, optional_date, optional_lines, optional_slug, time_zone};
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::record::remember;
use crate::slug::slugs_of;
use crate::state::AppState;

const SLUG_TAKEN: &str = "store_slug_is_taken";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(get, change, close))
}

/// All stores the caller may see, by slug.
#[derive(Serialize, ToSchema)]
struct Stores {
    stores: Vec<Store>,
}

/// One shop.
#[derive(Serialize, ToSchema)]
struct Store {
    id: Uuid,
    #[schema(example = "warung-bu-sri")]
    slug: String,
    #[schema(example = "Warung Bu Sri")]
    name: String,
    #[schema(required = true)]
    address: Option<String>,
    /// IANA name.
    #[schema(example = "Asia/Jakarta")]
    time_zone: String,
    /// Local time at which one business day becomes the next.
    #[schema(example = "00:00")]
    business_day_cutoff: String,
    /// Kemendagri village code, the key of the weather.
    #[schema(required = true, example = "31.71.03.1001")]
    adm4: Option<String>,
    /// Which national calendar applies.
    #[schema(example = "id")]
    calendar: String,
    /// Which sales count: `orders` taken through this API, or `imports` from files and tills.
    #[schema(example = "imports")]
    sales_source: String,
    /// Made by the simulator: no real shop.
    is_synthetic: bool,
    is_active: bool,
    #[schema(required = true)]
    opened_on: Option<NaiveDate>,
}

impl From<StoreRow> for Store {
    fn from(row: StoreRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            address: row.address,
            time_zone: row.time_zone,
            business_day_cutoff: row.business_day_cutoff.format("%H:%M").to_string(),
            adm4: row.adm4,
            calendar: row.calendar,
            sales_source: row.sales_source,
            is_synthetic: row.is_synthetic,
            is_active: row.is_active,
            opened_on: row.opened_on,
        }
    }
}

/// Stores that the caller may see.
#[utoipa::path(get, path = "/api/v1/stores", operation_id = "list_stores", tag = "stores", responses((status = 200, description = "Active stores by slug", body = Stores)), extensions(("x-permission" = json!("signed-in"))))]
async fn list(Reader(mut transaction): Reader) -> Result<Json<Stores>, ApiError> {
    let rows = list_stores(&mut *transaction, false).await?;
    Ok(Json(Stores { stores: rows.into_iter().map(Store::from).collect() }))
}

/// One store.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}", operation_id = "get_store",
    tag = "stores",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri")),
    responses(
        (status = 200, description = "The store", body = Store),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("store:read"))),
)]
async fn get(caller: Caller, PathName(store): PathName, Reader(mut transaction): Reader) -> Result<Json<Store>, ApiError> {
    Ok(Json(caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Store)).await?.into()))
}

/// A shop, as its owner describes it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewStore)]
struct WrittenStore {
    /// Short name for addresses; without it one is made of the name.
    #[serde(default, deserialize_with = "optional_slug")]
    #[schema(example = "warung-bu-sri", min_length = 2, max_length = 60, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    slug: Option<String>,
    #[serde(deserialize_with = "name")]
    #[schema(example = "Warung Bu Sri", max_length = 100)]
    name: String,
    #[serde(default, deserialize_with = "optional_lines")]
    #[schema(example = "Jl. Melati 1, Jakarta", max_length = 500)]
    address: Option<String>,
    /// IANA name.
    #[serde(default = "jakarta", deserialize_with = "time_zone")]
    #[schema(example = "Asia/Jakarta")]
    time_zone: String,
    /// Local time at which one business day becomes the next, from 00:00 to 11:59.
    #[serde(default, with = "cutoff")]
    #[schema(value_type = String, example = "02:00", pattern = "^(0[0-9]|1[01]):[0-5][0-9]$")]
    business_day_cutoff: NaiveTime,
    /// Kemendagri village code, the key of the weather.
    #[serde(default, deserialize_with = "optional_adm4")]
    #[schema(example = "31.71.03.1001", pattern = r"^\d{2}\.\d{2}\.\d{2}\.\d{4}$")]
    adm4: Option<String>,
    #[serde(default)]
    #[schema(inline)]
    calendar: Calendar,
    #[serde(default)]
    #[schema(inline)]
    sales_source: Source,
    /// Whether it is open for business. Only who may close it may change this.
    #[serde(default = "yes")]
    is_active: bool,
    #[serde(default, deserialize_with = "optional_date")]
    #[schema(example = "2023-11-01")]
    opened_on: Option<NaiveDate>,
}

type StoreChange = Change<WrittenStore>;

/// Which national calendar applies.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Calendar {
    #[default]
    Id,
}

/// Which sales count: `orders` taken through this API, or `imports` from files and tills.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Source {
    Imports,
    #[default]
    Orders,
}

fn jakarta() -> String {
    "Asia/Jakarta".to_owned()
}

fn yes() -> bool {
    true
}

impl WrittenStore {
    fn of(row: StoreRow) -> Self {
        Self {
            slug: Some(row.slug),
            name: row.name,
            address: row.address,
            time_zone: row.time_zone,
            business_day_cutoff: row.business_day_cutoff,
            adm4: row.adm4,
            calendar: Calendar::Id,
            sales_source: if row.sales_source == SalesSource::Orders.name() { Source::Orders } else { Source::Imports },
            is_active: row.is_active,
            opened_on: row.opened_on,
        }
    }

    fn onto(self, row: StoreRow) -> StoreRow {
        StoreRow {
            slug: self.slug.unwrap_or(row.slug),
            name: self.name,
            address: self.address,
            time_zone: self.time_zone,
            business_day_cutoff: self.business_day_cutoff,
            adm4: self.adm4,
            sales_source: self.sales_source.stored().name().to_owned(),
            is_active: self.is_active,
            opened_on: self.opened_on,
            ..row
        }
    }

    fn into_store(self, slug: String, owner_id: Uuid) -> NewStore {
        NewStore {
            slug,
            name: self.name,
            owner_id,
            address: self.address,
            time_zone: self.time_zone,
            business_day_cutoff: self.business_day_cutoff,
            adm4: self.adm4,
            calendar: "id".to_owned(),
            sales_source: self.sales_source.stored(),
            is_synthetic: false,
            opened_on: self.opened_on,
        }
    }

    /// The short name that was chosen, or those that can be made of the name.
    fn slugs(&self) -> Result<Vec<String>, FieldError> {
        let slugs = self.slug.clone().map_or_else(|| slugs_of(&self.name), |slug| vec![slug]);
        if slugs.is_empty() {
            return Err(FieldError::unfit("slug", "cannot be made of this name: choose one, such as warung-bu-sri"));
        }
        Ok(slugs)
    }
}

impl Source {
    fn stored(self) -> SalesSource {
        match self {
            Self::Imports => SalesSource::Imports,
            Self::Orders => SalesSource::Orders,
        }
    }
}

/// Open a store. The caller becomes its owner and admin.
#[utoipa::path(
    post,
    path = "/api/v1/stores", operation_id = "create_store",
    tag = "stores",
    params(IdempotencyKey),
    request_body = WrittenStore,
    responses(
        (status = 201, description = "The store", body = Store),
        (status = 409, description = "The short name is taken, or the same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    Body(written): Body<WrittenStore>,
) -> Result<Response, ApiError> {
    if !written.is_active {
        return Err(FieldError::unfit("is_active", "must be true of a new store").into());
    }
    for slug in written.slugs()? {
        let mut transaction = caller.begin(&state).await?;
        if let Some(answer) = once.seen(&mut transaction, &state, &written).await? {
            return Ok(answer);
        }
        let user = find_user(&mut *transaction, caller.user).await?.ok_or(ApiError::SignInRequired)?;
        user.email_verified_at.ok_or(ApiError::AddressNotVerified)?;
        let id = match create_store(&mut *transaction, &written.clone().into_store(slug, caller.user)).await {
            Err(error) if error.rule() == Some(SLUG_TAKEN) => {
                roll_back(transaction).await?;
                continue;
            }
            created => created?,
        };
        remember(&mut transaction, &state, &caller, Some(id), "store_created", &id.to_string(), json!({})).await?;
        let store = find(&mut transaction, &id.to_string()).await?;
        let answer = once.answer(&mut transaction, &state, &written, StatusCode::CREATED, &Store::from(store)).await?;
        commit(transaction).await?;
        state.auth.forget(caller.user);
        return Ok(answer);
    }
    Err(ApiError::Conflict { rule: SLUG_TAKEN })
}

/// Change a store.
#[utoipa::path(
    patch,
    path = "/api/v1/stores/{store}", operation_id = "update_store",
    tag = "stores",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri")),
    request_body = StoreChange,
    responses(
        (status = 200, description = "The store as it is now", body = Store),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The short name is taken", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("store:update"))),
)]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    Body(change): Body<StoreChange>,
) -> Result<Json<Store>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Store)).await?;
    if change.names("is_active") {
        caller.require(store.id, Permission::to(Action::Delete, Kind::Store))?;
    }
    lock_catalogue(&mut transaction, store.id).await?;
    let store = find(&mut transaction, &store.id.to_string()).await?;
    let details = json!({ "fields": change.fields() });
    let store = change.of(&WrittenStore::of(store.clone()))?.onto(store);
    update_store(&mut *transaction, &store).await.map_err(|error| ApiError::by_rule(error, &[SLUG_TAKEN]))?;
    remember(&mut transaction, &state, &caller, Some(store.id), "store_changed", &store.id.to_string(), details).await?;
    commit(transaction).await?;
    state.auth.forget(caller.user);
    Ok(Json(store.into()))
}

/// Close a store. It is no longer listed or planned for; nothing of it is lost, and `is_active` opens it again.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}", operation_id = "close_store",
    tag = "stores",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri")),
    responses(
        (status = 204, description = "Closed"),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("store:delete"))),
)]
async fn close(State(state): State<AppState>, caller: Caller, PathName(store): PathName) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Delete, Kind::Store)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let store = StoreRow { is_active: false, ..find(&mut transaction, &store.id.to_string()).await? };
    update_store(&mut *transaction, &store).await?;
    remember(&mut transaction, &state, &caller, Some(store.id), "store_closed", &store.id.to_string(), json!({})).await?;
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The store that a path or a filter names by slug or id.
pub(crate) async fn find(connection: &mut PgConnection, name: &str) -> Result<StoreRow, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::Store, name: name.to_owned() };
    // Anything else cannot be a name of ours, and may hold bytes that Postgres has no text for.
    let is_name = name.len() <= 100 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_name {
        return Err(missing());
    }
    find_store(connection, name).await?.ok_or_else(missing)
}
