//! What is answered, by fixed rules, so that a test or a trial can foresee it.
//!
//! 1. A [`Turn`] that was told beforehand comes first.
//! 2. After results of tools: one line each, `NAME: RESULT`.
//! 3. A tool named by `tool_choice` is called; with `required` the first that fits, or else the first.
//! 4. After a user's message the first tool fits whose name or description shares a word of four letters or more with it.
//!    Its arguments are made from its schema ([`super::fill`]).
//! 5. Otherwise the message comes back: `You wrote: MESSAGE`.
//!
//! A wanted JSON object is `{"answer": TEXT}`, or one made from the wanted schema in the manner of arguments.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fill;
use super::request::{Message, Role, Tool, Wanted};
use super::script::{Quirk, Turn};

pub(super) enum Answer {
    Text(String),
    Calls(Vec<ToolCall>),
}

pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    /// JSON by the contract's word only: what was told beforehand is passed on as it is.
    pub(super) arguments: String,
}

impl ToolCall {
    fn new(name: &str, arguments: String) -> Self {
        ToolCall { id: format!("fc_{}", Uuid::now_v7()), name: name.to_owned(), arguments }
    }
}

pub(super) fn answer(wanted: &Wanted, turn: &Turn, today: NaiveDate) -> Answer {
    if !turn.calls.is_empty() {
        return Answer::Calls(turn.calls.iter().map(|call| ToolCall::new(&call.name, call.text())).collect());
    }
    if let Some(text) = &turn.say {
        return Answer::Text(text.clone());
    }
    let results = results(wanted);
    if !results.is_empty() {
        return Answer::Text(formatted(wanted, results.join("\n"), today));
    }
    let message = wanted.messages.iter().rev().find(|message| message.role == Role::User).map(Message::text).unwrap_or_default();
    let tools = chosen(wanted, &message, turn.quirk == Some(Quirk::SeveralCalls));
    if tools.is_empty() {
        return Answer::Text(formatted(wanted, format!("You wrote: {message}"), today));
    }
    let call = |tool: &&Tool| ToolCall::new(&tool.function.name, fill::filled(&tool.function.parameters, &message, today).to_string());
    Answer::Calls(tools.iter().map(call).collect())
}

/// The results that the request ends with.
fn results(wanted: &Wanted) -> Vec<String> {
    let last: Vec<&Message> = wanted.messages.iter().rev().take_while(|message| message.role == Role::Tool).collect();
    let line = |message: &&Message| format!("{}: {}", wanted.tool_of(message).unwrap_or("tool"), message.text());
    last.iter().rev().map(line).collect()
}

fn chosen<'a>(wanted: &'a Wanted, message: &str, several: bool) -> Vec<&'a Tool> {
    let choice = wanted.tool_choice.as_ref().and_then(Value::as_str);
    if let Some(name) = wanted.forced_tool() {
        return wanted.tools().iter().filter(|tool| tool.function.name == name).take(1).collect();
    }
    let is_asked = wanted.messages.last().is_some_and(|last| last.role == Role::User);
    if choice == Some("none") || !(is_asked || choice == Some("required")) {
        return Vec::new();
    }
    let said = words(message);
    let fits = |tool: &&Tool| {
        let about = format!("{} {}", tool.function.name, tool.function.description.as_deref().unwrap_or_default());
        !words(&about).is_disjoint(&said)
    };
    let fitting: Vec<&Tool> = wanted.tools().iter().filter(fits).take(if several { usize::MAX } else { 1 }).collect();
    if fitting.is_empty() && choice == Some("required") { wanted.tools().iter().take(1).collect() } else { fitting }
}

fn words(text: &str) -> HashSet<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| word.chars().count() >= 4).map(str::to_lowercase).collect()
}

fn formatted(wanted: &Wanted, text: String, today: NaiveDate) -> String {
    let Some(format) = &wanted.response_format else { return text };
    match format["type"].as_str() {
        Some("json_object") => json!({"answer": text}).to_string(),
        Some("json_schema") => fill::filled(&format["json_schema"]["schema"], &text, today).to_string(),
        _ => text,
    }
}
