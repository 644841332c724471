//! Customers of a store, who ask it to forget them.

use axum::extract::State;
use axum::http::StatusCode;
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::customers::forget_customer;
use platform::db::orders::lock_order;
use platform::db::tenant::commit;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::orders::{changed, missing};
use crate::access::Caller;
use crate::error::ApiError;
use crate::extract::PathNames;
use crate::problem::Problem;
use crate::record::{announce, remember};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(forget))
}

/// Forget who ordered: name and phone go, the order stays (UU 27/2022, article 8). Ninety days after an order it happens by itself.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/orders/{order}/customer", operation_id = "forget_customer",
    tag = "orders",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("order" = Uuid, Path, description = "Id of the order"),
    ),
    responses(
        (status = 204, description = "The order says no more who ordered"),
        (status = 404, description = "No such store or order", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("orders:update"))),
)]
async fn forget(State(state): State<AppState>, caller: Caller, PathNames([store, order]): PathNames<2>) -> Result<StatusCode, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Update, Kind::Orders)).await?;
    let id = Uuid::try_parse(&order).map_err(|_| missing(&order))?;
    let row = lock_order(&mut transaction, id).await?.filter(|row| row.store_id == store.id).ok_or_else(|| missing(&order))?;
    if forget_customer(&mut *transaction, store.id, id).await? {
        announce(&mut transaction, &state, &changed(store.id, id, &row.status)).await?;
        remember(&mut transaction, &state, &caller, Some(store.id), "customer_forgotten", &order, json!({})).await?;
    }
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}
