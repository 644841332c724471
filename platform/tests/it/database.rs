//! The handle that the product opens: on the private cluster, and on a server named by URLs.

use std::os::unix::fs::PermissionsExt;

use platform::config::DatabaseConfig;
use platform::data_dir::DataDir;
use platform::database::Database;
use platform::embedded::{Departure, Role};
use platform::testing::TestDb;
use secrecy::SecretString;

async fn current_user(pool: &sqlx::PgPool) -> String {
    sqlx::query_scalar("select current_user::text").fetch_one(pool).await.expect("a name")
}

#[tokio::test]
async fn without_urls_the_private_cluster_is_opened_migrated_and_stopped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("permissions");
    let data = DataDir::at(folder.path().join("viralcast")).expect("a path");
    let database = Database::open(&DatabaseConfig::default(), &data).await.expect("opened");

    let first = database.migrate().await.expect("migrated from empty");
    assert_eq!(first.applied, first.known);
    let second = database.migrate().await.expect("migrated again");
    assert_eq!((second.applied, second.known), (0, first.known));

    assert_eq!(current_user(database.owner()).await, Role::Owner.name());
    assert_eq!(current_user(database.work()).await, Role::Work.name());
    assert_eq!(current_user(database.serve()).await, Role::Serve.name());
    assert!(database.is_embedded().await);
    assert_eq!(database.close().await.expect("closed"), Departure::Stopped);
    assert_eq!(database.close().await.expect("closing twice is harmless"), Departure::Untouched);
}

#[tokio::test]
async fn one_login_serves_all_roles_by_switching() {
    let db = TestDb::new().await;
    let config = DatabaseConfig { url: Some(SecretString::from(db.database_url(Role::Superuser))), ..DatabaseConfig::default() };
    let unused = DataDir::at("unused").expect("a path");
    let database = Database::open(&config, &unused).await.expect("opened");
    assert_eq!(current_user(database.owner()).await, Role::Superuser.name());
    assert_eq!(current_user(database.work()).await, Role::Work.name());
    assert_eq!(current_user(database.serve()).await, Role::Serve.name());
    assert!(!database.is_embedded().await);
    assert_eq!(database.close().await.expect("closed"), Departure::Untouched);
    db.close().await;
}
