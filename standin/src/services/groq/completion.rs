//! One completion, and its form when it is not streamed.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, ToolCall};
use super::models::Model;
use super::request::Wanted;
use super::usage::{Usage, tokens};

pub(super) struct Completion {
    pub(super) id: String,
    pub(super) request_id: String,
    pub(super) seed: u32,
    pub(super) created: i64,
    pub(super) model: &'static str,
    pub(super) reasoning: &'static str,
    pub(super) answer: Answer,
    pub(super) finish_reason: &'static str,
    pub(super) usage: Usage,
}

impl Completion {
    pub(super) fn new(model: &'static Model, wanted: &Wanted, answer: Answer, now: DateTime<Utc>) -> Self {
        let reasoning = match answer {
            Answer::Text(_) => "The user wants an answer. No tool is needed any more. Answer briefly.",
            Answer::Calls(_) => "The user wants facts. A tool has them. Call it with what the message says.",
        };
        let thought = tokens(reasoning.len());
        let (answer, finish_reason) = within_budget(answer, wanted.token_budget().map(|budget| budget.saturating_sub(thought)));
        let spoken = match &answer {
            Answer::Text(text) => tokens(text.len()),
            Answer::Calls(calls) => tokens(calls.iter().map(|call| call.name.len() + call.arguments.len()).sum()),
        };
        let unique = Uuid::now_v7();
        Completion {
            id: format!("chatcmpl-{}", Uuid::now_v7()),
            request_id: format!("req_{}", base32(unique.as_u128())),
            seed: unique.as_u128() as u32 >> 1,
            created: now.timestamp(),
            model: model.id,
            reasoning,
            answer,
            finish_reason,
            usage: Usage::new(wanted, thought, spoken),
        }
    }

    /// The answer in one piece. Beside tool calls there is no `content` at all.
    pub(super) fn whole(&self) -> Value {
        let message = match &self.answer {
            Answer::Text(text) => json!({"role": "assistant", "content": text, "reasoning": self.reasoning}),
            Answer::Calls(calls) => json!({
                "role": "assistant",
                "reasoning": self.reasoning,
                "tool_calls": calls.iter().map(ToolCall::to_json).collect::<Vec<_>>(),
            }),
        };
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish_reason}],
            "usage": self.usage,
            "usage_breakdown": null,
            "system_fingerprint": FINGERPRINT,
            "x_groq": {"id": self.request_id, "seed": self.seed},
            "service_tier": "on_demand",
        })
    }
}

pub(super) const FINGERPRINT: &str = "fp_5741d10000";

impl ToolCall {
    pub(super) fn to_json(&self) -> Value {
        json!({"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}})
    }
}

/// Text is cut after the last word that the budget has room for; calls are never cut.
fn within_budget(answer: Answer, budget: Option<u32>) -> (Answer, &'static str) {
    match (answer, budget) {
        (Answer::Text(text), Some(budget)) if tokens(text.len()) > budget => {
            let room = budget as usize * 4;
            let ends = text.match_indices(char::is_whitespace).map(|(end, _)| end);
            let end = ends.take_while(|end| *end <= room).last().unwrap_or(0);
            (Answer::Text(text[..end].to_owned()), "length")
        }
        (answer @ Answer::Text(_), _) => (answer, "stop"),
        (answer @ Answer::Calls(_), _) => (answer, "tool_calls"),
    }
}

/// 26 letters of Crockford's alphabet, as a ULID is written.
fn base32(number: u128) -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    (0..26).rev().map(|place| char::from(LETTERS[(number >> (place * 5)) as usize & 31])).collect()
}
