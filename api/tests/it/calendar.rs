//! Promos and the store's own calendar: versions of a plan.

use axum::http::Method;
use platform::db::calendar_events::calendar_event_versions;
use platform::db::promos::promo_versions;
use serde_json::{Value, json};

use crate::app::{App, Reply};
use crate::world::day;

const STORE: &str = "/api/v1/stores/warung-bu-sri";

async fn call(app: &App, method: Method, path: &str, body: Option<Value>) -> Reply {
    let token = format!("Bearer {}", app.token_of(app.world.manager).await);
    app.call(method, &format!("{STORE}/{path}"), &[("authorization", &token)], body).await
}

fn fields(reply: &Reply) -> Vec<String> {
    assert!(matches!(reply.status.as_u16(), 400 | 422), "{}", reply.text());
    let errors = reply.json()["errors"].as_array().expect("errors").clone();
    errors.iter().map(|error| error["field"].as_str().expect("a name").to_owned()).collect()
}

fn path_of(kind: &str, reply: &Reply) -> String {
    format!("{kind}/{}", reply.json()["id"].as_str().unwrap_or_else(|| panic!("{}", reply.text())))
}

#[tokio::test]
async fn a_promo_is_planned_changed_and_cancelled_and_each_night_knows_what_was_planned_then() {
    let app = App::new().await;
    let new = json!({"name": "Gajian hemat", "starts_on": "2026-11-25", "ends_on": "2026-11-27", "discount_share": 0.2});
    let created = call(&app, Method::POST, "promos", Some(new.clone())).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let known_first = app.state.clock.now();
    assert_eq!(call(&app, Method::POST, "promos", Some(new.clone())).await.status, 409);

    // At the same instant of this test's clock.
    let one = path_of("promos", &created);
    let change = json!({"ends_on": "2026-11-30", "discount_share": 0.3});
    let changed = call(&app, Method::PUT, &one, Some(change.clone())).await.json();
    assert_eq!((&changed["id"], &changed["ends_on"]), (&created.json()["id"], &json!("2026-11-30")));
    assert_eq!(call(&app, Method::PUT, &one, Some(change)).await.json(), changed, "nothing new");
    assert_eq!(call(&app, Method::GET, "promos?from=2026-11-29&to=2026-11-29", None).await.json()["promos"], json!([changed]));
    assert_eq!(call(&app, Method::GET, "promos?from=2026-12-01", None).await.json()["promos"], json!([]));

    app.clock.advance(chrono::TimeDelta::hours(1));
    assert_eq!(call(&app, Method::DELETE, &one, None).await.status, 204);
    assert_eq!(call(&app, Method::DELETE, &one, None).await.status, 404);
    assert_eq!(call(&app, Method::GET, "promos", None).await.json()["promos"], json!([]));

    let versions = async |known_by| {
        let versions = promo_versions(app.db.work(), app.world.store, day("2026-11-01"), day("2026-12-31"), known_by).await;
        versions.expect("versions").iter().map(|version| (version.ends_on, version.is_cancelled)).collect::<Vec<_>>()
    };
    assert_eq!(versions(known_first).await, [(day("2026-11-27"), false)]);
    let all = [(day("2026-11-27"), false), (day("2026-11-30"), false), (day("2026-11-30"), true)];
    assert_eq!(versions(app.state.clock.now()).await, all);
    let revived = call(&app, Method::POST, "promos", Some(new)).await;
    assert_eq!((revived.status.as_u16(), &revived.json()["id"]), (201, &created.json()["id"]));
}

#[tokio::test]
async fn an_event_is_planned_changed_and_cancelled() {
    let app = App::new().await;
    let new = json!({"kind": "closed", "name": "Pulang kampung", "starts_on": "2026-12-01", "ends_on": "2026-12-02"});
    let created = call(&app, Method::POST, "events", Some(new.clone())).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(call(&app, Method::POST, "events", Some(new)).await.status, 409);
    let one = path_of("events", &created);
    let changed = call(&app, Method::PUT, &one, Some(json!({"ends_on": "2026-12-03"}))).await.json();
    assert_eq!((&changed["id"], &changed["ends_on"]), (&created.json()["id"], &json!("2026-12-03")));
    assert_eq!(call(&app, Method::GET, "events", None).await.json()["events"], json!([changed]));
    app.clock.advance(chrono::TimeDelta::hours(1));
    assert_eq!(call(&app, Method::DELETE, &one, None).await.status, 204);
    assert_eq!(call(&app, Method::PUT, &one, Some(json!({"ends_on": "2026-12-03"}))).await.status, 404);
    let now = app.state.clock.now();
    let versions = calendar_event_versions(app.db.work(), app.world.store, day("2026-12-01"), day("2026-12-01"), now).await;
    assert_eq!(versions.expect("versions").iter().map(|version| version.is_cancelled).collect::<Vec<_>>(), [false, false, true]);
    let operator = format!("Bearer {}", app.token_of(app.world.operator).await);
    let elsewhere = format!("/api/v1/stores/kedai-kosong/{one}");
    assert_eq!(app.call(Method::DELETE, &elsewhere, &[("authorization", &operator)], None).await.status, 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_plan_is_named() {
    let app = App::new().await;
    let promo = json!({"name": "x", "starts_on": "2026-11-25", "ends_on": "2026-11-24", "discount_share": 1.1, "price": 5000});
    assert_eq!(fields(&call(&app, Method::POST, "promos", Some(promo)).await), ["ends_on", "discount_share", "price"]);
    let promo = json!({"name": "x", "starts_on": "2026-11-25", "ends_on": "2026-11-25", "product_id": uuid::Uuid::nil()});
    assert_eq!(fields(&call(&app, Method::POST, "promos", Some(promo)).await), ["product_id"]);
    let event = |kind: &str, starts_on: &str| json!({"kind": kind, "name": "x", "starts_on": starts_on, "ends_on": "2026-11-25"});
    assert_eq!(fields(&call(&app, Method::POST, "events", Some(event("lebaran", "2026-11-25"))).await), ["kind"]);
    assert_eq!(fields(&call(&app, Method::POST, "events", Some(event("event", "2026-1-2"))).await), ["starts_on"]);
    assert_eq!(fields(&call(&app, Method::POST, "events", Some(event("event", "2020-11-25"))).await), ["starts_on", "ends_on"]);
}
