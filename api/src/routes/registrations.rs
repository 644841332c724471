//! Accounts and their passwords. A password is chosen by whoever reads the mail of the address, and by nobody else; no answer here
//! says whether an address has an account.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, StatusCode};
use domain::job::{Letter, MailLink};
use platform::auth::{OneTimeToken, Purpose, Verdict, Weakness, weakness};
use platform::db::audit_log::{NewAuditEntry, record};
use platform::db::auth_sessions::{Revocation, revoke_others};
use platform::db::one_time_tokens::{create_one_time_token, use_one_time_token, use_up_one_time_tokens, user_of_one_time_token};
use platform::db::tenant::{Tenant, commit};
use platform::db::users::{account_by_email, find_user, own_password_hash, register_user, set_password, verify_email};
use platform::queue::{EnqueueOptions, enqueue};
use platform::telemetry;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use tokio::time::sleep;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, ClientAddress, Device, DeviceToken, check_again, check_attempt, check_links, check_origin};
use crate::error::{ApiError, FieldError};
use crate::extract::{Body, email, optional_name};
use crate::problem::Language;
use crate::record::remember;
use crate::state::AppState;

/// Answers about addresses take this long, whether or not there is an account and a mail to be sent.
const EVEN: Duration = Duration::from_millis(250);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(register))
        .routes(routes!(verify))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
        .routes(routes!(change_password))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Registration {
    #[serde(deserialize_with = "email")]
    #[schema(example = "sri@example.com", max_length = 254, format = Email)]
    email: String,
    /// How the person is called.
    #[serde(default, deserialize_with = "optional_name")]
    #[schema(example = "Sri", max_length = 100)]
    name: Option<String>,
}

/// Register an address. A mail with a link goes there, by which a password is chosen.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register", operation_id = "register",
    tag = "auth",
    request_body = Registration,
    responses((status = 202, description = "A mail is on its way; the same whether or not the address had an account")),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn register(
    State(state): State<AppState>,
    address: ClientAddress,
    headers: HeaderMap,
    Body(new): Body<Registration>,
) -> Result<StatusCode, ApiError> {
    check_origin(&headers)?;
    check_attempt(state.limiter.as_ref(), "mail", address, &new.email, None).await?;
    let even = sleep(EVEN);
    let id = Uuid::now_v7();
    let mut transaction = state.db.begin_as(Tenant::User(id)).await?;
    let locale = Language::of(headers.get(ACCEPT_LANGUAGE)).tag();
    if register_user(&mut *transaction, id, &new.email, new.name.as_deref(), locale).await? {
        send_link(&mut transaction, &state, id, Letter::VerifyEmail).await?;
        commit(transaction).await?;
    } else {
        drop(transaction);
        let letter = |is_verified| if is_verified { Letter::AlreadyRegistered } else { Letter::VerifyEmail };
        send_to_account(&state, &new.email, letter).await?;
    }
    even.await;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChosenPassword {
    /// From the link in the mail.
    #[schema(value_type = String)]
    token: SecretString,
    #[schema(value_type = String, format = Password, example = "tiga gajah lewat jembatan", min_length = 10, max_length = 128)]
    password: SecretString,
}

/// Prove that an address is one's own, and choose the first password.
#[utoipa::path(
    post,
    path = "/api/v1/auth/verify-email", operation_id = "verify_email",
    tag = "auth",
    request_body = ChosenPassword,
    responses((status = 204, description = "Verified; sign in with the password")),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn verify(
    State(state): State<AppState>,
    address: ClientAddress,
    headers: HeaderMap,
    Body(chosen): Body<ChosenPassword>,
) -> Result<StatusCode, ApiError> {
    check_origin(&headers)?;
    check_links(state.limiter.as_ref(), address).await?;
    choose_password(&state, address, &chosen, &[Purpose::VerifyEmail, Purpose::JoinStore]).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Forgotten {
    #[serde(deserialize_with = "email")]
    #[schema(example = "sri@example.com", max_length = 254, format = Email)]
    email: String,
}

/// Ask for a link by which a new password is chosen.
#[utoipa::path(
    post,
    path = "/api/v1/auth/forgot-password", operation_id = "forgot_password",
    tag = "auth",
    params(DeviceToken),
    request_body = Forgotten,
    responses((status = 202, description = "If the address has an account, a mail is on its way")),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn forgot_password(
    State(state): State<AppState>,
    address: ClientAddress,
    headers: HeaderMap,
    Body(forgotten): Body<Forgotten>,
) -> Result<StatusCode, ApiError> {
    check_origin(&headers)?;
    let device = Device::known(&headers, state.front.cookies(), state.auth.secret(), &forgotten.email);
    check_attempt(state.limiter.as_ref(), "mail", address, &forgotten.email, device).await?;
    let even = sleep(EVEN);
    let letter = |is_verified| if is_verified { Letter::ResetPassword } else { Letter::VerifyEmail };
    send_to_account(&state, &forgotten.email, letter).await?;
    even.await;
    Ok(StatusCode::ACCEPTED)
}

/// Choose a new password. Every session of the person ends.
#[utoipa::path(
    post,
    path = "/api/v1/auth/reset-password", operation_id = "reset_password",
    tag = "auth",
    request_body = ChosenPassword,
    responses((status = 204, description = "Set; sign in with it")),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn reset_password(
    State(state): State<AppState>,
    address: ClientAddress,
    headers: HeaderMap,
    Body(chosen): Body<ChosenPassword>,
) -> Result<StatusCode, ApiError> {
    check_origin(&headers)?;
    check_links(state.limiter.as_ref(), address).await?;
    choose_password(&state, address, &chosen, &[Purpose::ResetPassword]).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 128)]
    new_password: SecretString,
}

