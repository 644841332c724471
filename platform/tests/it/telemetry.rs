//! Log lines that machines can read, filters, and the text behind `/metrics`.

use std::io::Write;
use std::sync::{Arc, Mutex};

use domain::job::Outcome;
use platform::config::TelemetryConfig;
use platform::queue::{self, EnqueueOptions};
use platform::telemetry::{Collector, Metrics, Output, cause, subscriber};
use platform::testing::TestDb;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::queue::{Runner, does, step, until};

/// Collects what is written.
#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().expect("the buffer"), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written(output: Output, log: &str, speak: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let config = TelemetryConfig { log: log.to_owned(), ..TelemetryConfig::default() };
    let subscriber = subscriber(&config, output, None, move || writer.clone()).expect("a valid filter");
    tracing::subscriber::with_default(subscriber, speak);
    let bytes = buffer.0.lock().expect("the buffer").clone();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn json_lines_carry_fields_and_span() {
    let text = written(Output::Json, "info", || {
        let _span = tracing::info_span!("run", store = "warung").entered();
        tracing::info!(rows = 3, "published");
    });
    let line: serde_json::Value = serde_json::from_str(text.trim()).expect("one JSON line");
    assert_eq!(line["message"], "published");
    assert_eq!(line["rows"], 3);
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["span"]["store"], "warung");
    assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
}

#[test]
fn the_filter_decides_what_is_written() {
    let speak = || {
        tracing::debug!("aside");
        tracing::warn!("heed this");
    };
    let text = written(Output::Terminal, "warn", speak);
    assert!(text.contains("heed this") && !text.contains("aside"), "{text}");
    let text = written(Output::Terminal, "debug", speak);
    assert!(text.contains("aside"), "{text}");
}

#[test]
fn a_bad_filter_is_refused_by_name() {
    let config = TelemetryConfig { log: "loud=very".to_owned(), ..TelemetryConfig::default() };
    let error = subscriber(&config, Output::Json, None, std::io::stderr).err().expect("a refusal");
    assert!(error.to_string().starts_with("the log filter `loud=very` is not valid"), "{error}");
    assert!(error.to_string().contains("RUST_LOG"), "{error}");
}

/// The recorder is of the whole process, so this is one test.
#[tokio::test]
async fn metrics_are_rendered_for_prometheus() {
    let collected = Metrics::install().expect("the first in this process");
    metrics::counter!("jobs_total", "kind" => "nightly").increment(2);
    metrics::histogram!("run_seconds").record(0.2);
    let text = collected.render();
    assert!(text.contains("jobs_total{kind=\"nightly\"} 2"), "{text}");
    assert!(text.contains("run_seconds_bucket{le=\"0.25\"} 1"), "{text}");
    assert!(text.contains("run_seconds_bucket{le=\"0.1\"} 0"), "{text}");
}

/// Takes what an exporter posts and answers 200, as a collector does.
async fn collector() -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its number"));
    let posted: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&posted);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                while socket.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                    if length.is_some_and(|length: usize| body.len() >= length) {
                        assert!(head.starts_with("POST /v1/traces ") || head.starts_with("POST /v1/logs "), "{head}");
                        kept.lock().expect("posts").push(serde_json::from_str(body).expect("JSON"));
                        bytes.clear();
                        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
                        socket.write_all(answer.as_bytes()).await.expect("an answer");
                    }
                }
            });
        }
    });
    (address, posted)
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

fn spans(posted: &[Value]) -> Vec<Value> {
    let scopes = posted.iter().flat_map(|post| list(post, "resourceSpans")).flat_map(|resource| list(&resource, "scopeSpans"));
    scopes.flat_map(|scope| list(&scope, "spans")).collect()
}

fn lines(posted: &[Value]) -> Vec<Value> {
    let scopes = posted.iter().flat_map(|post| list(post, "resourceLogs")).flat_map(|resource| list(&resource, "scopeLogs"));
    scopes.flat_map(|scope| list(&scope, "logRecords")).collect()
}

/// The subscriber is of the whole process, so this is one test: spans, and the lines that are said in them.
#[tokio::test]
async fn a_job_is_a_span_of_the_trace_that_caused_it() {
    let (endpoint, posted) = collector().await;
    let config = TelemetryConfig { otlp_endpoint: Some(endpoint), ..TelemetryConfig::default() };
    let collector = Collector::start(&config).expect("an address").expect("a collector");
    let told = subscriber(&config, Output::Json, Some(&collector), std::io::sink).expect("a subscriber");
    tracing::subscriber::set_global_default(told).expect("the first");

    let db = TestDb::new().await;
    let asked = || {
        tracing::info!(target: "api", { http.status = 202 }, "it is asked for");
        cause()
    };
    let request = tracing::info_span!(target: "api", "request", request.id = "r-1");
    let (trace_id, mut connection) = (request.in_scope(asked), db.work().acquire().await.expect("connect"));
    drop(request);
    let options = EnqueueOptions { trace_id: Some(trace_id.clone()), ..EnqueueOptions::default() };
    let id = queue::enqueue(&mut connection, &step("a"), options).await.expect("enqueue").id;
    drop(connection);
    let program = Runner::start(db.work(), does(|_, _| async { Outcome::Done }));
    until(db.work(), id, "completed").await;
    program.stop().await;
    tokio::task::spawn_blocking(move || collector.shut_down()).await.expect("no panic");

    let posted = posted.lock().expect("posts");
    let (spans, lines) = (spans(&posted), lines(&posted));
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no {name} in {spans:?}"));
    let (request, job) = (named("request"), named("job"));
    assert_eq!(format!("{}-{}", text(&request["traceId"]), text(&request["spanId"])), trace_id);
    assert_eq!((&job["traceId"], &job["parentSpanId"]), (&request["traceId"], &request["spanId"]));
    let outcome = job["attributes"].as_array().expect("a list").iter().find(|one| one["key"] == "job.outcome").expect("an outcome");
    assert_eq!(outcome["value"]["stringValue"], "done");
    assert_eq!(spans.len(), 2, "of nobody else: {spans:?}");

    let line = lines.iter().find(|line| line["body"]["stringValue"] == "it is asked for").unwrap_or_else(|| panic!("no line in {lines:?}"));
    assert_eq!((&line["traceId"], &line["spanId"]), (&request["traceId"], &request["spanId"]));
    let said = |key: &str| list(line, "attributes").into_iter().find(|one| one["key"] == key).unwrap_or_default()["value"].clone();
    assert_eq!((&said("http.status")["intValue"], &said("request.id")["stringValue"]), (&"202".into(), &"r-1".into()), "{line}");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test]
async fn a_collector_that_does_not_answer_holds_nobody_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = Some(format!("http://{}", silent.local_addr().expect("its number")));
    let config = TelemetryConfig { otlp_endpoint: endpoint, ..TelemetryConfig::default() };
    let collector = Collector::start(&config).expect("an address").expect("a collector");
    let lines = subscriber(&config, Output::Json, Some(&collector), std::io::sink).expect("a subscriber");
    let began = std::time::Instant::now();
    let ask = |_| tracing::info_span!(target: "api", "request").in_scope(|| tracing::info!(target: "api", "asked"));
    tracing::subscriber::with_default(lines, || (0..10_000).for_each(ask));
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    tokio::task::spawn_blocking(move || collector.shut_down()).await.expect("no panic");
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn an_address_that_is_none_is_refused() {
    let config = TelemetryConfig { otlp_endpoint: Some("no address".to_owned()), ..TelemetryConfig::default() };
    let error = Collector::start(&config).expect_err("a refusal");
    assert!(error.to_string().contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{error}");
}
