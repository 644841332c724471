//! Spans and log lines for a collector: OTLP over HTTP. A trace begins with a request, a tick or a command and goes on in the jobs that it
//! asked for, whichever program works on them and whenever.
//!
//! A cause is written down as `TRACE` or `TRACE-SPAN` in the hexadecimal of W3C trace context. Without a collector only the
//! trace is known, and it still joins the log lines.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{LogExporter, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::TelemetryError;
use crate::config::TelemetryConfig;

/// For a batch of spans or lines.
const PATIENCE: Duration = Duration::from_secs(5);

static IS_EXPORTING: AtomicBool = AtomicBool::new(false);

/// Sends spans and log lines until it is shut down.
#[derive(Debug, Clone)]
pub struct Collector {
    spans: SdkTracerProvider,
    lines: SdkLoggerProvider,
}

impl Collector {
    /// `None` if the settings name none. What cannot be delivered is dropped, never waited for; the lines are on stderr too.
    ///
    /// # Errors
    /// [`TelemetryError::Collector`] for an address that is none.
    pub fn start(config: &TelemetryConfig) -> Result<Option<Self>, TelemetryError> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
        let refused = |source| TelemetryError::Collector { endpoint: endpoint.clone(), source };
        let at = |path: &str| format!("{}{path}", endpoint.trim_end_matches('/'));
        let spans = SpanExporter::builder().with_http().with_protocol(Protocol::HttpJson).with_endpoint(at("/v1/traces"));
        let spans = spans.with_timeout(PATIENCE).build().map_err(refused)?;
        let lines = LogExporter::builder().with_http().with_protocol(Protocol::HttpJson).with_endpoint(at("/v1/logs"));
        let lines = lines.with_timeout(PATIENCE).build().map_err(refused)?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("viralcast").with_attribute(version).build();
        let spans = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_share))))
            .with_batch_exporter(spans)
            .build();
        let lines = SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(lines).build();
        IS_EXPORTING.store(true, Ordering::Relaxed);
        Ok(Some(Self { spans, lines }))
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.spans.tracer("viralcast")
    }

    pub(super) fn lines(&self) -> &SdkLoggerProvider {
        &self.lines
    }

    /// Delivers what is left, within seconds. Blocks its thread.
    pub fn shut_down(&self) {
        for (what, done) in [("spans", self.spans.shutdown()), ("lines", self.lines.shutdown())] {
            if let Err(error) = done {
                tracing::warn!(error = &error as &dyn std::error::Error, "the last {what} were not delivered");
            }
        }
    }
}

/// What is going on here, for work that is asked for now and done later: the current span, or a trace of its own.
pub fn cause() -> String {
    exported(&Span::current()).unwrap_or_else(new_trace)
}

/// Whether this process has begun to send spans.
pub fn is_exporting() -> bool {
    IS_EXPORTING.load(Ordering::Relaxed)
}

/// A trace that nobody else has.
pub fn new_trace() -> String {
    format!("{:032x}", rand::random::<u128>().max(1))
}

/// The cause that a span is for a collector; `None` where there is none.
pub fn exported(span: &Span) -> Option<String> {
    let context = span.context();
    let exported = context.span();
    let exported = exported.span_context();
    exported.is_valid().then(|| format!("{}-{}", exported.trace_id(), exported.span_id()))
}

/// How a request ended, told to the collector alone: log lines say it themselves.
pub fn answered(span: &Span, status: u16) {
    span.set_attribute("http.status", i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}

/// The trace of a cause.
pub fn trace_of(cause: &str) -> &str {
    cause.split('-').next().unwrap_or_default()
}

/// Makes a span that has not been entered yet part of the trace of `cause`. One that is no cause leaves it as it is.
pub fn follow(span: &Span, cause: &str) {
    if let Some(parent) = parse(cause) {
        // Fails where spans go nowhere, or for one that has begun; it then stands alone.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

fn parse(cause: &str) -> Option<SpanContext> {
    let trace = TraceId::from_hex(trace_of(cause)).ok()?;
    let span = match cause.split_once('-') {
        Some((_, span)) => SpanId::from_hex(span).ok()?,
        // Who began the trace exports no spans: its children still share a parent.
        None => SpanId::from_hex(cause.get(16..32)?).ok()?,
    };
    let parent = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE);
    parent.is_valid().then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_cause_names_a_trace_and_perhaps_a_span() {
        let both = parse(&format!("{TRACE}-00f067aa0ba902b7")).expect("a parent");
        assert_eq!((both.trace_id().to_string(), both.span_id().to_string()), (TRACE.to_owned(), "00f067aa0ba902b7".to_owned()));
        let trace = parse(TRACE).expect("a parent");
        assert_eq!(trace.trace_id().to_string(), TRACE);
        for none in ["", "-", "nonsense", &TRACE[1..], "00000000000000000000000000000000"] {
            assert!(parse(none).is_none(), "{none}");
        }
        assert_eq!(trace_of(&format!("{TRACE}-00f067aa0ba902b7")), TRACE);
    }

    #[test]
    fn without_a_collector_every_cause_is_a_trace_of_its_own() {
        let (one, other) = (cause(), cause());
        assert!(one != other && parse(&one).is_some(), "{one}");
    }
}
