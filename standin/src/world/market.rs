//! Weekly market prices of what the kitchens buy.

use std::collections::BTreeSet;

use chrono::{Datelike, Duration, NaiveDate};

use super::calendar::{Calendar, morning};
use super::definition::{Definition, Store};
use super::menu::{ComponentUse, Ingredient};
use super::prices::years_since_reference;
use super::random::{Key, wander};
use super::rows::MarketPrice;

/// Monday surveys of every quoted ingredient that the store's menu needs, directly or through a recipe.
pub(crate) fn surveys(key: Key, definition: &Definition, store: &Store, first: NaiveDate, last: NaiveDate) -> Vec<MarketPrice> {
    let mut needed = BTreeSet::new();
    for product in &store.products {
        collect(&product.uses, definition, &mut needed);
    }
    let quoted = definition.ingredients.iter().filter(|entry| entry.volatility > 0.0 && needed.contains(entry.slug.as_str()));
    let mut rows = Vec::new();
    for ingredient in quoted {
        let key = key.of(&ingredient.slug);
        for date in first.iter_days().take_while(|day| *day <= last).filter(|day| day.weekday() == chrono::Weekday::Mon) {
            rows.push(MarketPrice {
                adm1: store.region.adm4.chars().take(2).collect(),
                province: store.region.province.clone(),
                date,
                ingredient: ingredient.slug.clone(),
                unit: ingredient.unit.clone(),
                pack: ingredient.pack,
                price: price(key, definition, ingredient, date),
                available_at: morning(date) + Duration::hours(5),
            });
        }
    }
    rows
}

fn collect<'a>(uses: &'a [ComponentUse], definition: &'a Definition, needed: &mut BTreeSet<&'a str>) {
    for part in uses {
        let is_new = needed.insert(&part.component);
        let recipe = definition.recipes.iter().find(|recipe| recipe.slug == part.component);
        if let Some(recipe) = recipe.filter(|_| is_new) {
            collect(&recipe.uses, definition, needed);
        }
    }
}

/// Menu-year price, 4 % inflation a year, a slow swing, weekly noise, and the rise before Idul Fitri; to 100 rupiah.
pub(crate) fn price(key: Key, definition: &Definition, ingredient: &Ingredient, date: NaiveDate) -> i64 {
    let day = i64::from(date.num_days_from_ce());
    let reference = f64::from(definition.price_year) - 2024.5; // the middle of the menu's year, in years since 2025-01-01
    let inflation = 1.0 + 0.04 * (years_since_reference(date) - reference);
    let noise = key.of("week").at(day).stream().normal();
    let swing = libm::exp(ingredient.volatility * (0.9 * wander(key.of("swing"), day) + 0.3 * noise));
    let feast = 1.0 + ingredient.feast * feast_share(&definition.calendar, date);
    let price = ingredient.price as f64 * inflation * swing * feast;
    ((price / 100.0).round() * 100.0) as i64
}

/// 0 three weeks before Idul Fitri, rising to 1 at the feast, gone a week later.
fn feast_share(calendar: &Calendar, date: NaiveDate) -> f64 {
    match calendar.days_from_idul_fitri(date) {
        days @ -21..=0 => (days + 21) as f64 / 21.0,
        days @ 1..=7 => 1.0 - days as f64 / 7.0,
        _ => 0.0,
    }
}
