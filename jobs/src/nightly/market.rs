//! Market prices of what a store's products are made of: read, and as a regressor.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use domain::Ordinal;
use domain::frequency::days_since_epoch;
use domain::ids::{IngredientId, ProductId};
use domain::panel::{Beyond, Cells, Regressor, RegressorKind, Scope};
use domain::plan::{RecipeBook, Unit};
use platform::db::market_prices::{MarketPriceVersion, market_price_versions};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::NightError;
use super::facts::{MarketPrice, StoreFacts};
use super::kitchen::LoadedKitchen;
use super::knowledge::Knowledge;

/// Prices, and what each product takes of them; see [`StoreFacts`].
pub(super) type Market = (Vec<MarketPrice>, HashMap<Uuid, Vec<(String, f64)>>);

/// Reads the prices that a store's recipes follow, as known by `cutoff`.
pub(super) async fn load(
    connection: &mut PgConnection,
    adm4: Option<&str>,
    kitchen: &LoadedKitchen,
    products: &[Uuid],
    (first, last): (NaiveDate, NaiveDate),
    cutoff: DateTime<Utc>,
) -> Result<Market, NightError> {
    let commodities: Vec<String> = kitchen.commodities.values().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let (Some(adm4), false) = (adm4, commodities.is_empty()) else { return Ok(Market::default()) };
    let versions = market_price_versions(connection, &commodities, adm4, first, last, cutoff).await?;
    Ok(followed(versions, &kitchen.kitchen.book, &kitchen.commodities, products))
}

/// One market a commodity, and its prices' unit.
fn followed(
    versions: Vec<MarketPriceVersion>,
    book: &RecipeBook,
    commodities: &BTreeMap<IngredientId, String>,
    products: &[Uuid],
) -> Market {
    let mut markets: HashMap<String, (String, String)> = HashMap::new();
    for version in &versions {
        let market = (version.region.clone(), version.market.clone());
        let chosen = markets.entry(version.commodity.clone()).or_insert_with(|| market.clone());
        if nearness(&market) > nearness(chosen) {
            *chosen = market;
        }
    }
    let is_followed = |version: &MarketPriceVersion| {
        markets.get(&version.commodity).is_some_and(|(region, market)| *region == version.region && *market == version.market)
    };
    let versions: Vec<MarketPriceVersion> = versions.into_iter().filter(is_followed).collect();
    let units: HashMap<&str, &str> = versions.iter().map(|version| (version.commodity.as_str(), version.unit.as_str())).collect();
    let takes = |(ingredient, quantity): (IngredientId, f64)| {
        let commodity = commodities.get(&ingredient)?;
        let share = market_units(units.get(commodity.as_str())?, book.ingredient(ingredient)?.unit)?;
        Some((commodity.clone(), quantity * share))
    };
    let made_of = |product: &Uuid| {
        let takes: Vec<(String, f64)> = book.needs_of(ProductId(*product)).into_iter().filter_map(takes).collect();
        (!takes.is_empty()).then_some((*product, takes))
    };
    let made_of = products.iter().filter_map(made_of).collect();
    let price = |version: MarketPriceVersion| MarketPrice {
        commodity: version.commodity,
        day: version.price_date,
        price: version.price as f64,
        available_at: version.available_at,
    };
    (versions.into_iter().map(price).collect(), made_of)
}

/// A kitchen buys where it is, and on the traditional market.
fn nearness((region, market): &(String, String)) -> (usize, bool, &str) {
    (if region == "ID" { 0 } else { region.len() }, market == "traditional", market)
}

/// How many units of a price (`kg`, `250 g`) one kitchen unit is; `None` where they cannot be compared.
fn market_units(priced: &str, kitchen: Unit) -> Option<f64> {
    let (count, unit) = priced.trim().rsplit_once(' ').unwrap_or(("1", priced.trim()));
    let count: f64 = count.trim().parse().ok().filter(|count| *count > 0.0)?;
    Some(kitchen.factor(unit.parse().ok()?).ok()? / count)
}

/// First cutoff that knows of a price, the day that it is of, and the price.
type Known = (Ordinal, Ordinal, f64);

