use std::time::Duration;

use api::Limits;
use platform::database::begin;
use sqlx::Executor;

use crate::app::{App, assert_shown};

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    let app = App::new().await;
    assert_shown("unknown_route_id", &app.get("/api/v1/toko").await);
    assert_shown("unknown_route_en", &app.get_with("/api/v1/toko", &[("accept-language", "en")]).await);
}

#[tokio::test]
async fn an_unreachable_database_is_unavailable() {
    let app = App::new().await;
    app.state.db.close().await;
    assert_shown("unavailable", &app.get("/api/v1/stores").await);
}

#[tokio::test]
async fn a_broken_database_tells_the_client_nothing() {
    let app = App::new().await;
    app.db.owner().execute("alter table plan_items rename to plan_items_lost").await.expect("renamed");
    let reply = app.get("/api/v1/stores/warung-bu-sri/plan").await;
    assert!(!reply.text().contains("plan_items"), "{}", reply.text());
    assert_shown("internal", &reply);
}

#[tokio::test]
async fn a_read_that_waits_too_long_is_given_up() {
    let app = App::with(Limits { timeout: Duration::from_millis(100), ..Limits::default() }, crate::world::NOW).await;
    let mut writer = begin(app.db.owner()).await.expect("a transaction");
    writer.execute("lock table stores in access exclusive mode").await.expect("locked");
    assert_shown("timeout", &app.get("/api/v1/stores").await);
    writer.rollback().await.expect("unlocked");
}
