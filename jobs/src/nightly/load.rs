//! Reads one store's facts and kitchen from the database, as of a night's cutoff.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::time::Night;
use platform::database::begin_snapshot;
use platform::db::calendar_events::calendar_event_versions;
use platform::db::news_signals::news_signal_versions;
use platform::db::orders::orders_by_product;
use platform::db::partition_ranges::current_snapshot;
use platform::db::products::{ProductRow, list_products};
use platform::db::promos::promo_versions;
use platform::db::sales_daily::{SalesVersion, sales_versions};
use platform::db::stockout_events::list_stockouts;
use platform::db::stores::StoreRow;
use platform::db::watermarks::watermarks_of_store;
use platform::db::weather_forecasts::weather_forecast_vintages;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::error::NightError;
use super::facts::{CalendarSpan, Listing, NewsSignal, Orders, Promo, Sale, Stockout, StoreFacts, WeatherIssue};
use super::kitchen::{self, LoadedKitchen};
use super::market;

/// A product without a sale for this many days is dormant: not forecast until it sells again.
pub(crate) const DORMANT_AFTER: u64 = 56;
/// Days beyond the last observed one for which plans and calendars are read.
const AHEAD: u64 = 60;
/// Days back for which single orders are read; what ran out before then is known by its totals.
const ORDERS_READ: u64 = 1_100;
/// Days of silence, announced closings aside, after which the data of a store counts as stale.
const STALE_AFTER: usize = 2;

/// What a night works with.
#[derive(Debug)]
pub struct Loaded {
    pub facts: StoreFacts,
    /// Names of active products that were left out because they no longer sell.
    pub dormant: Vec<String>,
    /// Days up to the last complete one on which the store should have sold something and no sale is known, counted from
    /// the last known sale; `None` for up to two.
    pub stale_days: Option<u32>,
    /// Up to when each source was complete. No input of the forecast, and no part of its fingerprint.
    pub(super) freshness: BTreeMap<String, DateTime<Utc>>,
    /// Names the snapshot of the database that it was read in.
    pub(super) read_in: String,
    /// That reading took.
    pub(super) seconds: f64,
    pub(super) kitchen: LoadedKitchen,
}

/// Reads everything that was available by the night's cutoff, in one snapshot of the database.
///
/// # Errors
/// [`NightError::Database`], and [`NightError::NoSales`] for a store without a product that sells.
pub async fn load(pool: &PgPool, store: &StoreRow, night: Night) -> Result<Loaded, NightError> {
    // A load that commits meanwhile is seen whole or not at all.
    let mut snapshot = begin_snapshot(pool).await?;
    let loaded = read(&mut snapshot, store, night).await?;
    snapshot.commit().await?;
    Ok(loaded)
}

/// The days that are read: from the first sale on.
#[derive(Clone, Copy)]
struct Span {
    first: NaiveDate,
    last: NaiveDate,
    /// Of what is known ahead.
    until: NaiveDate,
}

async fn read(connection: &mut PgConnection, store: &StoreRow, night: Night) -> Result<Loaded, NightError> {
    let began = Instant::now();
    let last = night.last_day();
    let read_in = current_snapshot(&mut *connection).await?;
    let no_sales = || NightError::NoSales { store: store.slug.clone(), last_day: last };
    let mut sales = sales_versions(&mut *connection, store.id, night.cutoff()).await?;
    sales.retain(|sale| sale.business_date <= last);
    let first = sales.iter().map(|sale| sale.business_date).min().ok_or_else(no_sales)?;
    let (products, dormant) = select_products(list_products(&mut *connection, store.id).await?, &sales, last);
    if products.is_empty() {
        return Err(no_sales());
    }

    let span = Span { first, last, until: last.checked_add_days(Days::new(AHEAD)).unwrap_or(last) };
    let events = events(&mut *connection, store, night, span).await?;
    let kitchen = kitchen::load(&mut *connection, store.id, night, &products).await?;
    let ids: Vec<Uuid> = products.iter().map(|product| product.id).collect();
    let (market_prices, made_of) =
        market::load(&mut *connection, store.adm4.as_deref(), &kitchen, &ids, (span.first, span.last), night.cutoff()).await?;
    let stale_days = stale_days(&sales, &events, last);
    let mut facts = StoreFacts {
        orders: orders(&mut *connection, store, night, span).await?,
        stockouts: stockouts(&mut *connection, store, night, span).await?,
        promos: promos(&mut *connection, store, night, span, &products).await?,
        weather: weather(&mut *connection, store, night, span).await?,
        news: news(&mut *connection, store, night, span, &products).await?,
        listings: products.iter().map(|product| Listing { category: product.category.clone(), price: product.price }).collect(),
        products: products.into_iter().map(|product| (product.id, product.name)).collect(),
        sales: sales.into_iter().map(sale).collect(),
        events,
        market_prices,
        made_of,
    };
    if night.as_of.is_some() {
        facts.count_as_known_by(night.scheduled_cutoff());
    }
    let watermarks = watermarks_of_store(&mut *connection, store.id).await?;
    let mut freshness = BTreeMap::new();
    for mark in watermarks {
        let complete_until = freshness.entry(mark.source).or_insert(mark.complete_until);
        *complete_until = mark.complete_until.min(*complete_until);
    }
    Ok(Loaded { facts, dormant, stale_days, freshness, read_in, seconds: began.elapsed().as_secs_f64(), kitchen })
}

