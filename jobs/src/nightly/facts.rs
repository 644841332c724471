//! A store's facts as loaded, and their translation into a panel.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use domain::frequency::days_since_epoch;
use domain::panel::{Beyond, Cells, GapPolicy, Observations, Panel, Regressor, RegressorKind, Scope};
use domain::time::BusinessCalendar;
use domain::{Frequency, Ordinal};
use uuid::Uuid;

use super::knowledge::Knowledge;

/// Everything one store's forecast may draw on. Instants are when each fact became available.
#[derive(Debug, Clone, Default)]
pub struct StoreFacts {
    /// Products to forecast, in the order of the panel's series.
    pub products: Vec<(Uuid, String)>,
    pub sales: Vec<Sale>,
    pub events: Vec<CalendarSpan>,
    pub promos: Vec<Promo>,
    pub weather: Vec<WeatherIssue>,
    pub news: Vec<NewsSignal>,
}

/// One version of one product's daily total.
#[derive(Debug, Clone, PartialEq)]
pub struct Sale {
    pub product: Uuid,
    pub day: NaiveDate,
    pub quantity: f64,
    pub sold_out: bool,
    pub available_at: DateTime<Utc>,
}

/// Days of one calendar event, last day included.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarSpan {
    pub kind: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// 1, or the probability of this branch of a moving feast; 0 takes an earlier version back.
    pub likelihood: f64,
    pub available_at: DateTime<Utc>,
}

/// A planned promo; `product` is `None` for the whole store.
#[derive(Debug, Clone, PartialEq)]
pub struct Promo {
    pub product: Option<Uuid>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Share of the price taken off; 0 takes an earlier version back.
    pub discount: f64,
    pub available_at: DateTime<Utc>,
}

/// One issue of a weather forecast for one day.
#[derive(Debug, Clone, PartialEq)]
pub struct WeatherIssue {
    pub day: NaiveDate,
    pub rain_mm: Option<f64>,
    pub temperature_c: Option<f64>,
    pub available_at: DateTime<Utc>,
}

/// How much a product (or the whole store: `None`) was in the news on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct NewsSignal {
    pub product: Option<Uuid>,
    pub day: NaiveDate,
    pub volume: f64,
    pub available_at: DateTime<Utc>,
}

/// The panel of a store's products, one series each.
///
/// A product that sold nothing on a day on which the store sold something is a zero from its first sale on, up to
/// `last_day`. A day without any sale between the store's first and last one was a closed one, known as such
/// from that day on.
#[must_use]
pub fn panel(facts: &StoreFacts, calendar: BusinessCalendar, last_day: NaiveDate) -> Panel {
    let knowledge = Knowledge::new(calendar);
    let index: HashMap<Uuid, u32> = facts.products.iter().zip(0..).map(|((id, _), number)| (*id, number)).collect();
    let last = days_since_epoch(last_day);
    let (observations, open) = observations(facts, &index, &knowledge, last);
    let mut regressors = event_regressors(facts, &knowledge);
    regressors.extend(promo_regressor(facts, &index, &knowledge));
    regressors.extend(weather_regressors(facts, &knowledge));
    regressors.extend(news_regressor(facts, &index, &knowledge));
    Panel {
        frequency: Frequency::Daily,
        series: facts.products.iter().map(|(_, name)| name.clone()).collect(),
        observations,
        regressors,
        closed: Some(closed(facts, &knowledge, &open)),
        gaps: GapPolicy::Missing,
    }
}

/// Sales with their versions, and explicit zeros; beside them the days on which the store sold anything.
fn observations(facts: &StoreFacts, index: &HashMap<Uuid, u32>, knowledge: &Knowledge, last: Ordinal) -> (Observations, BTreeSet<Ordinal>) {
    let mut observations = Observations::default();
    let mut sold: Vec<BTreeSet<Ordinal>> = vec![BTreeSet::new(); facts.products.len()];
    let mut open = BTreeSet::new();
    for sale in &facts.sales {
        let day = days_since_epoch(sale.day);
        if day > last {
            continue;
        }
        if sale.quantity > 0.0 {
            open.insert(day);
        }
        if let Some(&series) = index.get(&sale.product) {
            sold[series as usize].insert(day);
            observations.push(series, day, sale.quantity, knowledge.known_from(sale.available_at).max(day), sale.sold_out);
        }
    }
    for (days, series) in sold.iter().zip(0..) {
        let Some(&first) = days.first() else { continue };
        for &day in open.range(first..=last).filter(|day| !days.contains(day)) {
            observations.push(series, day, 0.0, day, false);
        }
    }
    (observations, open)
}

