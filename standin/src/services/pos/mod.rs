//! A point of sale in the manner of a paged REST API: `GET /v1/orders`, answered with the orders of the simulated shops.
//!
//! No real service was recorded for it: everything here is reconstructed by us after what such services have in common.
//! A bearer token is needed (any but `invalid`). Orders come with the newest update last, so a client keeps the last
//! `updated_at` and asks from there; `updated_since` is inclusive. An order that is revised (an item changed, or the whole
//! order voided) comes again with a later `updated_at`. Times carry the shop's offset, quantities are numbers or text.
//! [`Paging`] lets the list move under a client that pages through it. All orders are synthetic.

mod orders;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::orders::{Entry, Order, entries, listing};
use super::{Context, Service};

/// Orders on a page, unless fewer are asked for.
pub const PER_PAGE: usize = 100;
/// The one token that is refused.
pub const INVALID_TOKEN: &str = "invalid";

/// The service, for the registry.
pub fn service() -> Service {
    Service { name: "pos", about: "orders of the shops, paged by GET /v1/orders with a bearer token", routes: router, control: None }
}

/// Its routes, as at the service's root.
pub fn router(context: &Context) -> Router {
    Router::new().route("/v1/orders", get(list)).with_state(PointOfSale { context: context.clone(), entries: Arc::default() })
}

/// Lets the list move while a client pages through it.
#[derive(Debug, Clone, Default)]
pub struct Paging(Arc<Mutex<Moves>>);

#[derive(Debug, Default)]
struct Moves {
    planned: u32,
    /// Positions of orders that were updated while someone paged, and when.
    touched: HashMap<usize, DateTime<Utc>>,
}

impl Paging {
    /// At the next request for a page after the first, the first order of the list is updated: it moves to the end, the
    /// others move up by one, and a client that goes on by page number misses the one that crossed the boundary.
    pub fn shift_next_page(&self) {
        self.lock().planned += 1;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Moves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
struct PointOfSale {
    context: Context,
    /// Made at the first request: few servers are asked for orders.
    entries: Arc<OnceLock<Vec<Entry>>>,
}

#[derive(Deserialize)]
struct Wanted {
    updated_since: Option<String>,
    outlet_id: Option<String>,
    page: Option<String>,
    per_page: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    data: Vec<Order>,
    meta: Meta,
}

#[derive(Serialize)]
struct Meta {
    page: usize,
    per_page: usize,
    total: usize,
    total_pages: usize,
}

/// A refusal: status, code, message.
type Refusal = (StatusCode, &'static str, String);

async fn list(State(state): State<PointOfSale>, headers: HeaderMap, Query(wanted): Query<Wanted>) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
    let answer = if token.is_empty() || token == INVALID_TOKEN {
        Err((StatusCode::UNAUTHORIZED, "unauthorized", "a valid bearer token is needed".to_owned()))
    } else {
        state.page(&wanted)
    };
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err((status, code, message)) => (status, Json(json!({"error": {"code": code, "message": message}}))).into_response(),
    }
}

impl PointOfSale {
    fn page(&self, wanted: &Wanted) -> Result<Answer, Refusal> {
        let world = &*self.context.world;
        let now = (self.context.now)();
        let since = wanted.since()?;
        let (page, per_page) = (number("page", &wanted.page, 1, usize::MAX)?, number("per_page", &wanted.per_page, PER_PAGE, PER_PAGE)?);
        if let Some(outlet) = wanted.outlet_id.as_deref().filter(|outlet| world.definition.store(outlet).is_none()) {
            return Err((StatusCode::NOT_FOUND, "not_found", format!("there is no outlet `{outlet}`")));
        }
        let entries = self.entries.get_or_init(|| entries(world));
        let is_wanted = |entry: &Entry| wanted.outlet_id.as_deref().is_none_or(|outlet| entry.outlet(world) == outlet);
        let mut moves = self.context.paging.lock();
        let mut found = listing(entries, is_wanted, since, now, &moves.touched);
        if let Some((_, first)) = found.first().copied().filter(|_| page > 1 && moves.planned > 0) {
            moves.planned -= 1;
            moves.touched.insert(first, now);
            found.remove(0);
            found.push((now, first));
        }
        let meta = Meta { page, per_page, total: found.len(), total_pages: found.len().div_ceil(per_page) };
        let shown = found.iter().skip((page - 1).saturating_mul(per_page)).take(per_page);
        let data = shown.map(|(updated, position)| entries[*position].order(world, now, *updated)).collect();
        Ok(Answer { data, meta })
    }
}

impl Wanted {
    fn since(&self) -> Result<Option<DateTime<Utc>>, Refusal> {
        let Some(text) = &self.updated_since else { return Ok(None) };
        match DateTime::parse_from_rfc3339(text) {
            Ok(since) => Ok(Some(since.with_timezone(&Utc))),
            Err(_) => Err(unprocessable(format!("updated_since `{text}` is not a time such as 2026-11-22T00:00:00Z"))),
        }
    }
}

/// A number from 1 to `most`, or the usual one.
fn number(name: &str, text: &Option<String>, usual: usize, most: usize) -> Result<usize, Refusal> {
    let Some(text) = text else { return Ok(usual) };
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(unprocessable(format!("{name} `{text}` is not a whole number from 1 to {most}"))),
    }
}

fn unprocessable(message: String) -> Refusal {
    (StatusCode::UNPROCESSABLE_ENTITY, "invalid_parameter", message)
}