/// Active products that still sell, and the names of those that don't.
fn select_products(all: Vec<ProductRow>, sales: &[SalesVersion], last_day: NaiveDate) -> (Vec<ProductRow>, Vec<String>) {
    let since = last_day.checked_sub_days(Days::new(DORMANT_AFTER)).unwrap_or(last_day);
    let selling: HashSet<Uuid> =
        sales.iter().filter(|sale| sale.quantity > 0.0 && sale.business_date > since).map(|sale| sale.product_id).collect();
    let (kept, dormant): (Vec<_>, Vec<_>) =
        all.into_iter().filter(|product| product.is_active).partition(|product| selling.contains(&product.id));
    (kept, dormant.into_iter().map(|product| product.name).collect())
}

/// Announced closings excuse silence.
fn stale_days(sales: &[SalesVersion], events: &[CalendarSpan], last_day: NaiveDate) -> Option<u32> {
    let last_sale = sales.iter().filter(|sale| sale.quantity > 0.0).map(|sale| sale.business_date).max()?;
    let is_closed = |day: &NaiveDate| {
        events
            .iter()
            .rfind(|event| event.kind == "closed" && event.from <= *day && *day <= event.to)
            .is_some_and(|event| event.likelihood > 0.5)
    };
    let silent = last_sale.iter_days().skip(1).take_while(|day| *day <= last_day).filter(|day| !is_closed(day)).count();
    (silent > STALE_AFTER).then(|| u32::try_from(silent).unwrap_or(u32::MAX))
}

fn sale(version: SalesVersion) -> Sale {
    Sale {
        product: version.product_id,
        day: version.business_date,
        quantity: version.quantity,
        sold_out: version.is_sold_out,
        available_at: version.available_at,
    }
}

async fn orders(connection: &mut PgConnection, store: &StoreRow, night: Night, span: Span) -> Result<Vec<Orders>, NightError> {
    let since = span.last.checked_sub_days(Days::new(ORDERS_READ)).unwrap_or(span.first).max(span.first);
    let rows = orders_by_product(connection, store.id, since, span.last, night.cutoff()).await?;
    let orders = |row: platform::db::orders::ProductOrders| Orders {
        product: row.product_id,
        day: row.business_date,
        minutes: row.minutes,
        quantities: row.quantities,
        available_at: row.available_at,
    };
    Ok(rows.into_iter().map(orders).collect())
}

async fn stockouts(connection: &mut PgConnection, store: &StoreRow, night: Night, span: Span) -> Result<Vec<Stockout>, NightError> {
    let rows = list_stockouts(connection, store.id, span.first, span.last, night.cutoff()).await?;
    let stockout = |row: platform::db::stockout_events::StockoutRow| Stockout {
        product: row.product_id,
        day: row.business_date,
        from: row.sold_out_at,
        // A restocking that came to be known later is not ours to know.
        until: row.restocked_at.filter(|at| *at <= night.cutoff()),
        available_at: row.available_at,
    };
    Ok(rows.into_iter().map(stockout).collect())
}

