//! Everything of the demo world that is not sales: calendar, weather, promos, news, stock-outs, market prices.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeZone as _, Utc};
use platform::db::calendar_events::{CalendarEventVersion, CalendarOf, insert_calendar_events};
use platform::db::market_prices::{MarketPriceVersion, insert_market_prices};
use platform::db::news_signals::{NewsSignalVersion, insert_news_signals};
use platform::db::promos::{PromoVersion, insert_promos};
use platform::db::stockout_events::{StockoutRow, insert_stockouts};
use platform::db::weather_forecasts::{WeatherForecastRow, insert_weather_forecasts};
use sqlx::PgConnection;
use standin::world::{CalendarEvent, CalendarKind, SimulatedWorld, Store};
use uuid::Uuid;

use super::SOURCE;
use super::catalogue::Products;
use crate::context::Context;

/// Days ahead that a shop knows of its own closings.
const CLOSINGS_KNOWN: u64 = 90;

/// What belongs to no single store: the national calendar, weather, market prices.
pub async fn load_shared(context: &Context, world: &SimulatedWorld) -> anyhow::Result<()> {
    let mut connection = context.db.work().acquire().await?;
    let events: Vec<_> = world.calendar.iter().flat_map(national).collect();
    insert_calendar_events(&mut *connection, &CalendarOf::Nation("id".to_owned()), SOURCE, &events).await?;
    let weather = world.weather_forecasts.iter().map(|row| WeatherForecastRow {
        region: row.region.clone(),
        target_date: row.date,
        issued_at: row.issued_at,
        available_at: row.available_at,
        temperature_c: Some(row.temperature_mean as f32),
        rain_mm: Some(row.rain_mm as f32),
        rain_probability: None,
        humidity_percent: Some(row.humidity as f32),
        wind_ms: Some((row.wind_kmh / 3.6) as f32),
    });
    let weather: Vec<_> = weather.collect();
    insert_weather_forecasts(&mut connection, SOURCE, None, &weather).await?;
    let prices: Vec<_> = world
        .market_prices
        .iter()
        .map(|row| MarketPriceVersion {
            commodity: row.ingredient.clone(),
            region: row.adm1.clone(),
            market: "traditional".to_owned(),
            price_date: row.date,
            price: row.price,
            unit: format!("{} {}", row.pack, row.unit),
            available_at: row.available_at,
        })
        .collect();
    insert_market_prices(&mut connection, SOURCE, None, context.clock.now(), &prices).await?;
    Ok(())
}

/// A marked day of the national calendar; Idul Fitri is a feast of its own beside being a holiday.
fn national(event: &CalendarEvent) -> Vec<CalendarEventVersion> {
    let version = |kind: &str| CalendarEventVersion {
        kind: kind.to_owned(),
        name: event.name.clone(),
        starts_on: event.date,
        ends_on: event.date,
        likelihood: 1.0,
        is_cancelled: false,
        available_at: event.available_at,
    };
    match event.kind {
        CalendarKind::Ramadan => vec![version("ramadan")],
        CalendarKind::JointLeave => vec![version("cuti_bersama")],
        CalendarKind::Holiday if event.name.contains("Idul Fitri") => vec![version("holiday"), version("lebaran")],
        CalendarKind::Holiday => vec![version("holiday")],
    }
}

/// What belongs to one store.
pub async fn load_store(
    connection: &mut PgConnection,
    world: &SimulatedWorld,
    store: &Store,
    store_id: Uuid,
    products: &Products,
) -> anyhow::Result<()> {
    insert_calendar_events(&mut *connection, &CalendarOf::Store(store_id), SOURCE, &closings(world, store)).await?;
    let promos: Vec<_> = world
        .promos
        .iter()
        .filter(|promo| promo.store == store.slug)
        .filter_map(|promo| {
            Some(PromoVersion {
                product_id: Some(*products.get(&promo.product)?),
                name: promo.name.clone(),
                starts_on: promo.starts_on,
                ends_on: promo.ends_on,
                discount_share: Some(f64::from(promo.discount_percent) / 100.0),
                price: None,
                is_cancelled: false,
                available_at: promo.available_at,
            })
        })
        .collect();
    insert_promos(&mut *connection, store_id, SOURCE, &promos).await?;
    insert_news_signals(&mut *connection, SOURCE, &news(world, store)).await?;
    let stockouts: Vec<_> = world
        .stockouts
        .iter()
        .filter(|event| event.store == store.slug)
        .filter_map(|event| {
            Some(StockoutRow {
                product_id: *products.get(&event.product)?,
                business_date: event.business_day,
                sold_out_at: instant(store, event.sold_out_at),
                restocked_at: None,
                available_at: event.available_at,
            })
        })
        .collect();
    insert_stockouts(connection, store_id, SOURCE, &stockouts).await?;
    Ok(())
}

fn instant(store: &Store, local: NaiveDateTime) -> DateTime<Utc> {
    store.zone.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
}

/// The store's own closed days, known well ahead.
fn closings(world: &SimulatedWorld, store: &Store) -> Vec<CalendarEventVersion> {
    let until = world.today.checked_add_days(Days::new(60)).unwrap_or(world.today);
    let closed = world.first_day.iter_days().take_while(|day| *day <= until).filter(|day| !store.is_open(*day, &world.definition.calendar));
    closed
        .map(|day| CalendarEventVersion {
            kind: "closed".to_owned(),
            name: "Tutup".to_owned(),
            starts_on: day,
            ends_on: day,
            likelihood: 1.0,
            is_cancelled: false,
            available_at: morning(day.checked_sub_days(Days::new(CLOSINGS_KNOWN)).unwrap_or(day)),
        })
        .collect()
}

fn morning(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// One signal for each product that a topic is about.
fn news(world: &SimulatedWorld, store: &Store) -> Vec<NewsSignalVersion> {
    let mut signals = Vec::new();
    for row in world.news_signals.iter().filter(|row| row.store == store.slug) {
        let topic = world.definition.topics.iter().find(|topic| topic.store == store.slug && topic.slug == row.topic);
        for product in topic.into_iter().flat_map(|topic| &topic.products) {
            signals.push(NewsSignalVersion {
                topic: product.clone(),
                region: store.region.adm4.clone(),
                signal_date: row.date,
                volume: row.mentions as f32,
                novelty: None,
                momentum: None,
                sentiment: None,
                available_at: row.available_at,
            });
        }
    }
    signals
}
