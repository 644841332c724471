//! What operators see of the queue and of backfills, and do with them.

use axum::http::Method;
use domain::job::Prune;
use platform::db::tenant::{Tenant, begin_as};
use platform::queue::{self, EnqueueOptions};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, Reply, assert_shown};

#[tokio::test]
async fn the_queue_is_shown_lane_by_lane_with_what_is_wrong() {
    let app = App::new().await;
    assert_eq!(app.get("/api/v1/queue").await.json(), serde_json::json!({ "lanes": [], "alerts": [] }));
    let mut connection = app.db.work().acquire().await.expect("connect");
    queue::enqueue(&mut connection, &Prune {}, EnqueueOptions::default()).await.expect("a job");
    sqlx::query("update jobs set state = 'discarded', finished_at = now()").execute(&mut *connection).await.expect("an accident");
    queue::enqueue(&mut connection, &Prune {}, EnqueueOptions::default()).await.expect("a job");
    sqlx::query("update jobs set run_at = now() - interval '1 hour' where state = 'available'")
        .execute(&mut *connection)
        .await
        .expect("time");
    let shown = app.get("/api/v1/queue").await.json();
    let lane = &shown["lanes"][0];
    assert_eq!((&lane["lane"], &lane["waiting"], &lane["dead"]), (&"default".into(), &1.into(), &1.into()));
    let names: Vec<&str> = shown["alerts"].as_array().expect("alerts").iter().filter_map(|alert| alert["name"].as_str()).collect();
    assert_eq!(names, ["dead_letters", "growing_lag"]);
}

#[tokio::test]
async fn backfills_are_listed_and_found() {
    let app = App::new().await;
    let id = app.world.backfill;
    let list = app.get("/api/v1/backfills").await.json();
    assert_eq!((&list["backfills"][0]["id"], &list["backfills"][0]["total_count"]), (&id.to_string().into(), &31.into()));
    let one = app.get(&format!("/api/v1/backfills/{id}")).await;
    assert_eq!(one.status, 200);
    assert_eq!(one.json()["state"], "running");
    assert_shown("backfill_missing", &app.get("/api/v1/backfills/01900000-0000-0000-0000-000000000000").await);
    assert_eq!(app.get("/api/v1/backfills/latest").await.status, 404);
}

#[tokio::test]
async fn dead_letters_are_listed_and_found_without_their_arguments() {
    let app = App::new().await;
    assert_eq!(app.get("/api/v1/dead-letters").await.json(), serde_json::json!({ "dead_letters": [] }));
    let id = app.dead_letter().await;
    let list = app.get("/api/v1/dead-letters").await.json();
    let letter = &list["dead_letters"][0];
    assert_eq!((&letter["id"], &letter["kind"]), (&id.to_string().into(), &"prune".into()));
    assert_eq!(letter["errors"][0]["error"], "out of luck");
    assert!(letter.get("args").is_none());
    assert_eq!(app.get(&format!("/api/v1/dead-letters/{id}")).await.json(), *letter);
    assert_eq!(app.get("/api/v1/dead-letters/01900000-0000-0000-0000-000000000000").await.status, 404);
    assert_eq!(app.get("/api/v1/dead-letters/latest").await.status, 404);
}

async fn post(app: &App, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
    app.call(Method::POST, path, headers, body).await
}

async fn recorded(app: &App) -> Vec<(String, String)> {
    let record = "select action, subject from audit_log order by id";
    sqlx::query_as(record).fetch_all(app.db.work()).await.expect("a record")
}

