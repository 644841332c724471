//! Orders that a store takes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use domain::event::{Event, OrderChanged};
use platform::db::taken_orders::{
    NewOrder as TakenOrder, OrderFilter, OrderLineRow, OrderRow, get_order, insert_order, list_orders, order_lines,
};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::basket::{Catalogue, Item, NewItem, Pricing, all_right, check_past};
use crate::cursor::Cursor;
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName, PathNames, Query, optional_day, optional_name};
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::provenance::business_day;
use crate::record::announce;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(get))
}

/// How long ago an order may have been made that is written down only now.
const BACK: TimeDelta = TimeDelta::days(400);

/// A page of orders, newest first.
#[derive(Serialize, ToSchema)]
struct Orders {
    orders: Vec<Order>,
    /// For the `cursor` of the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Order {
    id: Uuid,
    /// `orders`: taken one by one; `api_bulk`: handed over by another program; else the file or the till that told of it.
    #[schema(example = "orders")]
    source: String,
    /// The source's own number.
    external_id: String,
    #[schema(required = true, example = "Bu Ani")]
    customer_name: Option<String>,
    #[schema(required = true, example = "081234567890")]
    customer_phone: Option<String>,
    /// Rupiah; null where the source tells no prices.
    #[schema(required = true, example = 36_000)]
    total_amount: Option<i64>,
    /// `pending`, `paid`, `completed`, `cancelled` or `refunded`.
    #[schema(example = "pending")]
    status: String,
    order_date: DateTime<Utc>,
    business_date: NaiveDate,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<OrderRow> for Order {
    fn from(row: OrderRow) -> Self {
        Self {
            id: row.id,
            source: row.source,
            external_id: row.external_id,
            customer_name: row.customer_name,
            customer_phone: row.customer_phone,
            total_amount: row.total_amount,
            status: row.status,
            order_date: row.order_date,
            business_date: row.business_date,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// An order with its items.
#[derive(Serialize, ToSchema)]
pub(super) struct WholeOrder {
    order: Order,
    items: Vec<OrderItem>,
}

#[derive(Serialize, ToSchema)]
struct OrderItem {
    /// Null where no product of the catalogue answers to it.
    #[schema(required = true)]
    product_id: Option<Uuid>,
    #[schema(example = "Ayam Geprek")]
    product: String,
    #[schema(example = 2.0)]
    quantity: f64,
    /// Rupiah.
    #[schema(required = true, example = 18_000)]
    unit_price: Option<i64>,
    /// Rupiah.
    #[schema(required = true, example = 36_000)]
    total_price: Option<i64>,
}

impl From<OrderLineRow> for OrderItem {
    fn from(row: OrderLineRow) -> Self {
        Self {
            product_id: row.product_id,
            product: row.product_name,
            quantity: row.quantity,
            unit_price: row.unit_price,
            total_price: row.total_price,
        }
    }
}

/// Where an order is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OrderStatus {
    Pending,
    Paid,
    Completed,
    Cancelled,
    Refunded,
}

impl OrderStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrderQuery {
    /// Where the orders are.
    #[param(nullable = false, inline)]
    status: Option<OrderStatus>,
    /// First business day.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// Last business day.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-30")]
    to: Option<NaiveDate>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    #[param(nullable = false, value_type = String)]
    cursor: Option<Cursor>,
    /// Most orders of a page.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: u16,
}

fn default_limit() -> u16 {
    50
}

/// Orders of a store, newest first. Whatever comes while they are read, each is on one page.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/orders", operation_id = "list_orders",
    tag = "orders",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), OrderQuery),
    responses(
        (status = 200, description = "A page of orders", body = Orders),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:read"))),
)]
async fn list(
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<OrderQuery>,
    Reader(mut transaction): Reader,
) -> Result<Json<Orders>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Orders)).await?;
    if !(1..=200).contains(&query.limit) {
        return Err(FieldError::new("limit", "must be between 1 and 200").into());
    }
    let filter = OrderFilter {
        status: query.status.map(OrderStatus::name),
        from: query.from,
        to: query.to,
        after: query.cursor.map(|Cursor(time, id)| (time, id)),
    };
    // One more tells whether there is another page.
    let limit = usize::from(query.limit);
    let mut rows = list_orders(&mut *transaction, store, filter, i64::from(query.limit) + 1).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| Cursor(row.order_date, row.id).to_string());
    Ok(Json(Orders { orders: rows.into_iter().map(Order::from).collect(), next_cursor }))
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    #[schema(min_items = 1, max_items = 200)]
    items: Vec<NewItem>,
    #[serde(default, deserialize_with = "optional_name")]
    #[schema(example = "Bu Ani", max_length = 100)]
    customer_name: Option<String>,
    #[serde(default, deserialize_with = "optional_name")]
    #[schema(example = "081234567890", max_length = 100)]
    customer_phone: Option<String>,
    /// Now if not said; within the last 400 days.
    #[serde(default)]
    #[schema(example = "2026-11-22T05:00:00Z")]
    order_date: Option<DateTime<Utc>>,
}

