//! Being forgotten (UU 27/2022 on personal data, articles 8 and 43).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use platform::db::erasure::{StoreLeft, close_for_good, delete_personal_rows, erase_account, leave_stores, stores_left};
use platform::db::tenant::commit;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::avatars;
use super::sessions::FORGET;
use crate::access::{Caller, check_second_factor, with_password_again};
use crate::error::ApiError;
use crate::extract::Body;
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(erase))
}

/// A store that others work in needs an admin, also where two leave at the same moment.
const HAND_OVER: &str = "store_needs_another_admin";
const KEPT: &str = "store_keeps_an_admin";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Erasure {
    /// The caller's own, again.
    #[schema(value_type = String, format = Password, example = "tiga gajah lewat jembatan", max_length = 128)]
    password: SecretString,
    /// Where the account has a second factor: of the app, or one on paper.
    #[schema(value_type = Option<String>, example = "287082", max_length = 100)]
    code: Option<SecretString>,
}

/// Have the caller's account erased, for good.
///
/// Every session ends. Name, address, password, profile, picture, devices, links and news are deleted, and the addresses of the machines
/// from which the caller did things. They leave every store; a store with nobody else is closed, and loses its name, address and
/// place, and the names and phones of its customers. What the law or others need stays: orders, payments, forecasts, and the record of
/// who did what, by an id that says nothing. The e-mail address can register again.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/erasure", operation_id = "erase_me",
    tag = "users",
    request_body = Erasure,
    responses(
        (status = 204, description = "Erased; cookies are taken back"),
        (status = 401, description = "The password is wrong; or a code is missing, or wrong", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A store with other members would have no admin", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn erase(State(state): State<AppState>, caller: Caller, Body(erasure): Body<Erasure>) -> Result<Response, ApiError> {
    let (user, now) = (caller.user, state.clock.now());
    let mut transaction = with_password_again(&state, &caller, erasure.password).await?;
    check_second_factor(&mut transaction, &state, user, erasure.code.as_ref()).await?;
    let stores = stores_left(&mut transaction, user).await?;
    let closed = closed(&stores)?;
    close_for_good(&mut transaction, &closed).await?;
    leave_stores(&mut *transaction, user, &closed).await?;
    delete_personal_rows(&mut transaction, user).await?;
    let details = json!({ "stores_left": stores.len() - closed.len(), "stores_closed": closed.len() });
    remember(&mut transaction, &state, &caller, None, "account_erased", &user.to_string(), details).await?;
    erase_account(&mut *transaction, &closed, now).await?;
    // Before the commit: what cannot be deleted now is asked for again with the rest. A picture that is named and gone is none.
    for picture in state.objects.list(&avatars::folder_of(user)).await? {
        state.objects.delete(&picture).await?;
    }
    commit(transaction).await.map_err(|error| match error.rule() {
        Some(KEPT) => ApiError::Conflict { rule: HAND_OVER },
        _ => error.into(),
    })?;
    state.auth.forget(user);
    Ok((state.front.cookies().signed_out(), FORGET, StatusCode::NO_CONTENT).into_response())
}

/// Stores with nobody else in them.
fn closed(stores: &[StoreLeft]) -> Result<Vec<Uuid>, ApiError> {
    if stores.iter().any(|store| store.is_admin && store.other_members > 0 && store.other_admins == 0) {
        return Err(ApiError::Conflict { rule: HAND_OVER });
    }
    Ok(stores.iter().filter(|store| store.other_members == 0).map(|store| store.store_id).collect())
}
