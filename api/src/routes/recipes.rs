//! What products, and ingredients that are made in the store, are made of.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::ingredients::{IngredientEntry, find_ingredients};
use platform::db::recipes::{NewRecipe, NewRecipeItem, RecipeOutput, delete_recipe, find_recipe, lock_catalogue, replace_recipe};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{ingredients, products};
use crate::access::{Caller, Reader};
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathNames};
use crate::field::{measure, quantity, share, unit};
use crate::problem::Problem;
use crate::state::AppState;

const MOST_ITEMS: usize = 100;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get_of_product, put_of_product, remove_of_product)).routes(routes!(
        get_of_ingredient,
        put_of_ingredient,
        remove_of_ingredient
    ))
}

/// One making.
#[derive(Serialize, ToSchema)]
struct Recipe {
    /// What one making gives, in `yield_unit`.
    #[schema(example = 10.0)]
    yield_quantity: f64,
    #[schema(example = "porsi")]
    yield_unit: String,
    /// Share of the ingredients that is lost in preparation.
    #[schema(example = 0.05)]
    waste_share: f64,
    items: Vec<RecipeItem>,
}

#[derive(Serialize, ToSchema)]
struct RecipeItem {
    ingredient_id: Uuid,
    /// Its name.
    #[schema(example = "Ayam")]
    ingredient: String,
    /// For one making, in `unit`.
    #[schema(example = 1.5)]
    quantity: f64,
    #[schema(example = "kg")]
    unit: String,
}

/// One making, as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRecipe)]
struct WrittenRecipe {
    /// What one making gives, in `yield_unit`.
    #[serde(deserialize_with = "quantity")]
    #[schema(example = 10.0, minimum = 0.001, maximum = 1_000_000_000.0)]
    yield_quantity: f64,
    /// Of an ingredient: a unit that converts to its own.
    #[serde(deserialize_with = "unit")]
    #[schema(example = "porsi", max_length = 20)]
    yield_unit: String,
    /// Share of the ingredients that is lost in preparation (peel, trim, spill).
    #[serde(default, deserialize_with = "share")]
    #[schema(example = 0.05, minimum = 0.0, maximum = 0.99)]
    waste_share: f64,
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<WrittenItem>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRecipeItem)]
struct WrittenItem {
    ingredient_id: Uuid,
    /// For one making, in `unit`.
    #[serde(deserialize_with = "quantity")]
    #[schema(example = 1.5, minimum = 0.001, maximum = 1_000_000_000.0)]
    quantity: f64,
    /// One that converts to the ingredient's own.
    #[serde(deserialize_with = "measure")]
    #[schema(example = "kg", max_length = 20)]
    unit: String,
}

/// The recipe of a product.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/products/{product}/recipe", operation_id = "get_recipe_of_product",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    responses(
        (status = 200, description = "The recipe", body = Recipe),
        (status = 404, description = "No such store or product, or it has no recipe", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:read"))),
)]
async fn get_of_product(
    caller: Caller,
    PathNames([store, product]): PathNames<2>,
    Reader(mut transaction): Reader,
) -> Result<Json<Recipe>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Catalogue)).await?;
    let makes = RecipeOutput::Product(products::find(&mut transaction, store, &product).await?.id);
    Ok(Json(find(&mut transaction, store, makes, &product).await?))
}

/// Write the recipe of a product, in the place of the one it has.
#[utoipa::path(
    put,
    path = "/api/v1/stores/{store}/products/{product}/recipe", operation_id = "put_recipe_of_product",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    request_body = WrittenRecipe,
    responses(
        (status = 200, description = "The recipe", body = Recipe),
        (status = 404, description = "No such store or product", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:update"))),
)]
async fn put_of_product(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, product]): PathNames<2>,
    Body(written): Body<WrittenRecipe>,
) -> Result<Json<Recipe>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let makes = RecipeOutput::Product(products::find(&mut transaction, store.id, &product).await?.id);
    put(&mut transaction, store.id, makes, written).await?;
    let recipe = find(&mut transaction, store.id, makes, &product).await?;
    commit(transaction).await?;
    Ok(Json(recipe))
}

/// Remove the recipe of a product: it is bought as it is sold.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/products/{product}/recipe", operation_id = "delete_recipe_of_product",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such store or product, or it has no recipe", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:delete"))),
)]
async fn remove_of_product(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, product]): PathNames<2>,
) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Delete, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let makes = RecipeOutput::Product(products::find(&mut transaction, store.id, &product).await?.id);
    remove(&mut transaction, store.id, makes, &product).await?;
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The recipe of an ingredient that is made in the store.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/ingredients/{ingredient}/recipe", operation_id = "get_recipe_of_ingredient",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("ingredient" = Uuid, Path, description = "Id of the ingredient"),
    ),
    responses(
        (status = 200, description = "The recipe", body = Recipe),
        (status = 404, description = "No such store or ingredient, or it has no recipe", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:read"))),
)]
async fn get_of_ingredient(
    caller: Caller,
    PathNames([store, ingredient]): PathNames<2>,
    Reader(mut transaction): Reader,
) -> Result<Json<Recipe>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Catalogue)).await?;
    let makes = RecipeOutput::Ingredient(ingredients::find(&mut transaction, store, &ingredient).await?.id);
    Ok(Json(find(&mut transaction, store, makes, &ingredient).await?))
}

