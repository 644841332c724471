//! Money that goes back.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use domain::Idr;
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::payments::find;
use crate::access::Caller;
use crate::error::{ApiError, FieldError};
use crate::extract::{Body, PathNames};
use crate::field::whole;
use crate::once::sent_key;
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

/// The provider's: it is told the same key.
const LONGEST_KEY: usize = 64;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create))
}

#[derive(Serialize, ToSchema)]
struct Refund {
    id: Uuid,
    payment_id: Uuid,
    /// Rupiah.
    #[schema(example = 18_000)]
    amount: i64,
    /// In the provider's words.
    #[schema(example = "REQUESTED_BY_CUSTOMER")]
    reason: String,
    /// `pending`, `succeeded`, `failed` or `cancelled`.
    #[schema(example = "pending")]
    status: String,
    /// Whether the provider has taken it. If not, and it is pending, nobody knows yet: it is never asked for twice.
    is_taken: bool,
    #[schema(required = true)]
    failure_code: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<payments::Refund> for Refund {
    fn from(refund: payments::Refund) -> Self {
        let payments::Refund { id, payment_id, amount, reason, status, is_taken, failure_code, created_at } = refund;
        Self { id, payment_id, amount: amount.0, reason, status, is_taken, failure_code, created_at }
    }
}

#[derive(Serialize, ToSchema)]
struct Refunds {
    refunds: Vec<Refund>,
}

/// Refunds of a payment.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/payments/{payment}/refunds", operation_id = "list_refunds",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("payment" = Uuid, Path, description = "Id of the payment"),
    ),
    responses(
        (status = 200, description = "Refunds of the payment", body = Refunds),
        (status = 404, description = "No such store or payment", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("refunds:read"))),
)]
async fn list(State(state): State<AppState>, caller: Caller, PathNames([store, payment]): PathNames<2>) -> Result<Json<Refunds>, ApiError> {
    let payment = find(&state, &caller, &store, &payment, Permission::to(Action::Read, Kind::Refunds)).await?;
    let refunds = state.payments.refunds_of_payment(caller.tenant(), payment.id).await?;
    Ok(Json(Refunds { refunds: refunds.into_iter().map(Refund::from).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRefund {
    /// Rupiah; what is left of the payment at most.
    #[serde(deserialize_with = "whole")]
    #[schema(example = 18_000, minimum = 1)]
    amount: i64,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Reason {
    RequestedByCustomer,
    Duplicate,
    Fraudulent,
    Cancellation,
    Others,
}

impl From<Reason> for payments::Reason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::RequestedByCustomer => Self::RequestedByCustomer,
            Reason::Duplicate => Self::Duplicate,
            Reason::Fraudulent => Self::Fraudulent,
            Reason::Cancellation => Self::Cancellation,
            Reason::Others => Self::Others,
        }
    }
}

/// Give money back, all of it or a part. The same `Idempotency-Key` is the same refund, for ever.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/payments/{payment}/refunds", operation_id = "create_refund",
    tag = "payments",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("payment" = Uuid, Path, description = "Id of the payment"),
        ("Idempotency-Key" = String, Header, description = "Random, and the same again when trying again; 1 to 64 printable characters of ASCII", example = "8e03978e-40d5-43e8-bc93-6894a57f9324"),
    ),
    request_body = NewRefund,
    responses(
        (status = 201, description = "The refund", body = Refund),
        (status = 404, description = "No such store or payment", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "More than was paid, or the provider refuses", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another refund", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("refunds:create"))),
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, payment]): PathNames<2>,
    headers: HeaderMap,
    Body(new): Body<NewRefund>,
) -> Result<(StatusCode, Json<Refund>), ApiError> {
    let payment = find(&state, &caller, &store, &payment, Permission::to(Action::Create, Kind::Refunds)).await?;
    let missing = || FieldError::new("Idempotency-Key", "is missing: without it a second try could pay back twice");
    let key = sent_key(&headers, LONGEST_KEY)?.ok_or_else(missing)?;
    if new.amount < 1 {
        return Err(FieldError::new("amount", "must be at least 1").into());
    }
    // Before the provider is asked: money that goes back leaves a trace, whatever becomes of this request.
    let mut transaction = caller.begin(&state).await?;
    let details = json!({ "amount": new.amount, "key": key });
    remember(&mut transaction, &state, &caller, Some(payment.store_id), "refund_asked_for", &payment.id.to_string(), details).await?;
    commit(transaction).await?;
    let refund = state.payments.refund(caller.tenant(), payment.id, Idr(new.amount), new.reason.into(), key).await?;
    Ok((StatusCode::CREATED, Json(refund.into())))
}
