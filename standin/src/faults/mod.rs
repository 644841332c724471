//! Faults on demand, so that clients can be tried against bad days.
//!
//! A fault is chosen for one request by the header `x-standin-fault` or the query `standin_fault`, or planned for the
//! next requests of a service in code ([`Faults::plan`]) or by `POST /standin/faults`.

mod spoil;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

/// A bad answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429 without a body.
    TooManyRequests,
    /// 429 with a `Retry-After` of so many seconds.
    RetryAfter(u64),
    /// A 5xx without a body.
    ServerError(StatusCode),
    /// The right answer, late.
    Slow(Duration),
    /// The first half of the right answer.
    Truncated,
    /// 403 with the HTML page of a firewall.
    Html,
    /// The right answer in UTF-16LE with a byte order mark, under a header that says UTF-8.
    Charset,
    /// The right JSON with one field of every object under another name.
    Drift,
    /// The right answer with a `Date` header that is off by so many seconds.
    Skew(i64),
    /// The right JSON with every item of its largest array twice.
    Duplicate,
    /// The right JSON with slightly other numbers in its largest array.
    Revised,
    /// 200 with nothing in it.
    Empty,
    /// The connection is closed without an answer. Only a real server can show it ([`crate::server`]): it unwinds the
    /// connection's task, so an in-process call of the router unwinds its caller.
    Reset,
}

/// Why a fault's name was not understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "unknown fault `{0}`: use 429, retry_after:SECONDS, 500, 502, 503, 504, slow:MILLISECONDS, truncated, html, charset, drift, \
     skew:SECONDS, duplicate, revised, empty or reset"
)]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let known = match text.split_once(':') {
            None => Self::plain(text),
            Some(("slow", milliseconds)) => milliseconds.parse().ok().map(|number| Fault::Slow(Duration::from_millis(number))),
            Some(("retry_after", seconds)) => seconds.parse().ok().map(Fault::RetryAfter),
            Some(("skew", seconds)) => seconds.parse().ok().map(Fault::Skew),
            Some(_) => None,
        };
        known.ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

impl Fault {
    /// A fault that needs no number.
    fn plain(name: &str) -> Option<Self> {
        Some(match name {
            "429" => Fault::TooManyRequests,
            "500" => Fault::ServerError(StatusCode::INTERNAL_SERVER_ERROR),
            "502" => Fault::ServerError(StatusCode::BAD_GATEWAY),
            "503" => Fault::ServerError(StatusCode::SERVICE_UNAVAILABLE),
            "504" => Fault::ServerError(StatusCode::GATEWAY_TIMEOUT),
            "truncated" => Fault::Truncated,
            "html" => Fault::Html,
            "charset" => Fault::Charset,
            "drift" => Fault::Drift,
            "duplicate" => Fault::Duplicate,
            "revised" => Fault::Revised,
            "empty" => Fault::Empty,
            "reset" => Fault::Reset,
            _ => return None,
        })
    }
}

/// Planned faults by service, shared by all its requests.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<HashMap<String, Planned>>>);

#[derive(Debug, Clone, Copy)]
struct Planned {
    fault: Fault,
    times: u32,
}

/// Body of `POST /standin/faults`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    service: String,
    fault: String,
    times: u32,
}

impl Faults {
    /// Shows `fault` on the next `times` requests of the service; 0 takes a plan back.
    pub fn plan(&self, service: &str, fault: Fault, times: u32) {
        let mut planned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        planned.insert(service.to_owned(), Planned { fault, times });
    }

    fn take(&self, service: &str) -> Option<Fault> {
        let mut planned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = planned.get_mut(service).filter(|plan| plan.times > 0)?;
        plan.times -= 1;
        Some(plan.fault)
    }

    pub(crate) fn wrap(&self, service: &'static str, router: Router) -> Router {
        router.layer(from_fn_with_state((self.clone(), service), intercept))
    }

    pub(crate) fn routes(&self) -> Router {
        Router::new().route("/standin/faults", post(accept)).with_state(self.clone())
    }
}

async fn accept(State(faults): State<Faults>, Json(plan): Json<Plan>) -> Response {
    match plan.fault.parse() {
        Ok(fault) => {
            faults.plan(&plan.service, fault, plan.times);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => bad_request(error),
    }
}

async fn intercept(State((faults, service)): State<(Faults, &'static str)>, request: Request, next: Next) -> Response {
    match asked_for(&request).transpose() {
        Err(error) => bad_request(error),
        Ok(asked) => match asked.or_else(|| faults.take(service)) {
            None => next.run(request).await,
            Some(fault) => show(fault, request, next).await,
        },
    }
}

/// The fault this very request asks for.
fn asked_for(request: &Request) -> Option<Result<Fault, UnknownFault>> {
    let header = request.headers().get("x-standin-fault").and_then(|value| value.to_str().ok());
    let query = request.uri().query().unwrap_or_default().split('&');
    let query = query.filter_map(|pair| pair.strip_prefix("standin_fault=")).next();
    header.or(query).map(Fault::from_str)
}

async fn show(fault: Fault, request: Request, next: Next) -> Response {
    match fault {
        Fault::TooManyRequests => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Fault::RetryAfter(seconds) => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response(),
        Fault::ServerError(status) => status.into_response(),
        Fault::Empty => StatusCode::OK.into_response(),
        Fault::Html => {
            let page = "<!DOCTYPE html><html><head><title>403 Forbidden</title></head><body><h1>Access denied</h1></body></html>";
            (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page).into_response()
        }
        // Drops the connection with its task. Unlike a panic this prints nothing.
        Fault::Reset => std::panic::resume_unwind(Box::new("connection closed on demand")),
        Fault::Slow(delay) => {
            tokio::time::sleep(delay).await;
            next.run(request).await
        }
        Fault::Truncated | Fault::Charset | Fault::Drift | Fault::Skew(_) | Fault::Duplicate | Fault::Revised => {
            spoiled(fault, next.run(request).await).await
        }
    }
}

/// A right answer made wrong.
async fn spoiled(fault: Fault, mut response: Response) -> Response {
    match fault {
        Fault::Truncated => spoil::rewritten(response, spoil::half).await,
        Fault::Charset => {
            spoil::says_utf8(&mut response);
            spoil::rewritten(response, spoil::utf16).await
        }
        Fault::Drift => spoil::rewritten_json(response, spoil::drift).await,
        Fault::Duplicate => spoil::rewritten_json(response, spoil::duplicate).await,
        Fault::Revised => spoil::rewritten_json(response, spoil::revise).await,
        Fault::Skew(seconds) => {
            spoil::skew(&mut response, seconds);
            response
        }
        _ => response,
    }
}

fn bad_request(error: UnknownFault) -> Response {
    (StatusCode::BAD_REQUEST, error.to_string()).into_response()
}
