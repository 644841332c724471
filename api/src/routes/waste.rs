//! What was thrown away.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::tenant::commit;
use platform::db::waste_log::{Waste as Row, delete_waste, insert_waste, list_waste};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::stock_counts::{Countables, DaysQuery, MOST_ROWS};
use crate::access::{Caller, Reader};
use crate::basket::{all_right, thousandths};
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName, PathNames, Query, optional_name};
use crate::field::optional_date;
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::provenance::business_day;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, add)).routes(routes!(remove))
}

/// How long ago something may have been thrown away that is written down only now.
const BACK: TimeDelta = TimeDelta::days(31);

#[derive(Serialize, ToSchema)]
struct WasteLog {
    waste: Vec<Waste>,
}

#[derive(Serialize, ToSchema)]
struct Waste {
    id: Uuid,
    /// Null for an ingredient.
    #[schema(required = true)]
    product_id: Option<Uuid>,
    /// Null for a product.
    #[schema(required = true)]
    ingredient_id: Option<Uuid>,
    /// Name of the product or ingredient.
    #[schema(example = "Ayam Geprek")]
    item: String,
    /// In the unit of the product or ingredient.
    #[schema(example = 3.0)]
    quantity: f64,
    /// `unsold`, `spoiled`, `kitchen`, `returned` or `other`.
    #[schema(example = "unsold")]
    reason: String,
    #[schema(required = true)]
    note: Option<String>,
    business_date: NaiveDate,
    recorded_at: DateTime<Utc>,
}

impl From<Row> for Waste {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            product_id: row.product_id,
            ingredient_id: row.ingredient_id,
            item: row.item,
            quantity: row.quantity,
            reason: row.reason,
            note: row.note,
            business_date: row.business_date,
            recorded_at: row.recorded_at,
        }
    }
}

/// Waste of a store, newest first; at most 2000.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/waste", operation_id = "list_waste",
    tag = "stock",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), DaysQuery),
    responses(
        (status = 200, description = "Waste of these business days", body = WasteLog),
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
) -> Result<Json<WasteLog>, ApiError> {
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Stock)).await?;
    let (first, last) = query.span(business_day(&store, state.clock.now()))?;
    let rows = list_waste(&mut *transaction, store.id, first, last, MOST_ROWS).await?;
    Ok(Json(WasteLog { waste: rows.into_iter().map(Waste::from).collect() }))
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWaste {
    #[serde(default)]
    product_id: Option<Uuid>,
    #[serde(default)]
    ingredient_id: Option<Uuid>,
    /// In its unit, to three decimals.
    #[schema(example = 3.0, minimum = 0.001, maximum = 1_000_000)]
    quantity: f64,
    reason: WasteReason,
    #[serde(default, deserialize_with = "optional_name")]
    #[schema(max_length = 100)]
    note: Option<String>,
    /// Today if not said; within the last 31 days.
    #[serde(default, deserialize_with = "optional_date")]
    #[schema(example = "2026-11-22")]
    business_date: Option<NaiveDate>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WasteReason {
    /// Made, and not sold.
    Unsold,
    Spoiled,
    /// Lost while cooking.
    Kitchen,
    /// A customer gave it back.
    Returned,
    Other,
}

impl WasteReason {
    fn name(self) -> &'static str {
        match self {
            Self::Unsold => "unsold",
            Self::Spoiled => "spoiled",
            Self::Kitchen => "kitchen",
            Self::Returned => "returned",
            Self::Other => "other",
        }
    }
}

/// Write down what was thrown away.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/waste", operation_id = "add_waste",
    tag = "stock",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), IdempotencyKey),
    request_body = NewWaste,
    responses(
        (status = 201, description = "The entry", body = Waste),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("stock:create"))),
)]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(store): PathName,
    Body(new): Body<NewWaste>,
) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Stock)).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let now = state.clock.now();
    let today = business_day(&store, now);
    let business_date = new.business_date.unwrap_or(today);
    let mut wrong = Vec::new();
    if thousandths(new.quantity).is_none_or(|thousandths| thousandths <= 0) {
        wrong.push(FieldError::unfit("quantity", "must be more than 0, at most 1000000, to three decimals"));
    }
    if !(today - BACK..=today).contains(&business_date) {
        wrong.push(FieldError::unfit("business_date", "must be within the last 31 days, and not in the future"));
    }
    let name = Countables::of(&mut transaction, store.id).await?.name(new.product_id, new.ingredient_id, "");
    let item = name.unwrap_or_else(|error| {
        wrong.push(error);
        String::new()
    });
    all_right(wrong)?;
    let row = Row {
        id: Uuid::now_v7(),
        product_id: new.product_id,
        ingredient_id: new.ingredient_id,
        item,
        quantity: new.quantity,
        reason: new.reason.name().to_owned(),
        note: new.note.clone(),
        business_date,
        recorded_at: now,
    };
    insert_waste(&mut *transaction, store.id, &row).await?;
    let answer = once.answer(&mut transaction, &state, &new, StatusCode::CREATED, &Waste::from(row)).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// Delete an entry that was wrong.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/waste/{waste}", operation_id = "delete_waste",
    tag = "stock",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("waste" = Uuid, Path, description = "Id of the entry"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "No such store or entry", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("stock:delete"))),
)]
async fn remove(State(state): State<AppState>, caller: Caller, PathNames([store, waste]): PathNames<2>) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Delete, Kind::Stock)).await?;
    let missing = || ApiError::NotFound { resource: Resource::Waste, name: waste.clone() };
    let id = Uuid::try_parse(&waste).map_err(|_| missing())?;
    if !delete_waste(&mut *transaction, store.id, id).await? {
        return Err(missing());
    }
    remember(&mut transaction, &state, &caller, Some(store.id), "waste_deleted", &waste, json!({})).await?;
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}
