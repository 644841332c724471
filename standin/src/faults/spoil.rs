//! What a fault does to a right answer.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{Duration, Utc};
use serde_json::Value;

use crate::services::with_thousands;

/// The answer with its body changed.
pub(super) async fn rewritten(response: Response, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => Response::from_parts(parts, Body::from(change(&bytes))),
        Err(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

/// The answer with its JSON changed; a body that is not JSON stays as it is.
pub(super) async fn rewritten_json(response: Response, change: impl FnOnce(&mut Value)) -> Response {
    let in_json = |bytes: &[u8]| match serde_json::from_slice::<Value>(bytes) {
        Ok(mut value) => {
            change(&mut value);
            value.to_string().into_bytes()
        }
        Err(_) => bytes.to_vec(),
    };
    rewritten(response, in_json).await
}

/// The first half.
pub(super) fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

/// UTF-16LE with its byte order mark.
pub(super) fn utf16(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// The media type with `charset=utf-8`, whatever the body is.
pub(super) fn says_utf8(response: &mut Response) {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("text/plain");
    let media = kind.split(';').next().unwrap_or(kind).trim();
    if let Ok(kind) = HeaderValue::from_str(&format!("{media}; charset=utf-8")) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
}

/// A `Date` header that is off by `seconds`. hyper adds the right one only where there is none.
pub(super) fn skew(response: &mut Response, seconds: i64) {
    let date = Duration::try_seconds(seconds).and_then(|off| Utc::now().checked_add_signed(off));
    let text = date.map(|date| date.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(date) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
}

/// Renames the first field (by name) of every object.
pub(super) fn drift(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drift),
        Value::Object(fields) => {
            fields.values_mut().for_each(drift);
            let first = fields.keys().next().cloned();
            if let Some((name, value)) = first.and_then(|name| fields.remove_entry(&name)) {
                fields.insert(format!("{name}_v2"), value);
            }
        }
        _ => {}
    }
}

/// Every item of the largest array twice.
pub(super) fn duplicate(value: &mut Value) {
    if let Some(items) = largest(value) {
        *items = items.iter().flat_map(|item| [item.clone(), item.clone()]).collect();
    }
}

/// The numbers inside the largest array a little different: about 2 %, at least 1. Zero stays.
pub(super) fn revise(value: &mut Value) {
    largest(value).into_iter().flatten().for_each(revise_numbers);
}

fn revise_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(revise_numbers),
        Value::Object(fields) => fields.values_mut().for_each(revise_numbers),
        Value::Number(number) => {
            if let Some(whole) = number.as_i64() {
                *value = nudged(whole).into();
            } else if let Some(real) = number.as_f64() {
                *value = (real * 1.02).into();
            }
        }
        Value::String(text) => {
            if let Some(whole) = grouped(text) {
                *text = with_thousands(nudged(whole));
            }
        }
        _ => {}
    }
}

fn nudged(whole: i64) -> i64 {
    if whole == 0 { 0 } else { whole.saturating_add((whole / 50).max(1)) }
}

/// A number written `43,550`, as price tables have it; other text is none.
fn grouped(text: &str) -> Option<i64> {
    let is_grouped = text.contains(',') && text.chars().all(|letter| letter == ',' || letter.is_ascii_digit());
    is_grouped.then(|| text.replace(',', "").parse().ok()).flatten()
}

/// The array with the most items, the first one of several.
fn largest(value: &mut Value) -> Option<&mut Vec<Value>> {
    let longest = longest(value);
    if longest == 0 { None } else { first_of(value, longest) }
}

fn longest(value: &Value) -> usize {
    let inside = |values: &mut dyn Iterator<Item = &Value>| values.map(longest).max().unwrap_or(0);
    match value {
        Value::Array(items) => items.len().max(inside(&mut items.iter())),
        Value::Object(fields) => inside(&mut fields.values()),
        _ => 0,
    }
}

fn first_of(value: &mut Value, length: usize) -> Option<&mut Vec<Value>> {
    match value {
        Value::Array(items) => {
            if items.len() == length {
                return Some(items);
            }
            items.iter_mut().find_map(|item| first_of(item, length))
        }
        Value::Object(fields) => fields.values_mut().find_map(|value| first_of(value, length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_object_loses_one_name() {
        let mut value = json!({"data": [{"b": 1, "a": 2}], "meta": {}});
        drift(&mut value);
        assert_eq!(value, json!({"data_v2": [{"b": 1, "a_v2": 2}], "meta": {}}));
    }

    #[test]
    fn the_largest_array_is_doubled_or_revised() {
        let original = json!({"few": [1], "many": [{"n": 100, "x": 2.0, "price": "43,550", "note": "-"}, {"n": 0}]});
        let mut value = original.clone();
        duplicate(&mut value);
        assert_eq!(value["many"].as_array().map(Vec::len), Some(4));
        let mut value = original;
        revise(&mut value);
        assert_eq!(value, json!({"few": [1], "many": [{"n": 102, "x": 2.04, "price": "44,421", "note": "-"}, {"n": 0}]}));
    }
}
