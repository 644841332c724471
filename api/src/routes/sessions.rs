//! Signing in and out.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use platform::auth::{ACCESS_LIFE, AuthError, REFRESH_LIFE, RefreshToken, Verdict};
use platform::db::auth_sessions::{LiveSession, Revocation, list_sessions, revoke_family, revoke_others};
use platform::db::tenant::commit;
use platform::db::users::{account_by_email, revoke_tokens};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{
    Agent, Caller, ClientAddress, Device, DeviceToken, Failure, PasswordAgain, Proven, Reader, SignIn, check_attempt, check_origin,
    check_token, end_earlier, refresh, remember_failure, sign_in, with_password_again,
};
use crate::error::{ApiError, Resource};
use crate::extract::{Body, PathName, line};
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(login))
        .routes(routes!(refresh_tokens))
        .routes(routes!(logout))
        .routes(routes!(logout_everywhere))
        .routes(routes!(list))
        .routes(routes!(end))
}

/// How tokens travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Transport {
    /// In the answer, and then in `Authorization: Bearer`: for apps and tills.
    #[default]
    Bearer,
    /// In cookies that scripts cannot read: for the browser. Changes then need the header `X-CSRF-Token`.
    Cookie,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    #[serde(deserialize_with = "line")]
    #[schema(example = "sri@example.com", max_length = 254)]
    email: String,
    #[schema(value_type = String, format = Password, example = "tiga gajah lewat jembatan", max_length = 128)]
    password: SecretString,
    /// Where the account has a second factor: of the app, or one on paper.
    #[schema(value_type = Option<String>, example = "287082", max_length = 100)]
    code: Option<SecretString>,
    #[serde(default)]
    transport: Transport,
}

