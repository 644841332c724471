//! What a session was answered a moment ago is answered again without looking for a route: nobody can tell, but by the counter.

use api::Limits;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method};
use serde_json::json;

use crate::app::{App, Reply};
use crate::eventually;
use crate::world::instant;

const STORE: &str = "/api/v1/stores/warung-bu-sri";
const PREDICTIONS: &str = "/api/v1/stores/warung-bu-sri/predictions?type=product";

async fn app(limits: Limits) -> (App, String) {
    let app = App::with(limits, crate::world::NOW).await;
    eventually("the cache hears", async || (!app.state.cache.is_degraded()).then_some(())).await;
    let owner = format!("Bearer {}", app.token_of(app.world.owner).await);
    (app, owner)
}

/// Answers that were given the short way.
fn short(app: &App) -> u64 {
    let text = app.state.metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix("http_answers_at_hand_total "));
    line.map_or(0, |count| count.parse().expect("a number"))
}

async fn get(app: &App, who: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    app.get_with(path, &[&[("authorization", who)], headers].concat()).await
}

/// What the document says nothing of: packed answers, and those to HEAD.
async fn ask(app: &App, method: Method, who: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let (parts, body) = app.open(method, path, &[&[("authorization", who)], headers].concat(), Body::empty()).await.into_parts();
    Reply { status: parts.status, headers: parts.headers, body: to_bytes(body, 16 << 20).await.expect("a body").to_vec() }
}

/// The answer, which has to have come the short way (or the long one).
async fn get_by(app: &App, who: &str, path: &str, headers: &[(&str, &str)], is_short: bool) -> Reply {
    let before = short(app);
    let reply = ask(app, Method::GET, who, path, headers).await;
    assert_eq!(short(app) - before, u64::from(is_short), "{path} {headers:?}: {}", reply.status);
    reply
}

/// Without those that no two answers share.
fn lasting(reply: &Reply) -> HeaderMap {
    let mut headers = reply.headers.clone();
    assert_eq!(reply.header("x-request-id").len(), 32);
    for name in ["x-request-id", "ratelimit", "content-length"] {
        headers.remove(name);
    }
    headers
}

#[tokio::test]
async fn the_second_answer_is_the_first_one_again() {
    let (app, owner) = app(Limits::default()).await;
    let kept = [
        PREDICTIONS.to_owned(),
        format!("{STORE}/predictions"),
        format!("{STORE}/plan"),
        format!("{STORE}/products?limit=2"),
        format!("{STORE}/order-stats"),
        "/api/v1/users/me/profile".to_owned(),
        "/api/v1/market-prices".to_owned(),
        "/api/v1/market-prices?store=warung-bu-sri".to_owned(),
    ];
    for path in kept {
        let first = get_by(&app, &owner, &path, &[], false).await;
        assert_eq!(first.status, 200, "{path}: {}", first.text());
        let second = get_by(&app, &owner, &path, &[], true).await;
        assert_eq!((second.status, lasting(&second), &second.body), (first.status, lasting(&first), &first.body), "{path}");
        assert_ne!(second.header("x-request-id"), first.header("x-request-id"));
        assert_ne!(second.header("ratelimit"), first.header("ratelimit"), "it is counted");

        let packed = [("accept-encoding", "gzip")];
        let short = get_by(&app, &owner, &path, &packed, true).await;
        let cross_check = [packed[0], ("origin", "https://elsewhere.example")];
        let long = get_by(&app, &owner, &path, &cross_check, false).await;
        assert_eq!((lasting(&short), &short.body), (lasting(&long), &long.body), "{path}, packed");
        assert_eq!(short.header("content-encoding"), "gzip");

        let known = [("if-none-match", first.header("etag"))];
        let short = get_by(&app, &owner, &path, &known, true).await;
        assert_eq!((short.status.as_u16(), short.body.len(), short.header("etag")), (304, 0, first.header("etag")), "{path}");
        let long = get_by(&app, &owner, &path, &[known[0], cross_check[1]], false).await;
        assert_eq!((long.status.as_u16(), lasting(&short)), (304, lasting(&long)), "{path}, had already");
    }
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let caused = [("traceparent", &*format!("00-{trace}-00f067aa0ba902b7-01"))];
    assert_eq!(get_by(&app, &owner, PREDICTIONS, &caused, true).await.header("x-request-id"), trace);
}