async fn events(connection: &mut PgConnection, store: &StoreRow, night: Night, span: Span) -> Result<Vec<CalendarSpan>, NightError> {
    let rows = calendar_event_versions(connection, store.id, span.first, span.until, night.cutoff()).await?;
    let event = |event: platform::db::calendar_events::CalendarEventVersion| CalendarSpan {
        likelihood: if event.is_cancelled { 0.0 } else { event.likelihood },
        kind: event.kind,
        name: format!("{} {}", event.name, event.starts_on),
        from: event.starts_on.max(span.first),
        to: event.ends_on.min(span.until),
        available_at: event.available_at,
    };
    Ok(rows.into_iter().map(event).collect())
}

async fn promos(
    connection: &mut PgConnection,
    store: &StoreRow,
    night: Night,
    span: Span,
    products: &[ProductRow],
) -> Result<Vec<Promo>, NightError> {
    let prices: HashMap<Uuid, i64> = products.iter().filter_map(|product| Some((product.id, product.price?))).collect();
    let rows = promo_versions(connection, store.id, span.first, span.until, night.cutoff()).await?;
    let promo = |promo: platform::db::promos::PromoVersion| Promo {
        discount: if promo.is_cancelled { 0.0 } else { discount(promo.discount_share, promo.price, promo.product_id, &prices) },
        product: promo.product_id,
        name: format!("{} {}", promo.name, promo.starts_on),
        from: promo.starts_on.max(span.first),
        to: promo.ends_on.min(span.until),
        available_at: promo.available_at,
    };
    Ok(rows.into_iter().map(promo).collect())
}

/// Share of the price that a promo takes off, from the share itself or from the promo's own price.
fn discount(share: Option<f64>, price: Option<i64>, product: Option<Uuid>, prices: &HashMap<Uuid, i64>) -> f64 {
    let from_price = |price: i64| {
        let list = *prices.get(&product?)? as f64;
        (list > 0.0).then(|| (1.0 - price as f64 / list).clamp(0.0, 1.0))
    };
    // A promo that names neither is still a promo: a bundle, a gift. A tenth stands for it.
    share.or_else(|| price.and_then(from_price)).unwrap_or(0.1)
}

async fn weather(connection: &mut PgConnection, store: &StoreRow, night: Night, span: Span) -> Result<Vec<WeatherIssue>, NightError> {
    let Some(region) = &store.adm4 else { return Ok(Vec::new()) };
    let rows = weather_forecast_vintages(connection, region, span.first, span.until, night.cutoff()).await?;
    let issue = |row: platform::db::weather_forecasts::WeatherForecastRow| WeatherIssue {
        day: row.target_date,
        rain_mm: row.rain_mm.map(f64::from),
        temperature_c: row.temperature_c.map(f64::from),
        available_at: row.available_at,
    };
    Ok(rows.into_iter().map(issue).collect())
}

async fn news(
    connection: &mut PgConnection,
    store: &StoreRow,
    night: Night,
    span: Span,
    products: &[ProductRow],
) -> Result<Vec<NewsSignal>, NightError> {
    let Some(region) = &store.adm4 else { return Ok(Vec::new()) };
    let topics = topics(products);
    let mut signals = Vec::new();
    for row in news_signal_versions(connection, region, span.first, span.last, night.cutoff()).await? {
        for &product in topics.get(&row.topic.to_lowercase()).into_iter().flatten() {
            let topic = format!("{} {}", row.topic, row.region);
            let (day, volume, available_at) = (row.signal_date, f64::from(row.volume), row.available_at);
            signals.push(NewsSignal { product, topic, day, volume, available_at });
        }
    }
    Ok(signals)
}

/// Lower-case names of products and categories, with the products that news about them concerns.
fn topics(products: &[ProductRow]) -> BTreeMap<String, Vec<Uuid>> {
    let mut topics: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for product in products {
        topics.entry(product.name.to_lowercase()).or_default().push(product.id);
        if let Some(category) = product.category.as_ref().filter(|category| **category != product.name) {
            topics.entry(category.to_lowercase()).or_default().push(product.id);
        }
    }
    topics
}