/// A session that has begun or goes on.
#[derive(Serialize, ToSchema)]
struct Tokens {
    user_id: Uuid,
    session_id: Uuid,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Of the access token.
    #[schema(example = 900)]
    expires_in: i64,
    /// Of the refresh token.
    #[schema(example = 604_800)]
    refresh_expires_in: i64,
    /// JWT, RS256. Missing where it travels in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Good for one refresh. Missing where it travels in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// What the browser sends back in `X-CSRF-Token`; also in the cookie `viralcast_csrf`. Missing for bearer tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// To send as `X-Device-Token` when somebody signs in here again: others who guess at the account then do not keep them out. It opens
    /// nothing by itself. Only where somebody signed in, and missing where it travels in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// Sign in with address and password.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login", operation_id = "login",
    tag = "auth",
    params(DeviceToken),
    request_body = Login,
    responses(
        (status = 200, description = "Signed in", body = Tokens),
        (status = 401, description = "Address and password do not belong together; or a code is missing (`/problems/second-factor-required`), or wrong", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn login(
    State(state): State<AppState>,
    address: ClientAddress,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Response, ApiError> {
    check_origin(&headers)?;
    let (cookies, secret) = (state.front.cookies(), state.auth.secret());
    let device = Device::known(&headers, cookies, secret, &login.email);
    check_attempt(state.limiter.as_ref(), "login", address, &login.email, device).await?;
    let account = account_by_email(&mut *state.db.acquire().await?, &login.email).await?;
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let verdict = state.auth.passwords.verify(login.password.clone(), hash.clone()).await?;
    let Some(account) = account.as_ref().filter(|_| verdict != Verdict::Wrong) else {
        metrics::counter!("auth_sign_in_failures_total").increment(1);
        // Who was asked for, if anybody; never what was typed, which may be a password in the wrong field.
        let user = account.map(|account| account.user_id);
        tracing::info!(user.id = user.map(tracing::field::display), "somebody could not sign in");
        if let Some(user) = user {
            // Beside: how long the answer takes must not tell whether there is such an account.
            tokio::spawn(remember_failure(state.clone(), user, Failure::WrongPassword, agent(&headers, address).address));
        }
        return Err(ApiError::WrongCredentials);
    };
    let better = match verdict {
        Verdict::RightButStale => Some(state.auth.passwords.hash(login.password).await?),
        _ => None,
    };
    let (user, agent) = (account.user_id, agent(&headers, address));
    let signed_in = sign_in(&state, user, &agent, &Proven { hash, better, code: login.code }).await;
    let failure = match signed_in {
        Err(ApiError::WrongCode) => Some(Failure::WrongCode),
        Err(ApiError::SecondFactorRequired) => Some(Failure::CodeMissing),
        _ => None,
    };
    if let Some(failure) = failure {
        metrics::counter!("auth_sign_in_failures_total").increment(1);
        remember_failure(state.clone(), user, failure, agent.address).await;
    }
    let signed_in = signed_in?;
    if let Some(earlier) = cookies.refresh(&headers) {
        end_earlier(&state, &RefreshToken::presented(&earlier)).await?;
    }
    let device = device.unwrap_or_else(Device::new);
    let token = (login.transport == Transport::Bearer).then(|| device.token(secret, &login.email));
    let cookie = (login.transport == Transport::Cookie).then(|| device.cookie(cookies, secret, &login.email));
    Ok((cookie, answer(&state, signed_in, login.transport, token)).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// Leave it out where it is in a cookie.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
}

/// Get new tokens for a refresh token, which is used up.
///
/// A token that comes a second time ends the session, since two have it; within 20 seconds it is answered with the same successor.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh", operation_id = "refresh_tokens",
    tag = "auth",
    request_body = Refresh,
    responses(
        (status = 200, description = "New tokens", body = Tokens),
        (status = 401, description = "The refresh token is used, expired, revoked or none of ours", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "In a cookie, without the token that our own pages send", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
    extensions(("x-permission" = json!("public"))),
)]
async fn refresh_tokens(
    State(state): State<AppState>,
    address: ClientAddress,
    headers: HeaderMap,
    Body(body): Body<Refresh>,
) -> Result<Response, ApiError> {
    use secrecy::ExposeSecret as _;
    let agent = agent(&headers, address);
    if let Some(token) = body.refresh_token {
        let token = RefreshToken::presented(token.expose_secret());
        let signed_in = refresh(&state, &token, &agent, |_| Ok(())).await?;
        return Ok(answer(&state, signed_in, Transport::Bearer, None));
    }
    check_origin(&headers)?;
    let token = state.front.cookies().refresh(&headers).ok_or(AuthError::InvalidToken)?;
    let may = |session| check_token(&headers, state.auth.secret(), session);
    let signed_in = refresh(&state, &RefreshToken::presented(&token), &agent, may).await?;
    Ok(answer(&state, signed_in, Transport::Cookie, None))
}

/// The browser forgets what it kept of us; cookies are taken back one by one, since other sites of our domain may have their own.
pub(super) const FORGET: [(&str, &str); 1] = [("clear-site-data", "\"cache\", \"storage\"")];

/// End this session. Its tokens stop working, and cookies are taken back.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout", operation_id = "logout",
    tag = "auth",
    responses((status = 204, description = "Signed out")),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn logout(State(state): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    revoke_family(&mut transaction, caller.user, caller.session, Revocation::SignedOut, state.clock.now()).await?;
    remember(&mut transaction, &state, &caller, None, "signed_out", &caller.session.to_string(), json!({})).await?;
    commit(transaction).await?;
    state.auth.forget(caller.user);
    Ok((state.front.cookies().signed_out(), FORGET, StatusCode::NO_CONTENT).into_response())
}

/// End all sessions, this one too.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout-everywhere", operation_id = "logout_everywhere",
    tag = "auth",
    request_body = PasswordAgain,
    responses(
        (status = 204, description = "Signed out everywhere"),
        (status = 401, description = "The password is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn logout_everywhere(State(state): State<AppState>, caller: Caller, Body(again): Body<PasswordAgain>) -> Result<Response, ApiError> {
    let now = state.clock.now();
    let mut transaction = with_password_again(&state, &caller, again.password).await?;
    revoke_others(&mut transaction, caller.user, None, Revocation::SignedOutEverywhere, now).await?;
    revoke_tokens(&mut *transaction, caller.user, now).await?;
    remember(&mut transaction, &state, &caller, None, "signed_out_everywhere", &caller.user.to_string(), json!({})).await?;
    commit(transaction).await?;
    state.auth.forget(caller.user);
    Ok((state.front.cookies().signed_out(), FORGET, StatusCode::NO_CONTENT).into_response())
}

#[derive(Serialize, ToSchema)]
struct Sessions {
    sessions: Vec<Session>,
}

/// Somewhere where the caller is signed in.
#[derive(Serialize, ToSchema)]
struct Session {
    id: Uuid,
    /// What it says of itself.
    #[schema(required = true, example = "Mozilla/5.0 (Linux; Android 15)")]
    user_agent: Option<String>,
    #[schema(required = true, example = "203.0.113.9")]
    ip_address: Option<String>,
    signed_in_at: DateTime<Utc>,
    /// When it last got tokens.
    seen_at: DateTime<Utc>,
    /// Unless it is refreshed before.
    expires_at: DateTime<Utc>,
    /// The one that asks.
    is_current: bool,
}

impl Session {
    fn of(row: LiveSession, caller: &Caller) -> Self {
        Self {
            is_current: row.family_id == caller.session,
            id: row.family_id,
            user_agent: row.user_agent,
            ip_address: row.ip_address,
            signed_in_at: row.signed_in_at,
            seen_at: row.seen_at,
            expires_at: row.expires_at,
        }
    }
}

/// Where the caller is signed in, at most ten; the one seen last first.
#[utoipa::path(
    get,
    path = "/api/v1/auth/sessions", operation_id = "list_sessions",
    tag = "auth",
    responses((status = 200, description = "Sessions", body = Sessions)),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn list(State(state): State<AppState>, caller: Caller, Reader(mut transaction): Reader) -> Result<Json<Sessions>, ApiError> {
    let rows = list_sessions(&mut *transaction, caller.user, state.clock.now()).await?;
    Ok(Json(Sessions { sessions: rows.into_iter().map(|row| Session::of(row, &caller)).collect() }))
}

/// End one session, wherever it is: whoever borrowed a phone does not sign its owner out of theirs.
#[utoipa::path(
    post,
    path = "/api/v1/auth/sessions/{session}/end", operation_id = "end_session",
    tag = "auth",
    params(("session" = Uuid, Path, description = "Id of the session")),
    request_body = PasswordAgain,
    responses(
        (status = 204, description = "Ended"),
        (status = 401, description = "The password is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such session", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn end(
    State(state): State<AppState>,
    caller: Caller,
    PathName(session): PathName,
    Body(again): Body<PasswordAgain>,
) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::Session, name: session.clone() };
    let id = Uuid::try_parse(&session).map_err(|_| missing())?;
    let mut transaction = with_password_again(&state, &caller, again.password).await?;
    if !revoke_family(&mut transaction, caller.user, id, Revocation::SignedOut, state.clock.now()).await? {
        return Err(missing());
    }
    remember(&mut transaction, &state, &caller, None, "signed_out", &session, json!({})).await?;
    commit(transaction).await?;
    state.auth.forget(caller.user);
    Ok(StatusCode::NO_CONTENT)
}

fn agent(headers: &HeaderMap, address: ClientAddress) -> Agent {
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Agent { user_agent, address: address.text() }
}

/// Nothing on the way may keep tokens.
pub(super) const NO_STORE: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

fn answer(state: &AppState, signed_in: SignIn, transport: Transport, device: Option<String>) -> Response {
    let SignIn { user, session, access, refresh, csrf } = signed_in;
    let tokens = Tokens {
        user_id: user,
        session_id: session,
        token_type: "Bearer",
        expires_in: ACCESS_LIFE.num_seconds(),
        refresh_expires_in: REFRESH_LIFE.num_seconds(),
        access_token: None,
        refresh_token: None,
        csrf_token: None,
        device_token: None,
    };
    match transport {
        Transport::Bearer => {
            let refresh_token = Some(refresh.expose().to_owned());
            (NO_STORE, Json(Tokens { access_token: Some(access), refresh_token, device_token: device, ..tokens })).into_response()
        }
        Transport::Cookie => {
            let cookies = state.front.cookies().signed_in(&access, &refresh, &csrf);
            (cookies, NO_STORE, Json(Tokens { csrf_token: Some(csrf), ..tokens })).into_response()
        }
    }
}
