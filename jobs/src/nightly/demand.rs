//! Demand beyond sales: which days' totals are lower bounds and what they stand for, and which are unlike any other.
//!
//! The arithmetic is [`models::demand`]'s; here facts become its plain rows, and what it says gets the first cutoff that may
//! know it. Every verdict rests on facts of its own day and of earlier ones, each as first told, so it holds from the cutoff
//! on that knows them all: folds of a backtest inside the night read the same verdicts as the night of that day did.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::Ordinal;
use domain::frequency::{date_from_epoch, days_since_epoch};
use models::demand::{Absence, DayKind, Evidence, Oddity, Order, Period, ProductDay, ProductDays, Recovered, odd_periods, recover};
use serde::Serialize;
use uuid::Uuid;

use super::facts::{Orders, Stockout, StoreFacts};
use super::knowledge::Knowledge;
use super::openings::Openings;

/// What is told of a day more than so many days later teaches nothing here, or everything after it would have to wait.
const PATIENCE: Ordinal = 7;
/// Seasonal period of a store's days.
const WEEK: u16 = 7;
/// Kind of the events that move the day itself.
const FASTING: &str = "ramadan";
/// News louder than its own median by this factor explain an odd day.
const LOUD: f64 = 3.0;
/// Odd days are listed this far back.
const LISTED_DAYS: Ordinal = 56;

/// What is to be made of one product's day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Verdict {
    /// Units of demand beyond those sold.
    pub lost: f64,
    /// What the day may teach, above 0 to 1.
    pub trust: f64,
    /// First cutoff that may know it.
    pub known_from: Ordinal,
    /// It rests on a note of the stock-out, and holds for versions that carry it.
    needs_news: bool,
    /// Units sold as first told, which made the day odd.
    sold: f64,
}

impl Verdict {
    /// Whether a version of the day's total is meant: a stock-out holds whatever was counted, an odd number for itself only.
    pub fn concerns(&self, quantity: f64, sold_out: bool, known_from: Ordinal) -> bool {
        let is_known = self.known_from <= known_from;
        is_known && (sold_out || !self.needs_news) && (self.lost > 0.0 || self.sold == quantity)
    }
}

/// What was found out about a store's demand.
#[derive(Debug, Default)]
pub(super) struct Study {
    verdicts: BTreeMap<(Uuid, Ordinal), Verdict>,
    recovered: Vec<(Uuid, Recovered)>,
    odd: Vec<(Uuid, Oddity)>,
}

/// The same as it stands in the run's record.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct DemandReport {
    /// Days with recovered demand by what says that the product ran out.
    recovered: BTreeMap<Evidence, usize>,
    /// Units on those days: sold, and demanded beyond.
    sold: f64,
    lost: f64,
    /// Days unlike any other, over the whole history.
    odd_days: usize,
    /// Those of the last eight weeks.
    odd: Vec<OddDay>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct OddDay {
    product: String,
    day: chrono::NaiveDate,
    #[serde(flatten)]
    oddity: Oddity,
}

impl Study {
    pub fn of(facts: &StoreFacts, knowledge: &Knowledge, openings: &Openings, last: Ordinal) -> Self {
        let rows = Rows::gather(facts, knowledge, openings, last);
        let fasting = fasting_days(facts, knowledge);
        let kind = |day: Ordinal| DayKind::from(fasting.contains(&day));
        let recovered: Vec<(Uuid, Recovered)> =
            recover(&rows.products, kind).into_iter().map(|recovered| (rows.ids[recovered.product], recovered)).collect();
        let odd = odd_days(facts, &rows, &recovered);
        let mut study = Self { verdicts: BTreeMap::new(), recovered, odd };
        study.judge(&rows);
        study
    }

    pub fn verdict(&self, product: Uuid, day: Ordinal) -> Option<&Verdict> {
        self.verdicts.get(&(product, day))
    }

    pub fn report(&self, facts: &StoreFacts, cutoff: Ordinal) -> DemandReport {
        let names: HashMap<Uuid, &str> = facts.products.iter().map(|(id, name)| (*id, name.as_str())).collect();
        let mut report = DemandReport { odd_days: self.odd.len(), ..DemandReport::default() };
        for (_, recovered) in &self.recovered {
            *report.recovered.entry(recovered.evidence).or_default() += 1;
            report.sold += recovered.sold;
            report.lost += recovered.lost;
        }
        let listed = self.odd.iter().filter(|(_, oddity)| oddity.at > cutoff - LISTED_DAYS);
        report.odd = listed
            .filter_map(|(product, oddity)| {
                let product = (*names.get(product)?).to_owned();
                Some(OddDay { product, day: date_from_epoch(oddity.at)?, oddity: *oddity })
            })
            .collect();
        report
    }

