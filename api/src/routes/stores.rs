//! Shops that the caller may see.

use axum::Json;
use chrono::NaiveDate;
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::stores::{StoreRow, find_store, list_stores};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::error::{ApiError, Resource};
use crate::extract::PathName;
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(get))
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
