//! Answers that are kept: who has them already is told so, nobody asks the database, and nobody sees an old one.

use std::io::Read as _;
use std::time::Duration;

use serde_json::Value;

use crate::app::{App, NOBODY, Reply};
use crate::eventually;
use crate::world::instant;

const PREDICTIONS: &str = "/api/v1/stores/warung-bu-sri/predictions?type=product";
const PRODUCTS: &str = "/api/v1/stores/warung-bu-sri/products";
const PLAN: &str = "/api/v1/stores/warung-bu-sri/plan";

/// An app that hears what the database says, and asks as the owner.
async fn app() -> (App, String) {
    let app = App::new().await;
    eventually("the cache hears", async || (!app.state.cache.is_degraded()).then_some(())).await;
    let owner = format!("Bearer {}", app.token_of(app.world.owner).await);
    (app, owner)
}

async fn get(app: &App, owner: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    app.get_with(path, &[&[("authorization", owner)], headers].concat()).await
}

#[tokio::test]
async fn who_has_an_answer_is_told_so_and_nobody_asks_the_database() {
    let (app, owner) = app().await;
    for path in [PREDICTIONS, PLAN, PRODUCTS] {
        let first = get(&app, &owner, path, &[]).await;
        assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "private, no-cache"), "{}", first.text());
        assert!(first.header("etag").starts_with('"'), "a strong tag: {}", first.header("etag"));
    }
    let tag_of = async |path| get(&app, &owner, path, &[]).await.header("etag").to_owned();
    let tags = [tag_of(PREDICTIONS).await, tag_of(PLAN).await];
    app.state.db.close().await;
    for (path, tag) in [PREDICTIONS, PLAN].into_iter().zip(&tags) {
        let same = get(&app, &owner, path, &[("if-none-match", tag)]).await;
        assert_eq!((same.status.as_u16(), same.header("etag"), same.body.len()), (304, tag.as_str(), 0));
        let whole = get(&app, &owner, path, &[("if-none-match", "\"another\"")]).await;
        assert_eq!((whole.status.as_u16(), whole.header("etag")), (200, tag.as_str()));
    }
    assert_eq!(get(&app, &owner, "/api/v1/stores/warung-bu-sri/orders", &[]).await.status, 503, "the database is gone indeed");
}

#[tokio::test]
async fn gzip_is_the_same_answer_with_a_tag_of_its_own() {
    let (app, owner) = app().await;
    let plain = get(&app, &owner, PREDICTIONS, &[]).await;
    let packed =
        app.open(axum::http::Method::GET, PREDICTIONS, &[("authorization", &owner), ("accept-encoding", "gzip")], Default::default()).await;
    assert_eq!(
        (&packed.headers()["content-encoding"], &packed.headers()["vary"]),
        (&"gzip".parse().expect("a value"), &"accept-encoding".parse().expect("a value"))
    );
    let tag = packed.headers()["etag"].to_str().expect("text").to_owned();
    assert_ne!(tag, plain.header("etag"));
    let bytes = axum::body::to_bytes(packed.into_body(), 1 << 20).await.expect("a body");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip");
    assert_eq!(text, plain.text());
    for (accepts, has) in [("gzip", plain.header("etag")), ("identity", tag.as_str())] {
        let same = get(&app, &owner, PREDICTIONS, &[("accept-encoding", accepts), ("if-none-match", has)]).await;
        assert_eq!(same.status, 304, "the same answer in another form");
    }
}

