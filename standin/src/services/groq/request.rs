//! What a completion is asked for with.

use serde::Deserialize;
use serde_json::Value;

use super::models::Model;
use super::refusal::Refusal;

#[derive(Deserialize)]
pub(super) struct Wanted {
    pub(super) model: String,
    pub(super) messages: Vec<Message>,
    tools: Option<Vec<Tool>>,
    pub(super) tool_choice: Option<Value>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<u32>,
    max_completion_tokens: Option<u32>,
    max_tokens: Option<u32>,
    pub(super) response_format: Option<Value>,
    reasoning_effort: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Message {
    pub(super) role: Role,
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<MadeCall>>,
    tool_call_id: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

/// A call of an earlier answer, as the client sends it back.
#[derive(Deserialize)]
struct MadeCall {
    id: String,
    function: MadeFunction,
}

#[derive(Deserialize)]
struct MadeFunction {
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize)]
pub(super) struct Tool {
    pub(super) function: Function,
}

#[derive(Deserialize)]
pub(super) struct Function {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) parameters: Value,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

impl Wanted {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map_err(|error| Refusal::bad_request(format!("invalid request: {error}")))
    }

    pub(super) fn check(&self, model: &Model) -> Result<(), Refusal> {
        if self.messages.is_empty() {
            return Err(Refusal::bad_request("'messages' : minimum number of items is 1"));
        }
        if self.n.is_some_and(|n| n != 1) {
            return Err(Refusal::bad_request("'n' : number must be at most 1"));
        }
        let effort = self.reasoning_effort.as_deref();
        if model.has_efforts && effort.is_some_and(|effort| !["low", "medium", "high"].contains(&effort)) {
            return Err(Refusal::bad_request("`reasoning_effort` must be one of `low`, `medium`, or `high`"));
        }
        match self.forced_tool() {
            Some(name) if !self.tools().iter().any(|tool| tool.function.name == name) => {
                Err(Refusal::bad_request(format!("tool choice `{name}` is not among the tools of the request")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn tools(&self) -> &[Tool] {
        self.tools.as_deref().unwrap_or_default()
    }

    /// The one tool that must be called.
    pub(super) fn forced_tool(&self) -> Option<&str> {
        self.tool_choice.as_ref()?.pointer("/function/name")?.as_str()
    }

    pub(super) fn is_streamed(&self) -> bool {
        self.stream == Some(true)
    }

    pub(super) fn wants_usage_chunk(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }

    pub(super) fn token_budget(&self) -> Option<u32> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// The name of the tool that a message holds the result of.
    pub(super) fn tool_of(&self, result: &Message) -> Option<&str> {
        let id = result.tool_call_id.as_deref()?;
        let calls = self.messages.iter().rev().flat_map(|message| message.tool_calls.iter().flatten());
        calls.into_iter().find(|call| call.id == id).map(|call| call.function.name.as_str())
    }
}

impl Message {
    pub(super) fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Bytes that the model has to read.
    pub(super) fn length(&self) -> usize {
        let calls = self.tool_calls.iter().flatten();
        self.text().len() + calls.map(|call| call.function.name.len() + call.function.arguments.len()).sum::<usize>()
    }
}
