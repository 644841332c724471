//! How an order ends.

use axum::Json;
use axum::extract::State;
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::orders::lock_order;
use platform::db::taken_orders::{cancel_order, complete_order, is_being_paid};
use platform::db::tenant::commit;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::orders::{WholeOrder, changed, missing, whole};
use crate::access::Caller;
use crate::error::ApiError;
use crate::extract::PathNames;
use crate::problem::Problem;
use crate::record::{announce, remember};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(cancel)).routes(routes!(complete))
}

enum Ending {
    Cancelled,
    Completed,
}

/// Cancel an order that nobody has paid: it counts as sold no more.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/orders/{order}/cancel", operation_id = "cancel_order",
    tag = "orders",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("order" = Uuid, Path, description = "Id of the order"),
    ),
    responses(
        (status = 200, description = "The order as it is now", body = WholeOrder),
        (status = 404, description = "No such store or order", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Paid, being paid, or already final", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:update"))),
)]
async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, order]): PathNames<2>,
) -> Result<Json<WholeOrder>, ApiError> {
    end(&state, &caller, [&store, &order], Ending::Cancelled).await
}

/// Complete an order: it has been handed over, and paid here or in cash.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/orders/{order}/complete", operation_id = "complete_order",
    tag = "orders",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("order" = Uuid, Path, description = "Id of the order"),
    ),
    responses(
        (status = 200, description = "The order as it is now", body = WholeOrder),
        (status = 404, description = "No such store or order", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Being paid, or already final", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:update"))),
)]
async fn complete(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, order]): PathNames<2>,
) -> Result<Json<WholeOrder>, ApiError> {
    end(&state, &caller, [&store, &order], Ending::Completed).await
}

/// Payments lock the order as well: none begins meanwhile.
async fn end(state: &AppState, caller: &Caller, [store, order]: [&str; 2], ending: Ending) -> Result<Json<WholeOrder>, ApiError> {
    let mut transaction = caller.begin(state).await?;
    let store = caller.store(&mut transaction, store, Permission::to(Action::Update, Kind::Orders)).await?;
    let id = Uuid::try_parse(order).map_err(|_| missing(order))?;
    let locked = lock_order(&mut transaction, id).await?.filter(|locked| locked.store_id == store.id).ok_or_else(|| missing(order))?;
    let is_paid = locked.status == "paid";
    if !is_paid && locked.status != "pending" {
        return Err(ApiError::Conflict { rule: "order_is_final" });
    }
    if is_being_paid(&mut *transaction, id).await? {
        return Err(ApiError::Conflict { rule: "order_is_being_paid" });
    }
    let (action, status) = match ending {
        Ending::Cancelled if is_paid => return Err(ApiError::Conflict { rule: "order_is_paid" }),
        Ending::Cancelled => {
            cancel_order(&mut *transaction, id, state.clock.now()).await?;
            ("order_cancelled", "cancelled")
        }
        Ending::Completed => {
            complete_order(&mut *transaction, id).await?;
            ("order_completed", "completed")
        }
    };
    announce(&mut transaction, state, &changed(store.id, id, status)).await?;
    remember(&mut transaction, state, caller, Some(store.id), action, order, json!({})).await?;
    let order = whole(&mut transaction, store.id, order).await?;
    commit(transaction).await?;
    Ok(Json(order))
}
