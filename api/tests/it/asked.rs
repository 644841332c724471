//! Work that somebody asks for: what is enqueued, how often, and who may look. That it is done is tested where it is done.

use axum::http::Method;
use chrono::TimeDelta;
use domain::failure::Failure;
use platform::db::asked_jobs::{keep_failure, keep_result};
use platform::db::tenant::{Tenant, begin_as};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, Reply, assert_shown};

const FORECASTS: &str = "/api/v1/stores/warung-bu-sri/forecasts";
const WHAT_IF: &str = "/api/v1/stores/warung-bu-sri/what-if";

/// As the owner, who signs in for it.
async fn post(app: &App, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
    post_as(app, app.world.owner, path, headers, body).await
}

async fn post_as(app: &App, user: Uuid, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
    let token = format!("Bearer {}", app.token_of(user).await);
    app.call(Method::POST, path, &[headers, &[("authorization", token.as_str())]].concat(), body).await
}

async fn ended(app: &App) {
    let end = "update jobs set state = 'completed', finished_at = now() where finished_at is null";
    sqlx::query(end).execute(app.db.work()).await.expect("ended jobs");
}

fn id(reply: &Reply) -> Uuid {
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()["id"].as_str().expect("an id").parse().expect("a UUID")
}

#[tokio::test]
async fn a_forecast_is_asked_for_once_at_a_time_and_six_times_a_day() {
    let app = App::new().await;
    let first = post(&app, FORECASTS, &[("idempotency-key", "one")], None).await;
    assert_eq!(first.header("location"), format!("/api/v1/jobs/{}", id(&first)));
    assert_eq!(id(&post(&app, FORECASTS, &[], None).await), id(&first), "it waits");
    ended(&app).await;
    let again = post(&app, FORECASTS, &[("idempotency-key", "one")], None).await;
    assert_eq!((id(&again), again.header("location")), (id(&first), first.header("location")), "the same request, whatever has ended");
    for _ in 1..6 {
        app.clock.advance(TimeDelta::hours(1));
        assert_ne!(id(&post(&app, FORECASTS, &[], None).await), id(&first));
        ended(&app).await;
    }
    let refused = post(&app, FORECASTS, &[], None).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "68400"), "19 hours until the first is a day old");
    let jobs: i64 = sqlx::query_scalar("select count(*) from jobs").fetch_one(app.db.work()).await.expect("a count");
    assert_eq!(jobs, 6, "what is refused leaves no job behind");
    app.clock.advance(TimeDelta::hours(19));
    assert_eq!(post_as(&app, app.world.manager, FORECASTS, &[], None).await.status, 202, "a day later, for a manager too");
}

#[tokio::test]
async fn a_job_is_shown_as_far_as_it_is() {
    let app = App::new().await;
    let asked = id(&post(&app, FORECASTS, &[], None).await);
    let path = format!("/api/v1/jobs/{asked}");
    let state = async || app.get(&path).await.json()["state"].clone();
    assert_eq!(state().await, "waiting");
    let run = "update jobs set state = 'running', attempt = 1, lease_until = now() + interval '1 minute'";
    sqlx::query(run).execute(app.db.work()).await.expect("a worker");
    assert_eq!(state().await, "running");
    let made = json!({"run_id": app.world.run, "business_date": "2026-11-23", "rung": "fresh", "is_unchanged": false});
    keep_result(app.db.work(), asked, &made, app.state.clock.now()).await.expect("a result");
    let url = format!("/api/v1/stores/{}/predictions", app.world.store);
    let shown = app.get(&path).await.json();
    assert_eq!((&shown["state"], &shown["result"]["url"], &shown["result"]["rung"]), (&json!("succeeded"), &json!(url), &json!("fresh")));
    assert_eq!(app.get(&url).await.status, 200, "the link leads there");

    keep_failure(app.db.work(), asked, &Failure::NothingBetter, app.state.clock.now()).await.expect("a failure");
    let failed = app.get_with(&path, &[("accept-language", "en")]).await;
    assert_eq!((failed.json()["failure"]["code"].clone(), failed.header("content-language")), (json!("nothing_better"), "en"));
    // A dead letter that an operator replays is not over.
    let replay = "update jobs set state = 'retryable', lease_until = null";
    sqlx::query(replay).execute(app.db.work()).await.expect("another life");
    assert_eq!(state().await, "waiting");
    // What ended without a word: stopped, lost, forgotten by the queue.
    sqlx::query("update asked_jobs set failure = null, finished_at = null").execute(app.db.work()).await.expect("no word");
    for (change, code) in [
        ("update jobs set state = 'cancelled', finished_at = now()", "stopped"),
        ("update jobs set state = 'discarded'", "internal"),
        ("delete from jobs", "internal"),
    ] {
        sqlx::query(change).execute(app.db.work()).await.expect("an end");
        assert_eq!(app.get(&path).await.json()["failure"]["code"], code, "{change}");
    }
    assert_shown("job_missing", &app.get(&format!("/api/v1/jobs/{}", Uuid::nil())).await);
    assert_eq!(app.get("/api/v1/jobs/latest").await.status, 404);
}

