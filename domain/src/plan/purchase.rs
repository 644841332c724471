//! What to buy: whole packs, after what is on hand.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::recipe::{RecipeBook, whole};
use super::unit::Unit;
use crate::ids::IngredientId;
use crate::money::Idr;

/// One line of the purchase list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PurchaseItem {
    pub ingredient: IngredientId,
    pub name: String,
    pub unit: Unit,
    /// Needed by the day's prep.
    pub needed: f64,
    /// Of which on hand.
    pub on_hand: f64,
    pub packs: u32,
    pub pack_size: f64,
    pub cost: Idr,
}

impl PurchaseItem {
    /// Bought quantity, in `unit`.
    #[must_use]
    pub fn quantity(&self) -> f64 {
        f64::from(self.packs) * self.pack_size
    }
}

/// What is on hand, with the last day it may be used, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pantry {
    stock: BTreeMap<IngredientId, Vec<(NaiveDate, f64)>>,
}

impl Pantry {
    /// Adds stock that is good up to and including `until`.
    pub fn put(&mut self, ingredient: IngredientId, quantity: f64, until: NaiveDate) {
        let lots = self.stock.entry(ingredient).or_default();
        lots.push((until, quantity));
        lots.sort_by_key(|lot| lot.0);
    }

    /// Covers a day's needs from stock first, then from whole packs; what is left of a pack is stock for the next days.
    /// An ingredient without a pack size (bought loose) is bought to the exact quantity.
    pub(super) fn buy(&mut self, date: NaiveDate, needs: &BTreeMap<IngredientId, f64>, book: &RecipeBook) -> Vec<PurchaseItem> {
        let mut purchases = Vec::new();
        for (&id, &needed) in needs {
            let Some(ingredient) = book.ingredient(id) else { continue };
            let on_hand = self.take(id, needed, date);
            let missing = needed - on_hand;
            let pack_size = ingredient.pack_size.filter(|size| *size > 0.0).unwrap_or(missing);
            let packs = if missing > 0.0 { whole(missing / pack_size) } else { 0 };
            let left = f64::from(packs) * pack_size - missing;
            if left > 0.0 && ingredient.shelf_life_days > 1 {
                let until = date.checked_add_days(Days::new(u64::from(ingredient.shelf_life_days) - 1)).unwrap_or(date);
                self.put(id, left, until);
            }
            if packs > 0 {
                let cost = ingredient.pack_price.unwrap_or_default().times(f64::from(packs));
                let (name, unit) = (ingredient.name.clone(), ingredient.unit);
                purchases.push(PurchaseItem { ingredient: id, name, unit, needed, on_hand, packs, pack_size, cost });
            }
        }
        purchases.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
        purchases
    }

    /// Uses up to `wanted` of what is still good on `date`, oldest first.
    fn take(&mut self, ingredient: IngredientId, wanted: f64, date: NaiveDate) -> f64 {
        let Some(lots) = self.stock.get_mut(&ingredient) else { return 0.0 };
        lots.retain(|(until, quantity)| *until >= date && *quantity > 1e-9);
        let mut taken = 0.0;
        for (_, quantity) in lots.iter_mut() {
            let used = (wanted - taken).min(*quantity);
            *quantity -= used;
            taken += used;
        }
        taken
    }
}
