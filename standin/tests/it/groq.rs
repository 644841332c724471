//! The Groq stand-in keeps to the contract: answers whole and streamed, tool calls, usage, limits, errors, quirks.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use standin::services::groq::{Call, INVALID_KEY, Limits, Quirk, Turn};
use standin::services::{self, Context};
use tower::ServiceExt;

use crate::bmkg::context;

const COMPLETIONS: &str = "/groq/openai/v1/chat/completions";

fn router(context: &Context) -> Router {
    services::all().router(context)
}

async fn send(router: &Router, uri: &str, key: &str, body: String) -> (StatusCode, HeaderMap, String) {
    let request = Request::post(uri).header("content-type", "application/json").header("authorization", format!("Bearer {key}"));
    let response = router.clone().oneshot(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("text"))
}

async fn ask(context: &Context, body: Value) -> (StatusCode, HeaderMap, Value) {
    let (status, headers, answer) = send(&router(context), COMPLETIONS, "gsk_test", body.to_string()).await;
    (status, headers, serde_json::from_str(&answer).expect("json"))
}

async fn complete(context: &Context, body: Value) -> Value {
    let (status, _, answer) = ask(context, body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

fn question(text: &str) -> Value {
    json!({"model": "openai/gpt-oss-120b", "messages": [{"role": "user", "content": text}]})
}

/// A question that two tools are offered for.
fn with_tools(text: &str) -> Value {
    let tool = |name: &str, about: &str, property: &str| {
        let parameters = json!({"type": "object", "properties": {property: {"type": "string"}}, "required": [property]});
        json!({"type": "function", "function": {"name": name, "description": about, "parameters": parameters}})
    };
    let mut body = question(text);
    body["tools"] =
        json!([tool("market_prices", "harga pasar", "ingredient"), tool("predictions", "what will sell, ramalan penjualan", "product")]);
    body
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = true.into();
    body
}

/// The data of each event; a named event is marked by its name.
async fn events(context: &Context, body: Value) -> Vec<(String, Value)> {
    let (status, headers, text) = send(&router(context), COMPLETIONS, "gsk_test", streamed(body).to_string()).await;
    assert!(status == StatusCode::OK && headers["content-type"] == "text/event-stream", "{text}");
    let event = |event: &str| {
        let (name, data) = event.split_once("data: ").expect("data");
        let data = if data == "[DONE]" { Value::from("[DONE]") } else { serde_json::from_str(data).expect("json") };
        (name.trim().to_owned(), data)
    };
    assert!(text.ends_with("\n\n"));
    text.trim_end().split("\n\n").map(event).collect()
}

fn joined(events: &[(String, Value)], field: &str) -> String {
    events.iter().filter_map(|(_, data)| data["choices"][0]["delta"][field].as_str()).collect()
}

#[tokio::test]
async fn an_answer_has_the_fields_of_the_contract() {
    let answer = complete(&context(), question("Halo")).await;
    insta::assert_json_snapshot!("groq_completion", answer, {
        ".id" => "[id]", ".x_groq.id" => "[id]", ".x_groq.seed" => 0,
    });
    let id = answer["x_groq"]["id"].as_str().expect("text");
    assert!(id.len() == 30 && id.starts_with("req_") && answer["id"].as_str().is_some_and(|id| id.starts_with("chatcmpl-")));
}

#[tokio::test]
async fn the_first_tool_that_shares_a_word_is_called() {
    let answer = complete(&context(), with_tools("Berapa penjualan besok?")).await;
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert!(choice["message"].get("content").is_none(), "content is absent beside calls");
    let call = &choice["message"]["tool_calls"][0];
    assert!(call["id"].as_str().is_some_and(|id| id.starts_with("fc_")) && call["type"] == "function");
    assert_eq!(call["function"], json!({"name": "predictions", "arguments": "{\"product\":\"Berapa penjualan besok?\"}"}));
    let answer = complete(&context(), with_tools("penjualan product=seblak")).await;
    assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], "{\"product\":\"seblak\"}");
}

