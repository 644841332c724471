//! The owner's own list prices: about one change a year and product.

use chrono::{Datelike, Duration, NaiveDate};

use super::calendar::morning;
use super::definition::{Definition, Store};
use super::menu::Product;
use super::random::Key;
use super::rows::PriceChange;

/// A product's list price over time: changes in order, the first one at the beginning of the known years.
pub(crate) struct PricePath(Vec<(NaiveDate, i64)>);

impl PricePath {
    pub(crate) fn on(&self, day: NaiveDate) -> i64 {
        let after = self.0.partition_point(|(from, _)| *from <= day);
        self.0[after.max(1) - 1].1
    }

    /// The price at `first` and every change from then to `last`.
    pub(crate) fn rows(&self, store: &Store, product: &Product, first: NaiveDate, last: NaiveDate) -> Vec<PriceChange> {
        let row = |effective_on: NaiveDate, price, previous_price| PriceChange {
            store: store.slug.clone(),
            product: product.name.clone(),
            effective_on,
            price,
            previous_price,
            available_at: morning(effective_on - Duration::days(7)),
        };
        let mut rows = vec![row(first, self.on(first), None)];
        let changes = self.0.iter().filter(|(from, _)| (first + Duration::days(1)..=last).contains(from));
        rows.extend(changes.map(|(from, price)| row(*from, *price, Some(self.on(*from - Duration::days(1))))));
        rows
    }
}

/// One change a year of 2 to 8 %, so that the menu's price holds once the menu's year has had its change.
pub(crate) fn path(key: Key, definition: &Definition, product: &Product) -> PricePath {
    let (first, last) = definition.calendar.years();
    let rise = |year: i32| 1.0 + key.of("rise").at(i64::from(year)).stream().between(0.02, 0.08);
    let level = |year: i32| -> f64 {
        let later: f64 = (year + 1..=definition.price_year).map(rise).product();
        let since: f64 = (definition.price_year + 1..=year).map(rise).product();
        product.price as f64 * since / later
    };
    let mut path = vec![(NaiveDate::MIN, rounded(level(first - 1)))];
    for year in first..=last {
        let mut stream = key.of("day").at(i64::from(year)).stream();
        let day = NaiveDate::from_ymd_opt(year, 1 + stream.below(12), 1 + stream.below(28));
        let price = rounded(level(year));
        if let Some(day) = day.filter(|_| path.last().is_none_or(|(_, before)| *before != price)) {
            path.push((day, price));
        }
    }
    PricePath(path)
}

/// To 500 rupiah, small prices to 100, as price tags are.
pub(crate) fn rounded(price: f64) -> i64 {
    let step = if price >= 5000.0 { 500.0 } else { 100.0 };
    ((price / step).round() * step) as i64
}

/// Years since the definition's reference day, 2025-01-01.
pub(crate) fn years_since_reference(day: NaiveDate) -> f64 {
    f64::from(day.year() - 2025) + f64::from(day.ordinal0()) / 365.25
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_price_holds_at_the_end_of_its_year() {
        let definition = super::super::World::definition();
        let product = &definition.stores[0].products[6];
        let path = path(Key::root(3).of(&product.slug), definition, product);
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        assert_eq!(path.on(day("2026-12-31")), product.price);
        assert!(path.on(day("2023-01-01")) < product.price);
    }
}
