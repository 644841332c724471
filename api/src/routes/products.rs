//! What a store sells.
//!
//! A product with sales, counts or waste on record is never removed: deleting it only ends its being sold.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::NaiveDate;
use domain::access::{Action, Permission, Resource as Kind};
use domain::ids::StoreId;
use platform::cache::{Invalidation, keys};
use platform::db::DbError;
use platform::db::products::{ProductEntry, ProductFilter, delete_product, find_product, insert_product, page_products, update_product};
use platform::db::recipes::lock_catalogue;
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::change::Change;
use crate::cursor::{default_limit, limit, name_cursor, page};
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Asked, Body, PathName, PathNames};
use crate::field::{days, name, optional_date, optional_rupiah, quantity, unit};
use crate::kept::{IfNoneMatch, kept};
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(get, change, remove))
}

#[derive(Serialize, ToSchema)]
struct Products {
    products: Vec<Product>,
    /// `cursor` of the next page, where there is one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Product {
    id: Uuid,
    #[schema(example = "Ayam Geprek")]
    name: String,
    #[schema(required = true)]
    category_id: Option<Uuid>,
    #[schema(example = "porsi")]
    unit: String,
    /// Whole rupiah.
    #[schema(required = true, example = 18_000)]
    price: Option<i64>,
    #[schema(example = 10.0)]
    batch_size: f64,
    shelf_life_days: i32,
    /// Whether it is sold now.
    is_active: bool,
    #[schema(required = true)]
    first_sold_on: Option<NaiveDate>,
}

impl From<ProductEntry> for Product {
    fn from(entry: ProductEntry) -> Self {
        let ProductEntry { id, name, category_id, unit, price, batch_size, shelf_life_days, is_active, first_sold_on } = entry;
        Self { id, name, category_id, unit, price, batch_size, shelf_life_days, is_active, first_sold_on }
    }
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProduct {
    #[serde(deserialize_with = "name")]
    #[schema(example = "Ayam Geprek", max_length = 100)]
    name: String,
    category_id: Option<Uuid>,
    /// What is counted when it is sold.
    #[serde(default = "portion", deserialize_with = "unit")]
    #[schema(example = "porsi", max_length = 20)]
    unit: String,
    /// Whole rupiah.
    #[serde(default, deserialize_with = "optional_rupiah")]
    #[schema(example = 18_000, minimum = 0, maximum = 1_000_000_000_i64)]
    price: Option<i64>,
    /// It is made in multiples of so much.
    #[serde(default = "one", deserialize_with = "quantity")]
    #[schema(example = 10.0, minimum = 0.001, maximum = 1_000_000_000.0)]
    batch_size: f64,
    /// Days that it keeps; 0: sold on the day it is made.
    #[serde(default, deserialize_with = "days")]
    #[schema(example = 0, minimum = 0, maximum = 3_650)]
    shelf_life_days: i32,
    /// Whether it is sold now.
    #[serde(default = "yes")]
    is_active: bool,
    #[serde(default, deserialize_with = "optional_date")]
    #[schema(example = "2026-11-01")]
    first_sold_on: Option<NaiveDate>,
}

type ProductChange = Change<NewProduct>;

impl NewProduct {
    fn of(entry: ProductEntry) -> Self {
        let ProductEntry { id: _, name, category_id, unit, price, batch_size, shelf_life_days, is_active, first_sold_on } = entry;
        Self { name, category_id, unit, price, batch_size, shelf_life_days, is_active, first_sold_on }
    }

    fn with_id(self, id: Uuid) -> ProductEntry {
        let Self { name, category_id, unit, price, batch_size, shelf_life_days, is_active, first_sold_on } = self;
        ProductEntry { id, name, category_id, unit, price, batch_size, shelf_life_days, is_active, first_sold_on }
    }
}

fn portion() -> String {
    "porsi".to_owned()
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProductQuery {
    /// `next_cursor` of the page before.
    #[serde(default, deserialize_with = "name_cursor")]
    #[param(nullable = false)]
    cursor: Option<String>,
    /// Rows of a page.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
    /// Of this category only.
    #[param(nullable = false)]
    category_id: Option<Uuid>,
    /// What is no longer sold too.
    #[serde(default)]
    inactive: bool,
}

/// Products of a store by name.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/products", operation_id = "list_products",
    tag = "catalogue",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), ProductQuery, IfNoneMatch),
    responses(
        (status = 200, description = "Products", body = Products, headers(("etag" = String, description = "Of these very bytes"))),
        (status = 304, description = "The caller has them already"),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:read"))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let store = caller.store_id(&state, &store, Permission::to(Action::Read, Kind::Catalogue)).await?;
    let key = keys::products_list(StoreId(store)).part(asked.text());
    kept(&state.cache, &key, &headers, || find_page(&state, &caller, store, &asked)).await
}