#[tokio::test]
async fn whoever_may_no_longer_is_told_so_at_once() {
    let (app, owner) = app(Limits::default()).await;
    let cashier = format!("Bearer {}", app.token_of(app.world.cashier).await);
    for who in [&owner, &cashier] {
        get_by(&app, who, PREDICTIONS, &[], false).await;
        get_by(&app, who, PREDICTIONS, &[], true).await;
    }
    let path = format!("{STORE}/members/{}", app.world.cashier);
    assert_eq!(app.call(Method::DELETE, &path, &[("authorization", &owner)], None).await.status, 204);
    assert_eq!(get(&app, &cashier, PREDICTIONS, &[]).await.status, 404, "no member any more");
    assert_eq!(app.call(Method::POST, "/api/v1/auth/logout", &[("authorization", &owner)], None).await.status, 204);
    assert_eq!(get(&app, &owner, PREDICTIONS, &[]).await.status, 401, "signed out");
}

#[tokio::test]
async fn what_has_changed_is_not_answered_as_it_was() {
    let (app, owner) = app(Limits::default()).await;
    let products = format!("{STORE}/products");
    let prices = "/api/v1/market-prices?store=warung-bu-sri";
    for path in [products.as_str(), PREDICTIONS, prices] {
        get_by(&app, &owner, path, &[], false).await;
        get_by(&app, &owner, path, &[], true).await;
    }
    let new = json!({"name": "Es Teh", "unit": "gelas", "price": 5_000});
    let made = app.call(Method::POST, &products, &[("authorization", &owner)], Some(new)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert!(get_by(&app, &owner, &products, &[], false).await.text().contains("Es Teh"));

    // A store's days begin at another hour: it is another day there, and nobody has said so of the predictions.
    assert_eq!(get_by(&app, &owner, PREDICTIONS, &[], true).await.json()["run"]["today"], "2026-11-23");
    let store = get(&app, &owner, STORE, &[]).await.json();
    assert_eq!(store["time_zone"], "Asia/Jakarta");
    let moved = json!({"business_day_cutoff": "06:00", "time_zone": "America/Los_Angeles"});
    let moved = app.call(Method::PATCH, STORE, &[("authorization", &owner)], Some(moved)).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    // It is yesterday there, as soon as the database has said so.
    let is_heard = async || (get(&app, &owner, PREDICTIONS, &[]).await.json()["run"]["today"] == "2026-11-22").then_some(());
    eventually("the store has moved", is_heard).await;
}

#[tokio::test]
async fn a_minute_later_the_day_may_be_another() {
    let (app, owner) = app(Limits::default()).await;
    get_by(&app, &owner, PREDICTIONS, &[], false).await;
    assert_eq!(get_by(&app, &owner, PREDICTIONS, &[], true).await.json()["run"]["today"], "2026-11-23");
    app.clock.set(instant("2026-11-23T18:59:00Z"));
    let again = format!("Bearer {}", app.token_of(app.world.owner).await);
    assert_eq!(get(&app, &again, PREDICTIONS, &[]).await.json()["run"]["today"], "2026-11-23");
    get_by(&app, &again, PREDICTIONS, &[], true).await;
    app.clock.set(instant("2026-11-23T19:00:00Z"));
    assert_eq!(get_by(&app, &again, PREDICTIONS, &[], false).await.json()["run"]["today"], "2026-11-24", "two at night in Jakarta");
}

#[tokio::test]
async fn the_unusual_goes_the_long_way() {
    let (app, owner) = app(Limits { requests_a_minute: 8, ..Limits::default() }).await;
    get_by(&app, &owner, PREDICTIONS, &[], false).await;
    get_by(&app, &owner, PREDICTIONS, &[], true).await;
    let another = format!("Bearer {}", app.token_of(app.world.owner).await);
    get_by(&app, &another, PREDICTIONS, &[], false).await;

    let before = short(&app);
    let head = ask(&app, Method::HEAD, &owner, PREDICTIONS, &[]).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    let with_body = app.send(Method::GET, PREDICTIONS, &[("authorization", &owner)], "{}".into()).await;
    assert_eq!(with_body.status, 200);
    assert_eq!(get(&app, "Bearer nonsense", PREDICTIONS, &[]).await.status, 401);
    assert_eq!(short(&app), before);

    while get(&app, &owner, PREDICTIONS, &[]).await.status == 200 {}
    let refused = get_by(&app, &owner, PREDICTIONS, &[], false).await;
    assert_eq!(refused.status, 429);
    assert_ne!(refused.header("retry-after"), "");

    let foreign = get_by(&app, &another, PREDICTIONS, &[("host", "evil.example")], false).await;
    assert_eq!(foreign.status, 421);
}