#[tokio::test]
async fn jobs_of_a_store_are_its_members_business() {
    let app = App::new().await;
    let asked = id(&post(&app, WHAT_IF, &[], Some(json!({"closed": true}))).await);
    let seen = async |user: Uuid, path: String| {
        let token = format!("Bearer {}", app.token_of(user).await);
        app.get_with(&path, &[("authorization", &token)]).await.status.as_u16()
    };
    for (user, expected) in [(app.world.cashier, 200), (app.world.neighbour, 404)] {
        assert_eq!(seen(user, format!("/api/v1/jobs/{asked}")).await, expected);
        assert_eq!(seen(user, format!("{WHAT_IF}/{asked}")).await, expected);
    }
    // Not under another store's name either, and a forecast is no question.
    assert_eq!(app.get(&format!("/api/v1/stores/kedai-kosong/what-if/{asked}")).await.status, 404);
    let forecast = id(&post(&app, FORECASTS, &[], None).await);
    assert_eq!(app.get(&format!("{WHAT_IF}/{forecast}")).await.status, 404);

    let rows = async |tenant: Tenant| -> i64 {
        let mut transaction = begin_as(app.db.serve(), tenant).await.expect("a transaction");
        sqlx::query_scalar("select count(*) from asked_jobs").fetch_one(&mut *transaction).await.expect("a count")
    };
    assert_eq!((rows(Tenant::User(app.world.owner)).await, rows(Tenant::User(app.world.neighbour)).await), (2, 0));
    let mut transaction = begin_as(app.db.serve(), Tenant::User(app.world.neighbour)).await.expect("a transaction");
    let foreign = "insert into asked_jobs (job_id, store_id, kind, asked_at, expires_at)
                   values (gen_random_uuid(), $1, 'replan', now(), now() + interval '1 day')";
    let refused = sqlx::query(foreign).bind(app.world.store).execute(&mut *transaction).await.expect_err("another's store");
    assert!(refused.to_string().contains("row-level security"), "{refused}");
}

#[tokio::test]
async fn a_question_must_make_sense() {
    let app = App::new().await;
    let field = async |body: Value| {
        let reply = post(&app, WHAT_IF, &[], Some(body)).await;
        assert!([400, 422].contains(&reply.status.as_u16()), "{}", reply.text());
        reply.json()["errors"][0]["field"].clone()
    };
    assert_eq!(field(json!({})).await, "");
    assert_eq!(field(json!({"from": "2026-11-24"})).await, "");
    assert_eq!(field(json!({"rain_mm": -1})).await, "rain_mm");
    assert_eq!(field(json!({"rain_mm": 1000.5})).await, "rain_mm");
    assert_eq!(field(json!({"discount": 20})).await, "discount");
    assert_eq!(field(json!({"closed": true, "product": "Ayam Geprek"})).await, "product");
    assert_eq!(field(json!({"closed": true, "from": "2026-11-25", "to": "2026-11-24"})).await, "to");
    assert_eq!(field(json!({"closed": true, "from": "besok"})).await, "from");
    assert_eq!(field(json!({"rain": 5})).await, "rain");

    let asked = post(&app, WHAT_IF, &[], Some(json!({"discount": 0.2, "product": "Ayam Geprek", "from": "2026-11-24"}))).await;
    let shown = app.get(asked.header("location")).await.json();
    assert_eq!((&shown["state"], &shown["answers"], &shown["failure"]), (&json!("waiting"), &json!([]), &Value::Null));
    let supposed =
        json!({"from": "2026-11-24", "to": "2026-11-24", "rain_mm": null, "discount": 0.2, "product": "Ayam Geprek", "closed": null});
    assert_eq!((&shown["supposed"], &shown["today"]), (&supposed, &json!("2026-11-23")));
    for _ in 1..60 {
        post(&app, WHAT_IF, &[], Some(json!({"closed": false}))).await;
    }
    let refused = post(&app, WHAT_IF, &[], Some(json!({"closed": false}))).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "3600"));
}
