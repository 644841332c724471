//! How a store sorts what it sells and buys.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::DbError;
use platform::db::categories::{
    CategoryRow, delete_category, find_category, insert_category, is_category_inside, page_categories, update_category,
};
use platform::db::recipes::lock_catalogue;
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::products::forget_list;
use crate::access::{Caller, Reader};
use crate::change::Change;
use crate::cursor::{NamePage, page};
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName, PathNames, Query};
use crate::field::{name, optional_lines};
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(get, change, remove))
}

#[derive(Serialize, ToSchema)]
struct Categories {
    categories: Vec<Category>,
    /// `cursor` of the next page, where there is one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Category {
    id: Uuid,
    #[schema(example = "Makanan")]
    name: String,
    #[schema(required = true)]
    description: Option<String>,
    /// The category that it lies in.
    #[schema(required = true)]
    parent_id: Option<Uuid>,
}

impl From<CategoryRow> for Category {
    fn from(row: CategoryRow) -> Self {
        Self { id: row.id, name: row.name, description: row.description, parent_id: row.parent_id }
    }
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCategory {
    #[serde(deserialize_with = "name")]
    #[schema(example = "Makanan", max_length = 100)]
    name: String,
    #[serde(default, deserialize_with = "optional_lines")]
    #[schema(example = "Yang dimasak", max_length = 500)]
    description: Option<String>,
    /// The category that it lies in.
    parent_id: Option<Uuid>,
}

type CategoryChange = Change<NewCategory>;

impl NewCategory {
    fn of(row: &CategoryRow) -> Self {
        Self { name: row.name.clone(), description: row.description.clone(), parent_id: row.parent_id }
    }

    fn with_id(self, id: Uuid) -> CategoryRow {
        CategoryRow { id, name: self.name, description: self.description, parent_id: self.parent_id }
    }
}

/// Categories of a store by name.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/categories", operation_id = "list_categories",
    tag = "catalogue",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), NamePage),
    responses(
        (status = 200, description = "Categories", body = Categories),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:read"))),
)]
async fn list(
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<NamePage>,
    Reader(mut transaction): Reader,
) -> Result<Json<Categories>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Catalogue)).await?;
    let rows = page_categories(&mut *transaction, store, query.cursor.as_deref(), query.limit + 1).await?;
    let (rows, next_cursor) = page(rows, query.limit, |row| row.name.clone());
    Ok(Json(Categories { categories: rows.into_iter().map(Category::from).collect(), next_cursor }))
}

/// One category.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/categories/{category}", operation_id = "get_category",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("category" = Uuid, Path, description = "Id of the category"),
    ),
    responses(
        (status = 200, description = "The category", body = Category),
        (status = 404, description = "No such store or category", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:read"))),
)]
async fn get(
    caller: Caller,
    PathNames([store, category]): PathNames<2>,
    Reader(mut transaction): Reader,
) -> Result<Json<Category>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Catalogue)).await?;
    Ok(Json(find(&mut transaction, store, &category).await?.into()))
}

/// Add a category.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/categories", operation_id = "create_category",
    tag = "catalogue",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), IdempotencyKey),
    request_body = NewCategory,
    responses(
        (status = 201, description = "The category", body = Category),
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
    Body(new): Body<NewCategory>,
) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Catalogue)).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let row = new.clone().with_id(Uuid::now_v7());
    insert_category(&mut *transaction, store.id, &row).await.map_err(refused)?;
    let answer = once.answer(&mut transaction, &state, &new, StatusCode::CREATED, &Category::from(row)).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// Change a category.
#[utoipa::path(
    patch,
    path = "/api/v1/stores/{store}/categories/{category}", operation_id = "update_category",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("category" = Uuid, Path, description = "Id of the category"),
    ),
    request_body = CategoryChange,
    responses(
        (status = 200, description = "The category as it is now", body = Category),
        (status = 404, description = "No such store or category", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken, or the category would lie inside itself", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:update"))),
)]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, category]): PathNames<2>,
    Body(change): Body<CategoryChange>,
) -> Result<Json<Category>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let row = find(&mut transaction, store.id, &category).await?;
    let row = change.of(&NewCategory::of(&row))?.with_id(row.id);
    if let Some(parent) = row.parent_id
        && is_category_inside(&mut *transaction, store.id, parent, row.id).await?
    {
        return Err(ApiError::Conflict { rule: "category_has_no_cycle" });
    }
    update_category(&mut *transaction, store.id, &row).await.map_err(refused)?;
    commit(transaction).await?;
    Ok(Json(row.into()))
}

/// Remove a category that nothing is sorted under.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/categories/{category}", operation_id = "delete_category",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("category" = Uuid, Path, description = "Id of the category"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such store or category", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Something is sorted under it", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:delete"))),
)]
async fn remove(State(state): State<AppState>, caller: Caller, PathNames([store, category]): PathNames<2>) -> Result<StatusCode, ApiError> {
    const REFERENCES: [&str; 3] =
        ["product_category_is_of_same_store", "ingredient_category_is_of_same_store", "parent_category_is_of_same_store"];
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Delete, Kind::Catalogue)).await?;
    let id = Uuid::try_parse(&category).map_err(|_| missing(&category))?;
    let deleted = delete_category(&mut *transaction, store.id, id).await.map_err(|error| match error.rule() {
        Some(rule) if REFERENCES.contains(&rule) => ApiError::Conflict { rule: "category_is_in_use" },
        _ => error.into(),
    })?;
    if !deleted {
        return Err(missing(&category));
    }
    commit(transaction).await?;
    // Products of it have none now.
    forget_list(&state, store.id).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(connection: &mut PgConnection, store: Uuid, category: &str) -> Result<CategoryRow, ApiError> {
    let id = Uuid::try_parse(category).map_err(|_| missing(category))?;
    find_category(connection, store, id).await?.ok_or_else(|| missing(category))
}

fn missing(category: &str) -> ApiError {
    ApiError::NotFound { resource: Resource::Category, name: category.to_owned() }
}

fn refused(error: DbError) -> ApiError {
    match error.rule() {
        Some("parent_category_is_of_same_store") => FieldError::unfit("parent_id", "is no category of this store").into(),
        _ => ApiError::by_rule(error, &["category_name_is_taken_in_store"]),
    }
}
