//! A value that a JSON schema accepts, made from a message.
//!
//! `name=value` in the message fills the property of that name. Properties that are required and not named so get: the
//! first of an `enum`; today for a date; the next number of the message (or the least that is allowed, or 1); `true`; one
//! item; for other text the message itself. Properties that are neither named nor required are left out.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde_json::{Map, Value};

/// Deeper schemas than this are answered `null`: no tool of ours has them, and a hostile one must not exhaust the stack.
const DEEPEST: usize = 8;

/// Names of the properties that a schema requires.
pub(super) fn required(schema: &Value) -> Vec<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(super) fn filled(schema: &Value, message: &str, today: NaiveDate) -> Value {
    let pairs = message.split_whitespace().filter_map(|word| word.split_once('=')).collect();
    let words = message.split(|letter: char| !(letter.is_ascii_digit() || letter == '.' || letter == '-'));
    let numbers = words.filter_map(|word| word.trim_end_matches('.').parse().ok()).collect();
    let mut filler = Filler { message, pairs, numbers, used: 0, today };
    filler.value(schema, None, DEEPEST)
}

struct Filler<'a> {
    message: &'a str,
    pairs: HashMap<&'a str, &'a str>,
    numbers: Vec<f64>,
    used: usize,
    today: NaiveDate,
}

impl Filler<'_> {
    fn value(&mut self, schema: &Value, name: Option<&str>, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        if let Some(any) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()).and_then(|any| any.first()) {
            return self.value(any, name, depth - 1);
        }
        let named = name.and_then(|name| self.pairs.get(name)).copied();
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match kind {
            Some("string") => named.map_or_else(|| self.text(schema), Value::from),
            Some("integer") => (self.number(schema, named).round() as i64).into(),
            Some("number") => self.number(schema, named).into(),
            Some("boolean") => (named != Some("false")).into(),
            Some("array") => Value::Array(vec![self.value(&schema["items"], name, depth - 1)]),
            Some("object") | None => self.object(schema, depth),
            Some(_) => Value::Null,
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let required = required(schema);
        let mut fields = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if required.contains(&name.as_str()) || self.pairs.contains_key(name.as_str()) {
                fields.insert(name.clone(), self.value(property, Some(name), depth - 1));
            }
        }
        Value::Object(fields)
    }

    fn text(&self, schema: &Value) -> Value {
        match (schema["enum"][0].as_str(), schema["format"].as_str()) {
            (Some(first), _) => first.into(),
            (None, Some("date")) => self.today.to_string().into(),
            _ => self.message.into(),
        }
    }

    fn number(&mut self, schema: &Value, named: Option<&str>) -> f64 {
        if let Some(number) = named.and_then(|text| text.parse().ok()) {
            return number;
        }
        let next = self.numbers.get(self.used).copied();
        self.used += 1;
        next.or(schema["minimum"].as_f64()).unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_are_filled_from_the_message() {
        let text = json!({"type": "string"});
        let schema = json!({
            "type": "object",
            "properties": {
                "product": text, "day": {"type": "string", "format": "date"}, "steps": {"type": ["integer", "null"]},
                "unit": {"type": "string", "enum": ["kg", "pcs"]}, "note": text, "list": {"type": "array", "items": {"type": "number"}},
            },
            "required": ["product", "day", "steps", "unit", "list"],
        });
        let day = "2026-11-23".parse().expect("a day");
        let filled = filled(&schema, "plan 14 days product=ayam", day);
        assert_eq!(filled, json!({"product": "ayam", "day": "2026-11-23", "steps": 1, "unit": "kg", "list": [14.0]}));
    }

    #[test]
    fn no_schema_exhausts_the_stack() {
        let deep = (0..100).fold(json!({"type": "string"}), |schema, _| json!({"type": "array", "items": schema}));
        assert!(filled(&deep, "", NaiveDate::default()).to_string().ends_with("null]]]]]]]]"));
        assert_eq!(filled(&Value::Null, "", NaiveDate::default()), json!({}));
    }
}
