//! Holds answers against the OpenAPI document: status, media type, and the shape of JSON bodies. A small validator for the
//! part of JSON Schema that the document uses.

use std::sync::OnceLock;

use axum::http::Method;
use serde_json::Value;

use crate::app::Reply;

pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(api::openapi()).expect("JSON"))
}

/// # Panics
/// When a documented route answers something that its documentation does not allow.
pub fn check(method: &Method, path: &str, reply: &Reply) {
    let path = path.split('?').next().unwrap_or_default();
    let paths = document()["paths"].as_object().expect("paths");
    let Some((template, item)) = paths.iter().find(|(template, _)| matches(template, path)) else { return };
    let responses = &item[method.as_str().to_ascii_lowercase()]["responses"];
    let response = resolve(&responses[reply.status.as_str()]);
    assert!(response.is_object(), "{template}: {} is not documented", reply.status);
    let Some(content) = response["content"].as_object() else { return };
    let media_type = reply.header("content-type").split(';').next().unwrap_or_default();
    let documented = content.get(media_type).unwrap_or_else(|| panic!("{template}: {media_type} is not documented for {}", reply.status));
    if media_type == "application/json" || media_type.ends_with("+json") {
        let wrong = violations(&documented["schema"], &reply.json(), "$");
        assert!(wrong.is_empty(), "{template}: {wrong:#?}");
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len() && template.iter().zip(&path).all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
}

pub fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => document().pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => value,
    }
}

pub fn violations(schema: &'static Value, value: &Value, at: &str) -> Vec<String> {
    let schema = resolve(schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().filter(|choice| violations(choice, value, at).is_empty()).count();
        return if fits == 1 { Vec::new() } else { vec![format!("{at}: fits {fits} of its alternatives: {value}")] };
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| is_of_type(name, value)) {
        return vec![format!("{at}: is not {types:?}: {value}")];
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return vec![format!("{at}: {value} is not one of {allowed:?}")];
    }
    match value {
        Value::Object(fields) => object_violations(schema, fields, at),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| violations(&schema["items"], item, &format!("{at}[{index}]"))).collect()
        }
        _ => Vec::new(),
    }
}

fn object_violations(schema: &'static Value, fields: &serde_json::Map<String, Value>, at: &str) -> Vec<String> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing = required.filter(|name| !fields.contains_key(*name)).map(|name| format!("{at}: `{name}` is missing"));
    let inside = fields.iter().flat_map(|(name, value)| match properties.get(name) {
        Some(property) => violations(property, value, &format!("{at}.{name}")),
        None => vec![format!("{at}: `{name}` is not documented")],
    });
    missing.chain(inside).collect()
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the validator does not know type `{other}`"),
    }
}
