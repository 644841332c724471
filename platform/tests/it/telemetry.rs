//! Log lines that machines can read, filters, and the text behind `/metrics`.

use std::io::Write;
use std::sync::{Arc, Mutex};

use platform::config::TelemetryConfig;
use platform::telemetry::{Metrics, Output, subscriber};

/// Collects what is written.
#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the buffer").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written(output: Output, log: &str, speak: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let config = TelemetryConfig { log: log.to_owned(), ..TelemetryConfig::default() };
    let subscriber = subscriber(&config, output, move || writer.clone()).expect("a valid filter");
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
    let error = subscriber(&config, Output::Json, std::io::stderr).err().expect("a refusal");
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
