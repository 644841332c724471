//! QRIS payments of orders.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::orders::lock_order;
use platform::db::payment_reconciliations::{Reconciliation, list_reconciliations};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::error::{ApiError, Resource};
use crate::extract::{PathName, PathNames};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_of_order, create))
        .routes(routes!(get))
        .routes(routes!(svg))
        .routes(routes!(png))
        .routes(routes!(check))
        .routes(routes!(cancel))
        .routes(routes!(reconciliations))
}

/// Money for an order.
#[derive(Serialize, ToSchema)]
struct Payment {
    id: Uuid,
    order_id: Uuid,
    /// Rupiah.
    #[schema(example = 36_000)]
    amount: i64,
    /// `pending` (the code is being made), `awaiting` (it can be scanned), `succeeded`, `failed`, `expired`, `cancelled`, `refunded`.
    #[schema(example = "awaiting")]
    status: String,
    /// What the code says (EMV QRIS), while it can be scanned.
    #[schema(required = true, example = "00020101021226...6304A1B2")]
    qr: Option<String>,
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    paid_at: Option<DateTime<Utc>>,
    /// In the provider's words.
    #[schema(required = true)]
    failure_code: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<payments::Payment> for Payment {
    fn from(payment: payments::Payment) -> Self {
        Self {
            id: payment.id,
            order_id: payment.order_id,
            amount: payment.amount.0,
            status: payment.status.as_str().to_owned(),
            qr: payment.qr,
            expires_at: payment.expires_at,
            paid_at: payment.paid_at,
            failure_code: payment.failure_code,
            created_at: payment.created_at,
        }
    }
}

/// By the time they were made.
#[derive(Serialize, ToSchema)]
struct Payments {
    payments: Vec<Payment>,
}

/// Payments of an order.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/orders/{order}/payments", operation_id = "list_payments",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("order" = Uuid, Path, description = "Id of the order"),
    ),
    responses(
        (status = 200, description = "Payments of the order", body = Payments),
        (status = 404, description = "No such store or order", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("payments:read"))),
)]
async fn list_of_order(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, order]): PathNames<2>,
) -> Result<Json<Payments>, ApiError> {
    let order = order_of(&state, &caller, &store, &order, Action::Read).await?;
    let payments = state.payments.payments_of_order(caller.tenant(), order).await?;
    Ok(Json(Payments { payments: payments.into_iter().map(Payment::from).collect() }))
}

/// Ask for an order to be paid by QRIS. An order has one open payment: asking again, as by a double click, answers with the same.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/orders/{order}/payments", operation_id = "create_payment",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("order" = Uuid, Path, description = "Id of the order"),
    ),
    responses(
        (status = 201, description = "The order's open payment", body = Payment),
        (status = 404, description = "No such store or order", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The order takes no payment, or payments are not configured", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("payments:create"))),
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, order]): PathNames<2>,
) -> Result<(StatusCode, Json<Payment>), ApiError> {
    let order = order_of(&state, &caller, &store, &order, Action::Create).await?;
    let payment = state.payments.create(caller.tenant(), order).await?;
    Ok((StatusCode::CREATED, Json(payment.into())))
}

/// One payment.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/payments/{payment}", operation_id = "get_payment",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("payment" = Uuid, Path, description = "Id of the payment"),
    ),
    responses(
        (status = 200, description = "The payment", body = Payment),
        (status = 404, description = "No such store or payment", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("payments:read"))),
)]
async fn get(State(state): State<AppState>, caller: Caller, PathNames([store, payment]): PathNames<2>) -> Result<Json<Payment>, ApiError> {
    Ok(Json(find(&state, &caller, &store, &payment, Permission::to(Action::Read, Kind::Payments)).await?.into()))
}

/// The code of a payment for screens.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/payments/{payment}/qr.svg", operation_id = "get_payment_svg",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("payment" = Uuid, Path, description = "Id of the payment"),
    ),
    responses(
        (status = 200, description = "The code", body = String, content_type = "image/svg+xml"),
        (status = 404, description = "No such payment, or nothing to be scanned", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("payments:read"))),
)]
async fn svg(State(state): State<AppState>, caller: Caller, PathNames([store, payment]): PathNames<2>) -> Result<Response, ApiError> {
    let found = find(&state, &caller, &store, &payment, Permission::to(Action::Read, Kind::Payments)).await?;
    let picture = found.svg().map_err(|_| ApiError::Unwritable)?.ok_or_else(|| missing(&payment))?;
    Ok(([(CONTENT_TYPE, "image/svg+xml; charset=utf-8"), (CACHE_CONTROL, "private, no-store")], picture).into_response())
}