#[tokio::test]
async fn a_dead_letter_is_replayed_once_and_remembered() {
    let app = App::new().await;
    let id = app.dead_letter().await;
    let path = format!("/api/v1/dead-letters/{id}/replay");
    let key = [("idempotency-key", "again")];
    let first = post(&app, &path, &key, None).await;
    assert_eq!((first.status.as_u16(), first.json()), (200, json!({"replayed": 1})));
    let again = post(&app, &path, &key, None).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (first.json(), "true"));
    let state: (String, i32) = sqlx::query_as("select state, attempt from jobs").fetch_one(app.db.work()).await.expect("the job");
    assert_eq!(state, ("available".to_owned(), 0));
    assert_shown("dead_letter_alive", &post(&app, &path, &[("accept-language", "en")], None).await);
    // Another one of the same would do the same.
    sqlx::query("update jobs set state = 'discarded', finished_at = now()").execute(app.db.work()).await.expect("an accident");
    let second = app.dead_letter().await;
    sqlx::query("update jobs set state = 'available', finished_at = null where id = $1")
        .bind(second)
        .execute(app.db.work())
        .await
        .expect("life");
    let twin = post(&app, &path, &[], None).await;
    assert_eq!((twin.status.as_u16(), &twin.json()["hint"]), (409, &json!("Tunggu hasilnya.")));
    assert_eq!(post(&app, "/api/v1/dead-letters/latest/replay", &[], None).await.status, 404);
    assert_eq!(recorded(&app).await, [("dead_letter_replayed".to_owned(), id.to_string())], "what was refused or heard again is not");
}