/// Take an order. With an `Idempotency-Key` the same request again is the same order.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/orders", operation_id = "create_order",
    tag = "orders",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        IdempotencyKey,
    ),
    request_body = NewOrder,
    responses(
        (status = 201, description = "The order, which waits for its money", body = WholeOrder),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:create"))),
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(store): PathName,
    Body(new): Body<NewOrder>,
) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Orders)).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let now = state.clock.now();
    let order_date = new.order_date.unwrap_or(now);
    let catalogue = Catalogue::of(&mut transaction, store.id).await?;
    let pricing = Pricing::Catalogue { may_differ: caller.require(store.id, Permission::to(Action::Update, Kind::Catalogue)).is_ok() };
    let lines = priced(&catalogue, &new.items, pricing, check_past(order_date, now, BACK, "order_date").err().into_iter().collect())?;
    let id = Uuid::now_v7();
    let order = TakenOrder {
        id,
        store_id: store.id,
        customer_name: new.customer_name.as_deref(),
        customer_phone: new.customer_phone.as_deref(),
        order_date,
        business_date: business_day(&store, order_date),
        lines: &lines,
        now,
    };
    insert_order(&mut transaction, &order).await?;
    let order = whole(&mut transaction, store.id, &id.to_string()).await?;
    announce(&mut transaction, &state, &changed(store.id, id, "pending")).await?;
    let answer = once.answer(&mut transaction, &state, &new, StatusCode::CREATED, &order).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// The lines of an order; each has a price.
fn priced(catalogue: &Catalogue, items: &[NewItem], pricing: Pricing, mut wrong: Vec<FieldError>) -> Result<Vec<OrderLineRow>, ApiError> {
    let items = catalogue.items(items, pricing, "items", &mut wrong);
    all_right(wrong)?;
    let line = |item: &Item<'_>| OrderLineRow {
        product_id: Some(item.product.id),
        product_name: item.product.name.clone(),
        quantity: item.quantity,
        unit_price: item.unit_price,
        total_price: item.total(),
    };
    Ok(items.iter().map(line).collect())
}

/// One order with its items.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/orders/{order}", operation_id = "get_order",
    tag = "orders",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("order" = Uuid, Path, description = "Id of the order"),
    ),
    responses(
        (status = 200, description = "The order", body = WholeOrder),
        (status = 404, description = "No such store or order", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:read"))),
)]
async fn get(
    caller: Caller,
    PathNames([store, order]): PathNames<2>,
    Reader(mut transaction): Reader,
) -> Result<Json<WholeOrder>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Orders)).await?;
    whole(&mut transaction, store, &order).await.map(Json)
}

pub(super) fn changed(store: Uuid, order: Uuid, status: &str) -> Event {
    Event::OrderChanged(OrderChanged { store_id: store.into(), order_id: order, order_status: status.to_owned() })
}

/// An order of this store, with its items.
pub(super) async fn whole(connection: &mut PgConnection, store_id: Uuid, order: &str) -> Result<WholeOrder, ApiError> {
    let id = Uuid::try_parse(order).map_err(|_| missing(order))?;
    let row = get_order(&mut *connection, store_id, id).await?.ok_or_else(|| missing(order))?;
    let lines = order_lines(connection, id).await?;
    Ok(WholeOrder { order: row.into(), items: lines.into_iter().map(OrderItem::from).collect() })
}

pub(super) fn missing(order: &str) -> ApiError {
    ApiError::NotFound { resource: Resource::Order, name: order.to_owned() }
}
