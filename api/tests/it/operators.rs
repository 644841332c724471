//! What operators see of the queue and of backfills.

use domain::job::Prune;
use platform::queue::{self, EnqueueOptions};

use crate::app::{App, assert_shown};

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