    fn judge(&mut self, rows: &Rows) {
        for (product, recovered) in &self.recovered {
            let verdict = Verdict {
                lost: recovered.lost,
                trust: recovered.weight,
                known_from: rows.known_from(recovered.day),
                needs_news: recovered.evidence != Evidence::Silence,
                sold: recovered.sold,
            };
            self.verdicts.insert((*product, recovered.day), verdict);
        }
        for (product, oddity) in &self.odd {
            let plain = Verdict { lost: 0.0, trust: 1.0, known_from: rows.known_from(oddity.at), needs_news: false, sold: oddity.value };
            self.verdicts.entry((*product, oddity.at)).or_insert(plain).trust *= oddity.weight;
        }
    }
}

/// A store's days as [`models::demand`] reads them.
struct Rows {
    ids: Vec<Uuid>,
    products: Vec<ProductDays>,
    /// For each day, the first cutoff that knows everything told of it and of the days before.
    known: BTreeMap<Ordinal, Ordinal>,
}

impl Rows {
    fn gather(facts: &StoreFacts, knowledge: &Knowledge, openings: &Openings, last: Ordinal) -> Self {
        let stockouts = by_day(&facts.stockouts, |stockout: &Stockout| (stockout.product, days_since_epoch(stockout.day)));
        let orders = by_day(&facts.orders, |orders: &Orders| (orders.product, days_since_epoch(orders.day)));
        let categories = categories(facts);
        let mut days: BTreeMap<Uuid, BTreeMap<Ordinal, ProductDay>> = BTreeMap::new();
        let mut known: BTreeMap<Ordinal, Ordinal> = BTreeMap::new();
        for versions in facts.sales.chunk_by(|a, b| a.product == b.product && a.day == b.day) {
            let (first, key) = (&versions[0], (versions[0].product, days_since_epoch(versions[0].day)));
            let mut latest = knowledge.known_from(first.available_at).max(key.1);
            if key.1 > last || latest - key.1 > PATIENCE {
                continue;
            }
            // Each fact counts if it came in time, and the day is known when the last of them is.
            let mut in_time = |available_at| {
                let known_from = knowledge.known_from(available_at).max(key.1);
                let counts = known_from - key.1 <= PATIENCE;
                latest = if counts { latest.max(known_from) } else { latest };
                counts
            };
            let mut row = ProductDay { day: key.1, quantity: first.quantity, sold_out: first.sold_out, ..ProductDay::default() };
            for stockout in stockouts.get(&key).into_iter().flatten().filter(|stockout| in_time(stockout.available_at)) {
                row.sold_out = true;
                row.out.push(absence(stockout, knowledge));
            }
            if let Some(orders) = orders.get(&key).and_then(|orders| orders.first()).filter(|orders| in_time(orders.available_at)) {
                row.orders = told(orders);
            }
            known.entry(key.1).and_modify(|known| *known = latest.max(*known)).or_insert(latest);
            days.entry(key.0).or_default().insert(key.1, row);
        }
        for days in days.values_mut() {
            let first = days.first_key_value().map_or(last, |(&first, _)| first);
            for (day, known_from) in openings.counted(first).into_iter().filter(|(day, known)| *day <= last && known - day <= PATIENCE) {
                days.entry(day).or_insert_with(|| ProductDay { day, ..ProductDay::default() });
                known.entry(day).and_modify(|known| *known = known_from.max(*known)).or_insert(known_from);
            }
        }
        let mut latest = Ordinal::MIN;
        for known in known.values_mut() {
            latest = latest.max(*known);
            *known = latest;
        }
        let ids = days.keys().copied().collect();
        let product = |(id, days): (Uuid, BTreeMap<Ordinal, ProductDay>)| ProductDays {
            category: categories.get(&id).copied(),
            days: days.into_values().collect(),
        };
        Self { ids, products: days.into_iter().map(product).collect(), known }
    }

