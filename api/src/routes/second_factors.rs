//! A second factor beside the password: an app that shows codes, and codes on paper for when the phone is gone.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use platform::auth::{CodeKey, RECOVERY_CODES, RecoveryCode};
use platform::db::auth_sessions::{Revocation, revoke_others};
use platform::db::second_factors::{
    SecondFactor, begin_second_factor, confirm_second_factor, remove_second_factor, second_factor, use_step,
};
use platform::db::tenant::commit;
use platform::db::users::find_user;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sessions::NO_STORE;
use crate::access::{Caller, PasswordAgain, Reader, check_again, check_second_factor, with_password_again};
use crate::error::ApiError;
use crate::extract::Body;
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get, begin)).routes(routes!(confirm)).routes(routes!(remove))
}

const IS_ON: &str = "second_factor_is_on";
const NOT_BEGUN: &str = "second_factor_is_not_begun";
const IS_OFF: &str = "second_factor_is_off";

#[derive(Serialize, ToSchema)]
struct SecondFactorState {
    /// Since when nobody signs in without it; null while it is off.
    #[schema(required = true)]
    since: Option<DateTime<Utc>>,
    /// Codes on paper that were not used.
    recovery_codes_left: i64,
}

/// Whether the caller has a second factor.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/second-factor", operation_id = "get_second_factor",
    tag = "users",
    responses((status = 200, description = "How it is", body = SecondFactorState)),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn get(caller: Caller, Reader(mut transaction): Reader) -> Result<Json<SecondFactorState>, ApiError> {
    let factor = second_factor(&mut *transaction, caller.user).await?;
    let (since, recovery_codes_left) = factor.map_or((None, 0), |factor| (factor.confirmed_at, factor.recovery_codes_left));
    Ok(Json(SecondFactorState { since, recovery_codes_left }))
}

/// What an app needs to show codes.
#[derive(Serialize, ToSchema)]
struct NewSecondFactor {
    /// To type in: base32.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    key: String,
    /// To scan as a QR code.
    #[schema(example = "otpauth://totp/Viral%20Cast:sri%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Viral%20Cast")]
    uri: String,
}

/// Begin with a second factor. It is asked for once a code of it was shown (`/confirm`); to begin again before that makes another key.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/second-factor", operation_id = "begin_second_factor",
    tag = "users",
    request_body = PasswordAgain,
    responses(
        (status = 201, description = "What the app needs; it is told once", body = NewSecondFactor),
        (status = 401, description = "The password is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is one already", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn begin(State(state): State<AppState>, caller: Caller, Body(again): Body<PasswordAgain>) -> Result<Response, ApiError> {
    let mut transaction = with_password_again(&state, &caller, again.password).await?;
    let user = find_user(&mut *transaction, caller.user).await?.ok_or(ApiError::SignInRequired)?;
    let key = CodeKey::random(&user.email)?;
    let sealed = key.sealed(caller.user, state.auth.secret())?;
    if !begin_second_factor(&mut *transaction, caller.user, &sealed, state.clock.now()).await? {
        return Err(ApiError::Conflict { rule: IS_ON });
    }
    commit(transaction).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(NewSecondFactor { key: key.text(), uri: key.uri() })).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShownCode {
    /// Of the app.
    #[schema(value_type = String, example = "287082", max_length = 100)]
    code: SecretString,
}

#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    /// Each signs in once in the place of a code of the app. For paper; they are told once.
    #[schema(example = json!(["9f3ac-0d17e-88b42-61d0f"]))]
    recovery_codes: Vec<String>,
}

/// Show a code of the new second factor: from then on nobody signs in without it. Every other session ends.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/second-factor/confirm", operation_id = "confirm_second_factor",
    tag = "users",
    request_body = ShownCode,
    responses(
        (status = 200, description = "It is on; codes for when the phone is gone", body = RecoveryCodes),
        (status = 401, description = "The code is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "None was begun, or it is on", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn confirm(State(state): State<AppState>, caller: Caller, Body(shown): Body<ShownCode>) -> Result<Response, ApiError> {
    let (user, now, secret) = (caller.user, state.clock.now(), state.auth.secret());
    check_again(state.limiter.as_ref(), &caller).await?;
    let mut transaction = caller.begin(&state).await?;
    // First, since with it whoever signs in takes turns with this.
    revoke_others(&mut transaction, user, Some(caller.session), Revocation::SecondFactorSet, now).await?;
    let SecondFactor { id, sealed_key, confirmed_at, .. } =
        second_factor(&mut *transaction, user).await?.ok_or(ApiError::Conflict { rule: NOT_BEGUN })?;
    if confirmed_at.is_some() {
        return Err(ApiError::Conflict { rule: IS_ON });
    }
    let step = CodeKey::open(&sealed_key, user, secret)?.step_of(shown.code.expose_secret(), now).ok_or(ApiError::WrongCode)?;
    let codes: Vec<RecoveryCode> = (0..RECOVERY_CODES).map(|_| RecoveryCode::random()).collect();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.hash(secret).to_vec()).collect();
    let is_used = use_step(&mut *transaction, user, step).await?;
    if !is_used || !confirm_second_factor(&mut transaction, user, id, &hashes, now).await? {
        return Err(ApiError::WrongCode);
    }
    remember(&mut transaction, &state, &caller, None, "second_factor_set", &user.to_string(), json!({})).await?;
    commit(transaction).await?;
    state.auth.forget(user);
    let recovery_codes = codes.iter().map(RecoveryCode::shown).collect();
    Ok((NO_STORE, Json(RecoveryCodes { recovery_codes })).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Removal {
    #[schema(value_type = String, format = Password, example = "tiga gajah lewat jembatan", max_length = 128)]
    password: SecretString,
    /// Of the app, or on paper.
    #[schema(value_type = String, example = "287082", max_length = 100)]
    code: SecretString,
}

/// Do without a second factor again.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/second-factor/removal", operation_id = "remove_second_factor",
    tag = "users",
    request_body = Removal,
    responses(
        (status = 204, description = "It is off"),
        (status = 401, description = "The password or the code is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is off already", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn remove(State(state): State<AppState>, caller: Caller, Body(removal): Body<Removal>) -> Result<StatusCode, ApiError> {
    let user = caller.user;
    let mut transaction = with_password_again(&state, &caller, removal.password).await?;
    check_second_factor(&mut transaction, &state, user, Some(&removal.code)).await?;
    if !remove_second_factor(&mut *transaction, user).await? {
        return Err(ApiError::Conflict { rule: IS_OFF });
    }
    remember(&mut transaction, &state, &caller, None, "second_factor_removed", &user.to_string(), json!({})).await?;
    commit(transaction).await?;
    state.auth.forget(user);
    Ok(StatusCode::NO_CONTENT)
}