/// Write the recipe of an ingredient that is made in the store, in the place of the one it has.
#[utoipa::path(
    put,
    path = "/api/v1/stores/{store}/ingredients/{ingredient}/recipe", operation_id = "put_recipe_of_ingredient",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("ingredient" = Uuid, Path, description = "Id of the ingredient"),
    ),
    request_body = WrittenRecipe,
    responses(
        (status = 200, description = "The recipe", body = Recipe),
        (status = 404, description = "No such store or ingredient", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It would be made from itself", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:update"))),
)]
async fn put_of_ingredient(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, ingredient]): PathNames<2>,
    Body(written): Body<WrittenRecipe>,
) -> Result<Json<Recipe>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let made = ingredients::find(&mut transaction, store.id, &ingredient).await?;
    if !ingredients::converts(&written.yield_unit, &made.unit) {
        return Err(FieldError::unfit("yield_unit", format!("does not convert to `{}`, in which it is kept", made.unit)).into());
    }
    let makes = RecipeOutput::Ingredient(made.id);
    put(&mut transaction, store.id, makes, written).await?;
    let recipe = find(&mut transaction, store.id, makes, &ingredient).await?;
    commit(transaction).await?;
    Ok(Json(recipe))
}

/// Remove the recipe of an ingredient: it is bought.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/ingredients/{ingredient}/recipe", operation_id = "delete_recipe_of_ingredient",
    tag = "catalogue",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("ingredient" = Uuid, Path, description = "Id of the ingredient"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such store or ingredient, or it has no recipe", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("catalogue:delete"))),
)]
async fn remove_of_ingredient(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, ingredient]): PathNames<2>,
) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Delete, Kind::Catalogue)).await?;
    lock_catalogue(&mut transaction, store.id).await?;
    let makes = RecipeOutput::Ingredient(ingredients::find(&mut transaction, store.id, &ingredient).await?.id);
    remove(&mut transaction, store.id, makes, &ingredient).await?;
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(connection: &mut PgConnection, store: Uuid, makes: RecipeOutput, name: &str) -> Result<Recipe, ApiError> {
    let Some((recipe, items)) = find_recipe(connection, store, makes).await? else { return Err(missing(name)) };
    let ids: Vec<Uuid> = items.iter().map(|item| item.ingredient_id).collect();
    let names: HashMap<Uuid, String> = find_ingredients(connection, store, &ids).await?.into_iter().map(|it| (it.id, it.name)).collect();
    let items = items.into_iter().map(|item| RecipeItem {
        ingredient_id: item.ingredient_id,
        ingredient: names.get(&item.ingredient_id).cloned().unwrap_or_default(),
        quantity: item.quantity,
        unit: item.unit,
    });
    let (yield_quantity, yield_unit, waste_share) = (recipe.yield_quantity, recipe.yield_unit, recipe.waste_share);
    Ok(Recipe { yield_quantity, yield_unit, waste_share, items: items.collect() })
}

async fn put(connection: &mut PgConnection, store: Uuid, makes: RecipeOutput, written: WrittenRecipe) -> Result<(), ApiError> {
    let ids: Vec<Uuid> = written.items.iter().map(|item| item.ingredient_id).collect();
    let known = find_ingredients(&mut *connection, store, &ids).await?.into_iter().map(|found| (found.id, found)).collect();
    check(&written.items, &known)?;
    let items = written.items.into_iter();
    let recipe = NewRecipe {
        makes,
        yield_quantity: written.yield_quantity,
        yield_unit: written.yield_unit,
        waste_share: written.waste_share,
        items: items.map(|item| NewRecipeItem { ingredient_id: item.ingredient_id, quantity: item.quantity, unit: item.unit }).collect(),
    };
    replace_recipe(connection, store, &recipe).await.map_err(|error| ApiError::by_rule(error, &["recipe_has_no_cycle"]))?;
    Ok(())
}

/// Everything that is wrong with the lines, at once.
fn check(items: &[WrittenItem], known: &HashMap<Uuid, IngredientEntry>) -> Result<(), ApiError> {
    if items.is_empty() || items.len() > MOST_ITEMS {
        return Err(FieldError::new("items", format!("must be 1 to {MOST_ITEMS} ingredients")).into());
    }
    let wrong = |(index, item): (usize, &WrittenItem)| {
        let of = |field: &str, detail: String| Some(FieldError::unfit(format!("items[{index}].{field}"), detail));
        match known.get(&item.ingredient_id) {
            None => of("ingredient_id", "is no ingredient of this store".to_owned()),
            Some(_) if items[..index].iter().any(|earlier| earlier.ingredient_id == item.ingredient_id) => {
                of("ingredient_id", "is listed twice".to_owned())
            }
            Some(found) if !ingredients::converts(&item.unit, &found.unit) => {
                of("unit", format!("does not convert to `{}`, in which {} is kept", found.unit, found.name))
            }
            Some(_) => None,
        }
    };
    let fields: Vec<FieldError> = items.iter().enumerate().filter_map(wrong).collect();
    if fields.is_empty() { Ok(()) } else { Err(ApiError::InvalidRequest { fields }) }
}

async fn remove(connection: &mut PgConnection, store: Uuid, makes: RecipeOutput, name: &str) -> Result<(), ApiError> {
    if delete_recipe(connection, store, makes).await? { Ok(()) } else { Err(missing(name)) }
}

fn missing(name: &str) -> ApiError {
    ApiError::NotFound { resource: Resource::Recipe, name: name.to_owned() }
}
