//! One span, one log line and one set of metrics a request, all by route template. Neither query strings nor header
//! values are recorded: they may hold personal data.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, histogram};
use platform::telemetry;
use tracing::field::Empty;
use tracing::{Instrument, info, info_span};

use super::{TraceId, trace};

/// Route of requests that no route answers: one label value, whatever paths scanners invent.
const UNMATCHED: &str = "unmatched";

pub(super) async fn request(mut request: Request, next: Next) -> Response {
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let span = info_span!(
        "request", trace.id = Empty, http.method = method, http.route = %route, http.status = Empty, otel.kind = "server",
        otel.name = format!("{method} {route}"), otel.status_code = Empty
    );
    let caller = trace::caller(request.headers());
    caller.as_deref().inspect(|caller| telemetry::follow(&span, caller));
    let trace_id = TraceId::of(&caller.unwrap_or_else(|| span.in_scope(telemetry::cause)));
    span.record("trace.id", trace_id.as_str());
    request.extensions_mut().insert(trace_id.clone());

    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed = started.elapsed();

    let status = response.status().as_u16();
    span.record("http.status", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    let duration_ms = elapsed.as_secs_f64() * 1e3;
    span.in_scope(|| info!(duration_ms, "{method} {route} answered {status} in {duration_ms:.1} ms"));
    counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!("http_request_duration_seconds", "method" => method, "route" => route).record(elapsed.as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(trace_id.as_str()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// Methods are the caller's free text too: unknown ones share a label.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    const LABELS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("OTHER", |index| LABELS[index])
}
