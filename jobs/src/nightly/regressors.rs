//! Calendar, promos, weather, news and market prices as regressors of a panel.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::Datelike as _;
use domain::Ordinal;
use domain::frequency::days_since_epoch;
use domain::panel::{Beyond, Cells, Regressor, RegressorKind, Scope};
use uuid::Uuid;

use super::facts::{CalendarSpan, NewsSignal, Promo, StoreFacts, WeatherIssue};
use super::knowledge::Knowledge;
use super::market;
use super::spans::{Span, push_spans};

/// Kind of the event that closes the store.
const CLOSED: &str = "closed";
/// Millimetres a day from which on it is a rainy one: BMKG calls 5 to 20 light rain, what is less hardly wets the street.
pub(crate) const RAINY_MM: f64 = 5.0;
/// Days beyond the last sale for which paydays are laid out.
const AHEAD: i64 = 60;
/// Kind that every model derives from the date itself.
const PAYDAY: &str = "payday";

/// All of them but closings.
pub(super) fn regressors(facts: &StoreFacts, index: &HashMap<Uuid, u32>, knowledge: &Knowledge) -> Vec<Regressor> {
    let mut regressors = events(facts, knowledge);
    regressors.extend(promos(facts, index, knowledge));
    regressors.extend(weather(facts, knowledge));
    regressors.push(paydays(facts));
    regressors.push(news(facts, index, knowledge));
    regressors.push(market::ingredient_price(facts, knowledge));
    regressors.extend(listings(facts));
    // What the store has never had would only be a column of nothing.
    regressors.retain(|regressor| !regressor.cells.key.is_empty());
    regressors
}

/// Announced closings of the store.
pub(super) fn announced_closings(facts: &StoreFacts, knowledge: &Knowledge) -> Cells {
    of_kind(facts.events.iter().filter(|event| event.kind == CLOSED), knowledge)
}

/// One column for each kind of event that the calendar knows.
fn events(facts: &StoreFacts, knowledge: &Knowledge) -> Vec<Regressor> {
    let mut kinds: BTreeMap<&str, Vec<&CalendarSpan>> = BTreeMap::new();
    for event in facts.events.iter().filter(|event| event.kind != CLOSED && event.kind != PAYDAY) {
        kinds.entry(&event.kind).or_default().push(event);
    }
    let regressor =
        |(kind, events): (&str, Vec<&CalendarSpan>)| ahead(kind, Scope::Panel, Beyond::Zero, of_kind(events.into_iter(), knowledge));
    kinds.into_iter().map(regressor).collect()
}

fn of_kind<'a>(events: impl Iterator<Item = &'a CalendarSpan>, knowledge: &Knowledge) -> Cells {
    let mut cells = Cells::default();
    let span = |event: &'a CalendarSpan| Span {
        name: event.name.as_str(),
        from: days_since_epoch(event.from),
        to: days_since_epoch(event.to),
        value: event.likelihood,
        known_from: knowledge.known_from(event.available_at),
    };
    push_spans(&mut cells, 0, events.map(span), f64::max);
    cells
}

/// The greatest discount on each product, and whether there is one: models of one series at a time know yes from no only.
fn promos(facts: &StoreFacts, index: &HashMap<Uuid, u32>, knowledge: &Knowledge) -> [Regressor; 2] {
    let mut cells = Cells::default();
    let span = |promo: &Promo| Span {
        name: (promo.name.clone(), promo.product),
        from: days_since_epoch(promo.from),
        to: days_since_epoch(promo.to),
        value: promo.discount,
        known_from: knowledge.known_from(promo.available_at),
    };
    for (key, product) in in_order(facts, index) {
        let of_product = facts.promos.iter().filter(|promo| promo.product.is_none_or(|of| of == product));
        push_spans(&mut cells, key, of_product.map(span), f64::max);
    }
    let is_on = yes_or_no(&cells, |discount| discount > 0.0);
    [ahead("promo_discount", Scope::Series, Beyond::Zero, cells), event("promo", Scope::Series, is_on)]
}

/// Days on which wages are paid, as feature `payday` has it, from the first sale on.
fn paydays(facts: &StoreFacts) -> Regressor {
    let mut cells = Cells::default();
    let days = facts.sales.iter().map(|sale| sale.day);
    if let (Some(first), Some(last)) = (days.clone().min(), days.max()) {
        for day in first.iter_days().take_while(|day| (*day - last).num_days() <= AHEAD).filter(|day| day.day() >= 25 || day.day() == 1) {
            cells.push(0, days_since_epoch(day), 1.0, days_since_epoch(first) - 1);
        }
    }
    event("payday_window", Scope::Panel, cells)
}

