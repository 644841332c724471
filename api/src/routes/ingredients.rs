//! What a store buys, or makes for its own recipes.
//!
//! An ingredient that a recipe uses, or that was counted or thrown away, is not removed.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::access::{Action, Permission, Resource as Kind};
use domain::plan::Unit;
use platform::db::DbError;
use platform::db::ingredients::{
    IngredientEntry, delete_ingredient, find_ingredients, insert_ingredient, page_ingredients, units_of_ingredient, update_ingredient,
};
use platform::db::recipes::lock_catalogue;
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::change::Change;
use crate::cursor::{NamePage, page};
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName, PathNames, Query, optional_name};
use crate::field::{days, measure, name, optional_lines, optional_rupiah, quantity};
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(get, change, remove))
}

#[derive(Serialize, ToSchema)]
struct Ingredients {
    ingredients: Vec<Ingredient>,
    /// `cursor` of the next page, where there is one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Ingredient {
    id: Uuid,
    #[schema(example = "Ayam")]
    name: String,
    #[schema(required = true)]
    category_id: Option<Uuid>,
    #[schema(example = "kg")]
    unit: String,
    #[schema(required = true)]
    description: Option<String>,
    #[schema(example = 1.0)]
    pack_size: f64,
    /// Whole rupiah a pack.
    #[schema(required = true, example = 36_000)]
    pack_price: Option<i64>,
    shelf_life_days: i32,
    #[schema(required = true, example = "daging_ayam")]
    commodity: Option<String>,
}

impl From<IngredientEntry> for Ingredient {
    fn from(entry: IngredientEntry) -> Self {
        let IngredientEntry { id, name, category_id, unit, description, pack_size, pack_price, shelf_life_days, commodity } = entry;
        Self { id, name, category_id, unit, description, pack_size, pack_price, shelf_life_days, commodity }
    }
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewIngredient {
    #[serde(deserialize_with = "name")]
    #[schema(example = "Ayam", max_length = 100)]
    name: String,
    category_id: Option<Uuid>,
    /// What it is measured in: g, kg, ml, l, pcs, or a word for one of these such as `butir`.
    #[serde(deserialize_with = "measure")]
    #[schema(example = "kg", max_length = 20)]
    unit: String,
    #[serde(default, deserialize_with = "optional_lines")]
    #[schema(example = "Paha fillet", max_length = 500)]
    description: Option<String>,
    /// What one pack holds, in `unit`.
    #[serde(default = "one", deserialize_with = "quantity")]
    #[schema(example = 1.0, minimum = 0.001, maximum = 1_000_000_000.0)]
    pack_size: f64,
    /// Whole rupiah a pack; none for what is made in the store.
    #[serde(default, deserialize_with = "optional_rupiah")]
    #[schema(example = 36_000, minimum = 0, maximum = 1_000_000_000_i64)]
    pack_price: Option<i64>,
    /// Days that it keeps; 0: the day itself.
    #[serde(default, deserialize_with = "days")]
    #[schema(example = 2, minimum = 0, maximum = 3_650)]
    shelf_life_days: i32,
    /// The market price that it follows.
    #[serde(default, deserialize_with = "optional_name")]
    #[schema(example = "daging_ayam", max_length = 100)]
    commodity: Option<String>,
}

type IngredientChange = Change<NewIngredient>;

impl NewIngredient {
    fn of(entry: IngredientEntry) -> Self {
        let IngredientEntry { id: _, name, category_id, unit, description, pack_size, pack_price, shelf_life_days, commodity } = entry;
        Self { name, category_id, unit, description, pack_size, pack_price, shelf_life_days, commodity }
    }

    fn with_id(self, id: Uuid) -> IngredientEntry {
        let Self { name, category_id, unit, description, pack_size, pack_price, shelf_life_days, commodity } = self;
        IngredientEntry { id, name, category_id, unit, description, pack_size, pack_price, shelf_life_days, commodity }
    }
}

fn one() -> f64 {
    1.0
}

/// Ingredients of a store by name.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/ingredients", operation_id = "list_ingredients",
    tag = "catalogue",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), NamePage),
    responses(
        (status = 200, description = "Ingredients", body = Ingredients),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:read"))),
)]
async fn list(
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<NamePage>,
    Reader(mut transaction): Reader,
) -> Result<Json<Ingredients>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Catalogue)).await?;
    let rows = page_ingredients(&mut *transaction, store, query.cursor.as_deref(), query.limit + 1).await?;
    let (rows, next_cursor) = page(rows, query.limit, |row| row.name.clone());
    Ok(Json(Ingredients { ingredients: rows.into_iter().map(Ingredient::from).collect(), next_cursor }))
}

