//! Reads what a store's plan is made of besides forecasts: recipes, stock, and the owner's own numbers.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use domain::Idr;
use domain::ids::{IngredientId, ProductId};
use domain::plan::{Ingredient, Item, Override, Pantry, Recipe, RecipeBook, RecipeLine, SCORED_DAYS, Sellable, Unit, UnitError};
use domain::time::Night;
use platform::db::ingredients::{IngredientRow, list_ingredients};
use platform::db::overrides::{OverrideRow, list_overrides, override_outcomes, trusts};
use platform::db::products::ProductRow;
use platform::db::recipes::{RecipeGraph, load_recipes};
use platform::db::stock_counts::{StockCountRow, latest_stock_counts};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::NightError;
use super::planning::{Kitchen, planned_days};

/// A kitchen, and what it was read from.
#[derive(Debug)]
pub(super) struct LoadedKitchen {
    pub kitchen: Kitchen,
    /// What bought ingredients are called on the markets.
    pub commodities: BTreeMap<IngredientId, String>,
    /// The rows that it was made of, for the run's fingerprint.
    pub rows: String,
    /// What is wrong with the store's recipes, if purchases can't be planned.
    pub fault: Option<String>,
}

/// Reads the kitchen as it is today: recipes, prices and overrides are decisions of the owner, not facts of their time.
/// Of stock counts those are read that the night knows, and that say what its day begins with.
pub(super) async fn load(
    connection: &mut PgConnection,
    store_id: Uuid,
    night: Night,
    products: &[ProductRow],
) -> Result<LoadedKitchen, NightError> {
    let ingredients = list_ingredients(&mut *connection, store_id).await?;
    let graph = load_recipes(&mut *connection, store_id).await?;
    let mut counts = latest_stock_counts(&mut *connection, store_id, night).await?;
    // Nobody wrote down what has been used since an older count.
    counts.retain(|count| count.ingredient_id.is_some() && count.business_date >= night.last_day());
    let (first, last) = planned_days(night.date);
    let overrides = list_overrides(&mut *connection, store_id, first, last).await?;
    // Whoever was right before counts for more; nobody has to be asked where nobody says anything.
    let weights = if overrides.is_empty() { HashMap::new() } else { weights(connection, store_id, night).await? };
    let overrides: Vec<_> = overrides.into_iter().map(|row| overridden(row, &weights)).collect();

    let rows = format!("{ingredients:?}{graph:?}{counts:?}{overrides:?}");
    let pantry = pantry(&counts, &ingredients);
    let commodity = |row: &IngredientRow| Some((IngredientId(row.id), row.commodity.clone()?));
    let commodities = ingredients.iter().filter_map(commodity).collect();
    let (book, fault) = match recipe_book(ingredients, graph) {
        Ok(book) => (book, None),
        Err(fault) => (RecipeBook::default(), Some(fault)),
    };
    Ok(LoadedKitchen {
        kitchen: Kitchen { products: products.iter().map(sellable).collect(), book, pantry, overrides: overrides.into_iter().collect() },
        commodities,
        rows,
        fault,
    })
}

fn pantry(counts: &[StockCountRow], ingredients: &[IngredientRow]) -> Pantry {
    let kept: HashMap<Uuid, i32> = ingredients.iter().map(|ingredient| (ingredient.id, ingredient.shelf_life_days)).collect();
    let mut pantry = Pantry::default();
    for count in counts {
        let Some((id, days)) = count.ingredient_id.and_then(|id| Some((id, *kept.get(&id)?))) else { continue };
        let until = count.business_date.checked_add_days(Days::new(u64::try_from(days).unwrap_or(0)));
        pantry.put(IngredientId(id), count.quantity, until.unwrap_or(count.business_date));
    }
    pantry
}

fn overridden(row: OverrideRow, weights: &HashMap<Option<Uuid>, f64>) -> ((ProductId, NaiveDate), Override) {
    let trust = weights.get(&row.user_id).copied().unwrap_or(1.0);
    ((ProductId(row.product_id), row.target_date), Override { quantity: row.quantity, reason: row.reason, trust })
}

/// How much each person's numbers weigh, from their scored overrides of the last year, as far as the night knows what was sold.
async fn weights(connection: &mut PgConnection, store_id: Uuid, night: Night) -> Result<HashMap<Option<Uuid>, f64>, NightError> {
    let (last, scored) = (night.last_day(), Days::new(SCORED_DAYS));
    let first = last.checked_sub_days(scored).unwrap_or(last);
    Ok(trusts(&override_outcomes(connection, store_id, first, last, night.cutoff()).await?))
}

