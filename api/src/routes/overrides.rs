//! Numbers of the plan that someone knows better.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use domain::ids::StoreId;
use domain::job::Replan;
use domain::plan::SCORED_DAYS;
use platform::db::forecasts::published_forecasts;
use platform::db::overrides::{
    NamedOverride, NewOverride, lock_overrides, named_overrides, override_outcomes, revoke_override, set_override, trusts,
};
use platform::db::products::find_product;
use platform::db::stores::StoreRow;
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::asked::{Asking, JobReference, ask};
use crate::basket::thousandths;
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName, PathNames, Query, optional_day};
use crate::field::reason;
use crate::problem::Problem;
use crate::provenance::{Provenance, business_day};
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(set, revoke))
}

/// How long it is known what came of a plan that was made again.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::days(7);

#[derive(Serialize, ToSchema)]
struct Overrides {
    overrides: Vec<Override>,
}

/// A person's number in the place of a forecast.
#[derive(Serialize, ToSchema)]
struct Override {
    id: Uuid,
    product_id: Uuid,
    #[schema(example = "Ayam Geprek")]
    product: String,
    #[schema(example = "porsi")]
    unit: String,
    date: NaiveDate,
    /// In `unit`.
    #[schema(example = 100.0)]
    quantity: f64,
    /// The mean forecast that it replaces; null where none is known.
    #[schema(required = true, example = 84.2)]
    model_quantity: Option<f64>,
    /// The run whose number that is.
    #[schema(required = true)]
    run_id: Option<Uuid>,
    #[schema(example = "Ada pesanan arisan")]
    reason: String,
    by: Person,
    /// What the number weighs in a plan, 1 for all: the more often someone was nearer to what was sold than the forecast, the more
    /// their number weighs. Scored over the last year, with the benefit of the doubt.
    #[schema(example = 0.94, minimum = 0, maximum = 1)]
    trust: f64,
    set_at: DateTime<Utc>,
}

/// Who said it; null where the account is gone or has no name.
#[derive(Clone, Serialize, ToSchema)]
pub(super) struct Person {
    #[schema(required = true)]
    pub user_id: Option<Uuid>,
    #[schema(required = true, example = "Sri")]
    pub name: Option<String>,
}

impl Override {
    fn of(row: NamedOverride, trusts: &HashMap<Option<Uuid>, f64>) -> Self {
        Self {
            id: row.id,
            product_id: row.product_id,
            product: row.product,
            unit: row.unit,
            date: row.target_date,
            quantity: row.quantity,
            model_quantity: row.model_quantity,
            run_id: row.run_id,
            reason: row.reason,
            trust: trusts.get(&row.user_id).copied().unwrap_or(1.0),
            by: Person { user_id: row.user_id, name: row.user_name },
            set_at: row.created_at,
        }
    }
}

/// Which days: at most 92, today and the thirteen after it if not said.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DaysAhead {
    /// First business day; today if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-23")]
    from: Option<NaiveDate>,
    /// Last business day; thirteen days after the first if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-12-06")]
    to: Option<NaiveDate>,
}

/// Overrides in force, by day and product.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/overrides", operation_id = "list_overrides",
    tag = "plan",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), DaysAhead),
    responses(
        (status = 200, description = "Overrides of these days that are in force", body = Overrides),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("overrides:read"))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<DaysAhead>,
    Reader(mut transaction): Reader,
) -> Result<Json<Overrides>, ApiError> {
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Overrides)).await?;
    let first = query.from.unwrap_or_else(|| business_day(&store, state.clock.now()));
    let last = query.to.unwrap_or(first + Days::new(13));
    if !(0..92).contains(&(last - first).num_days()) {
        return Err(FieldError::unfit("from", "must be before `to`, by at most 91 days").into());
    }
    let rows = named_overrides(&mut *transaction, store.id, None, first, last).await?;
    let trusts = if rows.is_empty() { HashMap::new() } else { weights(&mut transaction, &store, state.clock.now()).await? };
    Ok(Json(Overrides { overrides: rows.into_iter().map(|row| Override::of(row, &trusts)).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNumber {
    /// What will sell, in the unit of the product, to three decimals.
    #[schema(example = 100.0, minimum = 0, maximum = 1_000_000)]
    quantity: f64,
    /// Why: overrides are scored by person and reason.
    #[serde(deserialize_with = "reason")]
    #[schema(example = "Ada pesanan arisan", min_length = 1, max_length = 200)]
    reason: String,
}

/// An override, and the plan that follows it.
#[derive(Serialize, ToSchema)]
struct Replaced {
    #[serde(rename = "override")]
    replacement: Override,
    /// Makes the published plan again; null for a day that is not planned yet, whose night will look at it.
    #[schema(required = true)]
    job: Option<JobReference>,
}

/// Put a number in the place of a product's forecast, or of an earlier one; the plan follows within seconds. For today up to the last
/// day that is forecast.
#[utoipa::path(
    put,
    path = "/api/v1/stores/{store}/overrides/{date}/{product}", operation_id = "set_override",
    tag = "plan",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("date" = NaiveDate, Path, description = "Business day", example = "2026-11-24"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    request_body = NewNumber,
    responses(
        (status = 200, description = "The override as it is in force", body = Replaced),
        (status = 404, description = "No such store or product, or nothing published yet", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The product is not forecast for that day", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("overrides:update"))),
)]
async fn set(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, date, product]): PathNames<3>,
    Body(new): Body<NewNumber>,
) -> Result<Json<Replaced>, ApiError> {
    let now = state.clock.now();
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Overrides)).await?;
    let product_id = product_of(&mut transaction, store.id, &product).await?;
    if thousandths(new.quantity).is_none() {
        let wanted = "must be 0 to 1000000, to three decimals";
        let is_within = (0.0..=1e6).contains(&new.quantity);
        return Err(if is_within { FieldError::unfit("quantity", wanted) } else { FieldError::new("quantity", wanted) }.into());
    }
    lock_overrides(&mut transaction, store.id).await?;
    let run = Provenance::of(&mut transaction, &store, now).await?;
    let date = open_day(&date, &run)?;
    let cells = published_forecasts(&mut *transaction, store.id, Some("product"), date, date).await?;
    let model = cells.iter().find(|cell| cell.target_id == Some(product_id)).map(|cell| cell.yhat);
    let model = model.ok_or(ApiError::Conflict { rule: "product_is_not_forecast" })?;
    let number = NewOverride {
        product_id,
        target_date: date,
        quantity: new.quantity,
        reason: new.reason,
        user_id: Some(caller.user),
        run_id: Some(run.run_id),
        model_quantity: Some(model),
    };
    set_override(&mut transaction, store.id, now, &number).await?;
    let details = json!({ "date": date, "quantity": number.quantity, "reason": number.reason, "model_quantity": model });
    remember(&mut transaction, &state, &caller, Some(store.id), "override_set", &product, details).await?;
    let job = replan(&mut transaction, &state, &caller, &store, date, &run).await?;
    let trusts = weights(&mut transaction, &store, now).await?;
    let missing = || ApiError::NotFound { resource: Resource::Override, name: product.clone() };
    let row = named_overrides(&mut *transaction, store.id, Some(product_id), date, date).await?.pop().ok_or_else(missing)?;
    commit(transaction).await?;
    Ok(Json(Replaced { replacement: Override::of(row, &trusts), job }))
}

