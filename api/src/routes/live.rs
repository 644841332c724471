//! What happens in a store, as it happens.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::access::{Action, Permission, Resource as Kind};
use platform::bus::live::{live_is_kept, live_now};
use platform::bus::outbox::Cursor;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Caller;
use crate::error::ApiError;
use crate::extract::PathName;
use crate::live::{Shown, stream};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(watch))
}

/// Proxies close a connection that is silent for a minute, phones sooner.
const SILENCE: Duration = Duration::from_secs(15);

/// Live updates of a store, as server-sent events.
///
/// First comes `ready`, or `reset` where the place that was asked for is too old or was never ours: then load again what is on the screen.
/// After it one event for each thing that happens: `run.published`, `order.changed`, `orders.imported`, `payment.changed`, `plan.changed`,
/// `sales.ingested`,
/// each with JSON `{"occurred_at": ..., "payload": {...}}`. Names that a client does not know are to be passed over. Each has an `id`: with
/// the last one as `Last-Event-ID`, as browsers send it by themselves, nothing that was committed meanwhile is left out. A stream ends
/// with the token that opened it, after a quarter of an hour at most.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/live", operation_id = "watch_store",
    tag = "stores",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that is known", example = "812-5"),
    ),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "As many streams of this person are open as one may have", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "All places are taken", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:read"))),
)]
async fn watch(State(state): State<AppState>, caller: Caller, PathName(store): PathName, headers: HeaderMap) -> Result<Response, ApiError> {
    let store = caller.store_id(&state, &store, Permission::to(Action::Read, Kind::Orders)).await?;
    let place = state.live.place(caller.user, state.limits.streams_a_person)?;
    let known = headers.get("last-event-id").map(|value| value.to_str().ok().and_then(|text| text.parse::<Cursor>().ok()));
    let (cursor, greeting) = {
        let mut transaction = state.db.begin_read(caller.tenant()).await?;
        let now = live_now(&mut *transaction).await.map_err(ApiError::Bus)?;
        match known {
            Some(Some(cursor)) if live_is_kept(&mut *transaction, &cursor).await.map_err(ApiError::Bus)? => (cursor, "ready"),
            Some(_) => (now, "reset"),
            None => (now, "ready"),
        }
    };
    let until = Instant::now() + (caller.until - state.clock.now()).to_std().unwrap_or_default();
    let shown = Shown { place, db: state.db.clone(), tenant: caller.tenant(), store, cursor, greeting, until };
    Ok(Sse::new(stream(shown)).keep_alive(KeepAlive::new().interval(SILENCE)).into_response())
}