/// What a product's ingredients cost on the market, next to 1 on the first day that all of them have a price.
pub(super) fn ingredient_price(facts: &StoreFacts, knowledge: &Knowledge) -> Regressor {
    let mut prices: HashMap<&str, Vec<Known>> = HashMap::new();
    for price in &facts.market_prices {
        let day = days_since_epoch(price.day);
        let known_from = knowledge.known_from(price.available_at).max(day);
        prices.entry(&price.commodity).or_default().push((known_from, day, price.price));
    }
    let mut cells = Cells::default();
    for (key, (product, _)) in (0..).zip(&facts.products) {
        let takes = facts.made_of.get(product).map_or(&[][..], Vec::as_slice);
        let takes: Vec<_> = takes.iter().filter_map(|(commodity, units)| Some((prices.get(commodity.as_str())?, *units))).collect();
        costs(&takes).into_iter().for_each(|(day, known_from, cost)| cells.push(key, day, cost, known_from));
    }
    let (name, kind) = ("ingredient_price".to_owned(), RegressorKind::ObservedPast);
    Regressor { name, kind, scope: Scope::Series, cells, beyond: Beyond::Zero }
}

/// `(day, known from, cost)` by day, then knowledge: a day's cost as the prices known by then make it.
fn costs(takes: &[(&Vec<Known>, f64)]) -> Vec<(Ordinal, Ordinal, f64)> {
    let mut versions: Vec<(Ordinal, Ordinal, usize, f64)> = Vec::new();
    for (place, (prices, _)) in takes.iter().enumerate() {
        versions.extend(prices.iter().map(|&(known_from, day, price)| (known_from, day, place, price)));
    }
    versions.sort_by_key(|&(known_from, day, place, _)| (known_from, day, place));
    let mut known: Vec<BTreeMap<Ordinal, f64>> = vec![BTreeMap::new(); takes.len()];
    let (mut made, mut first) = (BTreeMap::new(), None);
    for (known_from, day, place, price) in versions {
        known[place].insert(day, price);
        let of = |(prices, (_, units)): (&BTreeMap<Ordinal, f64>, &(_, f64))| Some(units * prices.range(..=day).next_back()?.1);
        let cost: Option<f64> = known.iter().zip(takes).map(of).sum();
        if let Some(cost) = cost.filter(|cost| *cost > 0.0) {
            made.insert((day, known_from), cost / *first.get_or_insert(cost));
        }
    }
    made.into_iter().map(|((day, known_from), cost)| (day, known_from, cost)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dish_costs_what_its_ingredients_cost_as_far_as_is_known() {
        // Chicken 40 a kg, chillies 60; on day 5 chillies double, and on day 7 day 5 is corrected to 90.
        let chicken = vec![(1, 1, 40.0), (5, 5, 40.0)];
        let chillies = vec![(2, 2, 60.0), (5, 5, 120.0), (7, 5, 90.0)];
        let found = costs(&[(&chicken, 0.5), (&chillies, 0.1)]);
        let expected = [(2, 2, 1.0), (5, 5, 32.0 / 26.0), (5, 7, 29.0 / 26.0)];
        assert_eq!(found.len(), expected.len(), "nothing before both have a price: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((found.0, found.1), (expected.0, expected.1));
            assert!((found.2 - expected.2).abs() < 1e-12, "{found:?}");
        }
        assert_eq!(costs(&[]), []);
    }

    #[test]
    fn prices_are_of_packs_of_any_size() {
        assert_eq!(market_units("kg", Unit::Gram), Some(0.001));
        assert_eq!(market_units("250 g", Unit::Kilogram), Some(4.0));
        assert_eq!(market_units("kg", Unit::Piece), None);
        for odd in ["", "0 kg", "x kg", "1 bunch", "-1 kg"] {
            assert_eq!(market_units(odd, Unit::Gram), None, "{odd}");
        }
    }

    #[test]
    fn the_nearest_traditional_market_is_followed() {
        let of = |region: &str, market: &str| (region.to_owned(), market.to_owned());
        let mut markets = [of("ID", "traditional"), of("32", "modern"), of("32", "traditional"), of("ID", "modern")];
        markets.sort_by(|one, other| nearness(other).cmp(&nearness(one)));
        assert_eq!(markets[0], of("32", "traditional"));
        assert_eq!(markets[3], of("ID", "modern"));
    }
}