/// The code of a payment for printers and chats.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/payments/{payment}/qr.png", operation_id = "get_payment_png",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("payment" = Uuid, Path, description = "Id of the payment"),
    ),
    responses(
        (status = 200, description = "The code", body = Vec<u8>, content_type = "image/png"),
        (status = 404, description = "No such payment, or nothing to be scanned", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("payments:read"))),
)]
async fn png(State(state): State<AppState>, caller: Caller, PathNames([store, payment]): PathNames<2>) -> Result<Response, ApiError> {
    let found = find(&state, &caller, &store, &payment, Permission::to(Action::Read, Kind::Payments)).await?;
    let picture = found.png().map_err(|_| ApiError::Unwritable)?.ok_or_else(|| missing(&payment))?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "private, no-store")], picture).into_response())
}

/// Have the provider asked at once what became of a payment.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/payments/{payment}/check", operation_id = "check_payment",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("payment" = Uuid, Path, description = "Id of the payment"),
    ),
    responses(
        (status = 202, description = "It is being asked; look again in a moment"),
        (status = 404, description = "No such store or payment", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("payments:update"))),
)]
async fn check(State(state): State<AppState>, caller: Caller, PathNames([store, payment]): PathNames<2>) -> Result<StatusCode, ApiError> {
    let found = find(&state, &caller, &store, &payment, Permission::to(Action::Update, Kind::Payments)).await?;
    state.payments.check(caller.tenant(), found.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Cancel a payment that nobody has paid.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/payments/{payment}/cancel", operation_id = "cancel_payment",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("payment" = Uuid, Path, description = "Id of the payment"),
    ),
    responses(
        (status = 200, description = "The payment as it is now", body = Payment),
        (status = 404, description = "No such store or payment", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is paid, over, or may be paid in this moment", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("payments:update"))),
)]
async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, payment]): PathNames<2>,
) -> Result<Json<Payment>, ApiError> {
    let found = find(&state, &caller, &store, &payment, Permission::to(Action::Update, Kind::Payments)).await?;
    Ok(Json(state.payments.cancel(caller.tenant(), found.id).await?.into()))
}

/// Nightly comparisons of our books with the provider's, newest first.
#[derive(Serialize, ToSchema)]
struct Reconciliations {
    reconciliations: Vec<Comparison>,
}

#[derive(Serialize, ToSchema)]
struct Comparison {
    reconciled_at: DateTime<Utc>,
    /// Payments made from then on, and all open ones.
    since: DateTime<Utc>,
    checked: i32,
    /// What a lost webhook would have told.
    repaired: i32,
    /// The provider did not answer.
    unchecked: i32,
    /// Rupiah that came in since then.
    received: i64,
    /// Rupiah that went back.
    refunded: i64,
    /// What someone should look at.
    #[schema(value_type = Vec<Object>)]
    findings: serde_json::Value,
}

impl From<Reconciliation> for Comparison {
    fn from(row: Reconciliation) -> Self {
        let Reconciliation { reconciled_at, since, checked, repaired, unchecked, received, refunded, findings, .. } = row;
        Self { reconciled_at, since, checked, repaired, unchecked, received, refunded, findings }
    }
}

/// The last thirty reconciliations of a store's payments.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/payment-reconciliations", operation_id = "list_payment_reconciliations",
    tag = "payments",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri")),
    responses(
        (status = 200, description = "Newest first", body = Reconciliations),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("refunds:create"))),
)]
async fn reconciliations(
    caller: Caller,
    PathName(store): PathName,
    Reader(mut transaction): Reader,
) -> Result<Json<Reconciliations>, ApiError> {
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Refunds)).await?;
    let rows = list_reconciliations(&mut *transaction, Some(store.id), 30).await?;
    Ok(Json(Reconciliations { reconciliations: rows.into_iter().map(Comparison::from).collect() }))
}

/// The order that a path names, if it is the store's and the caller may do this with its payments.
async fn order_of(state: &AppState, caller: &Caller, store: &str, order: &str, action: Action) -> Result<Uuid, ApiError> {
    let mut transaction = caller.begin(state).await?;
    let store = caller.store(&mut transaction, store, Permission::to(action, Kind::Payments)).await?;
    let missing = || ApiError::NotFound { resource: Resource::Order, name: order.to_owned() };
    let id = Uuid::try_parse(order).map_err(|_| missing())?;
    let found = lock_order(&mut transaction, id).await?.filter(|order| order.store_id == store.id);
    found.map(|_| id).ok_or_else(missing)
}

/// The payment that a path names, if it is the store's and the caller may do this.
pub(super) async fn find(
    state: &AppState,
    caller: &Caller,
    store: &str,
    payment: &str,
    permission: Permission,
) -> Result<payments::Payment, ApiError> {
    let mut transaction = caller.begin(state).await?;
    let store = caller.store(&mut transaction, store, permission).await?;
    drop(transaction);
    let id = Uuid::try_parse(payment).map_err(|_| missing(payment))?;
    let found = state.payments.payment(caller.tenant(), id).await?;
    if found.store_id == store.id { Ok(found) } else { Err(missing(payment)) }
}

fn missing(payment: &str) -> ApiError {
    ApiError::NotFound { resource: Resource::Payment, name: payment.to_owned() }
}