    fn known_from(&self, day: Ordinal) -> Ordinal {
        self.known.get(&day).copied().unwrap_or(day)
    }
}

fn by_day<T>(facts: &[T], key: impl Fn(&T) -> (Uuid, Ordinal)) -> HashMap<(Uuid, Ordinal), Vec<&T>> {
    let mut days: HashMap<(Uuid, Ordinal), Vec<&T>> = HashMap::new();
    facts.iter().for_each(|fact| days.entry(key(fact)).or_default().push(fact));
    days
}

fn categories(facts: &StoreFacts) -> HashMap<Uuid, u32> {
    let names: BTreeSet<&String> = facts.listings.iter().filter_map(|listing| listing.category.as_ref()).collect();
    let number: HashMap<&String, u32> = names.into_iter().zip(0..).collect();
    let of = facts.products.iter().zip(&facts.listings);
    of.filter_map(|((id, _), listing)| Some((*id, *number.get(listing.category.as_ref()?)?))).collect()
}

fn absence(stockout: &Stockout, knowledge: &Knowledge) -> Absence {
    let minute = |at| knowledge.minute_of_day(stockout.day, at);
    Absence { from: minute(stockout.from), until: stockout.until.map(minute) }
}

fn told(orders: &Orders) -> Vec<Order> {
    let order = |(&minute, &quantity): (&i32, &f64)| Order { minute: clamped(i64::from(minute)), quantity: quantity as f32 };
    orders.minutes.iter().zip(&orders.quantities).map(order).collect()
}

fn clamped(minute: i64) -> u16 {
    u16::try_from(minute.max(0)).unwrap_or(u16::MAX)
}

/// Days of fasting that were announced by then.
fn fasting_days(facts: &StoreFacts, knowledge: &Knowledge) -> BTreeSet<Ordinal> {
    let mut days = BTreeSet::new();
    for event in facts.events.iter().filter(|event| event.kind == FASTING) {
        let known_from = knowledge.known_from(event.available_at);
        for day in days_since_epoch(event.from).max(known_from)..=days_since_epoch(event.to) {
            if event.likelihood > 0.5 {
                days.insert(day)
            } else {
                days.remove(&day)
            };
        }
    }
    days
}

/// Days unlike any other of their product, but for those that an event, a promo or news explain.
fn odd_days(facts: &StoreFacts, rows: &Rows, recovered: &[(Uuid, Recovered)]) -> Vec<(Uuid, Oddity)> {
    let demand: HashMap<(Uuid, Ordinal), f64> =
        recovered.iter().map(|(id, recovered)| ((*id, recovered.day), recovered.demand())).collect();
    let events: BTreeSet<Ordinal> =
        facts.events.iter().flat_map(|event| days_since_epoch(event.from)..=days_since_epoch(event.to)).collect();
    let mut odd = Vec::new();
    for (&id, product) in rows.ids.iter().zip(&rows.products) {
        let explained = explained_days(facts, id);
        let period = |day: &ProductDay| Period {
            at: day.day,
            value: demand.get(&(id, day.day)).copied().unwrap_or(day.quantity),
            largest_order: day.orders.iter().map(|order| f64::from(order.quantity)).reduce(f64::max),
            explained: events.contains(&day.day) || explained.contains(&day.day),
        };
        let periods: Vec<Period> = product.days.iter().map(period).collect();
        odd.extend(odd_periods(&periods, WEEK).into_iter().map(|oddity| (id, oddity)));
    }
    odd
}

/// Days with a promo of this product, or much news of it.
fn explained_days(facts: &StoreFacts, product: Uuid) -> BTreeSet<Ordinal> {
    let promos = facts.promos.iter().filter(|promo| promo.product.is_none_or(|of| of == product));
    let mut days: BTreeSet<Ordinal> = promos.flat_map(|promo| days_since_epoch(promo.from)..=days_since_epoch(promo.to)).collect();
    let signals: Vec<_> = facts.news.iter().filter(|signal| signal.product == product).collect();
    let mut volumes: Vec<f64> = signals.iter().map(|signal| signal.volume).collect();
    volumes.sort_unstable_by(f64::total_cmp);
    if let Some(&median) = volumes.get(volumes.len() / 2) {
        days.extend(signals.iter().filter(|signal| signal.volume > LOUD * median).map(|signal| days_since_epoch(signal.day)));
    }
    days
}
