//! Row-level security stands behind the handlers.

use platform::db::forecasts::published_forecasts;
use platform::db::plan_items::published_plan;
use platform::db::published_runs::published_run;
use platform::db::runs::{RunFilter, list_runs};
use platform::db::stores::list_stores;
use platform::db::tenant::{Tenant, begin_read};
use sqlx::{Executor, PgConnection};
use uuid::Uuid;

use crate::app::App;
use crate::world::day;

/// How many rows of each kind a connection sees.
async fn visible(connection: &mut PgConnection, store: Uuid) -> [usize; 5] {
    let (first, last) = (day("2026-11-01"), day("2026-12-31"));
    [
        list_stores(&mut *connection, true).await.expect("stores").len(),
        list_runs(&mut *connection, RunFilter::default(), 100).await.expect("runs").len(),
        usize::from(published_run(&mut *connection, store).await.expect("a pointer").is_some()),
        published_forecasts(&mut *connection, store, None, first, last).await.expect("forecasts").len(),
        published_plan(&mut *connection, store, day("2026-11-23")).await.expect("a plan").len(),
    ]
}

#[tokio::test]
async fn the_serving_role_sees_nothing_without_a_tenant() {
    let app = App::new().await;
    let mut connection = app.db.serve().acquire().await.expect("a connection");
    assert_eq!(visible(&mut connection, app.world.store).await, [0; 5]);
}

#[tokio::test]
async fn a_person_sees_their_own_store_and_an_operator_all() {
    let app = App::new().await;
    let seen = async |tenant| {
        let mut transaction = begin_read(app.db.serve(), tenant).await.expect("a transaction");
        visible(&mut transaction, app.world.store).await
    };
    assert_eq!(seen(Tenant::Operator(Uuid::nil())).await, [2, 2, 1, 6, 4]);
    assert_eq!(seen(Tenant::User(app.world.owner)).await, [1, 2, 1, 6, 4]);
    assert_eq!(seen(Tenant::User(Uuid::nil())).await, [0; 5]);
}

#[tokio::test]
async fn a_tenant_does_not_outlive_its_transaction_and_a_read_cannot_write() {
    let app = App::new().await;
    let mut transaction = begin_read(app.db.serve(), Tenant::Operator(Uuid::nil())).await.expect("a transaction");
    let refused = transaction.execute("update stores set name = 'x'").await.expect_err("read only");
    assert!(refused.to_string().contains("read-only transaction"), "{refused}");
    transaction.rollback().await.expect("ended");
    for _ in 0..app.db.serve().size() {
        let mut connection = app.db.serve().acquire().await.expect("a connection");
        assert_eq!(visible(&mut connection, app.world.store).await, [0; 5]);
    }
}
