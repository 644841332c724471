//! Reads one store's facts and kitchen from the database, as of a night's cutoff.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{Days, NaiveDate};
use domain::Idr;
use domain::ids::{IngredientId, ProductId};
use domain::plan::{Ingredient, Item, Pantry, Recipe, RecipeBook, RecipeLine, Sellable, Unit, UnitError};
use domain::time::Night;
use platform::db::calendar_events::calendar_event_versions;
use platform::db::ingredients::{IngredientRow, list_ingredients};
use platform::db::news_signals::news_signal_versions;
use platform::db::products::{ProductRow, list_products};
use platform::db::promos::promo_versions;
use platform::db::recipes::{RecipeGraph, load_recipes};
use platform::db::sales_daily::{SalesVersion, sales_versions};
use platform::db::stores::StoreRow;
use platform::db::weather_forecasts::weather_forecast_vintages;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::NightError;
use super::facts::{CalendarSpan, NewsSignal, Promo, Sale, StoreFacts, WeatherIssue};
use super::planning::Kitchen;

/// A product without a sale for this many days is dormant: not forecast until it sells again.
const DORMANT_AFTER: u64 = 56;
/// Days beyond the last observed one for which plans and calendars are read.
const AHEAD: u64 = 60;

/// What a night works with.
#[derive(Debug)]
pub struct Loaded {
    pub facts: StoreFacts,
    pub kitchen: Kitchen,
    /// Names of active products that were left out because they no longer sell.
    pub dormant: Vec<String>,
    /// The rows that the recipe book was made of, for the run's fingerprint.
    pub kitchen_rows: String,
    /// What was wrong with the store's recipes, if purchases can't be planned.
    pub recipe_fault: Option<String>,
}

/// Reads everything that was available by the night's cutoff.
///
/// # Errors
/// [`NightError::Database`], and [`NightError::NoSales`] for a store without a usable history.
pub async fn load(connection: &mut PgConnection, store: &StoreRow, night: Night) -> Result<Loaded, NightError> {
    let last_day = night.last_day();
    let cutoff = night.cutoff();
    let mut sales = sales_versions(&mut *connection, store.id, cutoff).await?;
    sales.retain(|sale| sale.business_date <= last_day);
    let first_day =
        sales.iter().map(|sale| sale.business_date).min().ok_or_else(|| NightError::NoSales { store: store.slug.clone(), last_day })?;
    let until = last_day.checked_add_days(Days::new(AHEAD)).unwrap_or(last_day);

    let (products, dormant) = select_products(list_products(&mut *connection, store.id).await?, &sales, last_day);
    if products.is_empty() {
        return Err(NightError::NoSales { store: store.slug.clone(), last_day });
    }
    let prices: HashMap<Uuid, i64> = products.iter().filter_map(|product| Some((product.id, product.price?))).collect();
    let events =
        calendar_event_versions(&mut *connection, store.id, first_day, until, cutoff).await?.into_iter().map(|event| CalendarSpan {
            likelihood: if event.is_cancelled { 0.0 } else { event.likelihood },
            kind: event.kind,
            from: event.starts_on,
            to: event.ends_on,
            available_at: event.available_at,
        });
    let promos = promo_versions(&mut *connection, store.id, first_day, until, cutoff).await?.into_iter().map(|promo| Promo {
        discount: if promo.is_cancelled { 0.0 } else { discount(promo.discount_share, promo.price, promo.product_id, &prices) },
        product: promo.product_id,
        from: promo.starts_on,
        to: promo.ends_on,
        available_at: promo.available_at,
    });
    let (events, promos) = (events.collect(), promos.collect());
    let (mut weather, mut news) = (Vec::new(), Vec::new());
    if let Some(adm4) = &store.adm4 {
        let issues = weather_forecast_vintages(&mut *connection, adm4, first_day, until, cutoff).await?;
        weather.extend(issues.into_iter().map(|issue| WeatherIssue {
            day: issue.target_date,
            rain_mm: issue.rain_mm.map(f64::from),
            temperature_c: issue.temperature_c.map(f64::from),
            available_at: issue.available_at,
        }));
        let topics = topics(&products);
        for signal in news_signal_versions(&mut *connection, adm4, first_day, last_day, cutoff).await? {
            for &product in topics.get(&signal.topic.to_lowercase()).into_iter().flatten() {
                let (volume, available_at) = (f64::from(signal.volume), signal.available_at);
                news.push(NewsSignal { product: Some(product), day: signal.signal_date, volume, available_at });
            }
        }
    }

    let (ingredients, graph) = (list_ingredients(&mut *connection, store.id).await?, load_recipes(connection, store.id).await?);
    let kitchen_rows = format!("{ingredients:?}{graph:?}");
    let (book, recipe_fault) = match recipe_book(ingredients, graph) {
        Ok(book) => (book, None),
        Err(fault) => (RecipeBook::default(), Some(fault)),
    };
    let kitchen = Kitchen { products: products.iter().map(sellable).collect(), book, pantry: Pantry::default(), overrides: HashMap::new() };
    // Sales of dormant products stay in: they tell on which days the store was open.
    let facts = StoreFacts {
        products: products.into_iter().map(|product| (product.id, product.name)).collect(),
        sales: sales.into_iter().map(sale).collect(),
        events,
        promos,
        weather,
        news,
    };
    Ok(Loaded { facts, kitchen, dormant, kitchen_rows, recipe_fault })
}

fn sale(version: SalesVersion) -> Sale {
    Sale {
        product: version.product_id,
        day: version.business_date,
        quantity: version.quantity,
        sold_out: version.is_sold_out,
        available_at: version.available_at,
    }
}

/// Active products that still sell, and the names of those that don't.
fn select_products(all: Vec<ProductRow>, sales: &[SalesVersion], last_day: NaiveDate) -> (Vec<ProductRow>, Vec<String>) {
    let since = last_day.checked_sub_days(Days::new(DORMANT_AFTER)).unwrap_or(last_day);
    let selling: HashSet<Uuid> =
        sales.iter().filter(|sale| sale.quantity > 0.0 && sale.business_date > since).map(|sale| sale.product_id).collect();
    let (kept, dormant): (Vec<_>, Vec<_>) =
        all.into_iter().filter(|product| product.is_active).partition(|product| selling.contains(&product.id));
    (kept, dormant.into_iter().map(|product| product.name).collect())
}

/// Lower-case names of products and categories, with the products that news about them concerns.
fn topics(products: &[ProductRow]) -> BTreeMap<String, Vec<Uuid>> {
    let mut topics: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for product in products {
        topics.entry(product.name.to_lowercase()).or_default().push(product.id);
        if let Some(category) = &product.category {
            topics.entry(category.to_lowercase()).or_default().push(product.id);
        }
    }
    topics
}

/// Share of the price that a promo takes off, from the share itself or from the promo's own price.
fn discount(share: Option<f64>, price: Option<i64>, product: Option<Uuid>, prices: &HashMap<Uuid, i64>) -> f64 {
    let from_price = || {
        let list = *prices.get(&product?)? as f64;
        (list > 0.0).then(|| (1.0 - price.unwrap_or_default() as f64 / list).clamp(0.0, 1.0))
    };
    // A promo that names neither is still a promo: a bundle, a gift. A tenth stands for it.
    share.or_else(|| price.and_then(|_| from_price())).unwrap_or(0.1)
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
    u16::try_from(shelf_life_days.saturating_add(1)).unwrap_or(1)
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
