//! The sold-out button: from now on somebody wants a product and does not get it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::stockout_events::{StockoutRow, end_stockouts, insert_stockouts, lock_product, open_stockout};
use platform::db::stores::StoreRow;
use platform::db::tenant::commit;
use serde::Serialize;
use sqlx::{Postgres, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::Caller;
use crate::error::{ApiError, Resource};
use crate::extract::PathNames;
use crate::problem::Problem;
use crate::provenance::business_day;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(sold_out, restocked))
}

/// Since when a product is gone.
#[derive(Serialize, ToSchema)]
struct SoldOut {
    product_id: Uuid,
    sold_out_at: DateTime<Utc>,
    business_date: NaiveDate,
}

/// A product is sold out as of now. Pressed again on the same business day it stays sold out since the first time.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/products/{product}/sold-out", operation_id = "mark_sold_out",
    tag = "stock",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    responses(
        (status = 200, description = "It was sold out already, since then", body = SoldOut),
        (status = 201, description = "It is sold out", body = SoldOut),
        (status = 404, description = "No such store or product", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("stock:create"))),
)]
async fn sold_out(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, product]): PathNames<2>,
) -> Result<(StatusCode, Json<SoldOut>), ApiError> {
    let (mut transaction, store, product_id) = locked(&state, &caller, &store, &product).await?;
    let now = state.clock.now();
    let business_date = business_day(&store, now);
    let (status, sold_out_at) = match open_stockout(&mut *transaction, product_id, business_date).await? {
        Some(event) => (StatusCode::OK, event.sold_out_at),
        None => {
            let event = StockoutRow { product_id, business_date, sold_out_at: now, restocked_at: None, available_at: now };
            insert_stockouts(&mut *transaction, store.id, "api", &[event]).await?;
            (StatusCode::CREATED, now)
        }
    };
    commit(transaction).await?;
    Ok((status, Json(SoldOut { product_id, sold_out_at, business_date })))
}

/// A product is there again, or was never gone. Pressed again it changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/products/{product}/sold-out", operation_id = "mark_restocked",
    tag = "stock",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("product" = Uuid, Path, description = "Id of the product"),
    ),
    responses(
        (status = 204, description = "It is there"),
        (status = 404, description = "No such store or product", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("stock:create"))),
)]
async fn restocked(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, product]): PathNames<2>,
) -> Result<StatusCode, ApiError> {
    let (mut transaction, store, product_id) = locked(&state, &caller, &store, &product).await?;
    let now = state.clock.now();
    end_stockouts(&mut *transaction, product_id, business_day(&store, now), now).await?;
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A transaction in which nobody else presses the button of this product.
async fn locked(
    state: &AppState,
    caller: &Caller,
    store: &str,
    product: &str,
) -> Result<(Transaction<'static, Postgres>, StoreRow, Uuid), ApiError> {
    let mut transaction = caller.begin(state).await?;
    let store = caller.store(&mut transaction, store, Permission::to(Action::Create, Kind::Stock)).await?;
    let missing = || ApiError::NotFound { resource: Resource::Product, name: product.to_owned() };
    let id = Uuid::try_parse(product).map_err(|_| missing())?;
    if !lock_product(&mut *transaction, store.id, id).await? {
        return Err(missing());
    }
    Ok((transaction, store, id))
}
