//! How the gateway is told what to do, under `/standin/xendit`: what a merchant sets, what a customer does, what time does.
//!
//! `POST settings` ([`Settings`], what is left out is as usual), `POST quirks` ([`Quirk`]), `POST pay {id, amount?, issuer?}`
//! whatever its state, `POST fail {id, failure_code?}`, `POST expire {id}`, `POST release {reversed?}` for held webhooks,
//! `POST resend {number}`, `GET webhooks` with all attempts, `GET requests` with those that no client knows of.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::gateway::{Quirk, Settings};
use super::post::Target;
use super::refusal::Refusal;
use super::requests::look_at;
use super::{MOST_BYTES, deliver, payments};
use crate::services::Context;

pub(super) fn routes(context: &Context) -> Router {
    Router::new()
        .route("/settings", post(set))
        .route("/quirks", post(plan))
        .route("/pay", post(pay))
        .route("/fail", post(fail))
        .route("/expire", post(expire))
        .route("/release", post(release))
        .route("/resend", post(resend))
        .route("/webhooks", get(webhooks))
        .route("/requests", get(requests))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(context.clone())
}

async fn set(State(context): State<Context>, Json(settings): Json<Settings>) -> Response {
    match settings.callback_url.as_deref() {
        Some(url) if Target::parse(url).is_none() => {
            (StatusCode::BAD_REQUEST, format!("webhooks go over http to this machine only, not to `{url}`")).into_response()
        }
        _ => {
            context.gateway.set(settings);
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

async fn plan(State(context): State<Context>, Json(quirk): Json<Quirk>) -> StatusCode {
    if context.gateway.plan(quirk) { StatusCode::NO_CONTENT } else { StatusCode::TOO_MANY_REQUESTS }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paid {
    id: String,
    amount: Option<i64>,
    issuer: Option<String>,
}

async fn pay(State(context): State<Context>, Json(paid): Json<Paid>) -> Result<Json<Value>, Refusal> {
    if paid.amount.is_some_and(|amount| amount < 1) {
        return Err(Refusal::value("amount must be positive"));
    }
    look_at(&context, &paid.id, false);
    Ok(Json(json!(payments::pay(&context, &paid.id, paid.amount, paid.issuer)?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    id: String,
    failure_code: Option<String>,
}

async fn fail(State(context): State<Context>, Json(failed): Json<Failed>) -> Result<StatusCode, Refusal> {
    let code = failed.failure_code.unwrap_or_else(|| "CHANNEL_UNAVAILABLE".to_owned());
    payments::fail(&context, &failed.id, code)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: String,
}

async fn expire(State(context): State<Context>, Json(named): Json<Named>) -> StatusCode {
    look_at(&context, &named.id, true);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Order {
    reversed: bool,
}

async fn release(State(context): State<Context>, Json(order): Json<Order>) -> Json<Value> {
    Json(json!({"released": deliver::release(&context, order.reversed)}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbered {
    number: u64,
}

async fn resend(State(context): State<Context>, Json(numbered): Json<Numbered>) -> StatusCode {
    if deliver::resend(&context, numbered.number) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn webhooks(State(context): State<Context>) -> Json<Value> {
    Json(json!(context.gateway.webhooks()))
}

async fn requests(State(context): State<Context>) -> Json<Value> {
    Json(json!(context.gateway.lock().requests.values().collect::<Vec<_>>()))
}
