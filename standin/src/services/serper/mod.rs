//! Serper's news search: `POST /news`, answered with invented articles about the simulated world.
//!
//! Recorded from the real service or read in its clients: address, header, request keys, `engine` and `page` in
//! `searchParameters`, positions from 1 on every page, English dates, the messages of 403 and 400, an answer without `news`,
//! links of one article that differ, `data:` images. By third parties: 2,500 free credits.
//! Reconstructed by us: the shape of an item, Indonesian dates, which fields are missing and how often, that `num` over 10
//! costs a second credit, `statusCode` of the 400, a page past the end as an empty list, the 400 for a request without a
//! query, `site:`, `after:` and `before:` as exact filters, that a topic is silent after the world's last day. Any key but
//! `invalid` is a key. All articles are synthetic, on hosts that cannot exist.

mod articles;
mod dates;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use self::articles::{Article, Subject, operator};
use self::dates::{Language, absolute, relative, unknown};
use super::{Context, Service};

/// Credits a key begins with.
pub const FREE_CREDITS: u32 = 2_500;
/// The one key that is refused.
pub const INVALID_KEY: &str = "invalid";

/// The service, for the registry.
pub fn service() -> Service {
    Service { name: "serper", about: "news search by POST /news, X-API-KEY required", routes: router, control: None }
}

/// Its routes, as at the real service's root.
pub fn router(context: &Context) -> Router {
    Router::new().route("/news", post(news)).with_state(context.clone())
}

/// What each key has left, shared by all requests.
#[derive(Debug, Clone, Default)]
pub struct Credits(Arc<Mutex<HashMap<String, u32>>>);

impl Credits {
    /// Gives a key so many credits, whatever it had.
    pub fn set(&self, key: &str, credits: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), credits);
    }

    /// What a key has left.
    pub fn left(&self, key: &str) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or(FREE_CREDITS)
    }

    /// Takes the price of one request; false where the key has less.
    fn take(&self, key: &str, price: u32) -> bool {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = keys.entry(key.to_owned()).or_insert(FREE_CREDITS);
        let rest = left.checked_sub(price);
        *left = rest.unwrap_or(*left);
        rest.is_some()
    }
}

#[derive(Deserialize)]
struct Wanted {
    q: String,
    gl: Option<String>,
    hl: Option<String>,
    location: Option<String>,
    autocorrect: Option<bool>,
    num: Option<usize>,
    page: Option<usize>,
    tbs: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    search_parameters: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    news: Option<Vec<Item>>,
    credits: u32,
}

/// The request as it was understood.
#[derive(Serialize)]
struct Parameters {
    q: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    gl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    autocorrect: Option<bool>,
    #[serde(rename = "type")]
    kind: &'static str,
    num: usize,
    page: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    tbs: Option<String>,
    engine: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    title: String,
    link: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
    position: usize,
}

#[derive(Serialize)]
struct Refusal {
    message: &'static str,
    #[serde(rename = "statusCode")]
    status_code: u16,
}

fn refuse(status: StatusCode, message: &'static str) -> Response {
    (status, Json(Refusal { message, status_code: status.as_u16() })).into_response()
}

async fn news(State(context): State<Context>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers.get("x-api-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    if key.is_empty() || key == INVALID_KEY {
        return refuse(StatusCode::FORBIDDEN, "Unauthorized.");
    }
    let Some(wanted) = serde_json::from_slice::<Wanted>(&body).ok().filter(|wanted| !wanted.q.trim().is_empty()) else {
        return refuse(StatusCode::BAD_REQUEST, "Missing query parameter");
    };
    let (num, page) = (wanted.num.unwrap_or(10).clamp(1, 100), wanted.page.unwrap_or(1).max(1));
    let credits = if num > 10 { 2 } else { 1 };
    if !context.credits.take(key, credits) {
        return refuse(StatusCode::BAD_REQUEST, "Not enough credits");
    }
    let news = search(&context, &wanted, num, page);
    Json(Answer { search_parameters: wanted.understood(num, page), news, credits }).into_response()
}

/// One page of what is found; none where nothing in the world is called that.
fn search(context: &Context, wanted: &Wanted, num: usize, page: usize) -> Option<Vec<Item>> {
    let now = (context.now)();
    let subject = Subject::of(&context.world, &wanted.q)?;
    let found = subject.articles(&context.world, wanted.since(now), now).into_iter().filter(|article| wanted.is_within(article));
    let language = Language::of(wanted.hl.as_deref());
    let shown = found.skip((page - 1).saturating_mul(num)).take(num);
    Some(shown.zip(1..).map(|(article, position)| Item::new(article, position, language, now)).collect())
}

impl Wanted {
    fn understood(self, num: usize, page: usize) -> Parameters {
        let Wanted { q, gl, hl, location, autocorrect, tbs, .. } = self;
        Parameters { q, gl, hl, location, autocorrect, kind: "news", num, page, tbs, engine: "google" }
    }

    /// The limits of `tbs` and `after:`; unknown ones are passed over.
    fn since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let back = match self.tbs.as_deref() {
            Some("qdr:h") => Some(Duration::hours(1)),
            Some("qdr:d") => Some(Duration::days(1)),
            Some("qdr:w") => Some(Duration::days(7)),
            Some("qdr:m") => Some(Duration::days(30)),
            Some("qdr:y") => Some(Duration::days(365)),
            _ => None,
        };
        let after: Option<NaiveDate> = operator(&self.q, "after").and_then(|day| day.parse().ok());
        let after = after.map(|day| day.and_time(NaiveTime::MIN).and_utc());
        back.map(|back| now - back).max(after)
    }

    fn is_within(&self, article: &Article) -> bool {
        let before: Option<NaiveDate> = operator(&self.q, "before").and_then(|day| day.parse().ok());
        let on_site = operator(&self.q, "site").is_none_or(|site| article.link.starts_with(&format!("https://{site}/")));
        on_site && before.is_none_or(|before| article.day < before)
    }
}

impl Item {
    fn new(article: Article, position: usize, language: Language, now: DateTime<Utc>) -> Self {
        let has = |field: &str, share: f64| article.draw(field).chance(share);
        let (snippet, source) = (has("snippet", 0.92), has("source", 0.95));
        let mut stream = article.draw("date");
        let form = stream.below(3);
        let date = match stream.uniform() {
            0.0..0.05 => None,
            0.05..0.09 => Some(unknown(language).to_owned()),
            0.09..0.19 => Some(absolute(language, article.day)),
            _ => Some(relative(language, now - article.published, form)),
        };
        let image_url = match article.draw("image").uniform() {
            0.0..0.15 => Some(format!("data:image/jpeg;base64,{}", "A".repeat(4_000))),
            0.15..0.60 => Some(format!("https://img.example.test/{}.jpg", article.draw("image-name").below(100_000))),
            _ => None,
        };
        Item {
            snippet: snippet.then_some(article.snippet),
            date,
            source: source.then_some(article.source),
            image_url,
            position,
            title: article.title,
            link: article.link,
        }
    }
}
