//! What a store sells for less, and when. A plan is never overwritten: what a night knew is asked for later.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::products::list_products;
use platform::db::promos::{Promo as Row, PromoVersion, insert_promos, list_promos, lock_promos};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::events::{PlanQuery, check_span};
use crate::access::{Caller, Reader};
use crate::basket::all_right;
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName, PathNames, Query, day, name};
use crate::field::optional_rupiah;
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(change, cancel))
}

#[derive(Serialize, ToSchema)]
struct Promos {
    promos: Vec<Promo>,
}

#[derive(Serialize, ToSchema)]
struct Promo {
    /// Stays when the promo changes.
    id: Uuid,
    /// Null: the whole store.
    #[schema(required = true)]
    product_id: Option<Uuid>,
    #[schema(example = "Gajian hemat")]
    name: String,
    starts_on: NaiveDate,
    /// The last day.
    ends_on: NaiveDate,
    /// Share of the price that is taken off.
    #[schema(required = true, example = 0.2)]
    discount_share: Option<f64>,
    /// Rupiah during the promo.
    #[schema(required = true)]
    price: Option<i64>,
    /// When it was last changed.
    changed_at: DateTime<Utc>,
}

impl From<Row> for Promo {
    fn from(Row { id, version }: Row) -> Self {
        Self {
            id,
            product_id: version.product_id,
            name: version.name,
            starts_on: version.starts_on,
            ends_on: version.ends_on,
            discount_share: version.discount_share,
            price: version.price,
            changed_at: version.available_at,
        }
    }
}

/// Promos of a store by their first day, without those that were cancelled.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/promos", operation_id = "list_promos",
    tag = "calendar",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), PlanQuery),
    responses(
        (status = 200, description = "Promos", body = Promos),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calendar:read"))),
)]
async fn list(
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<PlanQuery>,
    Reader(mut transaction): Reader,
) -> Result<Json<Promos>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Calendar)).await?;
    let rows = list_promos(&mut *transaction, store).await?;
    let planned = rows.into_iter().filter(|row| !row.version.is_cancelled && query.touches(row.version.starts_on, row.version.ends_on));
    Ok(Json(Promos { promos: planned.map(Promo::from).collect() }))
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPromo {
    /// The whole store if not said.
    #[serde(default)]
    product_id: Option<Uuid>,
    #[serde(deserialize_with = "name")]
    #[schema(example = "Gajian hemat", max_length = 100)]
    name: String,
    #[serde(deserialize_with = "day")]
    #[schema(value_type = NaiveDate, example = "2026-11-25")]
    starts_on: NaiveDate,
    /// The last day.
    #[serde(deserialize_with = "day")]
    #[schema(value_type = NaiveDate, example = "2026-11-27")]
    ends_on: NaiveDate,
    /// Share of the price that is taken off.
    #[serde(default)]
    #[schema(example = 0.2, minimum = 0, maximum = 1)]
    discount_share: Option<f64>,
    /// Rupiah during the promo, of one product.
    #[serde(default, deserialize_with = "optional_rupiah")]
    #[schema(example = 15_000, minimum = 0, maximum = 1_000_000_000)]
    price: Option<i64>,
}

/// What can change of a promo; another name, product or first day is another promo.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PromoChange {
    /// The last day.
    #[serde(deserialize_with = "day")]
    #[schema(value_type = NaiveDate, example = "2026-11-28")]
    ends_on: NaiveDate,
    /// None if not said.
    #[serde(default)]
    #[schema(example = 0.25, minimum = 0, maximum = 1)]
    discount_share: Option<f64>,
    /// None if not said.
    #[serde(default, deserialize_with = "optional_rupiah")]
    #[schema(example = 15_000, minimum = 0, maximum = 1_000_000_000)]
    price: Option<i64>,
}

