//! From forecasts to what a shop prepares and buys.
//!
//! Pure: the nightly job stores what this computes, the API shows it, the terminal and the chat word it.

mod overrides;
mod prep;
mod purchase;
mod recipe;
mod unit;

pub use overrides::{Outcome, Override, SCORED_DAYS, Score};
pub use prep::{PrepItem, Sellable, prepare};
pub use purchase::{Pantry, PurchaseItem};
pub use recipe::{Ingredient, Item, Recipe, RecipeBook, RecipeError, RecipeLine};
pub use unit::{Unit, UnitError};

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::forecast::StepForecast;
use crate::ids::{IngredientId, ProductId};
use crate::money::Idr;

/// What to prepare and buy for one business day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayPlan {
    pub date: NaiveDate,
    pub prep: Vec<PrepItem>,
    /// Made in the kitchen on the way to the products (sambal, dough), in whole batches.
    pub kitchen: Vec<KitchenItem>,
    /// Every bought ingredient that is needed, in its own unit, before packs.
    pub needs: BTreeMap<IngredientId, f64>,
    pub purchases: Vec<PurchaseItem>,
}

impl DayPlan {
    /// What the day's purchases cost.
    #[must_use]
    pub fn cost(&self) -> Idr {
        self.purchases.iter().map(|item| item.cost).sum()
    }
}

/// A prepared ingredient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KitchenItem {
    pub ingredient: IngredientId,
    pub name: String,
    pub unit: Unit,
    pub batches: u32,
    pub quantity: f64,
}

/// One product's forecast for the day.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand<'a> {
    pub product: &'a Sellable,
    pub forecast: StepForecast,
    pub overridden: Option<&'a Override>,
}

/// Plans one day; `pantry` is what is on hand, and holds what is left over afterwards.
///
/// Products are prepared in whole batches at the quantile where one more portion stops paying (see [`prepare`]); kitchen
/// items in whole batches of their recipe; ingredients are bought in whole packs after what the pantry has.
#[must_use]
pub fn plan_day(date: NaiveDate, demands: &[Demand<'_>], book: &RecipeBook, pantry: &mut Pantry) -> DayPlan {
    let mut prep: Vec<PrepItem> = demands
        .iter()
        .map(|demand| prepare(demand.product, &demand.forecast, book.unit_cost(demand.product.id), demand.overridden))
        .collect();
    prep.sort_by(|a, b| b.quantity.total_cmp(&a.quantity).then_with(|| a.name.cmp(&b.name)));

    let portions: Vec<(ProductId, f64)> = prep.iter().map(|item| (item.product, item.quantity)).collect();
    let exploded = book.explode(&portions);
    let purchases = pantry.buy(date, &exploded.bought, book);
    DayPlan { date, prep, kitchen: exploded.kitchen, needs: exploded.bought, purchases }
}
