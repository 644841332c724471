//! How many tokens an exchange takes: four bytes each, which is near enough for quotas.

use serde::Serialize;

use super::request::{Message, Role, Wanted};

#[derive(Debug, Clone, Serialize)]
pub(super) struct Usage {
    queue_time: f64,
    prompt_tokens: u32,
    prompt_time: f64,
    pub(super) completion_tokens: u32,
    completion_time: f64,
    total_tokens: u32,
    total_time: f64,
    completion_tokens_details: CompletionDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Debug, Clone, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u32,
}

#[derive(Debug, Clone, Serialize)]
struct PromptDetails {
    cached_tokens: u32,
}

impl Usage {
    /// Reasoning is part of the completion. Times are those of a fast machine.
    pub(super) fn new(wanted: &Wanted, reasoning: u32, spoken: u32) -> Self {
        let (prompt, completion) = (prompt_tokens(wanted), reasoning.saturating_add(spoken));
        let (prompt_time, completion_time) = (f64::from(prompt) * 0.000_05, f64::from(completion) * 0.002);
        let cached = cached_tokens(wanted);
        Usage {
            queue_time: 0.005,
            prompt_tokens: prompt,
            prompt_time,
            completion_tokens: completion,
            completion_time,
            total_tokens: prompt.saturating_add(completion),
            total_time: prompt_time + completion_time,
            completion_tokens_details: CompletionDetails { reasoning_tokens: reasoning },
            prompt_tokens_details: (cached > 0).then_some(PromptDetails { cached_tokens: cached }),
        }
    }
}

pub(super) fn tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX)
}

/// The messages and the tools, with some for the frame around each.
fn prompt_tokens(wanted: &Wanted) -> u32 {
    let messages: usize = wanted.messages.iter().map(framed).sum();
    let tools = wanted.tools().iter().map(|tool| {
        let function = &tool.function;
        function.name.len() + function.description.as_ref().map_or(0, String::len) + function.parameters.to_string().len()
    });
    tokens(messages + tools.sum::<usize>())
}

/// What the limits count: nothing that is cached.
pub(super) fn counted_tokens(wanted: &Wanted) -> u32 {
    prompt_tokens(wanted).saturating_sub(cached_tokens(wanted))
}

/// What stood before the last answer has been sent once already.
fn cached_tokens(wanted: &Wanted) -> u32 {
    let before = wanted.messages.iter().rposition(|message| message.role == Role::Assistant).unwrap_or(0);
    tokens(wanted.messages[..before].iter().map(framed).sum()) / 128 * 128
}

fn framed(message: &Message) -> usize {
    message.length() + 16
}