/// Plan a promo.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/promos", operation_id = "create_promo",
    tag = "calendar",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), IdempotencyKey),
    request_body = NewPromo,
    responses(
        (status = 201, description = "The promo", body = Promo),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is planned already: change it, or the same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calendar:create"))),
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(store): PathName,
    Body(new): Body<NewPromo>,
) -> Result<Response, ApiError> {
    let (mut transaction, store_id) = locked(&state, &caller, &store, Action::Create).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let version = PromoVersion {
        product_id: new.product_id,
        name: new.name.clone(),
        starts_on: new.starts_on,
        ends_on: new.ends_on,
        discount_share: new.discount_share,
        price: new.price,
        is_cancelled: false,
        available_at: state.clock.now(),
    };
    let mut wrong = wrong_with(&version, state.clock.now());
    if let Some(product) = version.product_id
        && !list_products(&mut *transaction, store_id).await?.iter().any(|row| row.id == product)
    {
        wrong.push(FieldError::unfit("product_id", "is not a product of this store"));
    }
    all_right(wrong)?;
    let before = same(&mut transaction, store_id, &version).await?;
    if before.as_ref().is_some_and(|before| !before.version.is_cancelled) {
        return Err(ApiError::Conflict { rule: "promo_is_planned" });
    }
    let promo = store_version(&mut transaction, store_id, version, before).await?;
    remember(&mut transaction, &state, &caller, Some(store_id), "promo_created", &promo.id.to_string(), json!(promo)).await?;
    let answer = once.answer(&mut transaction, &state, &new, StatusCode::CREATED, &promo).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// Change a promo.
#[utoipa::path(
    put,
    path = "/api/v1/stores/{store}/promos/{promo}", operation_id = "change_promo",
    tag = "calendar",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("promo" = Uuid, Path, description = "Id of the promo"),
    ),
    request_body = PromoChange,
    responses(
        (status = 200, description = "The promo as it is now", body = Promo),
        (status = 404, description = "No such store or promo", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calendar:update"))),
)]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, promo]): PathNames<2>,
    Body(change): Body<PromoChange>,
) -> Result<Json<Promo>, ApiError> {
    let (mut transaction, store_id) = locked(&state, &caller, &store, Action::Update).await?;
    let before = planned(&mut transaction, store_id, &promo).await?;
    let PromoChange { ends_on, discount_share, price } = change;
    let version = PromoVersion { ends_on, discount_share, price, available_at: state.clock.now(), ..before.version.clone() };
    all_right(wrong_with(&version, state.clock.now()))?;
    let changed = store_version(&mut transaction, store_id, version, Some(before)).await?;
    remember(&mut transaction, &state, &caller, Some(store_id), "promo_changed", &promo, json!(changed)).await?;
    commit(transaction).await?;
    Ok(Json(changed))
}

/// Cancel a promo.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/promos/{promo}", operation_id = "cancel_promo",
    tag = "calendar",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("promo" = Uuid, Path, description = "Id of the promo"),
    ),
    responses(
        (status = 204, description = "Cancelled"),
        (status = 404, description = "No such store or promo", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calendar:delete"))),
)]
async fn cancel(State(state): State<AppState>, caller: Caller, PathNames([store, promo]): PathNames<2>) -> Result<StatusCode, ApiError> {
    let (mut transaction, store_id) = locked(&state, &caller, &store, Action::Delete).await?;
    let before = planned(&mut transaction, store_id, &promo).await?;
    let version = PromoVersion { is_cancelled: true, available_at: state.clock.now(), ..before.version.clone() };
    store_version(&mut transaction, store_id, version, Some(before)).await?;
    remember(&mut transaction, &state, &caller, Some(store_id), "promo_cancelled", &promo, json!({})).await?;
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A transaction in which nobody else changes the promos of the store.
async fn locked(
    state: &AppState,
    caller: &Caller,
    store: &str,
    action: Action,
) -> Result<(Transaction<'static, Postgres>, Uuid), ApiError> {
    let mut transaction = caller.begin(state).await?;
    let store = caller.store(&mut transaction, store, Permission::to(action, Kind::Calendar)).await?;
    lock_promos(&mut transaction, store.id).await?;
    Ok((transaction, store.id))
}

async fn planned(connection: &mut PgConnection, store_id: Uuid, promo: &str) -> Result<Row, ApiError> {
    let id = Uuid::try_parse(promo).ok();
    let rows = list_promos(connection, store_id).await?;
    let found = rows.into_iter().find(|row| Some(row.id) == id && !row.version.is_cancelled);
    found.ok_or_else(|| ApiError::NotFound { resource: Resource::Promo, name: promo.to_owned() })
}

/// The promo that this is a version of, if there is one.
async fn same(connection: &mut PgConnection, store_id: Uuid, version: &PromoVersion) -> Result<Option<Row>, ApiError> {
    let key = |version: &PromoVersion| (version.product_id, version.starts_on, version.name.clone());
    Ok(list_promos(connection, store_id).await?.into_iter().find(|row| key(&row.version) == key(version)))
}

fn wrong_with(version: &PromoVersion, now: DateTime<Utc>) -> Vec<FieldError> {
    let mut wrong = check_span(version.starts_on, version.ends_on, now);
    if version.discount_share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        wrong.push(FieldError::new("discount_share", "must be 0 to 1"));
    }
    if version.price.is_some_and(|price| !(0..=1_000_000_000).contains(&price)) {
        wrong.push(FieldError::new("price", "must be 0 to 1000000000 rupiah"));
    } else if version.price.is_some() && version.product_id.is_none() {
        wrong.push(FieldError::unfit("price", "is of one product: name it in `product_id`"));
    }
    wrong
}

/// Appends a version that says something new; what is known stays known.
async fn store_version(
    connection: &mut PgConnection,
    store_id: Uuid,
    mut version: PromoVersion,
    before: Option<Row>,
) -> Result<Promo, ApiError> {
    if let Some(before) = &before {
        if (PromoVersion { available_at: before.version.available_at, ..version.clone() }) == before.version {
            return Ok(before.clone().into());
        }
        // Two changes at one instant still come one after the other.
        version.available_at = version.available_at.max(before.version.available_at + TimeDelta::microseconds(1));
    }
    insert_promos(&mut *connection, store_id, "api", std::slice::from_ref(&version)).await?;
    let stored = same(connection, store_id, &version).await?;
    let missing = || ApiError::NotFound { resource: Resource::Promo, name: version.name.clone() };
    stored.map(Promo::from).ok_or_else(missing)
}
