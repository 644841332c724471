//! The short way: what a session was answered a moment ago it is answered again, before a route is looked for, if the answer is one that is
//! kept ([`crate::kept`]) and everything is as it was then: what they may do, what time it is, where their stores are.
//!
//! Nothing is left out that matters: host, token, session and quota are looked at each time, the answer itself comes from the cache, which
//! forgets it when it changes, and the headers are those of the first time. Whatever is unusual goes the long way.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::extract::MatchedPath;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Uri};
use axum::response::Response;
use metrics::{Counter, counter};
use moka::sync::Cache;
use platform::cache::Key;
use platform::db::users::Standing;
use uuid::Uuid;

use super::{TraceId, host, observe, quota};
use crate::access::Asker;
use crate::kept::{Kept, KeptUnder};
use crate::state::AppState;

/// Of what was answered lately, addresses and headers.
const BYTES: u64 = 8 << 20;
/// Of one answer's headers, about.
const HEADERS: usize = 2 << 10;
const LIFE: Duration = Duration::from_secs(60);

/// Headers of one answer that the next one may not have. Others of its own take their places: a copy has no room for more than there are.
const OWN: [HeaderName; 2] = [CONTENT_ENCODING, CONTENT_LENGTH];

/// What sessions were answered lately.
pub(crate) struct AtHand(Cache<(Uuid, String), Arc<Answered>>);

struct Answered {
    key: Key,
    standing: Arc<Standing>,
    moment: Moment,
    route: MatchedPath,
    headers: HeaderMap,
}

/// As long as it is the same, the same question has the same key: no business day begins within a minute, and no store has moved.
#[derive(PartialEq)]
pub(super) struct Moment {
    minute: i64,
    version_of_keys: u64,
}

impl Moment {
    pub fn now(state: &AppState) -> Self {
        Self { minute: state.clock.now().timestamp().div_euclid(60), version_of_keys: state.cache.version_of_keys() }
    }
}

impl Default for AtHand {
    fn default() -> Self {
        let weigh = |(_, address): &(Uuid, String), _: &Arc<Answered>| u32::try_from(address.len() + HEADERS).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(BYTES).weigher(weigh).time_to_live(LIFE).build())
    }
}

impl AtHand {
    /// Remembers an answer that is kept; it began at this moment.
    pub(super) fn note(&self, address: String, moment: Moment, route: Option<MatchedPath>, response: &Response) {
        let known = response.extensions();
        let (Some(route), Some(asker), Some(KeptUnder(key))) = (route, known.get::<Asker>(), known.get()) else { return };
        let mut headers = response.headers().clone();
        for own in OWN {
            headers.remove(own);
        }
        let answered = Answered { key: key.clone(), standing: Arc::clone(&asker.standing), moment, route, headers };
        self.0.insert((asker.session, address), Arc::new(answered));
    }
}

/// `None` for whatever has to go the long way.
pub(super) async fn answer(state: &AppState, head: &Parts) -> Option<Response> {
    let began = Instant::now();
    if !is_usual(&head.method, &head.headers) || observe::is_watched() {
        return None;
    }
    host::require_ours(&head.uri, &head.headers, &state.front).ok()?;
    let asker = Asker::at_hand(state, &head.headers).await?;
    let answered = state.at_hand.0.get(&(asker.session, address(&head.uri)))?;
    if !Arc::ptr_eq(&answered.standing, &asker.standing) || answered.moment != Moment::now(state) {
        return None;
    }
    let kept: Kept = state.cache.at_hand(&answered.key)?;
    let verdict = quota::take(state, asker.user.hyphenated().encode_lower(&mut Uuid::encode_buffer())).await;
    if !verdict.allowed {
        return None;
    }
    let mut response = kept.answer(&head.headers, answered.headers.clone());
    quota::tell_left(response.headers_mut(), verdict);
    TraceId::of_caller_or_new(&head.headers).tell(response.headers_mut());
    observe::count("GET", answered.route.as_str(), response.status(), began.elapsed());
    found();
    Some(response)
}

/// Other sites' scripts get headers of their own.
pub(super) fn is_usual(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::GET && !headers.contains_key(ORIGIN)
}

/// Of a question: path and query as they were sent.
pub(super) fn address(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(String::new, |address| address.as_str().to_owned())
}

fn found() {
    static FOUND: LazyLock<Counter> = LazyLock::new(|| counter!("http_answers_at_hand_total"));
    FOUND.increment(1);
}
