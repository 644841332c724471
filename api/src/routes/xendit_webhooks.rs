//! What the payment gateway tells of itself. Whoever calls is no user: the token is the right to.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use payments::PaymentError;
use platform::telemetry;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::ClientAddress;
use crate::error::ApiError;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(tell_payment))
}

/// What became of a delivery.
#[derive(Serialize, ToSchema)]
struct PaymentDelivery {
    /// False if this event has been delivered before: nothing happens a second time.
    is_new: bool,
}

/// An event of Xendit: a payment or a refund has changed.
///
/// Kept as it came and understood by a job, which asks Xendit itself before money counts. A 2xx says that the event is kept; anything else:
/// deliver it again.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/xendit", operation_id = "tell_payment",
    tag = "payments",
    params(("x-callback-token" = String, Header, description = "As the dashboard of Xendit shows it", example = "kG3x...")),
    request_body(content = serde_json::Value, description = "An event of the v3 Payments API or of the QR Codes API"),
    responses(
        (status = 200, description = "Kept", body = PaymentDelivery),
        (status = 401, description = "The token is missing or wrong, or none is configured", body = crate::problem::Problem, content_type = "application/problem+json"),
    ),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn tell_payment(
    State(state): State<AppState>,
    address: ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<PaymentDelivery>, ApiError> {
    let token = headers.get("x-callback-token").map(|value| value.as_bytes());
    let received = state.payments.receive(token, &body, Some(telemetry::cause())).await;
    let is_new = received.map_err(|error| match error {
        PaymentError::WrongToken => state.unsigned.refuse(address, error.into()),
        error => error.into(),
    })?;
    Ok(Json(PaymentDelivery { is_new }))
}
