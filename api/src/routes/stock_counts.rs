//! What lies on the shelf when somebody counts.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::ingredients::list_ingredients;
use platform::db::products::list_products;
use platform::db::stock_counts::{StockCount as Row, insert_stock_count, list_stock_counts};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::basket::{all_right, check_past, thousandths};
use crate::error::{ApiError, FieldError};
use crate::extract::{Body, PathName, Query, optional_day, optional_name};
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::provenance::business_day;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, count))
}

/// Most counts of one request.
const MOST_COUNTS: usize = 200;
/// How long ago something may have been counted that is written down only now.
const BACK: TimeDelta = TimeDelta::days(31);

#[derive(Serialize, ToSchema)]
struct StockCounts {
    stock_counts: Vec<StockCount>,
}

#[derive(Serialize, ToSchema)]
struct StockCount {
    id: Uuid,
    /// Null for an ingredient.
    #[schema(required = true)]
    product_id: Option<Uuid>,
    /// Null for a product.
    #[schema(required = true)]
    ingredient_id: Option<Uuid>,
    /// Name of the product or ingredient.
    #[schema(example = "Ayam")]
    item: String,
    /// `open`, `during` or `close`.
    #[schema(example = "close")]
    moment: String,
    /// In the unit of the product or ingredient.
    #[schema(example = 4.5)]
    quantity: f64,
    #[schema(required = true)]
    note: Option<String>,
    counted_at: DateTime<Utc>,
    business_date: NaiveDate,
}

impl From<Row> for StockCount {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            product_id: row.product_id,
            ingredient_id: row.ingredient_id,
            item: row.item,
            moment: row.moment,
            quantity: row.quantity,
            note: row.note,
            counted_at: row.counted_at,
            business_date: row.business_date,
        }
    }
}

/// Which business days of a list are asked for: at most 92, the last seven if not said.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DaysQuery {
    /// First business day; six days before the last if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-17")]
    from: Option<NaiveDate>,
    /// Last business day; today if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-23")]
    to: Option<NaiveDate>,
}

impl DaysQuery {
    pub fn span(&self, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), FieldError> {
        let last = self.to.unwrap_or(today);
        let first = self.from.unwrap_or(last - Days::new(6));
        if (0..92).contains(&(last - first).num_days()) {
            return Ok((first, last));
        }
        Err(FieldError::unfit("from", "must be before `to`, by at most 91 days"))
    }
}

/// Most rows of a list of days.
pub(super) const MOST_ROWS: i64 = 2000;

/// What can be counted or thrown away in a store: names by id.
pub(super) struct Countables {
    products: HashMap<Uuid, String>,
    ingredients: HashMap<Uuid, String>,
}

impl Countables {
    pub async fn of(connection: &mut PgConnection, store_id: Uuid) -> Result<Self, ApiError> {
        let products = list_products(&mut *connection, store_id).await?;
        let ingredients = list_ingredients(connection, store_id).await?;
        Ok(Self {
            products: products.into_iter().map(|product| (product.id, product.name)).collect(),
            ingredients: ingredients.into_iter().map(|ingredient| (ingredient.id, ingredient.name)).collect(),
        })
    }

    /// How it is called. `at` is what comes before the name of the field that is wrong.
    pub fn name(&self, product: Option<Uuid>, ingredient: Option<Uuid>, at: &str) -> Result<String, FieldError> {
        let (name, field, kind) = match (product, ingredient) {
            (Some(id), None) => (self.products.get(&id), "product_id", "product"),
            (None, Some(id)) => (self.ingredients.get(&id), "ingredient_id", "ingredient"),
            _ => {
                let at = at.trim_end_matches('.');
                return Err(FieldError::unfit(at, "must have either `product_id` or `ingredient_id`"));
            }
        };
        name.cloned().ok_or_else(|| FieldError::unfit(format!("{at}{field}"), format!("is not a {kind} of this store")))
    }
}

/// Counts of a store, newest first; at most 2000.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/stock-counts", operation_id = "list_stock_counts",
    tag = "stock",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), DaysQuery),
    responses(
        (status = 200, description = "Counts of these business days", body = StockCounts),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("stock:read"))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<DaysQuery>,
    Reader(mut transaction): Reader,
) -> Result<Json<StockCounts>, ApiError> {
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Stock)).await?;
    let (first, last) = query.span(business_day(&store, state.clock.now()))?;
    let rows = list_stock_counts(&mut *transaction, store.id, first, last, MOST_ROWS).await?;
    Ok(Json(StockCounts { stock_counts: rows.into_iter().map(StockCount::from).collect() }))
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewStockCounts {
    /// When in the business day.
    moment: Moment,
    /// Now if not said; within the last 31 days.
    #[serde(default)]
    #[schema(example = "2026-11-22T14:00:00Z")]
    counted_at: Option<DateTime<Utc>>,
    #[schema(min_items = 1, max_items = 200)]
    counts: Vec<NewStockCount>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Moment {
    Open,
    During,
    Close,
}

impl Moment {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::During => "during",
            Self::Close => "close",
        }
    }
}

/// One product or one ingredient.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewStockCount {
    #[serde(default)]
    product_id: Option<Uuid>,
    #[serde(default)]
    ingredient_id: Option<Uuid>,
    /// In its unit, to three decimals.
    #[schema(example = 4.5, minimum = 0, maximum = 1_000_000)]
    quantity: f64,
    #[serde(default, deserialize_with = "optional_name")]
    #[schema(max_length = 100)]
    note: Option<String>,
}

/// Write down what was counted: all or nothing.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/stock-counts", operation_id = "create_stock_counts",
    tag = "stock",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), IdempotencyKey),
    request_body = NewStockCounts,
    responses(
        (status = 201, description = "The counts", body = StockCounts),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("stock:create"))),
)]
async fn count(
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(store): PathName,
    Body(new): Body<NewStockCounts>,
) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Stock)).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let now = state.clock.now();
    let counted_at = new.counted_at.unwrap_or(now);
    let business_date = business_day(&store, counted_at);
    let mut wrong: Vec<FieldError> = check_past(counted_at, now, BACK, "counted_at").err().into_iter().collect();
    if !(1..=MOST_COUNTS).contains(&new.counts.len()) {
        wrong.push(FieldError::new("counts", format!("must be 1 to {MOST_COUNTS} counts")));
    }
    let countables = Countables::of(&mut transaction, store.id).await?;
    let mut rows = Vec::new();
    for (count, index) in new.counts.iter().take(MOST_COUNTS).zip(0..) {
        let at = format!("counts[{index}].");
        if thousandths(count.quantity).is_none() {
            wrong.push(FieldError::unfit(format!("{at}quantity"), "must be 0 to 1000000, to three decimals"));
        }
        match countables.name(count.product_id, count.ingredient_id, &at) {
            Ok(item) => rows.push(Row {
                id: Uuid::now_v7(),
                product_id: count.product_id,
                ingredient_id: count.ingredient_id,
                item,
                moment: new.moment.name().to_owned(),
                quantity: count.quantity,
                note: count.note.clone(),
                counted_at,
                business_date,
            }),
            Err(error) => wrong.push(error),
        }
    }
    all_right(wrong)?;
    for row in &rows {
        insert_stock_count(&mut *transaction, store.id, row, now).await?;
    }
    let counts = StockCounts { stock_counts: rows.into_iter().map(StockCount::from).collect() };
    let answer = once.answer(&mut transaction, &state, &new, StatusCode::CREATED, &counts).await?;
    commit(transaction).await?;
    Ok(answer)
}