#[tokio::test]
async fn the_choice_of_a_tool_is_followed() {
    let called = async |text: &str, choice: Value| {
        let mut body = with_tools(text);
        body["tool_choice"] = choice;
        complete(&context(), body).await["choices"][0]["message"]["tool_calls"][0]["function"]["name"].clone()
    };
    assert_eq!(called("harga cabai", "auto".into()).await, "market_prices");
    assert_eq!(called("harga cabai", "none".into()).await, Value::Null);
    assert_eq!(called("Halo", "auto".into()).await, Value::Null);
    assert_eq!(called("Halo", "required".into()).await, "market_prices");
    assert_eq!(called("Halo", json!({"type": "function", "function": {"name": "predictions"}})).await, "predictions");
}

#[tokio::test]
async fn results_of_tools_become_the_answer() {
    let mut body = with_tools("penjualan besok");
    let asked = complete(&context(), body.clone()).await["choices"][0]["message"].clone();
    let id = asked["tool_calls"][0]["id"].clone();
    let messages = body["messages"].as_array_mut().expect("messages");
    messages.extend([asked, json!({"role": "tool", "tool_call_id": id, "content": "{\"ayam geprek\": 85}"})]);
    let answer = complete(&context(), body.clone()).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "predictions: {\"ayam geprek\": 85}");
    assert!(answer["usage"].get("prompt_tokens_details").is_none(), "too short to be cached");
    body["messages"][0]["content"] = "penjualan ".repeat(60).into();
    let answer = complete(&context(), body).await;
    assert_eq!(answer["usage"]["prompt_tokens_details"]["cached_tokens"], 128);
}

