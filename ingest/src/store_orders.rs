//! Orders of a till into the store's orders and daily totals.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::Idr;
use domain::event::{Event, EventError, SalesIngested};
use domain::ids::StoreId;
use domain::time::BusinessCalendar;
use platform::bus::{BusError, outbox};
use platform::db::orders::{OrderLine, copy_orders, daily_from_orders, days_left};
use platform::db::products::{NewProduct, list_products, upsert_products};
use platform::db::sales_daily::DailyLoad;
use platform::db::stores::{StoreRow, find_store};
use platform::db::{DbError, NewFacts};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::source::PosOrder;
use crate::store::Parsed;

/// Unit of a product that a till brings; the owner may change it.
const UNIT: &str = "porsi";

/// Why orders were not stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("no store `{scope}` of these orders is known")]
    NoStore { scope: String },
    #[error("store `{store}` has the time zone `{zone}`, which is no IANA name")]
    Zone { store: String, zone: String },
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Stores orders, products that are new, and the totals of the days they touch; answers how many orders are new or changed. The
/// nights that late orders concern are marked by the totals.
pub(crate) async fn store_orders(
    tx: &mut PgConnection,
    parsed: &Parsed<'_>,
    orders: &[PosOrder],
    now: DateTime<Utc>,
) -> Result<NewFacts, StoreError> {
    let no_store = || StoreError::NoStore { scope: parsed.scope.to_owned() };
    let store = find_store(&mut *tx, parsed.scope).await?.ok_or_else(no_store)?;
    let store_id = store.id;
    let calendar = calendar(&store)?;
    let orders = latest(orders);
    let days = orders.iter().map(|order| calendar.business_day(order.ordered_at));
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else { return Ok(NewFacts::default()) };
    let products = products(&mut *tx, store_id, &orders, calendar).await?;
    let lines = orders.iter().flat_map(|order| lines(order, calendar, &products));
    let named: Vec<(Option<Uuid>, &str)> = products.iter().map(|(name, id)| (Some(*id), name.as_str())).collect();
    let load = DailyLoad { store_id, source: parsed.source, raw_record_id: Some(parsed.record), recorded_at: now };
    let counts = copy_orders(&mut *tx, load, &named, lines).await?;
    let (first, last) = match days_left(&mut *tx).await? {
        Some((left, and_left)) => (first.min(left), last.max(and_left)),
        None => (first, last),
    };
    let changed = counts.inserted + counts.superseded;
    // Also when nothing is new: a day may have ended since its orders were told.
    daily_from_orders(&mut *tx, DailyLoad { raw_record_id: None, ..load }, first, last).await?;
    if changed > 0 {
        let event = Event::SalesIngested(SalesIngested { store_id: StoreId(store_id), from: first, to: last, rows: changed });
        outbox::record(tx, &event.seal(now)?).await?;
    }
    Ok(NewFacts { count: changed, earliest: None })
}

/// The last version of each order, by number: a record may tell of one several times.
fn latest(orders: &[PosOrder]) -> Vec<&PosOrder> {
    let mut latest: BTreeMap<&str, &PosOrder> = BTreeMap::new();
    for order in orders {
        let known = latest.entry(&order.number).or_insert(order);
        if order.updated_at >= known.updated_at {
            *known = order;
        }
    }
    latest.into_values().collect()
}

fn calendar(store: &StoreRow) -> Result<BusinessCalendar, StoreError> {
    let zone = || StoreError::Zone { store: store.slug.clone(), zone: store.time_zone.clone() };
    Ok(BusinessCalendar { time_zone: store.time_zone.parse().map_err(|_| zone())?, cutoff: store.business_day_cutoff })
}

/// Names and ids of the products that the orders name, by name; new ones are created.
async fn products(
    tx: &mut PgConnection,
    store_id: Uuid,
    orders: &[&PosOrder],
    calendar: BusinessCalendar,
) -> Result<Vec<(String, Uuid)>, DbError> {
    let known = list_products(&mut *tx, store_id).await?;
    let mut products: BTreeMap<String, Uuid> = known.into_iter().map(|product| (product.name, product.id)).collect();
    let mut new: BTreeMap<&str, (Option<i64>, NaiveDate)> = BTreeMap::new();
    for order in orders {
        let day = calendar.business_day(order.ordered_at);
        for item in order.items.iter().filter(|item| !products.contains_key(&item.product)) {
            let (price, first) = new.entry(&item.product).or_insert((item.unit_price, day));
            *price = item.unit_price.or(*price);
            *first = day.min(*first);
        }
    }
    let new: Vec<NewProduct> = new
        .into_iter()
        .map(|(name, (price, first))| NewProduct {
            name: name.to_owned(),
            category: None,
            unit: UNIT.to_owned(),
            price,
            batch_size: 1.0,
            shelf_life_days: 0,
            first_sold_on: Some(first),
        })
        .collect();
    if !new.is_empty() {
        products.extend(upsert_products(tx, store_id, &new).await?);
    }
    Ok(products.into_iter().collect())
}

/// The lines of one order.
fn lines<'a>(order: &'a PosOrder, calendar: BusinessCalendar, products: &'a [(String, Uuid)]) -> impl Iterator<Item = OrderLine<'a>> + 'a {
    let business_date = calendar.business_day(order.ordered_at);
    order.items.iter().filter_map(move |item| {
        let product = products.binary_search_by(|(name, _)| name.as_str().cmp(&item.product)).ok()?;
        Some(OrderLine {
            external_id: &order.number,
            ordered_at: order.ordered_at,
            business_date,
            product: u32::try_from(product).ok()?,
            quantity: item.quantity,
            unit_price: item.unit_price,
            total_price: item.unit_price.map(|price| Idr(price).times(item.quantity).0),
            available_at: Some(order.updated_at),
            is_cancelled: order.is_void,
        })
    })
}