/// Take a number back: the forecast counts again, and the plan follows within seconds.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/overrides/{date}/{product}", operation_id = "revoke_override",
    tag = "plan",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("date" = NaiveDate, Path, description = "Business day", example = "2026-11-24"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    responses(
        (status = 204, description = "Taken back"),
        (status = 404, description = "No such store, product or override, or nothing published yet", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("overrides:delete"))),
)]
async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, date, product]): PathNames<3>,
) -> Result<StatusCode, ApiError> {
    let now = state.clock.now();
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Delete, Kind::Overrides)).await?;
    let product_id = product_of(&mut transaction, store.id, &product).await?;
    lock_overrides(&mut transaction, store.id).await?;
    let run = Provenance::of(&mut transaction, &store, now).await?;
    let date = open_day(&date, &run)?;
    if !revoke_override(&mut *transaction, store.id, product_id, date, now).await? {
        return Err(ApiError::NotFound { resource: Resource::Override, name: product });
    }
    remember(&mut transaction, &state, &caller, Some(store.id), "override_revoked", &product, json!({ "date": date })).await?;
    replan(&mut transaction, &state, &caller, &store, date, &run).await?;
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn product_of(connection: &mut PgConnection, store_id: Uuid, product: &str) -> Result<Uuid, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::Product, name: product.to_owned() };
    let id = Uuid::try_parse(product).map_err(|_| missing())?;
    find_product(connection, store_id, id).await?.map(|found| found.id).ok_or_else(missing)
}

/// A day whose number can still change something: what is over is scored, and beyond the horizon there is nothing to replace.
fn open_day(date: &str, run: &Provenance) -> Result<NaiveDate, ApiError> {
    let day = (date.len() == 10).then(|| NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()).flatten();
    let day = day.filter(|day| (1900..=2999).contains(&day.year()));
    let Some(day) = day else { return Err(FieldError::new("date", "must be a date such as 2026-11-23").into()) };
    let last = run.last_predicted_day();
    if day < run.today {
        return Err(FieldError::unfit("date", format!("is over: it is {} in the store", run.today)).into());
    }
    if day > last {
        return Err(FieldError::unfit("date", format!("is not forecast yet: the last day is {last}")).into());
    }
    Ok(day)
}

/// Asks for the published plan to be made again, if it plans that day.
async fn replan(
    transaction: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    store: &StoreRow,
    date: NaiveDate,
    run: &Provenance,
) -> Result<Option<JobReference>, ApiError> {
    if !(0..=1).contains(&(date - run.business_date).num_days()) {
        return Ok(None);
    }
    let asking = Asking { request: json!({}), bound: None, kept: KEPT };
    ask(transaction, state, caller, store.id, &Replan { store_id: StoreId(store.id) }, &asking).await.map(Some)
}

/// What each person's numbers weigh, as far as is known now.
async fn weights(connection: &mut PgConnection, store: &StoreRow, now: DateTime<Utc>) -> Result<HashMap<Option<Uuid>, f64>, ApiError> {
    let last = business_day(store, now) - Days::new(1);
    Ok(trusts(&override_outcomes(connection, store.id, last - Days::new(SCORED_DAYS), last, now).await?))
}
