//! What `doctor` finds on a sound machine, and on one where something is wrong.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;

use platform::config::{Config, DatabaseConfig};
use platform::data_dir::DataDir;
use platform::database::Database;
use platform::embedded::Role;
use platform::health::{self, Check, Status};
use platform::testing::{TestDb, TestRedis};
use secrecy::{ExposeSecret, SecretString};

fn found<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check `{name}` in {checks:?}"))
}

fn config(pairs: &[(&str, String)]) -> Config {
    let environment = pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::load_with(None, environment).expect("valid settings")
}

/// The handle that the product would open on this test's database.
async fn open(db: &TestDb, owner: Role) -> Database {
    let config = DatabaseConfig {
        url: Some(SecretString::from(db.database_url(owner))),
        work_url: Some(SecretString::from(db.database_url(Role::Work))),
        serve_url: Some(SecretString::from(db.database_url(Role::Serve))),
        ..DatabaseConfig::default()
    };
    Database::open(&config, &DataDir::at("unused").expect("a path")).await.expect("opened")
}

#[tokio::test]
async fn a_new_data_folder_is_sound_but_not_migrated() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("permissions");
    let data = folder.path().join("viralcast").display().to_string();
    let config = config(&[("VIRALCAST_DATA_DIR", data), ("VIRALCAST_HTTP__PORT", "0".to_owned())]);
    let checks = health::examine(&config).await;
    for name in ["data folder", "port", "database", "roles", "hosts", "cache", "mail"] {
        assert_eq!(found(&checks, name).status, Status::Ok, "{checks:?}");
    }
    assert!(found(&checks, "migrations").detail.ends_with("not applied yet"), "{checks:?}");
    assert!(!folder.path().join("viralcast/postgres/data/postmaster.pid").exists(), "the cluster was left again");
}

#[tokio::test]
async fn a_taken_port_is_a_warning() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its number").port().to_string();
    let data = tempfile::tempdir().expect("a temporary folder");
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing".to_owned();
    let config = config(&[
        ("VIRALCAST_HTTP__PORT", port.clone()),
        ("VIRALCAST_DATA_DIR", data.path().display().to_string()),
        ("DATABASE_URL", nowhere),
        ("VIRALCAST_DATABASE__ACQUIRE_TIMEOUT_SECONDS", "1".to_owned()),
    ]);
    let checks = health::examine(&config).await;
    let check = found(&checks, "port");
    assert_eq!((check.status, check.detail.as_str()), (Status::Warning, format!("127.0.0.1:{port} is in use").as_str()));
    let database = found(&checks, "database");
    assert_eq!(database.status, Status::Failed, "nothing listens there");
    assert!(database.hint.as_ref().is_some_and(|hint| hint.contains("DATABASE_URL")), "{database:?}");
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_fails() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let config = config(&[
        ("VIRALCAST_DATA_DIR", file.path().display().to_string()),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing".to_owned()),
        ("VIRALCAST_DATABASE__ACQUIRE_TIMEOUT_SECONDS", "1".to_owned()),
        ("VIRALCAST_HTTP__PORT", "0".to_owned()),
    ]);
    let checks = health::examine(&config).await;
    assert_eq!(found(&checks, "data folder").status, Status::Failed);
}

