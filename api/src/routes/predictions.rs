//! What will sell: the published forecasts of a store, with ranges, confidence and where they come from.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use domain::access::{Action, Permission, Resource as Kind};
use domain::ids::StoreId;
use platform::cache::{Key, keys};
use platform::db::forecasts::{ForecastRow, published_forecasts};
use platform::db::tenant::Tenant;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::Caller;
use crate::error::{ApiError, FieldError};
use crate::extract::{Asked, PathName, optional_day, optional_text};
use crate::kept::{IfNoneMatch, keep, kept};
use crate::problem::Problem;
use crate::provenance::{Provenance, StoreReference, key_of_day};
use crate::routes::find_store;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Predictions of one published run.
#[derive(Serialize, ToSchema)]
struct Predictions {
    store: StoreReference,
    run: Provenance,
    /// By type, item and date.
    predictions: Vec<Prediction>,
}

/// What is expected of one item on one business day, in selling units (rupiah for `sales`).
#[derive(Serialize, ToSchema)]
struct Prediction {
    #[serde(rename = "type")]
    kind: PredictionType,
    #[schema(example = "Ayam Geprek")]
    item: String,
    /// Of the product or ingredient.
    #[schema(required = true)]
    item_id: Option<Uuid>,
    date: NaiveDate,
    /// Days ahead, from 1.
    #[schema(example = 1)]
    step: i32,
    /// The number to show: the mean forecast.
    #[schema(example = 85.2)]
    predicted_value: f64,
    /// The mean of the forecast distribution.
    #[schema(example = 85.2)]
    yhat: f64,
    /// Estimated probability that the actual lands within 20 %, or one selling unit, of `predicted_value`.
    #[schema(example = 0.71, minimum = 0, maximum = 1)]
    confidence_score: f64,
    quantiles: Quantiles,
    /// The forecaster that was chosen for this item.
    #[schema(example = "elastic_net")]
    chosen: String,
    /// Rung of the ladder this number came from; see `run.rung`.
    #[schema(example = "fresh")]
    rung: String,
    /// Additive contributions, where the forecaster gives them.
    #[schema(required = true, value_type = Option<Object>)]
    explanation: Option<serde_json::Value>,
}

/// Values that the actual stays below with probability 0.025, 0.05, ... 0.975; never falling.
#[derive(Serialize, ToSchema)]
pub(super) struct Quantiles {
    q025: f64,
    q05: f64,
    q10: f64,
    q25: f64,
    q50: f64,
    q75: f64,
    q90: f64,
    q95: f64,
    q975: f64,
}

impl From<[f64; 9]> for Quantiles {
    fn from([q025, q05, q10, q25, q50, q75, q90, q95, q975]: [f64; 9]) -> Self {
        Self { q025, q05, q10, q25, q50, q75, q90, q95, q975 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PredictionType {
    Product,
    Ingredient,
    Sales,
}

impl PredictionType {
    const ALL: [Self; 3] = [Self::Product, Self::Ingredient, Self::Sales];

    /// `None` for kinds that are not shown: categories are sums on the way, not predictions of their own.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Ingredient => "ingredient",
            Self::Sales => "sales",
        }
    }
}

impl Prediction {
    fn of(row: ForecastRow) -> Option<Self> {
        let kind = PredictionType::named(&row.target_kind)?;
        Some(Self {
            kind,
            item: row.target_item,
            item_id: row.target_id,
            date: row.target_date,
            step: row.step,
            predicted_value: row.yhat,
            yhat: row.yhat,
            confidence_score: row.confidence_score,
            quantiles: row.quantiles.into(),
            chosen: row.chosen,
            rung: row.rung,
            explanation: row.explanation,
        })
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PredictionQuery {
    /// What is predicted; all types by default.
    #[serde(rename = "type")]
    #[param(nullable = false, inline)]
    kind: Option<PredictionType>,
    /// First business day; by default the first one of the run.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-23")]
    from: Option<NaiveDate>,
    /// Last business day; by default the last one of the run.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-12-06")]
    to: Option<NaiveDate>,
    /// Name of one item.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "Ayam Geprek", max_length = 200)]
    item: Option<String>,
}

/// Published predictions of a store.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/predictions", operation_id = "list_predictions",
    tag = "predictions",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), PredictionQuery, IfNoneMatch),
    responses(
        (status = 200, description = "Predictions that pass the filter, with the run they come from", body = Predictions, headers(("etag" = String, description = "Of these very bytes"))),
        (status = 304, description = "The caller has them already"),
        (status = 404, description = "No such store, or nothing published yet", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("predictions:read"))),
)]
async fn list(
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

/// Loads all predictions, as who asks for nothing special will.
pub(super) async fn warm(state: &AppState, tenant: Tenant, store: Uuid) -> Result<(), ApiError> {
    let asked = Asked::nothing();
    let key = key(state, tenant, store, &asked).await?;
    keep(&state.cache, &key, find(state, tenant, store, &asked)).await.map(drop)
}

async fn key(state: &AppState, tenant: Tenant, store: Uuid, asked: &Asked) -> Result<Key, ApiError> {
    let kind = asked.parameter("type").unwrap_or("all");
    key_of_day(state, tenant, store, keys::predictions(StoreId(store), kind), asked).await
}

async fn find(state: &AppState, tenant: Tenant, store: Uuid, asked: &Asked) -> Result<Predictions, ApiError> {
    let query: PredictionQuery = asked.read()?;
    if matches!((query.from, query.to), (Some(from), Some(to)) if from > to) {
        return Err(FieldError::unfit("to", "must not be before `from`").into());
    }
    let mut transaction = state.db.begin_read(tenant).await?;
    let store = find_store(&mut transaction, &store.to_string()).await?;
    let run = Provenance::of(&mut transaction, &store, state.clock.now()).await?;
    let (first, last) = (query.from.unwrap_or(run.first_day), query.to.unwrap_or(run.last_predicted_day()));
    let kind = query.kind.map(PredictionType::as_str);
    let rows = published_forecasts(&mut *transaction, store.id, kind, first, last).await?;
    let wanted = |row: &ForecastRow| query.item.as_ref().is_none_or(|item| *item == row.target_item);
    let predictions = rows.into_iter().filter(wanted).filter_map(Prediction::of).collect();
    Ok(Predictions { store: store.into(), run, predictions })
}