#[tokio::test]
async fn a_stream_says_the_same_in_pieces() {
    let events = events(&context(), question("Halo, apa kabar?")).await;
    let first = &events[0].1;
    assert_eq!(first["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert!(first["x_groq"]["seed"].is_u64() && first["object"] == "chat.completion.chunk");
    assert_eq!(joined(&events, "content"), "You wrote: Halo, apa kabar?");
    let position =
        |field: &str| events.iter().position(|(_, data)| data["choices"][0]["delta"][field].as_str().is_some_and(|text| !text.is_empty()));
    assert!(position("reasoning") < position("content"), "reasoning comes first");
    let thought = events.iter().map(|(_, data)| &data["choices"][0]["delta"]).find(|delta| delta.get("reasoning").is_some());
    assert_eq!(thought.expect("a thought")["channel"], "analysis");
    let [.., (_, last), (_, done)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((done, &last["choices"][0]["delta"], &last["choices"][0]["finish_reason"]), (&"[DONE]".into(), &json!({}), &"stop".into()));
    assert!(last["usage"]["total_tokens"].is_u64() && last["usage"] == last["x_groq"]["usage"], "usage is told twice");
}

#[tokio::test]
async fn calls_come_whole_or_split_in_a_stream() {
    let context = context();
    let whole = events(&context, with_tools("penjualan besok")).await;
    let calls: Vec<&Value> =
        whole.iter().flat_map(|(_, data)| data["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten()).collect();
    assert_eq!((calls.len(), &calls[0]["index"], &calls[0]["function"]["name"]), (1, &json!(0), &json!("predictions")));
    let call = |name: &str| Call { name: name.to_owned(), arguments: json!({"product": "ayam geprek é"}) };
    context.script.tell(Turn { calls: vec![call("a"), call("b")], quirk: Some(Quirk::SplitCalls), ..Turn::default() });
    let split = events(&context, with_tools("penjualan besok")).await;
    let mut merged = [String::new(), String::new()];
    let parts = split.iter().flat_map(|(_, data)| data["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten());
    let mut count = 0;
    for part in parts {
        count += 1;
        merged[part["index"].as_u64().expect("an index") as usize] += part["function"]["arguments"].as_str().expect("text");
    }
    assert!(count > 8 && merged.iter().all(|arguments| arguments == "{\"product\":\"ayam geprek é\"}"), "{merged:?}");
}

#[tokio::test]
async fn usage_may_come_once_more_or_in_its_old_place_only() {
    let context = context();
    let mut body = question("Halo");
    body["stream_options"] = json!({"include_usage": true});
    let asked = events(&context, body.clone()).await;
    let extra = &asked[asked.len() - 2].1;
    assert_eq!((&extra["choices"], extra["usage"].is_object()), (&json!([]), true));
    context.script.tell(Turn { quirk: Some(Quirk::OldUsage), ..Turn::default() });
    let old = events(&context, body).await;
    let last = &old[old.len() - 2].1;
    assert!(last.get("usage").is_none() && last["x_groq"]["usage"].is_object());
}

#[tokio::test]
async fn a_broken_call_is_a_400_or_an_error_inside_a_stream() {
    let context = context();
    let turn = Turn { quirk: Some(Quirk::ToolUseFailed), ..Turn::default() };
    context.script.tell(turn.clone());
    let (status, _, answer) = ask(&context, with_tools("penjualan")).await;
    let error = &answer["error"];
    assert_eq!(
        (status, &error["code"], &error["type"]),
        (StatusCode::BAD_REQUEST, &json!("tool_use_failed"), &json!("invalid_request_error"))
    );
    assert!(error["message"].as_str().is_some_and(|message| message.contains("missing properties: 'ingredient'")), "{error}");
    assert!(error["failed_generation"].as_str().is_some_and(|text| text.contains("market_prices")) && error.get("status_code").is_none());
    context.script.tell(turn);
    let events = events(&context, with_tools("penjualan")).await;
    let (name, data) = events.last().expect("events");
    assert_eq!(
        (name.as_str(), &data["error"]["code"], &data["error"]["status_code"]),
        ("event: error", &json!("tool_use_failed"), &json!(400))
    );
}

#[tokio::test]
async fn streams_can_be_cut_ragged_or_carry_an_error() {
    let context = context();
    let quirk = |quirk| Turn { quirk: Some(quirk), say: Some("sudah siap — é".to_owned()), ..Turn::default() };
    context.script.tell(quirk(Quirk::Cut));
    let cut = events(&context, question("Halo")).await;
    assert_eq!(joined(&cut, "content"), "sudah siap — é");
    assert!(cut.iter().all(|(_, data)| data.get("usage").is_none() && data != "[DONE]"));
    context.script.tell(quirk(Quirk::Ragged));
    assert_eq!(joined(&events(&context, question("Halo")).await, "content"), "sudah siap — é");
    context.script.tell(quirk(Quirk::XGroqError));
    let failed = events(&context, question("Halo")).await;
    assert_eq!(failed[failed.len() - 2].1["x_groq"]["error"], "over_capacity");
}

#[tokio::test]
async fn ragged_frames_end_inside_events() {
    let context = context();
    context.script.tell(Turn { quirk: Some(Quirk::Ragged), pause: 1, ..Turn::default() });
    let request = Request::post(COMPLETIONS).header("authorization", "Bearer gsk_test");
    let request = request.body(Body::from(streamed(question("Halo")).to_string())).expect("a request");
    let mut frames = router(&context).oneshot(request).await.expect("an answer").into_body().into_data_stream();
    let first = futures::StreamExt::next(&mut frames).await.expect("a frame").expect("bytes");
    assert_eq!(&first[..], b"data: {");
}

#[tokio::test]
async fn limits_are_told_and_kept() {
    let context = context();
    let (_, headers, answer) = ask(&context, question("Halo")).await;
    let header = |headers: &HeaderMap, name: &str| headers[&format!("x-ratelimit-{name}")].to_str().expect("text").to_owned();
    let known = ["limit-requests", "limit-tokens", "remaining-requests"].map(|name| header(&headers, name));
    assert_eq!(known, ["1000", "8000", "999"]);
    assert_eq!(header(&headers, "reset-requests"), "1m26.4s");
    let prompt = answer["usage"]["prompt_tokens"].as_u64().expect("a number");
    assert_eq!(header(&headers, "remaining-tokens"), (8_000 - prompt).to_string());
    assert!(header(&headers, "reset-tokens").ends_with("ms") && headers.get("retry-after").is_none());

    context.script.limit(Limits { requests: 1_000, tokens: 1_000 });
    let long = question(&"kata ".repeat(500));
    assert_eq!(ask(&context, long.clone()).await.0, StatusCode::OK);
    let (status, headers, answer) = ask(&context, long).await;
    assert_eq!(
        (status, &answer["error"]["code"], &answer["error"]["type"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limit_exceeded"), &json!("tokens"))
    );
    let message = answer["error"]["message"].as_str().expect("text");
    assert!(message.contains("on tokens per minute (TPM): Limit 1000, Used ") && message.contains("Please try again in "), "{message}");
    let wait: u64 = headers["retry-after"].to_str().expect("text").parse().expect("whole seconds");
    assert!((1..=60).contains(&wait));
    let (status, _, answer) = ask(&context, question(&"kata ".repeat(5_000))).await;
    assert_eq!((status, answer["error"].get("code")), (StatusCode::PAYLOAD_TOO_LARGE, None));
    assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains("reduce your message size")));

    context.script.limit(Limits { requests: 1, tokens: 8_000 });
    ask(&context, question("Halo")).await;
    assert_eq!(ask(&context, question("Halo")).await.2["error"]["type"], "requests");
}

#[tokio::test]
async fn refusals_have_the_bodies_of_the_contract() {
    let context = context();
    for key in ["", "sk-other", INVALID_KEY] {
        let (status, _, body) = send(&router(&context), COMPLETIONS, key, question("Halo").to_string()).await;
        assert!(status == StatusCode::UNAUTHORIZED && body.contains("\"error\""), "{key}: {body}");
    }
    let cases = [
        ("llama-3.3-70b-versatile", 404, "model_not_found"),
        ("llama-3.1-70b-versatile", 400, "model_decommissioned"),
        ("gpt-5", 404, "model_not_found"),
    ];
    for (model, expected, code) in cases {
        let mut body = question("Halo");
        body["model"] = model.into();
        let (status, _, answer) = ask(&context, body).await;
        assert_eq!((status.as_u16(), &answer["error"]["code"]), (expected, &json!(code)), "{answer}");
    }
    let wrong = [("messages", json!([])), ("n", json!(2)), ("reasoning_effort", json!("none")), ("messages", json!([{"role": "king"}]))];
    for (field, value) in wrong.into_iter().chain([("tool_choice", json!({"type": "function", "function": {"name": "x"}}))]) {
        let mut body = question("Halo");
        body[field] = value;
        let (status, _, answer) = ask(&context, body).await;
        assert_eq!((status, &answer["error"]["type"]), (StatusCode::BAD_REQUEST, &json!("invalid_request_error")), "{answer}");
    }
    let (status, _, _) = send(&router(&context), COMPLETIONS, "gsk_test", "{".to_owned()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _, _) = send(&router(&context), COMPLETIONS, "gsk_test", "x".repeat(3_000_000)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn answers_can_be_told_over_http() {
    let context = context();
    let router = router(&context);
    for (path, told, expected) in [
        ("turns", json!({"quirk": {"refuse": 503}}), 204),
        ("turns", json!({"calls": [{"name": "made_up", "arguments": "{not json"}]}), 204),
        ("limits", json!({"tokens": 500}), 204),
        ("turns", json!({"quirk": "sparks"}), 422),
    ] {
        let (status, _, body) = send(&router, &format!("/standin/groq/{path}"), "", told.to_string()).await;
        assert_eq!(status.as_u16(), expected, "{body}");
    }
    let (status, _, answer) = ask(&context, question("Halo")).await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && answer["error"]["message"].is_string());
    let (_, headers, answer) = ask(&context, question("Halo")).await;
    assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["function"], json!({"name": "made_up", "arguments": "{not json"}));
    assert_eq!(headers["x-ratelimit-limit-tokens"], "500");
    context.faults.plan("groq", "429".parse().expect("a fault"), 1);
    let (status, _, body) = send(&router, COMPLETIONS, "gsk_test", question("Halo").to_string()).await;
    assert_eq!((status, body.as_str()), (StatusCode::TOO_MANY_REQUESTS, ""));
}

#[tokio::test]
async fn budgets_cut_text_and_formats_are_json() {
    let mut body = question("satu dua tiga empat lima enam tujuh delapan");
    body["max_completion_tokens"] = 22.into();
    let answer = complete(&context(), body).await;
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert!(answer["usage"]["completion_tokens"].as_u64() <= Some(22), "{answer}");
    let mut body = question("Halo");
    body["response_format"] = json!({"type": "json_object"});
    let answer = complete(&context(), body.clone()).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "{\"answer\":\"You wrote: Halo\"}");
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    assert_eq!(complete(&context(), body).await["choices"][0]["message"]["content"], "{\"n\":1}");
}

#[tokio::test]
async fn models_are_listed() {
    let request = Request::get("/groq/openai/v1/models").header("authorization", "Bearer gsk_test").body(Body::empty()).expect("a request");
    let response = router(&context()).oneshot(request).await.expect("an answer");
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let list: Value = serde_json::from_slice(&body).expect("json");
    assert_eq!((&list["object"], &list["data"][0]["id"]), (&json!("list"), &json!("openai/gpt-oss-120b")));
}
