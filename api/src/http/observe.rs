//! One span, one set of metrics and, unless it is a read that went well and fast, one log line a request, all by route template. Neither
//! query strings nor header values are recorded: they may hold personal data. Who asked is told by an id, and from where by an alias.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{Extensions, Method, StatusCode};
use axum::response::Response;
use metrics::{Counter, Histogram, counter, histogram};
use platform::telemetry;
use tracing::instrument::Instrumented;
use tracing::{Instrument, Level, Span, debug, enabled, info, info_span};

use super::{TraceId, trace};
use crate::access::Asker;
use crate::problem::Refusal;

/// Route of requests that no route answers: one label value, whatever paths scanners invent.
const UNMATCHED: &str = "unmatched";
/// A read that takes longer is told of in the log.
const SLOW: Duration = Duration::from_millis(500);

/// A request that is being answered.
pub(super) struct Observed {
    method: &'static str,
    /// Of the route.
    pub path: Option<MatchedPath>,
    trace_id: TraceId,
    span: Span,
    started: Instant,
}

impl Observed {
    /// Gives the request its [`TraceId`].
    pub fn begin(request: &mut Request) -> Self {
        let method = method_label(request.method());
        let path = request.extensions().get::<MatchedPath>().cloned();
        let route = path.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
        let caller = trace::caller(request.headers());
        let mut trace_id = TraceId::of(&caller.clone().unwrap_or_else(telemetry::new_trace));
        // What only a collector wants is not written for the log.
        let name = telemetry::is_exporting().then(|| format!("{method} {route}"));
        let span = info_span!(
            "request",
            trace.id = trace_id.as_str(),
            http.method = method,
            http.route = route,
            otel.kind = name.as_ref().map(|_| "server"),
            otel.name = name,
        );
        match &caller {
            Some(caller) => telemetry::follow(&span, caller),
            None => {
                if let Some(own) = telemetry::exported(&span) {
                    trace_id = TraceId::of(&own);
                    span.record("trace.id", trace_id.as_str());
                }
            }
        }
        request.extensions_mut().insert(trace_id.clone());
        Self { method, path, trace_id, span, started: Instant::now() }
    }

    /// What is logged meanwhile is of this request.
    pub fn during<F: Future>(&self, answer: F) -> Instrumented<F> {
        answer.instrument(self.span.clone())
    }

    /// Tells of the answer, and the answer of its trace.
    pub fn end(&self, response: &mut Response, client: impl FnOnce() -> String) {
        let elapsed = self.started.elapsed();
        let (status, route) = (response.status(), self.path.as_ref().map_or(UNMATCHED, MatchedPath::as_str));
        telemetry::answered(&self.span, status.as_u16());
        self.span.in_scope(|| tell(self.method, route, status, elapsed, response.extensions(), client));
        count(self.method, route, status, elapsed);
        self.trace_id.tell(response.headers_mut());
    }
}

/// Whether somebody wants to see every request.
pub(super) fn is_watched() -> bool {
    telemetry::is_exporting() || enabled!(Level::DEBUG)
}

/// One more answer.
pub(super) fn count(method: &'static str, route: &str, status: StatusCode, elapsed: Duration) {
    let meters = meters(method, route, status);
    meters.requests.increment(1);
    meters.seconds.record(elapsed.as_secs_f64());
}

/// Whoever is refused is told of with the reason: it may be somebody who tries doors.
fn tell(method: &str, route: &str, status: StatusCode, elapsed: Duration, known: &Extensions, client: impl FnOnce() -> String) {
    let (code, duration_ms) = (status.as_u16(), elapsed.as_secs_f64() * 1e3);
    let user = known.get().map(|asker: &Asker| tracing::field::display(asker.user));
    let problem = known.get().map(|Refusal(kind)| *kind);
    if status.as_u16() < 400 && elapsed < SLOW && matches!(method, "GET" | "HEAD" | "OPTIONS") {
        debug!(http.status = code, user.id = user, duration_ms, "{method} {route} answered {code} in {duration_ms:.1} ms");
    } else {
        info!(http.status = code, user.id = user, client.alias = client(), problem.type = problem, duration_ms, "{method} {route} answered {code} in {duration_ms:.1} ms");
    }
}

/// Of one method, route and status.
struct Meters {
    requests: Counter,
    seconds: Histogram,
}

/// Looked up once for each kind of answer: by their labels it takes longer than a short answer.
fn meters(method: &'static str, route: &str, status: StatusCode) -> Arc<Meters> {
    type ByKind = HashMap<(&'static str, u16), Arc<Meters>>;
    static KNOWN: LazyLock<RwLock<HashMap<String, ByKind>>> = LazyLock::new(RwLock::default);
    let kind = (method, status.as_u16());
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(route).and_then(|route| route.get(&kind)).cloned();
    known.unwrap_or_else(|| {
        let meters = Arc::new(Meters {
            requests: counter!("http_requests_total", "method" => method, "route" => route.to_owned(), "status" => status.as_str().to_owned()),
            seconds: histogram!("http_request_duration_seconds", "method" => method, "route" => route.to_owned()),
        });
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(route.to_owned()).or_default().insert(kind, Arc::clone(&meters));
        meters
    })
}

/// Methods are the caller's free text too: unknown ones share a label.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    const LABELS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("OTHER", |index| LABELS[index])
}
