//! Recipes over any number of levels.

use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// What a recipe makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipeOutput {
    Product(Uuid),
    Ingredient(Uuid),
}

impl RecipeOutput {
    /// As the columns `product_id` and `ingredient_id` have it.
    fn ids(self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Product(id) => (Some(id), None),
            Self::Ingredient(id) => (None, Some(id)),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewRecipe {
    pub makes: RecipeOutput,
    /// What one making gives, in `yield_unit`.
    pub yield_quantity: f64,
    pub yield_unit: String,
    /// Share of the yield that is lost before sale, in [0, 1).
    pub waste_share: f64,
    pub items: Vec<NewRecipeItem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewRecipeItem {
    pub ingredient_id: Uuid,
    /// For one making, in `unit`.
    pub quantity: f64,
    pub unit: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RecipeRow {
    pub id: Uuid,
    pub product_id: Option<Uuid>,
    pub ingredient_id: Option<Uuid>,
    pub yield_quantity: f64,
    pub yield_unit: String,
    pub waste_share: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RecipeItemRow {
    pub recipe_id: Uuid,
    pub ingredient_id: Uuid,
    pub quantity: f64,
    pub unit: String,
}

/// Every recipe of a store and every line of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecipeGraph {
    pub recipes: Vec<RecipeRow>,
    pub items: Vec<RecipeItemRow>,
}

/// Puts `recipe` in the place of the one that makes the same thing, if there is one, and returns its id. A recipe that leads
/// back to itself breaks `recipe_has_no_cycle`.
pub async fn replace_recipe(connection: &mut PgConnection, store_id: Uuid, recipe: &NewRecipe) -> Result<Uuid, DbError> {
    let operation = "replace a recipe";
    let (product_id, ingredient_id) = recipe.makes.ids();
    let mut transaction = connection.begin().await.in_table("recipes", operation)?;
    delete_recipe(&mut *transaction, store_id, recipe.makes).await?;
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into recipes (id, store_id, product_id, ingredient_id, yield_quantity, yield_unit, waste_share)
         values ($1, $2, $3, $4, $5::float8::numeric(14,3), $6, $7::float8::numeric(5,4))",
        id,
        store_id,
        product_id,
        ingredient_id,
        recipe.yield_quantity,
        recipe.yield_unit,
        recipe.waste_share,
    )
    .execute(&mut *transaction)
    .await
    .in_table("recipes", operation)?;
    insert_items(&mut transaction, store_id, id, &recipe.items).await?;
    transaction.commit().await.in_table("recipes", operation)?;
    Ok(id)
}

/// The whole graph of a store, ready to be exploded.
pub async fn load_recipes(connection: &mut PgConnection, store_id: Uuid) -> Result<RecipeGraph, DbError> {
    let recipes = sqlx::query_as!(
        RecipeRow,
        r#"select id, product_id, ingredient_id, yield_quantity::float8 as "yield_quantity!", yield_unit,
                  waste_share::float8 as "waste_share!"
           from recipes
           where store_id = $1
           order by id"#,
        store_id,
    )
    .fetch_all(&mut *connection)
    .await
    .in_table("recipes", "load the recipes of a store")?;
    let items = sqlx::query_as!(
        RecipeItemRow,
        r#"select recipe_id, ingredient_id, quantity::float8 as "quantity!", unit
           from recipe_items
           where store_id = $1
           order by recipe_id, id"#,
        store_id,
    )
    .fetch_all(connection)
    .await
    .in_table("recipe_items", "load the recipes of a store")?;
    Ok(RecipeGraph { recipes, items })
}

/// Makes whoever changes a store's catalogue wait until others who do have finished: what each has read still holds when it
/// writes. The lock is that of the rule `recipe_has_no_cycle`.
pub async fn lock_catalogue(transaction: &mut PgConnection, store_id: Uuid) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('recipes:' || $1::text, 0))", store_id.to_string())
        .execute(transaction)
        .await
        .in_table("recipes", "wait for one's turn to change a catalogue")?;
    Ok(())
}

/// The recipe that makes this, and its lines in their order.
pub async fn find_recipe(
    connection: &mut PgConnection,
    store_id: Uuid,
    makes: RecipeOutput,
) -> Result<Option<(RecipeRow, Vec<RecipeItemRow>)>, DbError> {
    let operation = "find a recipe";
    let (product_id, ingredient_id) = makes.ids();
    let recipe = sqlx::query_as!(
        RecipeRow,
        r#"select id, product_id, ingredient_id, yield_quantity::float8 as "yield_quantity!", yield_unit,
                  waste_share::float8 as "waste_share!"
           from recipes
           where store_id = $1 and (product_id = $2 or ingredient_id = $3)"#,
        store_id,
        product_id,
        ingredient_id,
    )
    .fetch_optional(&mut *connection)
    .await
    .in_table("recipes", operation)?;
    let Some(recipe) = recipe else { return Ok(None) };
    let items = sqlx::query_as!(
        RecipeItemRow,
        r#"select recipe_id, ingredient_id, quantity::float8 as "quantity!", unit
           from recipe_items
           where store_id = $1 and recipe_id = $2
           order by id"#,
        store_id,
        recipe.id,
    )
    .fetch_all(connection)
    .await
    .in_table("recipe_items", operation)?;
    Ok(Some((recipe, items)))
}

/// False if nothing makes this.
pub async fn delete_recipe(executor: impl PgExecutor<'_>, store_id: Uuid, makes: RecipeOutput) -> Result<bool, DbError> {
    let (product_id, ingredient_id) = makes.ids();
    sqlx::query!(
        "delete from recipes where store_id = $1 and (product_id = $2 or ingredient_id = $3)",
        store_id,
        product_id,
        ingredient_id,
    )
    .execute(executor)
    .await
    .in_table("recipes", "remove a recipe")
    .map(|done| done.rows_affected() == 1)
}

async fn insert_items(connection: &mut PgConnection, store_id: Uuid, recipe_id: Uuid, items: &[NewRecipeItem]) -> Result<(), DbError> {
    sqlx::query!(
        "insert into recipe_items (id, store_id, recipe_id, ingredient_id, quantity, unit)
         select new.id, $1, $2, new.ingredient_id, new.quantity::numeric(14,3), new.unit
         from unnest($3::uuid[], $4::uuid[], $5::float8[], $6::text[]) as new (id, ingredient_id, quantity, unit)",
        store_id,
        recipe_id,
        &items.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &items.iter().map(|item| item.ingredient_id).collect::<Vec<_>>(),
        &items.iter().map(|item| item.quantity).collect::<Vec<_>>(),
        &items.iter().map(|item| item.unit.clone()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .in_table("recipe_items", "replace a recipe")?;
    Ok(())
}
