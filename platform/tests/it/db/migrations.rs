//! Migrations from empty, and again on the result.

use platform::database::MIGRATOR;
use platform::testing::TestDb;
use sqlx::Connection;

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let db = TestDb::new().await;
    let shape = "select md5(string_agg(c.relname || a.attname || format_type(a.atttypid, a.atttypmod), ',' order by c.relname, a.attnum))
                 from pg_class c join pg_attribute a on a.attrelid = c.oid
                 where c.relnamespace = 'public'::regnamespace";
    let before: String = sqlx::query_scalar(shape).fetch_one(db.owner()).await.expect("the shape of the schema");
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations").fetch_one(db.owner()).await.expect("a count");
    assert_eq!(applied, MIGRATOR.iter().count() as i64);

    let mut owner = db.owner().acquire().await.expect("a connection");
    MIGRATOR.run(&mut *owner).await.expect("a second run");
    drop(owner);
    let after: String = sqlx::query_scalar(shape).fetch_one(db.owner()).await.expect("the shape of the schema");
    assert_eq!(before, after);
    db.close().await;
}

#[test]
fn migrations_are_numbered_by_time_and_named_by_a_verb() {
    let names: Vec<_> = MIGRATOR.iter().map(|migration| (migration.version.to_string(), migration.description.to_string())).collect();
    assert!(names.len() >= 8);
    for (version, description) in names {
        assert_eq!(version.len(), 14, "{version} {description} is not YYYYMMDDHHMMSS");
        let verb = description.split(' ').next().unwrap_or_default();
        let verbs = ["create", "add", "drop", "rename", "alter", "move", "fill", "grant", "index"];
        assert!(verbs.contains(&verb), "`{description}` does not begin with a verb");
    }
}

#[tokio::test]
async fn a_login_that_may_not_create_roles_is_told_what_to_do() {
    let db = TestDb::new().await;
    let mut owner = db.owner().acquire().await.expect("a connection");
    let first = MIGRATOR.iter().next().expect("a first migration").sql.as_str().to_owned();
    let renamed = first.replace("viralcast_serve", "viralcast_role_nobody_made");
    // Only the block that makes the roles: the rest of the file exists in this database already.
    let block = renamed.split_once("create schema app").expect("the block before the schema").0.to_owned();
    let mut transaction = owner.begin().await.expect("a transaction");
    let error = sqlx::raw_sql(sqlx::AssertSqlSafe(block)).execute(&mut *transaction).await.expect_err("the owner is no superuser");
    let error = error.into_database_error().expect("an error of the database");
    let error = error.downcast_ref::<sqlx::postgres::PgDatabaseError>();
    assert!(error.message().contains("viralcast_role_nobody_made"), "{}", error.message());
    assert!(error.hint().is_some_and(|hint| hint.contains("create role viralcast_role_nobody_made")), "{:?}", error.hint());
}

/// FORCE binds the owner too: what a migration does not see it does not touch.
#[tokio::test]
async fn second_factors_of_before_they_were_sealed_are_gone_and_signing_keys_say_how_they_are() {
    let db = TestDb::new().await;
    let before = "alter table second_factors drop column sealed_key";
    sqlx::query(before).execute(db.owner()).await.expect("as it was");
    let somebody = "with person as (insert into users (id, email, role) values (gen_random_uuid(), 'sri@example.com', 'user') returning id)
                    insert into second_factors (user_id, id, created_at) select id, gen_random_uuid(), now() from person";
    sqlx::query(somebody).execute(db.work()).await.expect("a factor");
    let key = "insert into signing_keys (kid, sealed_key, signs_from) values ('k', '\\xaa', now())";
    sqlx::query(key).execute(db.work()).await.expect("a key");

    let migration = MIGRATOR.iter().find(|migration| migration.version == 20_261_129_002_400).expect("the migration");
    sqlx::raw_sql(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).execute(db.owner()).await.expect("migrated");
    let left = "select (select count(*) from second_factors), (select sealed_key from signing_keys)";
    let left: (i64, Vec<u8>) = sqlx::query_as(left).fetch_one(db.work()).await.expect("what is left");
    assert_eq!(left, (0, vec![0x01, 0xaa]));
    let forced = "select relforcerowsecurity from pg_class where oid = 'second_factors'::regclass";
    assert!(sqlx::query_scalar::<_, bool>(forced).fetch_one(db.work()).await.expect("a flag"));
}
