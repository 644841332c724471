//! A shop of the demo world as facts, without a database.

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::time::BusinessCalendar;
use jobs::nightly::facts::{CalendarSpan, Listing, NewsSignal, Promo, Sale, StoreFacts, WeatherIssue};
use standin::world::{CalendarKind, Product, SimulatedWorld, Store};
use uuid::Uuid;

/// Days ahead that a shop knows of its own closings.
const CLOSINGS_KNOWN: u64 = 90;

/// What one shop and the outside hand over; products by their position on the menu.
pub fn facts(world: &SimulatedWorld, slug: &str) -> (StoreFacts, BusinessCalendar) {
    let number = world.definition.stores.iter().position(|store| store.slug == slug).expect("a shop");
    let store = &world.definition.stores[number];
    let calendar = BusinessCalendar { time_zone: store.zone, cutoff: store.business_day_cutoff };
    let facts = StoreFacts {
        products: store.products.iter().enumerate().map(|(index, product)| (id(index), product.name.clone())).collect(),
        listings: store.products.iter().map(listing).collect(),
        sales: sales(world, number, calendar),
        events: events(world, store),
        promos: promos(world, store),
        weather: weather(world, store),
        news: news(world, store),
        ..StoreFacts::default()
    };
    (facts, calendar)
}

fn id(product: usize) -> Uuid {
    Uuid::from_u128(product as u128 + 1)
}

fn position(store: &Store, product: &str) -> Option<usize> {
    store.products.iter().position(|one| one.name == product)
}

fn listing(product: &Product) -> Listing {
    Listing { category: Some(product.category.clone()), price: Some(product.price) }
}

/// Daily totals, known at the end of the day.
fn sales(world: &SimulatedWorld, store: usize, calendar: BusinessCalendar) -> Vec<Sale> {
    let mut totals = std::collections::BTreeMap::new();
    for line in &world.sales[store] {
        *totals.entry((usize::from(line.product), line.business_day)).or_insert(0.0) += f64::from(line.quantity);
    }
    let shop = &world.definition.stores[store];
    let gone: std::collections::HashSet<(usize, NaiveDate)> = world
        .stockouts
        .iter()
        .filter(|event| event.store == shop.slug)
        .filter_map(|event| Some((position(shop, &event.product)?, event.business_day)))
        .collect();
    let sale = |((product, day), quantity): ((usize, NaiveDate), f64)| Sale {
        product: id(product),
        day,
        quantity,
        sold_out: gone.contains(&(product, day)),
        available_at: calendar.end_of(day),
    };
    totals.into_iter().map(sale).collect()
}

fn events(world: &SimulatedWorld, store: &Store) -> Vec<CalendarSpan> {
    let span = |kind: &str, name: &str, day: NaiveDate, available_at: DateTime<Utc>| CalendarSpan {
        kind: kind.to_owned(),
        name: format!("{name} {day}"),
        from: day,
        to: day,
        likelihood: 1.0,
        available_at,
    };
    let mut events = Vec::new();
    for event in &world.calendar {
        let of = |kind| span(kind, &event.name, event.date, event.available_at);
        match event.kind {
            CalendarKind::Ramadan => events.push(of("ramadan")),
            CalendarKind::JointLeave => events.push(of("cuti_bersama")),
            CalendarKind::Holiday if event.name.contains("Idul Fitri") => events.extend([of("holiday"), of("lebaran")]),
            CalendarKind::Holiday => events.push(of("holiday")),
        }
    }
    let days = world.first_day.iter_days().take_while(|day| *day <= world.today + Days::new(60));
    let closed = days.filter(|day| !store.is_open(*day, &world.definition.calendar));
    events.extend(closed.map(|day| span("closed", "Tutup", day, (day - Days::new(CLOSINGS_KNOWN)).and_time(Default::default()).and_utc())));
    events
}

fn promos(world: &SimulatedWorld, store: &Store) -> Vec<Promo> {
    let of_store = world.promos.iter().filter(|promo| promo.store == store.slug);
    let promo = |promo: &standin::world::Promo| {
        Some(Promo {
            product: Some(id(position(store, &promo.product)?)),
            name: format!("{} {}", promo.name, promo.starts_on),
            from: promo.starts_on,
            to: promo.ends_on,
            discount: f64::from(promo.discount_percent) / 100.0,
            available_at: promo.available_at,
        })
    };
    of_store.filter_map(promo).collect()
}

fn weather(world: &SimulatedWorld, store: &Store) -> Vec<WeatherIssue> {
    let of_region = world.weather_forecasts.iter().filter(|row| row.region == store.region.adm4);
    let issue = |row: &standin::world::WeatherForecast| WeatherIssue {
        day: row.date,
        rain_mm: Some(row.rain_mm),
        temperature_c: Some(row.temperature_mean),
        available_at: row.available_at,
    };
    of_region.map(issue).collect()
}

fn news(world: &SimulatedWorld, store: &Store) -> Vec<NewsSignal> {
    let mut signals = Vec::new();
    for row in world.news_signals.iter().filter(|row| row.store == store.slug) {
        let topic = world.definition.topics.iter().find(|topic| topic.store == store.slug && topic.slug == row.topic);
        for product in topic.into_iter().flat_map(|topic| &topic.products) {
            let Some(product) = position(store, product).map(id) else { continue };
            let (day, volume, available_at) = (row.date, f64::from(row.mentions), row.available_at);
            signals.push(NewsSignal { product, topic: row.topic.clone(), day, volume, available_at });
        }
    }
    signals
}