#[tokio::test]
async fn a_migrated_database_passes_and_changed_or_foreign_migrations_do_not() {
    let db = TestDb::new().await;
    let database = open(&db, Role::Owner).await;
    let checks = health::of_database(&database, &Config::default()).await;
    assert_eq!(found(&checks, "migrations").status, Status::Ok, "{checks:?}");
    assert_eq!(found(&checks, "roles").status, Status::Ok, "{checks:?}");
    assert_eq!(found(&checks, "seals").status, Status::Ok, "{checks:?}");
    let clear = "with person as (insert into users (id, email, role) values (gen_random_uuid(), 'sri@example.com', 'user') returning id),
                 shop as (insert into stores (id, user_id, slug, name, time_zone) select gen_random_uuid(), id, 'warung', 'Warung', 'Asia/Jakarta' from person returning id)
                 insert into pos_connections (store_id, base_url, outlet_id, token) select id, 'https://till.example', '1', 'in the clear' from shop";
    sqlx::query(clear).execute(db.work()).await.expect("a till of before");
    let checks = health::of_database(&database, &Config::default()).await;
    assert_eq!(found(&checks, "seals").status, Status::Warning, "{checks:?}");

    sqlx::query("insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (99990101000000, 'later', true, '\\x00', 0)")
        .execute(db.owner())
        .await
        .expect("a migration from the future");
    let checks = health::of_database(&database, &Config::default()).await;
    assert!(found(&checks, "migrations").detail.contains("1 that this program does not know"), "{checks:?}");

    sqlx::query("update _sqlx_migrations set checksum = '\\x00'").execute(db.owner()).await.expect("edited migrations");
    let checks = health::of_database(&database, &Config::default()).await;
    assert!(found(&checks, "migrations").detail.contains("differ from this program's"), "{checks:?}");

    sqlx::query("delete from _sqlx_migrations").execute(db.owner()).await.expect("no migrations");
    let checks = health::of_database(&database, &Config::default()).await;
    assert!(found(&checks, "migrations").detail.contains("not applied yet"), "{checks:?}");
    assert_eq!(found(&checks, "migrations").hint.as_deref(), Some("run `viralcast migrate`"));
    database.close().await.expect("closed");
    db.close().await;
}

#[tokio::test]
async fn a_serving_role_that_escapes_row_level_security_is_refused() {
    let db = TestDb::new().await;
    let config = DatabaseConfig {
        url: Some(SecretString::from(db.database_url(Role::Owner))),
        work_url: Some(SecretString::from(db.database_url(Role::Work))),
        serve_url: Some(SecretString::from(db.database_url(Role::Work))),
        ..DatabaseConfig::default()
    };
    let database = Database::open(&config, &DataDir::at("unused").expect("a path")).await.expect("opened");
    let checks = health::of_database(&database, &Config::default()).await;
    assert_eq!(found(&checks, "roles").status, Status::Failed, "{checks:?}");
    database.close().await.expect("closed");
    db.close().await;
}

#[tokio::test]
async fn one_login_for_all_roles_is_warned_of() {
    let db = TestDb::new().await;
    let config = config(&[("DATABASE_URL", db.database_url(Role::Superuser))]);
    let database = Database::open(&config.database, &DataDir::at("unused").expect("a path")).await.expect("opened");
    let checks = health::of_database(&database, &config).await;
    assert_eq!(found(&checks, "roles").status, Status::Warning, "{checks:?}");
    assert!(found(&checks, "roles").hint.as_ref().is_some_and(|hint| hint.contains("DATABASE_SERVE_URL")), "{checks:?}");
    database.close().await.expect("closed");
    db.close().await;
}

#[tokio::test]
async fn a_redis_is_asked_and_one_that_is_gone_is_told() {
    let embedded = health::of_engines(&Config::default()).await;
    assert_eq!((found(&embedded, "cache").status, found(&embedded, "mail").status), (Status::Ok, Status::Ok), "{embedded:?}");
    let mut redis = TestRedis::start();
    let config = config(&[("REDIS_URL", redis.url().expose_secret().to_owned())]);
    let cache = health::of_engines(&config).await;
    assert_eq!(found(&cache, "cache").status, Status::Ok, "{cache:?}");
    assert!(found(&cache, "cache").detail.starts_with("Redis "), "{cache:?}");
    redis.kill();
    let cache = health::of_engines(&config).await;
    assert_eq!(found(&cache, "cache").status, Status::Failed, "{cache:?}");
    assert!(found(&cache, "cache").hint.as_ref().is_some_and(|hint| hint.contains("REDIS_URL")), "{cache:?}");
}
