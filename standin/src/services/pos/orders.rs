//! Orders as a point of sale tells of them: each in a first version, some revised later.

use std::collections::HashMap;

use chrono::{DateTime, Duration, FixedOffset, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::world::{Key, SalesLine, SimulatedWorld, Store, order_id, to_utc};

/// Share of the orders that are revised, and of those that are voided.
const REVISED: f64 = 0.03;
const VOIDED: f64 = 0.3;
/// Share of the items whose quantity is written as text.
const AS_TEXT: f64 = 0.25;

/// An order's place in the world and its times.
pub(super) struct Entry {
    store: usize,
    lines: std::ops::Range<usize>,
    created: DateTime<Utc>,
    revision: Option<Revision>,
}

#[derive(Clone, Copy)]
struct Revision {
    at: DateTime<Utc>,
    change: Change,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Void,
    /// The last item is taken off, or one more of the only one is added.
    Items,
}

#[derive(Debug, Serialize)]
pub(super) struct Order {
    id: String,
    outlet_id: String,
    status: &'static str,
    channel: String,
    created_at: String,
    updated_at: String,
    items: Vec<Item>,
    total: i64,
}

#[derive(Debug, Serialize)]
struct Item {
    product: String,
    quantity: Value,
    price: i64,
}

/// Every order of the world, in the order of its stores and their days.
pub(super) fn entries(world: &SimulatedWorld) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (position, (store, lines)) in world.definition.stores.iter().zip(&world.sales).enumerate() {
        let mut start = 0;
        for order in lines.chunk_by(|a, b| (a.business_day, a.order) == (b.business_day, b.order)) {
            let created = to_utc(store.zone, order[0].ordered_at);
            let revision = revision(key(world, store, &order[0]), created);
            entries.push(Entry { store: position, lines: start..start + order.len(), created, revision });
            start += order.len();
        }
    }
    entries
}

fn key(world: &SimulatedWorld, store: &Store, line: &SalesLine) -> Key {
    Key::root(world.seed).of("pos").of(&order_id(store, line))
}

/// Between ten minutes and a day and a half after the order.
fn revision(key: Key, created: DateTime<Utc>) -> Option<Revision> {
    let mut stream = key.of("revision").stream();
    stream.chance(REVISED).then(|| {
        let change = if stream.chance(VOIDED) { Change::Void } else { Change::Items };
        Revision { at: created + Duration::minutes(10 + i64::from(stream.below(36 * 60))), change }
    })
}

impl Entry {
    /// Slug of its store.
    pub(super) fn outlet<'a>(&self, world: &'a SimulatedWorld) -> &'a str {
        &world.definition.stores[self.store].slug
    }

    /// When the version that is shown at `now` was written; none before the order was made.
    pub(super) fn updated(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (self.created <= now).then(|| self.shown(now).map_or(self.created, |revision| revision.at))
    }

    fn shown(&self, now: DateTime<Utc>) -> Option<Revision> {
        self.revision.filter(|revision| revision.at <= now)
    }

    /// The order as it is shown at `now`, with the time of its last update.
    pub(super) fn order(&self, world: &SimulatedWorld, now: DateTime<Utc>, updated: DateTime<Utc>) -> Order {
        let store = &world.definition.stores[self.store];
        let lines = &world.sales[self.store][self.lines.clone()];
        let change = self.shown(now).map(|revision| revision.change);
        let mut sold: Vec<(&SalesLine, u32)> = lines.iter().map(|line| (line, line.quantity)).collect();
        if change == Some(Change::Items) {
            match sold.as_mut_slice() {
                [(_, quantity)] => *quantity += 1,
                _ => drop(sold.pop()),
            }
        }
        let local = |time: DateTime<Utc>| -> DateTime<FixedOffset> { time.with_timezone(&store.zone).fixed_offset() };
        Order {
            id: order_id(store, &lines[0]),
            outlet_id: store.slug.clone(),
            status: if change == Some(Change::Void) { "void" } else { "completed" },
            channel: store.channels[usize::from(lines[0].channel)].0.clone(),
            created_at: local(self.created).to_rfc3339(),
            updated_at: local(updated).to_rfc3339(),
            total: sold.iter().map(|(line, quantity)| line.unit_price * i64::from(*quantity)).sum(),
            items: sold.iter().map(|(line, quantity)| item(world, store, line, *quantity)).collect(),
        }
    }
}

fn item(world: &SimulatedWorld, store: &Store, line: &SalesLine, quantity: u32) -> Item {
    let as_text = key(world, store, line).of("quantity").at(i64::from(line.product)).stream().chance(AS_TEXT);
    Item {
        product: store.products[usize::from(line.product)].name.clone(),
        quantity: if as_text { quantity.to_string().into() } else { quantity.into() },
        price: line.unit_price,
    }
}

/// Positions of the entries updated at or after `since`, the newest update last. `touched` holds updates made while paging.
pub(super) fn listing(
    entries: &[Entry],
    is_wanted: impl Fn(&Entry) -> bool,
    since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    touched: &HashMap<usize, DateTime<Utc>>,
) -> Vec<(DateTime<Utc>, usize)> {
    let found = entries.iter().enumerate().filter(|(_, entry)| is_wanted(entry)).filter_map(|(position, entry)| {
        let updated = entry.updated(now)?.max(touched.get(&position).copied().unwrap_or(DateTime::<Utc>::MIN_UTC));
        since.is_none_or(|since| updated >= since).then_some((updated, position))
    });
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    found
}
