//! The harness that all crates' database tests stand on.

use platform::embedded::Role;
use platform::testing::TestDb;
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn every_test_has_a_database_of_its_own() {
    let (one, two) = tokio::join!(TestDb::new(), TestDb::new());
    sqlx::raw_sql("create table only_here (id int)").execute(one.owner()).await.expect("a table");
    let there: bool = sqlx::query_scalar("select to_regclass('only_here') is not null").fetch_one(two.owner()).await.expect("a row");
    assert!(!there);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn each_pool_acts_as_its_role() {
    let db = TestDb::new().await;
    for (pool, role) in [(db.owner(), Role::Owner), (db.work(), Role::Work), (db.serve(), Role::Serve)] {
        let user: String = sqlx::query_scalar("select current_user::text").fetch_one(pool).await.expect("a name");
        assert_eq!(user, role.name());
    }
    db.close().await;
}

#[tokio::test]
async fn a_dropped_database_is_gone_and_its_url_worked_before() {
    let db = TestDb::new().await;
    let url = db.database_url(Role::Work);
    let connection = PgConnection::connect(&url).await.expect("another program can connect");
    connection.close().await.expect("closed");
    drop(db);
    PgConnection::connect(&url).await.expect_err("the database was dropped with the value");
}