#[tokio::test]
async fn dead_letters_are_replayed_by_kind_lane_words_and_time() {
    let app = App::new().await;
    let all = async |body: Value| post(&app, "/api/v1/dead-letters/replay", &[], Some(body)).await;
    let replayed = async |body: Value| {
        sqlx::query("delete from jobs").execute(app.db.work()).await.expect("nothing");
        app.dead_letter().await;
        let reply = all(body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["replayed"].as_u64().expect("a number")
    };
    assert_eq!(replayed(json!({"kind": "prune"})).await, 1);
    assert_eq!(replayed(json!({"kind": "run_nightly"})).await, 0);
    assert_eq!(replayed(json!({"lane": "default", "error": "OUT OF"})).await, 1);
    assert_eq!(replayed(json!({"lane": "nightly"})).await, 0);
    assert_eq!(replayed(json!({"error": "in luck"})).await, 0);
    assert_eq!(replayed(json!({"since": "2020-01-01T00:00:00Z"})).await, 1);
    assert_eq!(replayed(json!({"since": "2999-01-01T00:00:00Z"})).await, 0);
    let field = async |body: Value| all(body).await.json()["errors"][0]["field"].clone();
    assert_eq!(field(json!({})).await, "", "not everything by accident");
    assert_eq!(field(json!({"kind": "prune", "limit": 0})).await, "limit");
    assert_eq!(field(json!({"lane": "fast"})).await, "lane");
    assert_eq!(field(json!({"kid": "prune"})).await, "kid");
}

/// A backfill whose partitions are all made: the run of the world, for a day of which nothing is published.
async fn shadow(app: &App) -> Uuid {
    let work = app.db.work();
    let id = app.world.backfill;
    sqlx::query("insert into backfill_runs (backfill_id, store_id, business_date, run_id) values ($1, $2, '2026-10-02', $3)")
        .bind(id)
        .bind(app.world.store)
        .bind(app.world.run)
        .execute(work)
        .await
        .expect("a run in the shadow");
    id
}

async fn become_(app: &App, state: &str) {
    sqlx::query("update backfills set state = $1").bind(state).execute(app.db.work()).await.expect("a state");
}

#[tokio::test]
async fn a_backfill_is_moved_on_by_the_rules_of_the_command_line() {
    let app = App::new().await;
    let id = shadow(&app).await;
    let act = async |what: &str| {
        let reply = post(&app, &format!("/api/v1/backfills/{id}/{what}"), &[("accept-language", "en")], None).await;
        let body = reply.json();
        let word = if reply.status == 200 { body["backfill"]["state"].clone() } else { body["hint"].clone() };
        (reply.status.as_u16(), word.as_str().expect("a word").to_owned(), body["days"].clone())
    };
    let done = |state: &str, days: Value| (200, state.to_owned(), days);
    let refused = |hint: &str| (409, hint.to_owned(), Value::Null);
    assert_eq!(act("resume").await, refused("Wait until it is ready, or pause or cancel it."));
    assert_eq!(act("pause").await, done("paused", Value::Null));
    assert_eq!(act("pause").await, refused("Resume it, or cancel it."));
    assert_eq!(act("resume").await, done("running", Value::Null));
    assert_eq!(act("publish").await, refused("Wait until it is ready, or pause or cancel it."));
    become_(&app, "refused").await;
    assert_eq!(act("publish").await, refused("`gates` says which; mend what they saw, then start another."));
    become_(&app, "ready").await;
    assert_eq!(act("rollback").await, refused("Publish it, or start another."));
    let days = async || -> i64 {
        let days = "select count(*) from published_days where business_date = '2026-10-02'";
        sqlx::query_scalar(days).fetch_one(app.db.work()).await.expect("a count")
    };
    assert_eq!((act("publish").await, days().await), (done("published", json!(1)), 1));
    assert_eq!(act("publish").await, refused("It can be rolled back."));
    assert_eq!((act("rollback").await, days().await), (done("rolled_back", json!(1)), 0));
    assert_eq!(act("rollback").await, refused("Publish it again, or start another."));
    assert_eq!(act("publish").await, done("published", json!(1)));
    sqlx::query("update backfills set published_at = null").execute(app.db.work()).await.expect("facts have no swap");
    assert_eq!(act("rollback").await, refused("Correct the facts at their source, then make it again."));
    become_(&app, "paused").await;
    assert_eq!(act("cancel").await, done("cancelled", Value::Null));
    assert_eq!(act("cancel").await, refused("Start another one."));
    assert_eq!(post(&app, &format!("/api/v1/backfills/{}/pause", Uuid::nil()), &[], None).await.status, 404);
    let actions: Vec<String> = recorded(&app).await.into_iter().map(|(action, _)| action).collect();
    let expected = ["paused", "resumed", "published", "rolled_back", "published", "cancelled"].map(|what| format!("backfill_{what}"));
    assert_eq!(actions, expected);
}

/// Whatever a handler forgets, the database does not let the serving role do an operator's work for anybody else.
#[tokio::test]
async fn the_database_lets_operators_only() {
    let app = App::new().await;
    shadow(&app).await;
    app.dead_letter().await;
    let shown = "insert into published_days (store_id, business_date, run_id, published_at) values ($1, '2026-11-23', $2, now())";
    sqlx::query(shown).bind(app.world.store).bind(app.world.run).execute(app.db.work()).await.expect("a day");
    let publish = "insert into published_days (store_id, business_date, run_id, published_at)
                   select store_id, business_date, run_id, now() from backfill_runs";
    let statements = [
        "update jobs set state = 'available', attempt = 0, finished_at = null where state = 'discarded'",
        "update backfills set state = 'paused'",
        publish,
        "update published_days set published_at = now()",
        "delete from published_days",
    ];
    let tried = async |tenant: Tenant| {
        let mut changed = Vec::new();
        for statement in statements {
            let mut transaction = begin_as(app.db.serve(), tenant).await.expect("a transaction");
            let done = sqlx::query(statement).execute(&mut *transaction).await;
            changed.push(done.map_or(0, |done| done.rows_affected()));
        }
        changed
    };
    // The owner is an admin of the very store.
    assert_eq!(tried(Tenant::User(app.world.owner)).await, [0; 5]);
    assert_eq!(tried(Tenant::Operator(app.world.operator)).await, [1, 1, 1, 1, 1]);
    let refused = sqlx::query("update jobs set args = '{}'").execute(app.db.serve()).await.expect_err("arguments are nobody's to change");
    assert!(refused.to_string().contains("permission denied"), "{refused}");
}
