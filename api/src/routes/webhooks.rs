//! What tills tell us of themselves. Whoever calls is no user: the signature is the right to.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::ids::StoreId;
use domain::job::TakePush;
use platform::db::push_secrets::push_secrets;
use platform::db::tenant::commit;
use platform::db::webhook_events::{NewWebhookEvent, insert_webhook_event};
use platform::queue::{EnqueueOptions, enqueue};
use platform::telemetry;
use serde::Serialize;
use serde_json::json;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::ClientAddress;
use crate::error::ApiError;
use crate::extract::PathName;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(push_orders))
}

/// What became of a delivery.
#[derive(Serialize, ToSchema)]
struct Delivery {
    /// False if this event has been delivered before: nothing happens a second time.
    is_new: bool,
}

/// Orders of a till, new or changed, in the shape of `GET /v1/orders` of the tills that are asked: `{"data": [order, ...]}`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body; it is stored as it came and understood by a job")]
struct PushedOrders {
    data: Vec<PushedOrder>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body")]
struct PushedOrder {
    /// The till's own number: the same order told again is the same order.
    #[schema(example = "T-20261128-0031")]
    id: String,
    /// `completed` or `paid`; `void`, `voided`, `cancelled` and `refunded` take it back.
    #[schema(example = "completed")]
    status: String,
    /// With offset.
    #[schema(example = "2026-11-28T12:01:05+07:00")]
    created_at: String,
    /// Of this version; an older one than is known changes nothing.
    #[schema(example = "2026-11-28T12:01:05+07:00")]
    updated_at: String,
    items: Vec<PushedItem>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body")]
struct PushedItem {
    #[schema(example = "Ayam Geprek")]
    product: String,
    #[schema(example = 2.0)]
    quantity: f64,
    /// Rupiah a unit.
    #[schema(example = 18_000.0)]
    price: Option<f64>,
}

/// Orders that a store's till pushes.
///
/// Signed as in Standard Webhooks (standardwebhooks.com) with the secret of `viralcast store push-secret STORE`. A 2xx says that the
/// event is kept; anything else: send the same event, with the same `webhook-id`, again.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/pos/{store}", operation_id = "push_orders",
    tag = "stores",
    params(
        ("store" = Uuid, Path, description = "Id of the store"),
        ("webhook-id" = String, Header, description = "Of the event: the same at every attempt to deliver it", example = "evt_31"),
        ("webhook-timestamp" = i64, Header, description = "Seconds since 1970 of this attempt; at most five minutes off", example = 1_795_842_065),
        ("webhook-signature" = String, Header, description = "`v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`", example = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
    ),
    request_body = PushedOrders,
    responses(
        (status = 202, description = "Kept; what it tells is known within a minute", body = Delivery),
        (status = 401, description = "The signature is missing, wrong or too old, or the store has no secret", body = crate::problem::Problem, content_type = "application/problem+json"),
    ),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn push_orders(
    State(state): State<AppState>,
    PathName(store): PathName,
    address: ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    let now = state.clock.now();
    let _turn = state.unsigned.turn(address).await;
    // A store that does not exist is answered like a signature that is wrong.
    let unsigned = || state.unsigned.refuse(address, ApiError::Unsigned);
    let store_id: Uuid = store.parse().map_err(|_| unsigned())?;
    let secrets = push_secrets(&mut *state.db.acquire().await?, state.auth.secret(), store_id, now).await?;
    let is_signed = |secret: &String| Webhook::new(secret).is_ok_and(|webhook| webhook.verify(&body, &headers).is_ok());
    if !secrets.iter().any(is_signed) {
        return Err(unsigned());
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let event_key = format!("{store_id}:{}", header(HEADER_WEBHOOK_ID));
    let event = NewWebhookEvent {
        provider: "pos",
        store_id: Some(store_id),
        event_key: &event_key,
        event_type: "orders",
        headers: json!({ HEADER_WEBHOOK_TIMESTAMP: header(HEADER_WEBHOOK_TIMESTAMP) }),
        body: &body,
        received_at: now,
    };
    let mut transaction = state.db.begin_write().await?;
    let event_id = insert_webhook_event(&mut transaction, &event).await?;
    if let Some(event_id) = event_id {
        let options = EnqueueOptions { trace_id: Some(telemetry::cause()), ..EnqueueOptions::default() };
        enqueue(&mut transaction, &TakePush { event_id, store_id: StoreId(store_id) }, options).await?;
    }
    commit(transaction).await?;
    Ok((StatusCode::ACCEPTED, Json(Delivery { is_new: event_id.is_some() })))
}