/// Announced closures, and days inside the history on which nothing at all was sold.
fn closed(facts: &StoreFacts, knowledge: &Knowledge, open: &BTreeSet<Ordinal>) -> Regressor {
    let mut cells = span_cells(facts.events.iter().filter(|event| event.kind == "closed"), knowledge);
    // After the last sale silence may as well be a file that has not come yet.
    if let (Some(&first), Some(&last)) = (open.first(), open.last()) {
        (first..=last).filter(|day| !open.contains(day)).for_each(|day| cells.push(0, day, 1.0, day));
    }
    Regressor { name: "closed".into(), kind: RegressorKind::KnownFuture, scope: Scope::Panel, cells, beyond: Beyond::Zero }
}

/// One flag for each kind of event that the calendar knows.
fn event_regressors(facts: &StoreFacts, knowledge: &Knowledge) -> Vec<Regressor> {
    let mut kinds: BTreeMap<&str, Vec<&CalendarSpan>> = BTreeMap::new();
    for event in facts.events.iter().filter(|event| event.kind != "closed" && event.kind != "payday") {
        kinds.entry(&event.kind).or_default().push(event);
    }
    let regressor = |(kind, events): (&str, Vec<&CalendarSpan>)| Regressor {
        name: kind.to_owned(),
        kind: RegressorKind::KnownFuture,
        scope: Scope::Panel,
        cells: span_cells(events.into_iter(), knowledge),
        beyond: Beyond::Zero,
    };
    kinds.into_iter().map(regressor).collect()
}

fn span_cells<'a>(events: impl Iterator<Item = &'a CalendarSpan>, knowledge: &Knowledge) -> Cells {
    let mut cells = Cells::default();
    for event in events {
        let known_from = knowledge.known_from(event.available_at);
        for day in days_since_epoch(event.from)..=days_since_epoch(event.to) {
            cells.push(0, day, event.likelihood, known_from);
        }
    }
    cells
}

fn promo_regressor(facts: &StoreFacts, index: &HashMap<Uuid, u32>, knowledge: &Knowledge) -> Option<Regressor> {
    let mut cells = Cells::default();
    for promo in &facts.promos {
        let known_from = knowledge.known_from(promo.available_at);
        let of = |product: Uuid| index.get(&product).map_or_else(Vec::new, |&series| vec![series]);
        let series = promo.product.map_or_else(|| (0..).take(facts.products.len()).collect(), of);
        for day in days_since_epoch(promo.from)..=days_since_epoch(promo.to) {
            series.iter().for_each(|&key| cells.push(key, day, promo.discount, known_from));
        }
    }
    let name = "promo_discount".to_owned();
    (!cells.key.is_empty()).then(|| Regressor { name, kind: RegressorKind::KnownFuture, scope: Scope::Series, cells, beyond: Beyond::Zero })
}

fn weather_regressors(facts: &StoreFacts, knowledge: &Knowledge) -> Vec<Regressor> {
    let column = |name: &str, value: fn(&WeatherIssue) -> Option<f64>| {
        let mut cells = Cells::default();
        for issue in &facts.weather {
            if let Some(value) = value(issue) {
                cells.push(0, days_since_epoch(issue.day), value, knowledge.known_from(issue.available_at));
            }
        }
        let name = name.to_owned();
        let present = !cells.key.is_empty();
        present.then(|| Regressor { name, kind: RegressorKind::KnownFuture, scope: Scope::Panel, cells, beyond: Beyond::Climatology })
    };
    [column("rain_mm", |issue| issue.rain_mm), column("temperature_c", |issue| issue.temperature_c)].into_iter().flatten().collect()
}

fn news_regressor(facts: &StoreFacts, index: &HashMap<Uuid, u32>, knowledge: &Knowledge) -> Option<Regressor> {
    let mut cells = Cells::default();
    for signal in &facts.news {
        let day = days_since_epoch(signal.day);
        let known_from = knowledge.known_from(signal.available_at).max(day);
        match signal.product {
            Some(product) => index.get(&product).into_iter().for_each(|&key| cells.push(key, day, signal.volume, known_from)),
            None => (0..).take(facts.products.len()).for_each(|key| cells.push(key, day, signal.volume, known_from)),
        }
    }
    let name = "news_volume".to_owned();
    (!cells.key.is_empty()).then(|| Regressor {
        name,
        kind: RegressorKind::ObservedPast,
        scope: Scope::Series,
        cells,
        beyond: Beyond::Zero,
    })
}
