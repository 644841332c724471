//! Answers that are kept: who has them already is told so, nobody asks the database, and nobody sees an old one.

use std::io::Read as _;
use std::time::{Duration, Instant};

use platform::database::begin;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::app::{App, NOBODY, Reply};
use crate::eventually;
use crate::world::instant;

const PREDICTIONS: &str = "/api/v1/stores/warung-bu-sri/predictions?type=product";
const PREDICTIONS_OF_ALL: &str = "/api/v1/stores/warung-bu-sri/predictions";
const PRODUCTS: &str = "/api/v1/stores/warung-bu-sri/products";
const RUNS: &str = "/api/v1/runs";
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

/// Nobody has asked for either before: the night that published them had them loaded.
#[tokio::test]
async fn what_was_published_is_at_hand_before_anybody_asks() {
    let (app, owner) = app().await;
    let stop = CancellationToken::new();
    let warming = tokio::spawn(api::keep_warm(app.state.clone(), stop.clone()));
    let published = sqlx::query("update published_runs set published_at = '2026-11-22T21:00:00Z'").execute(app.db.work());
    assert_ne!(published.await.expect("published again").rows_affected(), 0);
    let warmed = || app.state.metrics.render().contains("cache_warmed_total{outcome=\"done\"}").then_some(());
    eventually("it is warm", async || warmed()).await;
    assert_eq!(get(&app, &owner, PRODUCTS, &[]).await.status, 200, "who asks is remembered");
    app.state.db.close().await;
    for path in [PREDICTIONS_OF_ALL, PLAN] {
        let first = get(&app, &owner, path, &[]).await;
        assert_eq!(
            (first.status.as_u16(), &first.json()["run"]["published_at"]),
            (200, &"2026-11-22T21:00:00Z".into()),
            "{}",
            first.text()
        );
    }
    stop.cancel();
    warming.await.expect("it ended");
}

/// A machine that hears of no change believes what it knows for five seconds, and nobody who asks steadily waits for what is true then.
#[tokio::test]
async fn where_nobody_is_heard_little_is_believed_and_nobody_waits() {
    let (app, owner) = app().await;
    let app = app.deaf();
    let asks = async || get(&app, &owner, PLAN, &[]).await.status;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(5500) {
        assert_eq!(asks().await, 200);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    // What was known at the beginning counts no longer, and now nobody could look.
    let mut holder = begin(app.db.owner()).await.expect("a transaction");
    sqlx::query("lock table users in access exclusive mode").execute(&mut *holder).await.expect("a lock");
    let at_once = tokio::time::timeout(Duration::from_secs(1), asks()).await;
    assert_eq!(at_once.expect("nobody waits for the table"), 200);
    holder.rollback().await.expect("let go");

    let end = "update auth_sessions set revoked_at = now(), revoked_because = 'signed_out' where revoked_at is null";
    sqlx::query(end).execute(app.db.work()).await.expect("ended elsewhere");
    let ended = Instant::now();
    while asks().await != 401 {
        assert!(ended.elapsed() < Duration::from_millis(5500));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Each change is made as another machine makes it: in the database, which tells of it.
#[tokio::test]
async fn what_one_may_do_no_longer_is_heard_of_at_once() {
    let (app, owner) = app().await;
    let world = &app.world;
    let cashier = format!("Bearer {}", app.token_of(world.cashier).await);
    let becomes = async |who: &str, path: &str, status: u16| {
        let began = Instant::now();
        while get(&app, who, path, &[]).await.status != status {
            assert!(began.elapsed() < Duration::from_secs(3), "{path}: {}", get(&app, who, path, &[]).await.status);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let change = async |statement: &'static str| {
        let changed = sqlx::query(statement).execute(app.db.work()).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_ne!(changed.rows_affected(), 0, "{statement}");
    };
    becomes(&owner, PLAN, 200).await;
    becomes(&cashier, PLAN, 200).await;
    becomes(&owner, RUNS, 403).await;
    change("update users set role = 'operator' where email = 'sri@example.com'").await;
    becomes(&owner, RUNS, 200).await;
    change("update users set role = 'user' where email = 'sri@example.com'").await;
    becomes(&owner, RUNS, 403).await;
    change("update stores set slug = 'warung-lain' where slug = 'warung-bu-sri'").await;
    becomes(&owner, PLAN, 404).await;
    change("update stores set slug = 'warung-bu-sri' where slug = 'warung-lain'").await;
    becomes(&owner, PLAN, 200).await;
    change("delete from store_members where role = 'user'").await;
    becomes(&cashier, PLAN, 404).await;
    change("update auth_sessions set revoked_at = now(), revoked_because = 'signed_out' where revoked_at is null").await;
    becomes(&owner, PLAN, 401).await;
}

#[tokio::test]
async fn profiles_and_prices_are_kept_until_they_change() {
    let (app, owner) = app().await;
    let shown = async |path: &str| {
        let reply = get(&app, &owner, path, &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let same = get(&app, &owner, path, &[("if-none-match", reply.header("etag"))]).await;
        assert_eq!(same.status, 304, "{path}");
        reply.json()
    };
    const PROFILE: &str = "/api/v1/users/me/profile";
    assert_eq!(shown(PROFILE).await["bio"], Value::Null);
    let bio = serde_json::json!({"bio": "Masak sejak 1998"});
    let written = app.call(axum::http::Method::PUT, PROFILE, &[("authorization", &owner)], Some(bio)).await;
    assert_eq!((written.status.as_u16(), &shown(PROFILE).await["bio"]), (200, &"Masak sejak 1998".into()), "one reads one's own writes");
    let change = async |statement: &'static str| {
        sqlx::query(statement).execute(app.db.work()).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    change("update profiles set bio = 'Sejak 1990'").await;
    eventually("another machine's change is heard of", async || (shown(PROFILE).await["bio"] == "Sejak 1990").then_some(())).await;
    let cashier = format!("Bearer {}", app.token_of(app.world.cashier).await);
    assert_eq!(get(&app, &cashier, PROFILE, &[]).await.json()["bio"], Value::Null, "everybody has their own");

    const PRICES: &str = "/api/v1/market-prices?store=warung-bu-sri&item=kepel";
    assert_eq!(shown(PRICES).await["prices"], serde_json::json!([]));
    change(
        "insert into market_prices (source, commodity, region, price_date, available_at, price)
         values ('test', 'kepel', 'ID', '2026-11-22', '2026-11-22T03:00:00Z', 41000)",
    )
    .await;
    eventually("a new price is heard of", async || (shown(PRICES).await["prices"][0]["price"] == 41_000).then_some(())).await;
    app.state.db.close().await;
    assert_eq!(
        (shown(PROFILE).await["bio"].clone(), shown(PRICES).await["prices"][0]["price"].clone()),
        ("Sejak 1990".into(), 41_000.into())
    );
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
    // So many at once of one network are held off.
    assert!(waiting.await.iter().all(|reply| [401, 429].contains(&reply.status.as_u16())), "who waits gets an answer");
}
