//! Products, ingredients and recipes of the demo world.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use platform::db::ingredients::{NewIngredient, upsert_ingredients};
use platform::db::products::{NewProduct, upsert_products};
use platform::db::recipes::{NewRecipe, NewRecipeItem, RecipeOutput, replace_recipe};
use sqlx::PgConnection;
use standin::world::{ComponentUse, Definition, Product, SimulatedWorld, Store};
use uuid::Uuid;

/// Ids by the names that people use.
pub type Products = BTreeMap<String, Uuid>;

/// Puts a store's menu and pantry into the catalogue; again changes nothing.
pub async fn load(connection: &mut PgConnection, world: &SimulatedWorld, store: &Store, store_id: Uuid) -> anyhow::Result<Products> {
    let definition = &world.definition;
    let products: Vec<NewProduct> = store.products.iter().map(|product| new_product(world, store, product)).collect();
    let product_ids = upsert_products(connection, store_id, &products).await?;

    let used = components(definition, store);
    let ingredients: Vec<NewIngredient> = used.iter().filter_map(|slug| new_ingredient(definition, slug)).collect();
    let ingredient_ids = upsert_ingredients(connection, store_id, &ingredients).await?;
    let book = Book { definition, ingredient_ids: &ingredient_ids };

    for recipe in definition.recipes.iter().filter(|recipe| used.contains(recipe.slug.as_str())) {
        let made = *ingredient_ids.get(&recipe.name).with_context(|| format!("recipe `{}` makes nothing known", recipe.slug))?;
        let new = NewRecipe {
            makes: RecipeOutput::Ingredient(made),
            yield_quantity: recipe.makes,
            yield_unit: recipe.unit.clone(),
            waste_share: recipe.loss,
            items: book.items(&recipe.uses)?,
        };
        replace_recipe(connection, store_id, &new).await?;
    }
    for product in store.products.iter().filter(|product| !product.uses.is_empty()) {
        let id = *product_ids.get(&product.name).with_context(|| format!("product `{}` was not stored", product.name))?;
        let new = NewRecipe {
            makes: RecipeOutput::Product(id),
            yield_quantity: 1.0,
            yield_unit: product.unit.clone(),
            waste_share: 0.0,
            items: book.items(&product.uses)?,
        };
        replace_recipe(connection, store_id, &new).await?;
    }
    Ok(product_ids)
}

fn new_product(world: &SimulatedWorld, store: &Store, product: &Product) -> NewProduct {
    let own =
        world.prices.iter().filter(|price| price.store == store.slug && price.product == product.name && price.effective_on <= world.today);
    let price = own.max_by_key(|price| price.effective_on).map_or(product.price, |price| price.price);
    NewProduct {
        name: product.name.clone(),
        category: Some(product.category.clone()),
        unit: product.unit.clone(),
        price: Some(price),
        batch_size: f64::from(product.batch.max(1)),
        shelf_life_days: kept(product.shelf_life_days),
        first_sold_on: None,
    }
}

/// The world counts the day itself, the catalogue the days after it.
fn kept(shelf_life_days: u32) -> i32 {
    i32::try_from(shelf_life_days.saturating_sub(1)).unwrap_or(i32::MAX)
}

/// Slugs of every ingredient and recipe that a store's menu needs, at any level.
fn components<'a>(definition: &'a Definition, store: &'a Store) -> BTreeSet<&'a str> {
    let mut open: Vec<&str> = store.products.iter().flat_map(|product| &product.uses).map(|part| part.component.as_str()).collect();
    let mut seen = BTreeSet::new();
    while let Some(slug) = open.pop() {
        if seen.insert(slug)
            && let Some(recipe) = definition.recipes.iter().find(|recipe| recipe.slug == slug)
        {
            open.extend(recipe.uses.iter().map(|part| part.component.as_str()));
        }
    }
    seen
}

fn new_ingredient(definition: &Definition, slug: &str) -> Option<NewIngredient> {
    if let Some(recipe) = definition.recipes.iter().find(|recipe| recipe.slug == slug) {
        let (name, unit) = (recipe.name.clone(), recipe.unit.clone());
        return Some(NewIngredient { name, unit, pack_size: recipe.makes, pack_price: None, shelf_life_days: 0, commodity: None });
    }
    let bought = definition.ingredients.iter().find(|ingredient| ingredient.slug == slug)?;
    Some(NewIngredient {
        name: bought.name.clone(),
        unit: bought.unit.clone(),
        pack_size: bought.pack,
        pack_price: Some(bought.price),
        shelf_life_days: kept(bought.shelf_life_days),
        commodity: (bought.volatility > 0.0).then(|| bought.slug.clone()),
    })
}

/// Translates uses into recipe lines.
struct Book<'a> {
    definition: &'a Definition,
    ingredient_ids: &'a BTreeMap<String, Uuid>,
}

impl Book<'_> {
    fn items(&self, uses: &[ComponentUse]) -> anyhow::Result<Vec<NewRecipeItem>> {
        uses.iter().map(|part| self.item(part)).collect()
    }

    /// A line gross of what is lost in cleaning the ingredient.
    fn item(&self, part: &ComponentUse) -> anyhow::Result<NewRecipeItem> {
        let recipes = self.definition.recipes.iter().map(|recipe| (&recipe.slug, &recipe.name, &recipe.unit, 0.0));
        let bought = self.definition.ingredients.iter().map(|one| (&one.slug, &one.name, &one.unit, one.waste));
        let known = recipes.chain(bought).find(|known| *known.0 == part.component);
        let (_, name, unit, waste) = known.with_context(|| format!("`{}` is not in the pantry", part.component))?;
        let ingredient_id = *self.ingredient_ids.get(name).with_context(|| format!("ingredient `{name}` was not stored"))?;
        // The catalogue keeps three decimals.
        let quantity = (part.quantity / (1.0 - waste)).max(0.001);
        Ok(NewRecipeItem { ingredient_id, quantity, unit: unit.clone() })
    }
}
