//! Orders that another program hands over, many at a time.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use domain::event::{Event, OrdersImported};
use platform::db::orders::{OrderLine, copy_orders};
use platform::db::sales_daily::DailyLoad;
use platform::db::stores::StoreRow;
use platform::db::taken_orders::{HANDED_OVER, first_day_rewritten, keep_days_left};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::Caller;
use crate::basket::{Catalogue, Item, NewItem, Pricing, all_right, check_past};
use crate::error::{ApiError, FieldError};
use crate::extract::{Body, PathName};
use crate::problem::Problem;
use crate::provenance::business_day;
use crate::record::{announce, remember};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(import))
}

const MOST_ORDERS: usize = 1000;
/// What was sold longer ago says nothing of tomorrow.
const BACK: TimeDelta = TimeDelta::days(5 * 366);
/// What was sold before is history: it is written anew only by those who may delete orders.
const FRESH: TimeDelta = TimeDelta::days(2);

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportedOrders {
    #[schema(min_items = 1, max_items = 1000)]
    orders: Vec<ImportedOrder>,
}

/// A finished order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportedOrder {
    /// The other program's own number: the same number is the same order.
    #[schema(example = "B-20261122-0007", max_length = 100)]
    external_id: String,
    /// Within the last five years.
    #[schema(example = "2026-11-22T05:00:00Z")]
    order_date: DateTime<Utc>,
    /// Taken back: it is kept, and counts nothing.
    #[serde(default)]
    #[schema(default = false)]
    is_cancelled: bool,
    /// No price is taken from the catalogue: it is today's.
    #[schema(min_items = 1, max_items = 200)]
    items: Vec<NewItem>,
}

/// What became of the orders.
#[derive(Serialize, ToSchema)]
struct ImportCounts {
    created: u64,
    /// Known with other content: this one counts now.
    changed: u64,
    unchanged: u64,
}

/// Hand over finished orders: all or none. The same again changes nothing; an order with another content takes the place of what was said
/// of it before. Orders of more than two days ago are handed over, and changed, by those with `orders:delete`. Their days are added up anew; they count
/// where `sales_source` of the store is `imports`.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/orders/bulk", operation_id = "import_orders",
    tag = "orders",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri")),
    request_body(content = ImportedOrders, description = "At most 2 MiB"),
    responses(
        (status = 200, description = "All of them are stored", body = ImportCounts),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:create"))),
)]
async fn import(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    Body(ImportedOrders { orders }): Body<ImportedOrders>,
) -> Result<Json<ImportCounts>, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Orders)).await?;
    let now = state.clock.now();
    let catalogue = Catalogue::of(&mut transaction, store.id).await?;
    let baskets = baskets(&catalogue, &orders, now)?;
    let products: Vec<(Option<Uuid>, &str)> = catalogue.products.iter().map(|product| (Some(product.id), product.name.as_str())).collect();
    let load = DailyLoad { store_id: store.id, source: HANDED_OVER, raw_record_id: None, recorded_at: now };
    let lines = lines(&store, &orders, &baskets);
    let counts = copy_orders(&mut transaction, load, &products, lines.into_iter()).await?;
    keep_days_left(&mut transaction).await?;
    // What was told of days gone by, and what was told of them before.
    let told = orders.iter().map(|order| business_day(&store, order.order_date));
    let rewritten = first_day_rewritten(&mut transaction).await?;
    if told.chain(rewritten).min() < Some(business_day(&store, now - FRESH)) {
        caller.require(store.id, Permission::to(Action::Delete, Kind::Orders))?;
    }
    let answer = ImportCounts { created: counts.inserted, changed: counts.superseded, unchanged: counts.unchanged };
    let imported = OrdersImported { store_id: store.id.into(), imported: answer.created + answer.changed };
    announce(&mut transaction, &state, &Event::OrdersImported(imported)).await?;
    remember(&mut transaction, &state, &caller, Some(store.id), "orders_imported", HANDED_OVER, json!(answer)).await?;
    commit(transaction).await?;
    Ok(Json(answer))
}

/// The items of each order.
fn baskets<'a>(catalogue: &'a Catalogue, orders: &[ImportedOrder], now: DateTime<Utc>) -> Result<Vec<Vec<Item<'a>>>, ApiError> {
    if !(1..=MOST_ORDERS).contains(&orders.len()) {
        return Err(FieldError::new("orders", format!("must be 1 to {MOST_ORDERS} orders")).into());
    }
    let mut wrong = Vec::new();
    let mut numbers = HashSet::new();
    let mut baskets = Vec::with_capacity(orders.len());
    for (order, index) in orders.iter().zip(0..) {
        let at = format!("orders[{index}]");
        let number = &order.external_id;
        if number.trim().is_empty() || number.chars().count() > 100 || number.contains(char::is_control) {
            wrong.push(FieldError::new(format!("{at}.external_id"), "must be 1 to 100 characters without control characters"));
        } else if !numbers.insert(number) {
            wrong.push(FieldError::unfit(format!("{at}.external_id"), "is the number of another order of this request"));
        }
        wrong.extend(check_past(order.order_date, now, BACK, &format!("{at}.order_date")).err());
        baskets.push(catalogue.items(&order.items, Pricing::AsSaid, &format!("{at}.items"), &mut wrong));
    }
    all_right(wrong)?;
    Ok(baskets)
}

fn lines<'a>(store: &StoreRow, orders: &'a [ImportedOrder], baskets: &[Vec<Item<'_>>]) -> Vec<OrderLine<'a>> {
    let of_order = |(order, items): (&'a ImportedOrder, &Vec<Item<'_>>)| {
        let business_date = business_day(store, order.order_date);
        let line = |item: &Item<'_>| OrderLine {
            external_id: &order.external_id,
            ordered_at: order.order_date,
            business_date,
            product: item.place,
            quantity: item.quantity,
            unit_price: item.unit_price,
            total_price: item.total(),
            available_at: None,
            is_cancelled: order.is_cancelled,
        };
        items.iter().map(line).collect::<Vec<_>>()
    };
    orders.iter().zip(baskets).flat_map(of_order).collect()
}