/// Each change is made as anything may make it: straight in the database.
#[tokio::test]
async fn what_is_shown_changes_when_what_it_is_made_of_does() {
    let (app, owner) = app().await;
    let shown = async |path: &str| get(&app, &owner, path, &[]).await.json();
    let changes = [
        (PLAN, "update plan_items set reason = 'a new reason'", "/days/0/prep/0/reason", "a new reason"),
        (PREDICTIONS, "update published_runs set published_at = '2026-11-22T21:00:00Z'", "/run/published_at", "2026-11-22T21:00:00Z"),
        (PLAN, "update published_runs set published_at = '2026-11-22T22:00:00Z'", "/run/published_at", "2026-11-22T22:00:00Z"),
        (PRODUCTS, "update products set name = 'Ayam Baru' where name = 'Ayam Geprek'", "/products/0/name", "Ayam Baru"),
        (PREDICTIONS, "update stores set name = 'Warung Baru'", "/store/name", "Warung Baru"),
    ];
    for (path, change, field, expected) in changes {
        let before = shown(path).await;
        assert_ne!(before.pointer(field), Some(&Value::from(expected)));
        sqlx::query(change).execute(app.db.work()).await.unwrap_or_else(|error| panic!("{change}: {error}"));
        eventually(change, async || (shown(path).await.pointer(field) == Some(&Value::from(expected))).then_some(())).await;
    }
    sqlx::query("delete from plan_items").execute(app.db.work()).await.expect("deleted");
    eventually("the plan is empty", async || shown(PLAN).await["days"][0]["prep"].as_array().is_some_and(Vec::is_empty).then_some(()))
        .await;
    sqlx::query("delete from published_runs").execute(app.db.work()).await.expect("deleted");
    eventually("nothing is published", async || (get(&app, &owner, PREDICTIONS, &[]).await.status == 404).then_some(())).await;
}

#[tokio::test]
async fn the_next_day_a_kept_answer_is_another() {
    let (app, _) = app().await;
    let owner = async || format!("Bearer {}", app.token_of(app.world.owner).await);
    let is_stale = async || get(&app, &owner().await, PREDICTIONS, &[]).await.json()["run"]["is_stale"].clone();
    assert_eq!(is_stale().await, false);
    // The warung's day ends at 02:00 in Jakarta.
    app.clock.set(instant("2026-11-23T19:00:00Z"));
    assert_eq!(is_stale().await, true);
}

#[tokio::test]
async fn what_one_may_read_is_kept_from_others() {
    let (app, owner) = app().await;
    let first = get(&app, &owner, PREDICTIONS, &[]).await;
    let tag = first.header("etag").to_owned();
    let neighbour = format!("Bearer {}", app.token_of(app.world.neighbour).await);
    for name in ["warung-bu-sri", &app.world.store.to_string()] {
        for tail in ["predictions?type=product", "plan"] {
            let path = format!("/api/v1/stores/{name}/{tail}");
            let refused = get(&app, &neighbour, &path, &[("if-none-match", &tag)]).await;
            assert_eq!(refused.status, 404, "not even that it is the same");
        }
    }
    sqlx::query("delete from store_members where user_id = $1").bind(app.world.cashier).execute(app.db.work()).await.expect("let go");
    let cashier = format!("Bearer {}", app.token_of(app.world.cashier).await);
    assert_eq!(get(&app, &cashier, PREDICTIONS, &[]).await.status, 404);
}

/// As many wait for a connection as there is patience for; the next is told at once. Asked by tills, of whom nothing is remembered.
#[tokio::test]
async fn whoever_finds_no_room_is_told_at_once() {
    let (app, _) = app().await;
    let path = format!("/api/v1/webhooks/pos/{}", app.world.store);
    let push = || app.post_with(&path, &[NOBODY], b"{}".to_vec());
    let most = app.state.db.options().get_max_connections();
    let mut held = Vec::new();
    for _ in 0..most {
        held.push(app.state.db.acquire().await.expect("a connection"));
    }
    let mut waiting = futures::future::join_all((0..app.state.db.places()).map(|_| push()));
    eventually("all places are taken", async || {
        assert!(futures::poll!(&mut waiting).is_pending());
        (app.state.db.free_places() == 0).then_some(())
    })
    .await;
    let began = std::time::Instant::now();
    let refused = push().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "2"), "{}", refused.text());
    assert!(began.elapsed() < Duration::from_secs(5), "it did not wait for a connection: {:?}", began.elapsed());
    drop(held);
    assert!(waiting.await.iter().all(|reply| reply.status == 401), "who waits gets an answer");
}