/// One ingredient.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/ingredients/{ingredient}", operation_id = "get_ingredient",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("ingredient" = Uuid, Path, description = "Id of the ingredient"),
    ),
    responses(
        (status = 200, description = "The ingredient", body = Ingredient),
        (status = 404, description = "No such store or ingredient", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:read"))),
)]
async fn get(
    caller: Caller,
    PathNames([store, ingredient]): PathNames<2>,
    Reader(mut transaction): Reader,
) -> Result<Json<Ingredient>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Catalogue)).await?;
    Ok(Json(find(&mut transaction, store, &ingredient).await?.into()))
}

/// Add an ingredient.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/ingredients", operation_id = "create_ingredient",
    tag = "catalogue",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), IdempotencyKey),
    request_body = NewIngredient,
    responses(
        (status = 201, description = "The ingredient", body = Ingredient),
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
    Body(new): Body<NewIngredient>,
) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Catalogue)).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let row = new.clone().with_id(Uuid::now_v7());
    insert_ingredient(&mut *transaction, store.id, &row).await.map_err(refused)?;
    let answer = once.answer(&mut transaction, &state, &new, StatusCode::CREATED, &Ingredient::from(row)).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// Change an ingredient.
#[utoipa::path(
    patch,
    path = "/api/v1/stores/{store}/ingredients/{ingredient}", operation_id = "update_ingredient",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("ingredient" = Uuid, Path, description = "Id of the ingredient"),
    ),
    request_body = IngredientChange,
    responses(
        (status = 200, description = "The ingredient as it is now", body = Ingredient),
        (status = 404, description = "No such store or ingredient", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken, or recipes measure it in another kind of unit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:update"))),
)]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, ingredient]): PathNames<2>,
    Body(change): Body<IngredientChange>,
) -> Result<Json<Ingredient>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let entry = find(&mut transaction, store.id, &ingredient).await?;
    let id = entry.id;
    let row = change.of(&NewIngredient::of(entry))?.with_id(id);
    let measured = units_of_ingredient(&mut *transaction, store.id, id).await?;
    if !measured.iter().all(|unit| converts(unit, &row.unit)) {
        return Err(ApiError::Conflict { rule: "ingredient_unit_fits_its_recipes" });
    }
    update_ingredient(&mut *transaction, store.id, &row).await.map_err(refused)?;
    commit(transaction).await?;
    Ok(Json(row.into()))
}

/// Remove an ingredient that no recipe uses and of which nothing is on record, and the recipe that makes it.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/ingredients/{ingredient}", operation_id = "delete_ingredient",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("ingredient" = Uuid, Path, description = "Id of the ingredient"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such store or ingredient", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A recipe uses it, or it was counted or thrown away", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:delete"))),
)]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, ingredient]): PathNames<2>,
) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Delete, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let id = find(&mut transaction, store.id, &ingredient).await?.id;
    let deleted = delete_ingredient(&mut *transaction, store.id, id).await.map_err(|error| match error.rule() {
        Some("recipe_item_ingredient_is_of_same_store") => ApiError::Conflict { rule: "ingredient_is_in_a_recipe" },
        _ => error.into(),
    })?;
    if !deleted {
        return Err(ApiError::Conflict { rule: "ingredient_has_a_history" });
    }
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn find(connection: &mut PgConnection, store: Uuid, ingredient: &str) -> Result<IngredientEntry, ApiError> {
    let id = Uuid::try_parse(ingredient).map_err(|_| missing(ingredient))?;
    find_ingredients(connection, store, &[id]).await?.pop().ok_or_else(|| missing(ingredient))
}

/// Whether something measured in `from` can be told in `to`.
pub(super) fn converts(from: &str, to: &str) -> bool {
    let (from, to): (Option<Unit>, Option<Unit>) = (from.parse().ok(), to.parse().ok());
    from.zip(to).is_some_and(|(from, to)| from.factor(to).is_ok())
}

fn missing(ingredient: &str) -> ApiError {
    ApiError::NotFound { resource: Resource::Ingredient, name: ingredient.to_owned() }
}

fn refused(error: DbError) -> ApiError {
    match error.rule() {
        Some("ingredient_category_is_of_same_store") => FieldError::unfit("category_id", "is no category of this store").into(),
        _ => ApiError::by_rule(error, &["ingredient_name_is_taken_in_store"]),
    }
}
