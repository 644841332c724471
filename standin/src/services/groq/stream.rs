//! A completion as events: `data: JSON`, a blank line after each, `data: [DONE]` at the end.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};

use super::answer::{Answer, ToolCall};
use super::completion::{Completion, FINGERPRINT};
use super::refusal::Refusal;
use super::request::Wanted;
use super::script::{Quirk, Turn};

pub(super) fn respond(completion: &Completion, wanted: &Wanted, turn: &Turn) -> Response {
    let events = events(completion, wanted, turn.quirk);
    let frames: Vec<Bytes> = if turn.quirk == Some(Quirk::Ragged) {
        // Seven bytes end inside events, inside words and inside letters.
        events.concat().as_bytes().chunks(7).map(Bytes::copy_from_slice).collect()
    } else {
        events.into_iter().map(Bytes::from).collect()
    };
    let pause = Duration::from_millis(turn.pause);
    let paced = stream::iter(frames).then(move |frame| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Ok::<_, Infallible>(frame)
    });
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")], Body::from_stream(paced)).into_response()
}

fn events(completion: &Completion, wanted: &Wanted, quirk: Option<Quirk>) -> Vec<String> {
    let mut first = completion.chunk(json!({"role": "assistant", "content": ""}), None);
    first["x_groq"] = json!({"id": completion.request_id, "seed": completion.seed});
    let mut events = vec![event(&first)];
    let thoughts = pieces(completion.reasoning).map(|piece| json!({"reasoning": piece, "channel": "analysis"}));
    events.extend(thoughts.map(|delta| event(&completion.chunk(delta, None))));
    if quirk == Some(Quirk::ToolUseFailed) {
        events.push(format!("event: error\n{}", event(&Refusal::tool_use_failed(wanted).in_stream())));
        return events;
    }
    let deltas = match &completion.answer {
        Answer::Text(text) => pieces(text).map(|piece| json!({"content": piece})).collect(),
        Answer::Calls(calls) if quirk == Some(Quirk::SplitCalls) => split(calls),
        Answer::Calls(calls) => {
            let whole = |(index, call): (usize, &ToolCall)| json!({"tool_calls": [indexed(call, index)]});
            calls.iter().enumerate().map(whole).collect::<Vec<_>>()
        }
    };
    events.extend(deltas.into_iter().map(|delta| event(&completion.chunk(delta, None))));
    if quirk != Some(Quirk::Cut) {
        events.extend(completion.end(wanted, quirk).iter().map(event));
        events.push("data: [DONE]\n\n".to_owned());
    }
    events
}

impl Completion {
    fn chunk(&self, delta: Value, finish_reason: Option<&str>) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}],
        })
    }

    /// The last chunk tells the usage twice. Where a client asked for it, a chunk without choices tells it once more.
    fn end(&self, wanted: &Wanted, quirk: Option<Quirk>) -> Vec<Value> {
        let mut last = self.chunk(json!({}), Some(self.finish_reason));
        last["x_groq"] = json!({"id": self.request_id, "usage": self.usage});
        if quirk == Some(Quirk::XGroqError) {
            last["x_groq"]["error"] = "over_capacity".into();
        }
        if quirk == Some(Quirk::OldUsage) {
            return vec![last];
        }
        last["usage"] = json!(self.usage);
        let mut chunks = vec![last];
        if wanted.wants_usage_chunk() {
            let mut usage = self.chunk(json!({}), None);
            usage["choices"] = json!([]);
            usage["usage"] = json!(self.usage);
            chunks.push(usage);
        }
        chunks
    }
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// The text in words, each with the blank before it.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices(' ').map(|(start, _)| start).filter(|start| *start > 0);
    let starts: Vec<usize> = std::iter::once(0).chain(starts).chain(std::iter::once(text.len())).collect();
    (1..starts.len()).map(move |end| &text[starts[end - 1]..starts[end]]).filter(|piece| !piece.is_empty())
}

fn indexed(call: &ToolCall, index: usize) -> Value {
    let mut call = call.to_json();
    call["index"] = index.into();
    call
}

/// The head of each call first, then the arguments of all of them by turns, as OpenAI's rule of merging by index allows.
fn split(calls: &[ToolCall]) -> Vec<Value> {
    let head = |(index, call): (usize, &ToolCall)| {
        let mut call = indexed(call, index);
        call["function"]["arguments"] = "".into();
        json!({"tool_calls": [call]})
    };
    let mut deltas: Vec<Value> = calls.iter().enumerate().map(head).collect();
    let mut rests: Vec<Vec<char>> = calls.iter().map(|call| call.arguments.chars().collect()).collect();
    while rests.iter().any(|rest| !rest.is_empty()) {
        for (index, rest) in rests.iter_mut().enumerate().filter(|(_, rest)| !rest.is_empty()) {
            let piece: String = rest.drain(..rest.len().min(5)).collect();
            deltas.push(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}));
        }
    }
    deltas
}
