//! Live updates: in order, nothing left out, for those who may see it.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, StatusCode};
use futures::StreamExt;
use platform::bus::live::live_events;
use platform::bus::outbox;
use platform::clock::Clock;
use platform::database::begin;
use platform::db::tenant::Tenant;
use serde_json::{Value, json};

use crate::app::App;
use crate::eventually;
use crate::world::NOW;

const LIVE: &str = "/api/v1/stores/warung-bu-sri/live";
const ORDERS: &str = "/api/v1/stores/warung-bu-sri/orders";

/// An event as a browser would take it.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(app: &App, headers: &[(&str, &str)]) -> Self {
        let response = app.open(Method::GET, LIVE, headers, Body::empty()).await;
        assert_eq!((response.status(), response.headers()["content-type"].as_bytes()), (StatusCode::OK, &b"text/event-stream"[..]));
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// `None` at its end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned);
                let event = field("data").map(|data| Event {
                    name: field("event").unwrap_or_default(),
                    id: field("id").unwrap_or_default(),
                    data: serde_json::from_str(&data).expect("JSON"),
                });
                self.text = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let more = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await.expect("in time")?;
            self.text += std::str::from_utf8(&more.expect("a chunk")).expect("UTF-8");
        }
    }

    async fn expect(&mut self, name: &str) -> Event {
        let event = self.next().await.expect("an event");
        assert_eq!(event.name, name, "{event:?}");
        event
    }
}

/// Its id.
async fn order(app: &App) -> String {
    let new = json!({"items": [{"product": "Ayam Geprek", "quantity": 1}]});
    let taken = app.call(Method::POST, ORDERS, &[], Some(new)).await;
    assert_eq!(taken.status, 201, "{}", taken.text());
    taken.json()["order"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn orders_are_seen_as_they_are_taken_and_end() {
    let app = App::new().await;
    let mut stream = Stream::open(&app, &[]).await;
    stream.expect("ready").await;
    let id = order(&app).await;
    let taken = stream.expect("order.changed").await;
    assert_eq!(taken.data["payload"], json!({"store_id": app.world.store, "order_id": id, "order_status": "pending"}));
    assert_eq!(taken.data["occurred_at"], NOW);
    app.call(Method::POST, &format!("{ORDERS}/{id}/cancel"), &[], None).await;
    assert_eq!(stream.expect("order.changed").await.data["payload"]["order_status"], "cancelled");
}

#[tokio::test]
async fn who_comes_back_misses_nothing_and_hears_nothing_twice() {
    let app = App::new().await;
    let mut stream = Stream::open(&app, &[]).await;
    let ready = stream.expect("ready").await;
    let (first, second) = (order(&app).await, order(&app).await);
    let seen = stream.expect("order.changed").await;
    assert_eq!(seen.data["payload"]["order_id"], *first);
    drop(stream);
    let third = order(&app).await;
    for (from, expected) in [(&seen.id, vec![&second, &third]), (&ready.id, vec![&first, &second, &third])] {
        let mut again = Stream::open(&app, &[("last-event-id", from)]).await;
        assert_eq!(again.expect("ready").await.id, **from);
        for id in expected {
            assert_eq!(again.expect("order.changed").await.data["payload"]["order_id"], **id);
        }
    }
}

/// Ids are given out in one order and committed in another: who reads by ids alone would pass over the slow one for ever.
#[tokio::test]
async fn what_commits_late_is_not_left_out() {
    let app = App::new().await;
    let mut stream = Stream::open(&app, &[]).await;
    stream.expect("ready").await;
    let mut slow = begin(app.db.work()).await.expect("a transaction");
    let event = "insert into outbox (event_id, name, version, subject, occurred_at, payload) values (gen_random_uuid(), 'sales.ingested', 1, $1, now(), '{}')";
    sqlx::query(event).bind(app.world.store.to_string()).execute(&mut *slow).await.expect("written, and not committed");
    let id = order(&app).await;
    slow.commit().await.expect("committed");
    stream.expect("sales.ingested").await;
    assert_eq!(stream.expect("order.changed").await.data["payload"]["order_id"], *id);
}

#[tokio::test]
async fn a_place_that_is_not_ours_begins_anew() {
    let app = App::new().await;
    for id in ["nonsense", "1-1-1", "-1-0", "18446744073709551615-0", "99999999999999999999-0", ""] {
        let mut stream = Stream::open(&app, &[("last-event-id", id)]).await;
        stream.expect("reset").await;
        order(&app).await;
        stream.expect("order.changed").await;
    }
    let mut stream = Stream::open(&app, &[]).await;
    let ready = stream.expect("ready").await;
    order(&app).await;
    stream.expect("order.changed").await;
    let after = Stream::open(&app, &[]).await.expect("ready").await;
    outbox::prune(app.db.work(), chrono::Utc::now() + chrono::TimeDelta::days(1)).await.expect("pruned");
    for (from, expected) in [(ready.id, "reset"), (after.id, "ready")] {
        Stream::open(&app, &[("last-event-id", &from)]).await.expect(expected).await;
    }
}

#[tokio::test]
async fn streams_are_for_members_and_not_without_number() {
    let app = App::new().await;
    let neighbour = format!("Bearer {}", app.token_of(app.world.neighbour).await);
    assert_eq!(app.get_with(LIVE, &[("authorization", &neighbour)]).await.status, 404);
    let owner = format!("Bearer {}", app.token_of(app.world.owner).await);
    let headers = [("authorization", owner.as_str())];
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(Stream::open(&app, &headers).await);
    }
    let refused = app.get_with(LIVE, &headers).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "30"));
    open.pop();
    Stream::open(&app, &headers).await.expect("ready").await;

    // Who is let go hears nothing more, though a stream is still open: each look asks who they are.
    order(&app).await;
    let heard = async || {
        let mut transaction = app.state.db.begin_read(Tenant::User(app.world.cashier)).await.expect("a transaction");
        let begin = "0-0".parse().expect("a place");
        live_events(&mut *transaction, app.world.store, &begin, 10).await.expect("events").events.len()
    };
    // As soon as nothing older can come before it.
    eventually("the order is told", async || (heard().await == 1).then_some(())).await;
    sqlx::query("delete from store_members where user_id = $1").bind(app.world.cashier).execute(app.db.work()).await.expect("let go");
    assert_eq!(heard().await, 0);
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_with_the_server() {
    let app = App::new().await;
    let token = app.token_of(app.world.owner).await;
    // One second is left.
    app.clock.set(app.clock.now() + chrono::TimeDelta::seconds(14 * 60 + 59));
    let mut short = Stream::open(&app, &[("authorization", &format!("Bearer {token}"))]).await;
    short.expect("ready").await;
    assert_eq!(short.next().await, None);
    let token = app.token_of(app.world.owner).await;
    let mut long = Stream::open(&app, &[("authorization", &format!("Bearer {token}"))]).await;
    long.expect("ready").await;
    app.stop();
    assert_eq!(long.next().await, None);
}
