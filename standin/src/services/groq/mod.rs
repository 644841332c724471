//! Groq's chat completions: `POST /openai/v1/chat/completions`, whole or streamed, and `GET /openai/v1/models`.
//!
//! Recorded from the real service: the fields of an answer and of each chunk, `content` left out beside tool calls,
//! reasoning in a channel of its own before the content, a tool call whole in one chunk, usage twice in the last chunk,
//! an error inside a stream that began with 200, the bodies of `tool_use_failed`, `model_decommissioned`,
//! `model_not_found` and of the 429 for tokens, the six headers and what their numbers follow from ([`limits`]).
//! Reconstructed by us: the shape of the list of models, every other message, that nothing but 400, 404 and 429 has a
//! `code`, that all keys belong to one organisation, how tokens are counted (four bytes each), times within `usage`, that
//! what was sent before the last answer is cached in blocks of 128 tokens, the split of a tool call over chunks.
//! Any key that begins with `gsk_` is a key, except `gsk_invalid`.
//!
//! No model is behind it: [`answer`] says by which rules it answers, and [`Script`] tells the next answers beforehand.

mod answer;
mod completion;
mod fill;
mod limits;
mod models;
mod refusal;
mod request;
mod script;
mod stream;
mod usage;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

pub use self::limits::Limits;
pub use self::script::{Call, Quirk, Script, Turn};

use self::answer::answer;
use self::completion::Completion;
use self::refusal::Refusal;
use self::request::Wanted;
use super::{Context, Service};

/// The one key that is refused though it looks like one.
pub const INVALID_KEY: &str = "gsk_invalid";

/// The service, for the registry.
pub fn service() -> Service {
    Service { name: "groq", about: "chat completions, a bearer key gsk_... required", routes: router, control: Some(script::routes) }
}

/// Its routes, as at the real service's root.
pub fn router(context: &Context) -> Router {
    let version = Router::new().route("/chat/completions", post(complete)).route("/models", get(list));
    Router::new().nest("/openai/v1", version).with_state(context.clone())
}

async fn list(headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    authorise(&headers)?;
    Ok(Json(models::list()))
}

async fn complete(State(context): State<Context>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    authorise(&headers)?;
    let body = body.map_err(|_| Refusal::too_large())?;
    let wanted = Wanted::parse(&body)?;
    let model = models::find(&wanted.model)?;
    wanted.check(model)?;
    let headers = context.script.admit(model, usage::counted_tokens(&wanted))?;
    let turn = context.script.next();
    if let Some(Quirk::Refuse(status)) = turn.quirk {
        return Err(Refusal::planned(status));
    }
    let now = (context.now)();
    let completion = Completion::new(model, &wanted, answer(&wanted, &turn, now.date_naive()), now);
    context.script.spend(model, completion.usage.completion_tokens);
    let response = if wanted.is_streamed() {
        stream::respond(&completion, &wanted, &turn)
    } else if turn.quirk == Some(Quirk::ToolUseFailed) {
        return Err(Refusal::tool_use_failed(&wanted));
    } else {
        Json(completion.whole()).into_response()
    };
    Ok((headers, response).into_response())
}

fn authorise(headers: &HeaderMap) -> Result<(), Refusal> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
    if key.starts_with("gsk_") && key != INVALID_KEY { Ok(()) } else { Err(Refusal::bad_key()) }
}