async fn find_page(state: &AppState, caller: &Caller, store: Uuid, asked: &Asked) -> Result<Products, ApiError> {
    let query: ProductQuery = asked.read()?;
    let mut transaction = state.db.begin_read(caller.tenant()).await?;
    let filter = ProductFilter { after: query.cursor.as_deref(), category_id: query.category_id, with_inactive: query.inactive };
    let rows = page_products(&mut *transaction, store, &filter, query.limit + 1).await?;
    let (rows, next_cursor) = page(rows, query.limit, |row| row.name.clone());
    Ok(Products { products: rows.into_iter().map(Product::from).collect(), next_cursor })
}

/// Whoever changes the catalogue sees it changed; others hear of it when they hear the database.
pub(super) async fn forget_list(state: &AppState, store: Uuid) {
    state.cache.invalidate(Invalidation::key_and_parts(&keys::products_list(StoreId(store)))).await;
}

/// One product.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/products/{product}", operation_id = "get_product",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    responses(
        (status = 200, description = "The product", body = Product),
        (status = 404, description = "No such store or product", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:read"))),
)]
async fn get(
    caller: Caller,
    PathNames([store, product]): PathNames<2>,
    Reader(mut transaction): Reader,
) -> Result<Json<Product>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Catalogue)).await?;
    Ok(Json(find(&mut transaction, store, &product).await?.into()))
}

/// Add a product.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/products", operation_id = "create_product",
    tag = "catalogue",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), IdempotencyKey),
    request_body = NewProduct,
    responses(
        (status = 201, description = "The product", body = Product),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken, or the same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:create"))),
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(store): PathName,
    Body(new): Body<NewProduct>,
) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Catalogue)).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let row = new.clone().with_id(Uuid::now_v7());
    insert_product(&mut *transaction, store.id, &row).await.map_err(refused)?;
    let answer = once.answer(&mut transaction, &state, &new, StatusCode::CREATED, &Product::from(row)).await?;
    commit(transaction).await?;
    forget_list(&state, store.id).await;
    Ok(answer)
}

/// Change a product.
#[utoipa::path(
    patch,
    path = "/api/v1/stores/{store}/products/{product}", operation_id = "update_product",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    request_body = ProductChange,
    responses(
        (status = 200, description = "The product as it is now", body = Product),
        (status = 404, description = "No such store or product", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:update"))),
)]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, product]): PathNames<2>,
    Body(change): Body<ProductChange>,
) -> Result<Json<Product>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let entry = find(&mut transaction, store.id, &product).await?;
    let id = entry.id;
    let row = change.of(&NewProduct::of(entry))?.with_id(id);
    update_product(&mut *transaction, store.id, &row).await.map_err(refused)?;
    commit(transaction).await?;
    forget_list(&state, store.id).await;
    Ok(Json(row.into()))
}

/// Stop selling a product. One that was never sold, counted or thrown away is removed altogether; of any other the history stays,
/// and `is_active` brings it back.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/products/{product}", operation_id = "delete_product",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    responses(
        (status = 204, description = "No longer sold"),
        (status = 404, description = "No such store or product", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:delete"))),
)]
async fn remove(State(state): State<AppState>, caller: Caller, PathNames([store, product]): PathNames<2>) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Delete, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let id = Uuid::try_parse(&product).map_err(|_| missing(&product))?;
    if !delete_product(&mut transaction, store.id, id).await? {
        return Err(missing(&product));
    }
    commit(transaction).await?;
    forget_list(&state, store.id).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn find(connection: &mut PgConnection, store: Uuid, product: &str) -> Result<ProductEntry, ApiError> {
    let id = Uuid::try_parse(product).map_err(|_| missing(product))?;
    find_product(connection, store, id).await?.ok_or_else(|| missing(product))
}

fn missing(product: &str) -> ApiError {
    ApiError::NotFound { resource: Resource::Product, name: product.to_owned() }
}

fn refused(error: DbError) -> ApiError {
    match error.rule() {
        Some("product_category_is_of_same_store") => FieldError::unfit("category_id", "is no category of this store").into(),
        _ => ApiError::by_rule(error, &["product_name_is_taken_in_store"]),
    }
}
