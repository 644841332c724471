//! What to prepare and what to buy.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{Days, NaiveDate};
use domain::access::{Action, Permission, Resource as Kind};
use domain::ids::StoreId;
use platform::cache::{Key, keys};
use platform::db::plan_items::{PlanItemRow, published_plan};
use platform::db::tenant::Tenant;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::Caller;
use crate::error::ApiError;
use crate::extract::{Asked, PathName, optional_day};
use crate::kept::{IfNoneMatch, keep, kept};
use crate::problem::Problem;
use crate::provenance::{Provenance, StoreReference, key_of_day};
use crate::routes::find_store;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get))
}

/// The published plan of a store.
#[derive(Serialize, ToSchema)]
struct Plan {
    store: StoreReference,
    run: Provenance,
    days: Vec<DayPlan>,
}

/// One business day.
#[derive(Serialize, ToSchema)]
struct DayPlan {
    date: NaiveDate,
    /// What to make, in the order to think of it.
    prep: Vec<PrepItem>,
    /// What the kitchen makes on the way to it (sambal, dough), in whole batches.
    kitchen: Vec<PrepItem>,
    /// What to buy for it, after what earlier purchases leave over.
    purchases: Vec<PurchaseItem>,
    /// Cost of the purchases in rupiah, as far as their prices are known.
    #[schema(example = 845_000)]
    purchase_total: i64,
    /// Purchases without a known price, which `purchase_total` leaves out.
    unpriced_purchases: usize,
}

/// Something to make.
#[derive(Serialize, ToSchema)]
struct PrepItem {
    #[schema(example = "Ayam Geprek")]
    item: String,
    /// Set for what is sold.
    #[schema(required = true)]
    product_id: Option<Uuid>,
    /// Set for what the kitchen makes on the way.
    #[schema(required = true)]
    ingredient_id: Option<Uuid>,
    /// all, morning, midday or evening.
    #[schema(example = "all")]
    part_of_day: String,
    #[schema(example = "porsi")]
    unit: String,
    /// What is expected to be sold or used, in `unit`.
    #[schema(example = 85.2)]
    expected: f64,
    #[schema(example = 70.0)]
    low: f64,
    #[schema(example = 100.0)]
    high: f64,
    /// What to make, in `unit`: whole batches.
    #[schema(example = 90.0)]
    quantity: f64,
    /// How many batches that is.
    #[schema(example = 9)]
    batches: i32,
    #[schema(required = true)]
    reason: Option<String>,
}

/// Something to buy.
#[derive(Serialize, ToSchema)]
struct PurchaseItem {
    #[schema(example = "Ayam")]
    item: String,
    #[schema(required = true)]
    ingredient_id: Option<Uuid>,
    #[schema(example = "kg")]
    unit: String,
    /// What the day's preparation uses, in `unit`.
    #[schema(example = 11.3)]
    needed: f64,
    low: f64,
    high: f64,
    /// What to buy, in `unit`: whole packs.
    #[schema(example = 12.0)]
    quantity: f64,
    /// How many packs that is.
    #[schema(example = 12)]
    packs: i32,
    /// In rupiah; null where the price is unknown.
    #[schema(required = true, example = 432_000)]
    cost: Option<i64>,
    #[schema(required = true)]
    reason: Option<String>,
}

impl From<PlanItemRow> for PrepItem {
    fn from(row: PlanItemRow) -> Self {
        Self {
            item: row.item,
            product_id: row.product_id,
            ingredient_id: row.ingredient_id,
            part_of_day: row.part_of_day,
            unit: row.unit,
            expected: row.need,
            low: row.low,
            high: row.high,
            quantity: row.quantity,
            batches: row.pieces,
            reason: row.reason,
        }
    }
}

impl From<PlanItemRow> for PurchaseItem {
    fn from(row: PlanItemRow) -> Self {
        Self {
            item: row.item,
            ingredient_id: row.ingredient_id,
            unit: row.unit,
            needed: row.need,
            low: row.low,
            high: row.high,
            quantity: row.quantity,
            packs: row.pieces,
            cost: row.cost,
            reason: row.reason,
        }
    }
}

impl DayPlan {
    fn of(date: NaiveDate, rows: Vec<PlanItemRow>) -> Self {
        let (purchases, made): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.kind == "purchase");
        let (prep, kitchen): (Vec<_>, Vec<_>) = made.into_iter().partition(|row| row.kind == "prep");
        let purchases: Vec<PurchaseItem> = purchases.into_iter().map(PurchaseItem::from).collect();
        Self {
            date,
            prep: prep.into_iter().map(PrepItem::from).collect(),
            kitchen: kitchen.into_iter().map(PrepItem::from).collect(),
            purchase_total: purchases.iter().filter_map(|item| item.cost).sum(),
            unpriced_purchases: purchases.iter().filter(|item| item.cost.is_none()).count(),
            purchases,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PlanQuery {
    /// One business day; by default the day of the published run and the one after it.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-23")]
    date: Option<NaiveDate>,
}

/// Published plan of a store: today's and tomorrow's, or one day's.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/plan", operation_id = "get_plan",
    tag = "plan",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), PlanQuery, IfNoneMatch),
    responses(
        (status = 200, description = "Prep list and purchase list of each day; empty lists for a day that is not planned", body = Plan, headers(("etag" = String, description = "Of these very bytes"))),
        (status = 304, description = "The caller has it already"),
        (status = 404, description = "No such store, or nothing published yet", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("predictions:read"))),
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let store = caller.store_id(&state, &store, Permission::to(Action::Read, Kind::Predictions)).await?;
    let key = key(&state, caller.tenant(), store, &asked).await?;
    kept(&state.cache, &key, &headers, || find(&state, caller.tenant(), store, &asked)).await
}

/// Loads what who opens the plan will ask for.
pub(super) async fn warm(state: &AppState, tenant: Tenant, store: Uuid) -> Result<(), ApiError> {
    let asked = Asked::nothing();
    let key = key(state, tenant, store, &asked).await?;
    keep(&state.cache, &key, find(state, tenant, store, &asked)).await.map(drop)
}

async fn key(state: &AppState, tenant: Tenant, store: Uuid, asked: &Asked) -> Result<Key, ApiError> {
    key_of_day(state, tenant, store, keys::plan(StoreId(store)), asked).await
}

async fn find(state: &AppState, tenant: Tenant, store: Uuid, asked: &Asked) -> Result<Plan, ApiError> {
    let query: PlanQuery = asked.read()?;
    let mut transaction = state.db.begin_read(tenant).await?;
    let store = find_store(&mut transaction, &store.to_string()).await?;
    let run = Provenance::of(&mut transaction, &store, state.clock.now()).await?;
    let dates = match query.date {
        Some(date) => vec![date],
        None => [Some(run.business_date), run.business_date.checked_add_days(Days::new(1))].into_iter().flatten().collect(),
    };
    let mut days = Vec::with_capacity(dates.len());
    for date in dates {
        days.push(DayPlan::of(date, published_plan(&mut *transaction, store.id, date).await?));
    }
    Ok(Plan { store: store.into(), run, days })
}
