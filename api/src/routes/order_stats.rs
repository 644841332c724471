//! What a store's orders add up to, by day, hour and product.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use domain::access::{Action, Permission, Resource as Kind};
use domain::ids::StoreId;
use platform::cache::keys;
use platform::db::order_stats::{DayOfOrders, HourOfOrders, ProductOfOrders, days_of_orders, hours_of_orders, products_of_orders};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::stock_counts::DaysQuery;
use crate::access::Caller;
use crate::error::ApiError;
use crate::extract::{Asked, PathName};
use crate::kept::{IfNoneMatch, kept};
use crate::problem::Problem;
use crate::provenance::today;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get))
}

const MOST_PRODUCTS: i64 = 100;

#[derive(Serialize, ToSchema)]
struct OrderStats {
    from: NaiveDate,
    to: NaiveDate,
    total: Total,
    /// Every business day, the first one first.
    days: Vec<DayStats>,
    /// Hours of the clock in the store's own zone in which something was sold, over all days.
    hours: Vec<HourStats>,
    /// The hundred that brought most rupiah, then most units.
    products: Vec<ProductStats>,
}

/// Over all days.
#[derive(Serialize, ToSchema)]
struct Total {
    /// Orders that were paid or completed.
    #[schema(example = 312, minimum = 0)]
    sold: i64,
    /// Rupiah of them.
    #[schema(example = 9_860_000, minimum = 0)]
    revenue: i64,
    /// Rupiah of one of them that has prices; null where none has.
    #[schema(required = true, example = 31_603)]
    average: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct DayStats {
    date: NaiveDate,
    /// Orders that were paid or completed.
    #[schema(example = 48, minimum = 0)]
    sold: i64,
    /// Orders that wait for their money.
    #[schema(example = 1, minimum = 0)]
    pending: i64,
    /// Orders that were cancelled or paid back.
    #[schema(example = 2, minimum = 0)]
    undone: i64,
    /// Rupiah of what was sold.
    #[schema(example = 1_517_000, minimum = 0)]
    revenue: i64,
    /// Sold orders whose source told no prices: `revenue` is without them.
    #[schema(example = 0, minimum = 0)]
    unpriced: i64,
}

#[derive(Serialize, ToSchema)]
struct HourStats {
    /// From its first minute to its last.
    #[schema(example = 12, minimum = 0, maximum = 23)]
    hour: i32,
    #[schema(example = 61, minimum = 0)]
    sold: i64,
    #[schema(example = 1_920_000, minimum = 0)]
    revenue: i64,
}

#[derive(Serialize, ToSchema)]
struct ProductStats {
    /// Null where no product of the catalogue answers to the name.
    #[schema(required = true)]
    product_id: Option<Uuid>,
    #[schema(example = "Ayam Geprek")]
    product: String,
    /// In its unit.
    #[schema(example = 214.0)]
    quantity: f64,
    /// Orders that it was in.
    #[schema(example = 187, minimum = 0)]
    orders: i64,
    #[schema(example = 3_852_000, minimum = 0)]
    revenue: i64,
}

impl OrderStats {
    fn of(first: NaiveDate, last: NaiveDate, known: &[DayOfOrders], hours: Vec<HourOfOrders>, products: Vec<ProductOfOrders>) -> Self {
        let days: Vec<DayStats> = first.iter_days().take_while(|date| *date <= last).map(|date| DayStats::of(date, known)).collect();
        let priced: i64 = days.iter().map(|day| day.sold - day.unpriced).sum();
        let revenue = days.iter().map(|day| day.revenue).sum();
        let total = Total { sold: days.iter().map(|day| day.sold).sum(), revenue, average: (priced > 0).then(|| revenue / priced) };
        let hours = hours.into_iter().map(|row| HourStats { hour: row.hour, sold: row.sold, revenue: row.revenue });
        let products = products.into_iter().map(|row| ProductStats {
            product_id: row.product_id,
            product: row.product,
            quantity: row.quantity,
            orders: row.orders,
            revenue: row.revenue,
        });
        Self { from: first, to: last, total, days, hours: hours.collect(), products: products.collect() }
    }
}

impl DayStats {
    /// A day without orders has none of anything.
    fn of(date: NaiveDate, known: &[DayOfOrders]) -> Self {
        let empty = Self { date, sold: 0, pending: 0, undone: 0, revenue: 0, unpriced: 0 };
        known.iter().find(|day| day.business_date == date).map_or(empty, |day| Self {
            date,
            sold: day.sold,
            pending: day.pending,
            undone: day.undone,
            revenue: day.revenue,
            unpriced: day.unpriced,
        })
    }
}

/// What the orders of a store add up to. Sales that came as daily totals are no orders, and not in it.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/order-stats", operation_id = "get_order_stats",
    tag = "orders",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), DaysQuery, IfNoneMatch),
    responses(
        (status = 200, description = "By day, hour and product", body = OrderStats, headers(("etag" = String, description = "Of these very bytes"))),
        (status = 304, description = "The caller has it already"),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:read"))),
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let store = caller.store_id(&state, &store, Permission::to(Action::Read, Kind::Orders)).await?;
    let today = today(&state, caller.tenant(), store).await?;
    let key = keys::orders_stats(StoreId(store)).part(&format!("{today}:{}", asked.text()));
    kept(&state.cache, &key, &headers, || find(&state, &caller, store, today, &asked)).await
}

async fn find(state: &AppState, caller: &Caller, store: Uuid, today: NaiveDate, asked: &Asked) -> Result<OrderStats, ApiError> {
    let (first, last) = asked.read::<DaysQuery>()?.span(today)?;
    let mut transaction = state.db.begin_read(caller.tenant()).await?;
    let days = days_of_orders(&mut *transaction, store, first, last).await?;
    let hours = hours_of_orders(&mut *transaction, store, first, last).await?;
    let products = products_of_orders(&mut *transaction, store, first, last, MOST_PRODUCTS).await?;
    Ok(OrderStats::of(first, last, &days, hours, products))
}