/// Change one's password. Every other session ends.
#[utoipa::path(
    post,
    path = "/api/v1/auth/change-password", operation_id = "change_password",
    tag = "auth",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed")),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let now = state.clock.now();
    let who = caller.user.to_string();
    check_again(state.limiter.as_ref(), &caller).await?;
    let mut transaction = caller.begin(&state).await?;
    let stored = own_password_hash(&mut *transaction).await?;
    let user = find_user(&mut *transaction, caller.user).await?;
    // A connection does not wait for Argon2.
    commit(transaction).await?;
    if state.auth.passwords.verify(change.current_password, stored.clone()).await? == Verdict::Wrong {
        return Err(ApiError::WrongCredentials);
    }
    let (email, name) = user.map(|user| (user.email, user.name.unwrap_or_default())).unwrap_or_default();
    require_worth(&state, "new_password", &change.new_password, &[&email, &name]).await?;
    let hash = state.auth.passwords.hash(change.new_password).await?;
    let mut transaction = caller.begin(&state).await?;
    revoke_others(&mut transaction, caller.user, Some(caller.session), Revocation::PasswordChanged, now).await?;
    // Someone with a link from a mail may have been faster.
    if own_password_hash(&mut *transaction).await? != stored {
        return Err(ApiError::WrongCredentials);
    }
    set_password(&mut *transaction, caller.user, &hash, None).await?;
    use_up_one_time_tokens(&mut *transaction, caller.user, now).await?;
    remember(&mut transaction, &state, &caller, None, "password_changed", &who, json!({})).await?;
    commit(transaction).await?;
    state.auth.forget(caller.user);
    Ok(StatusCode::NO_CONTENT)
}

/// Mails a link to an account, if there is one.
async fn send_to_account(state: &AppState, email: &str, letter: impl FnOnce(bool) -> Letter) -> Result<(), ApiError> {
    // A statement of its own, so that its connection is given back before the next one is asked for.
    let account = account_by_email(&mut *state.db.acquire().await?, email).await?;
    if let Some(account) = account {
        let mut transaction = state.db.begin_as(Tenant::User(account.user_id)).await?;
        send_link(&mut transaction, state, account.user_id, letter(account.is_verified)).await?;
        commit(transaction).await?;
    }
    Ok(())
}

/// Makes a token for the person whom the transaction names, and has it mailed once the transaction commits.
pub(super) async fn send_link(transaction: &mut PgConnection, state: &AppState, user: Uuid, letter: Letter) -> Result<(), ApiError> {
    let purpose = match letter {
        Letter::VerifyEmail => Purpose::VerifyEmail,
        Letter::ResetPassword | Letter::AlreadyRegistered => Purpose::ResetPassword,
        Letter::JoinStore => Purpose::JoinStore,
    };
    let token_id = create_one_time_token(&mut *transaction, user, purpose, state.auth.secret(), state.clock.now()).await?;
    let options = EnqueueOptions { trace_id: Some(telemetry::cause()), ..EnqueueOptions::default() };
    enqueue(transaction, &MailLink { token_id, letter }, options).await?;
    Ok(())
}

/// Uses a token up for a password. Whoever holds it reads the mails of that address, so the address is verified too.
async fn choose_password(
    state: &AppState,
    address: ClientAddress,
    chosen: &ChosenPassword,
    purposes: &[Purpose],
) -> Result<StatusCode, ApiError> {
    let address = address.text();
    let now = state.clock.now();
    let token = OneTimeToken::presented(chosen.token.expose_secret()).hash(state.auth.secret());
    let user = user_of_one_time_token(&mut *state.db.acquire().await?, &token, now).await?.ok_or(ApiError::InvalidOneTimeToken)?;
    let mut transaction = state.db.begin_as(Tenant::User(user)).await?;
    let row = find_user(&mut *transaction, user).await?.ok_or(ApiError::InvalidOneTimeToken)?;
    commit(transaction).await?;
    require_worth(state, "password", &chosen.password, &[&row.email, row.name.as_deref().unwrap_or_default()]).await?;
    let hash = state.auth.passwords.hash(chosen.password.clone()).await?;

    let mut transaction = state.db.begin_as(Tenant::User(user)).await?;
    revoke_others(&mut transaction, user, None, Revocation::PasswordChanged, now).await?;
    let mut is_used = false;
    for purpose in purposes {
        is_used = is_used || use_one_time_token(&mut *transaction, &token, *purpose, now).await?;
    }
    if !is_used {
        return Err(ApiError::InvalidOneTimeToken);
    }
    set_password(&mut *transaction, user, &hash, Some(now)).await?;
    use_up_one_time_tokens(&mut *transaction, user, now).await?;
    verify_email(&mut *transaction, user, now).await?;
    let subject = user.to_string();
    let entry = NewAuditEntry {
        user_id: Some(user),
        store_id: None,
        action: "password_chosen",
        subject: &subject,
        details: json!({}),
        ip_address: address.as_deref(),
        now,
    };
    record(&mut *transaction, &entry).await?;
    commit(transaction).await?;
    state.auth.forget(user);
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a password that would be guessed, or that somebody has lost.
async fn require_worth(state: &AppState, field: &str, password: &SecretString, about: &[&str]) -> Result<(), ApiError> {
    let detail = match weakness(password.expose_secret(), about) {
        None if state.auth.was_lost(password).await => "was lost by somebody else before: others try it. Take another",
        None => return Ok(()),
        Some(Weakness::TooShort) => "must have at least 10 characters",
        Some(Weakness::TooLong) => "must have at most 128 characters",
        Some(Weakness::Guessable) => "is easily guessed: take several words that do not belong together",
    };
    Err(FieldError::unfit(field, detail).into())
}
