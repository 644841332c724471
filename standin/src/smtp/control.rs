//! The mail server as told and read over HTTP, under `/standin/smtp`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};

use super::behaviour::Behaviour;
use super::mailbox::{Mail, Mailbox};

pub(crate) fn routes(mailbox: &Mailbox) -> Router {
    Router::new().route("/mails", get(list).delete(clear)).route("/behaviour", post(behave)).with_state(mailbox.clone())
}

async fn list(State(mailbox): State<Mailbox>) -> Json<Vec<Mail>> {
    Json(mailbox.mails())
}

async fn clear(State(mailbox): State<Mailbox>) -> StatusCode {
    mailbox.clear();
    StatusCode::NO_CONTENT
}

async fn behave(State(mailbox): State<Mailbox>, Json(behaviour): Json<Behaviour>) -> StatusCode {
    mailbox.behave(behaviour);
    StatusCode::NO_CONTENT
}
