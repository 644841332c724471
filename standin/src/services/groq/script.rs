//! What the next requests are answered with, and how much the organisation may use. It is told in code, or by
//! `POST /standin/groq/turns` and `POST /standin/groq/limits`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;

use super::limits::{Limits, Used};
use super::models::Model;
use super::refusal::Refusal;
use crate::services::Context;

/// Turns beyond these are not taken.
const MOST_TURNS: usize = 1_000;
/// Bytes of one turn.
const MOST_BYTES: usize = 64 * 1024;

/// One answer told beforehand. An empty one is answered by the rules.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// This text.
    pub say: Option<String>,
    /// These calls, whether the tools exist or not.
    pub calls: Vec<Call>,
    /// Something of the contract that happens now and then.
    pub quirk: Option<Quirk>,
    /// Milliseconds between the events of a stream.
    pub pause: u64,
}

/// One tool call told beforehand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The tool.
    pub name: String,
    /// Its arguments. A string is passed on as it is, JSON or not.
    pub arguments: Value,
}

impl Call {
    pub(super) fn text(&self) -> String {
        self.arguments.as_str().map_or_else(|| self.arguments.to_string(), str::to_owned)
    }
}

/// What happens now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// The model's call broke the schema: 400, or an error inside a stream of status 200.
    ToolUseFailed,
    /// The last chunk has `x_groq.error`.
    XGroqError,
    /// The stream ends before its last chunk: no usage, no `[DONE]`.
    Cut,
    /// The bytes of the stream come in pieces of seven.
    Ragged,
    /// The arguments of a call come over several chunks.
    SplitCalls,
    /// Every tool that fits is called at once.
    SeveralCalls,
    /// Usage only in `x_groq`, as it was before.
    OldUsage,
    /// This status with its body.
    Refuse(u16),
}

/// Shared by all requests of a stand-in.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    turns: VecDeque<Turn>,
    limits: Limits,
    used: HashMap<&'static str, Used>,
}

impl Script {
    /// Answers the next request that has no earlier turn with this one; false where too many are waiting.
    pub fn tell(&self, turn: Turn) -> bool {
        let mut told = self.lock();
        let has_room = told.turns.len() < MOST_TURNS;
        if has_room {
            told.turns.push_back(turn);
        }
        has_room
    }

    /// Sets what the organisation may use, and forgets what it used.
    pub fn limit(&self, limits: Limits) {
        let mut told = self.lock();
        told.limits = limits;
        told.used.clear();
    }

    pub(super) fn next(&self) -> Turn {
        self.lock().turns.pop_front().unwrap_or_default()
    }

    /// Takes the tokens of a prompt; the headers tell what is left.
    pub(super) fn admit(&self, model: &Model, tokens: u32) -> Result<HeaderMap, Refusal> {
        let mut told = self.lock();
        let limits = told.limits;
        told.used.entry(model.id).or_default().admit(limits, model.id, tokens, Instant::now())
    }

    /// Takes the tokens of an answer, which no one can be refused any more.
    pub(super) fn spend(&self, model: &Model, tokens: u32) {
        let mut told = self.lock();
        let limits = told.limits;
        told.used.entry(model.id).or_default().spend(limits, tokens, Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn routes(context: &Context) -> Router {
    let routes = Router::new().route("/turns", post(accept_turn)).route("/limits", post(accept_limits));
    routes.layer(DefaultBodyLimit::max(MOST_BYTES)).with_state(context.script.clone())
}

async fn accept_turn(State(script): State<Script>, Json(turn): Json<Turn>) -> StatusCode {
    if script.tell(turn) { StatusCode::NO_CONTENT } else { StatusCode::TOO_MANY_REQUESTS }
}

async fn accept_limits(State(script): State<Script>, Json(limits): Json<Limits>) -> StatusCode {
    script.limit(limits);
    StatusCode::NO_CONTENT
}