fn sellable(product: &ProductRow) -> Sellable {
    Sellable {
        id: ProductId(product.id),
        name: product.name.clone(),
        unit: product.unit.clone(),
        price: product.price.map(Idr),
        batch_size: product.batch_size,
        shelf_life_days: days_usable(product.shelf_life_days),
    }
}

/// The tables count days kept after the day itself (0: sold the day it is made), planning counts days usable.
fn days_usable(shelf_life_days: i32) -> u16 {
    u16::try_from(shelf_life_days.saturating_add(1)).unwrap_or(u16::MAX)
}

fn recipe_book(ingredients: Vec<IngredientRow>, graph: RecipeGraph) -> Result<RecipeBook, String> {
    let units: HashMap<Uuid, Unit> = ingredients
        .iter()
        .map(|row| row.unit.parse().map(|unit| (row.id, unit)))
        .collect::<Result<_, UnitError>>()
        .map_err(|fault| fault.to_string())?;
    let ingredients = ingredients.into_iter().map(|row| Ingredient {
        id: IngredientId(row.id),
        unit: units.get(&row.id).copied().unwrap_or(Unit::Piece),
        name: row.name,
        pack_size: row.pack_price.is_some().then_some(row.pack_size),
        pack_price: row.pack_price.map(Idr),
        shelf_life_days: days_usable(row.shelf_life_days),
    });
    let mut lines: HashMap<Uuid, Vec<RecipeLine>> = HashMap::new();
    for item in graph.items {
        let unit = item.unit.parse().map_err(|fault: UnitError| fault.to_string())?;
        let line = RecipeLine { ingredient: IngredientId(item.ingredient_id), quantity: item.quantity, unit };
        lines.entry(item.recipe_id).or_default().push(line);
    }
    let mut recipes = Vec::with_capacity(graph.recipes.len());
    for row in graph.recipes {
        let (makes, factor) = match (row.product_id, row.ingredient_id) {
            (Some(product), _) => (Item::Product(ProductId(product)), 1.0),
            (None, Some(made)) => (Item::Ingredient(IngredientId(made)), yield_factor(&row.yield_unit, units.get(&made))?),
            (None, None) => continue,
        };
        let yields = row.yield_quantity * factor;
        recipes.push(Recipe { makes, yields, waste_share: row.waste_share, lines: lines.remove(&row.id).unwrap_or_default() });
    }
    RecipeBook::new(ingredients.collect(), recipes).map_err(|fault| fault.to_string())
}

/// Units of the made ingredient that one unit of the recipe's yield is.
fn yield_factor(yield_unit: &str, kept: Option<&Unit>) -> Result<f64, String> {
    let unit: Unit = yield_unit.parse().map_err(|fault: UnitError| fault.to_string())?;
    kept.map_or(Ok(1.0), |kept| unit.factor(*kept).map_err(|fault| fault.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shelf_life_counts_the_day_itself_in_planning_only() {
        assert_eq!([0, 2, i32::MAX].map(days_usable), [1, 3, u16::MAX]);
    }

    #[test]
    fn a_count_keeps_as_long_as_its_ingredient_does() {
        let ingredient = |shelf_life_days| IngredientRow {
            id: Uuid::now_v7(),
            name: "cabai".to_owned(),
            unit: "g".to_owned(),
            pack_size: 100.0,
            pack_price: Some(5_000),
            shelf_life_days,
            commodity: None,
        };
        let (fresh, dry) = (ingredient(0), ingredient(3));
        let day: NaiveDate = "2026-11-22".parse().expect("a date");
        let count = |id, quantity| StockCountRow {
            product_id: None,
            ingredient_id: Some(id),
            counted_at: Default::default(),
            business_date: day,
            quantity,
        };
        let counted = pantry(&[count(fresh.id, 40.0), count(dry.id, 70.0)], &[fresh.clone(), dry.clone()]);
        let mut expected = Pantry::default();
        expected.put(IngredientId(fresh.id), 40.0, day);
        expected.put(IngredientId(dry.id), 70.0, day + Days::new(3));
        assert_eq!(counted, expected);
    }
}