/// The same cells as 1 or 0.
fn yes_or_no(cells: &Cells, is_set: impl Fn(f64) -> bool) -> Cells {
    let value = cells.value.iter().map(|&value| f64::from(u8::from(is_set(value)))).collect();
    Cells { value, ..cells.clone() }
}

/// Rain and temperature as issued, and whether it is to rain hard enough to change a day.
fn weather(facts: &StoreFacts, knowledge: &Knowledge) -> [Regressor; 3] {
    let column = |name: &str, value: fn(&WeatherIssue) -> Option<f64>| {
        let mut cells = Cells::default();
        for issue in &facts.weather {
            if let Some(value) = value(issue) {
                cells.push(0, days_since_epoch(issue.day), value, knowledge.known_from(issue.available_at));
            }
        }
        ahead(name, Scope::Panel, Beyond::Climatology, cells)
    };
    let rain = column("rain_mm", |issue| issue.rain_mm);
    // Beyond the days that are foreseen it neither rains nor not: what is usual then is in every model's level.
    let rainy = event("rainy", Scope::Panel, yes_or_no(&rain.cells, |rain_mm| rain_mm >= RAINY_MM));
    [rain, rainy, column("temperature_c", |issue| issue.temperature_c)]
}

/// How much each product was talked of, over all topics that concern it.
fn news(facts: &StoreFacts, index: &HashMap<Uuid, u32>, knowledge: &Knowledge) -> Regressor {
    let mut of_product: HashMap<Uuid, Vec<&NewsSignal>> = HashMap::new();
    for signal in &facts.news {
        of_product.entry(signal.product).or_default().push(signal);
    }
    let mut cells = Cells::default();
    for (key, product) in in_order(facts, index) {
        let span = |signal: &&NewsSignal| {
            let day: Ordinal = days_since_epoch(signal.day);
            let known_from = knowledge.known_from(signal.available_at).max(day);
            Span { name: (day, signal.topic.clone()), from: day, to: day, value: signal.volume, known_from }
        };
        let signals = of_product.get(&product).map_or(&[][..], Vec::as_slice);
        push_spans(&mut cells, key, signals.iter().map(span), |a, b| a + b);
    }
    let name = "news_volume".to_owned();
    Regressor { name, kind: RegressorKind::ObservedPast, scope: Scope::Series, cells, beyond: Beyond::Zero }
}

/// Category and price: what tells a young product its analogues. They are as of today, like the menu itself.
fn listings(facts: &StoreFacts) -> [Regressor; 2] {
    let levels: Vec<String> =
        facts.listings.iter().filter_map(|listing| listing.category.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let (mut categories, mut prices) = (Cells { levels, ..Cells::default() }, Cells::default());
    for (key, listing) in (0..).zip(&facts.listings) {
        let level = listing.category.as_ref().and_then(|category| categories.levels.binary_search(category).ok());
        if let Some(level) = level {
            categories.push(key, 0, level as f64, Ordinal::MIN);
        }
        if let Some(price) = listing.price {
            prices.push(key, 0, price as f64, Ordinal::MIN);
        }
    }
    let fixed = |name: &str, cells| Regressor {
        name: name.to_owned(),
        kind: RegressorKind::Static,
        scope: Scope::Series,
        cells,
        beyond: Beyond::Required,
    };
    [fixed("category", categories), fixed("price", prices)]
}

fn ahead(name: &str, scope: Scope, beyond: Beyond, cells: Cells) -> Regressor {
    Regressor { name: name.to_owned(), kind: RegressorKind::KnownFuture, scope, cells, beyond }
}

fn event(name: &str, scope: Scope, cells: Cells) -> Regressor {
    Regressor { name: name.to_owned(), kind: RegressorKind::Event, scope, cells, beyond: Beyond::Zero }
}

fn in_order<'a>(facts: &'a StoreFacts, index: &'a HashMap<Uuid, u32>) -> impl Iterator<Item = (u32, Uuid)> + 'a {
    facts.products.iter().filter_map(|(product, _)| Some((*index.get(product)?, *product)))
}
