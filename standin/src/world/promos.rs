//! Promos, planned two months ahead.

use chrono::{Datelike, Duration, Months, NaiveDate};

use super::calendar::morning;
use super::definition::{Definition, Store};
use super::menu::Product;
use super::random::Key;
use super::rows::Promo;

/// The promos of one product that start in `[first, last]`, in order.
pub(crate) fn plan(key: Key, definition: &Definition, store: &Store, product: &Product, first: NaiveDate, last: NaiveDate) -> Vec<Promo> {
    let rate = definition.families.get(&product.family).map_or(0.0, |family| family.promos);
    let mut promos = Vec::new();
    let mut month = first.with_day(1).unwrap_or(first);
    while month <= last {
        promos.extend(of_month(key, store, product, rate, month));
        month = month + Months::new(1);
    }
    promos.retain(|promo| (first..=last).contains(&promo.starts_on));
    promos
}

fn of_month(key: Key, store: &Store, product: &Product, rate: f64, month: NaiveDate) -> Option<Promo> {
    let mut stream = key.at(i64::from(month.year()) * 12 + i64::from(month.month0())).stream();
    if product.every_days.is_some() || !stream.chance(rate) {
        return None;
    }
    let starts_on = month + Duration::days(i64::from(stream.below(24)));
    let days = 3 + i64::from(stream.below(5));
    let discount_percent = 10 + 5 * stream.below(4);
    let planned = month - Months::new(2);
    Some(Promo {
        store: store.slug.clone(),
        product: product.name.clone(),
        name: format!("Diskon {discount_percent}% {}", product.name),
        starts_on,
        ends_on: starts_on + Duration::days(days - 1),
        discount_percent,
        available_at: morning(planned),
    })
}
