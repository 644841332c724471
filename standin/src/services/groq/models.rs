//! The models that are served, and those that are not any more.

use serde_json::{Value, json};

use super::refusal::Refusal;

/// One model.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) id: &'static str,
    owner: &'static str,
    context_window: u32,
    max_completion_tokens: u32,
    /// Takes `reasoning_effort` as low, medium or high and nothing else.
    pub(super) has_efforts: bool,
}

/// The replacements the contract names; their sizes are reconstructed.
const MODELS: [Model; 3] = [
    Model { id: "openai/gpt-oss-120b", owner: "OpenAI", context_window: 131_072, max_completion_tokens: 65_536, has_efforts: true },
    Model { id: "openai/gpt-oss-20b", owner: "OpenAI", context_window: 131_072, max_completion_tokens: 65_536, has_efforts: true },
    Model { id: "qwen/qwen3.6-27b", owner: "Alibaba Cloud", context_window: 131_072, max_completion_tokens: 40_960, has_efforts: false },
];

/// In seconds of Unix, of all of them.
const CREATED: i64 = 1_754_006_400;

/// Retired long enough to be told so. One that was shut down lately is answered like one that never was.
const DECOMMISSIONED: [&str; 1] = ["llama-3.1-70b-versatile"];

pub(super) fn find(id: &str) -> Result<&'static Model, Refusal> {
    match MODELS.iter().find(|model| model.id == id) {
        Some(model) => Ok(model),
        None if DECOMMISSIONED.contains(&id) => Err(Refusal::decommissioned(id)),
        None => Err(Refusal::unknown_model(id)),
    }
}

pub(super) fn list() -> Value {
    let one = |model: &Model| {
        json!({
            "id": model.id,
            "object": "model",
            "created": CREATED,
            "owned_by": model.owner,
            "active": true,
            "context_window": model.context_window,
            "public_apps": null,
            "max_completion_tokens": model.max_completion_tokens,
        })
    };
    json!({"object": "list", "data": MODELS.iter().map(one).collect::<Vec<_>>()})
}
