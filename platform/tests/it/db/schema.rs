//! Rules of the schema, read from the catalogue, so that a later migration is held to them too.

use platform::db::month_partitions::MonthlyTable;
use platform::testing::TestDb;

/// Names that `query` returns, expected to be none.
async fn offenders(db: &TestDb, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(db.owner()).await.expect("a catalogue query")
}

#[tokio::test]
async fn every_table_has_created_at_as_timestamptz() {
    let db = TestDb::new().await;
    let without = offenders(
        &db,
        "select c.relname::text
         from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> '_sqlx_migrations'
           and not exists (
               select from pg_attribute a
               where a.attrelid = c.oid and a.attname = 'created_at' and a.atttypid = 'timestamptz'::regtype and a.attnotnull)",
    )
    .await;
    assert_eq!(without, Vec::<String>::new());
    db.close().await;
}

#[tokio::test]
async fn no_column_is_a_timestamp_without_zone_or_a_floating_amount_of_money() {
    let db = TestDb::new().await;
    let wrong = offenders(
        &db,
        "select c.relname || '.' || a.attname
         from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> '_sqlx_migrations'
           and (a.atttypid = 'timestamp'::regtype
                or a.attname ~ '(price|amount|cost|revenue)$' and a.atttypid <> 'bigint'::regtype)",
    )
    .await;
    assert_eq!(wrong, Vec::<String>::new());
    db.close().await;
}

/// A rule that Postgres named itself ends in one of its own suffixes, numbered where it ran out of names.
#[tokio::test]
async fn every_rule_is_named_by_hand() {
    let db = TestDb::new().await;
    let query = "select c.conrelid::regclass || ': ' || c.conname
         from pg_constraint c
         join pg_class t on t.oid = c.conrelid
         where c.connamespace = 'public'::regnamespace and c.contype in ('c', 'u', 'f', 'x') and c.conparentid = 0
           and not t.relispartition and t.relname <> '_sqlx_migrations' and c.conname ~ '_(check|key|fkey|excl)[0-9]*$'";
    assert_eq!(offenders(&db, query).await, Vec::<String>::new());

    // The rule itself is not blind.
    sqlx::raw_sql("create table unnamed (id integer unique check (id > 0))").execute(db.owner()).await.expect("a table");
    assert_eq!(offenders(&db, query).await.len(), 2);
    db.close().await;
}

#[tokio::test]
async fn every_table_of_a_store_that_the_api_can_touch_is_protected() {
    let db = TestDb::new().await;
    let query = "select c.relname::text
         from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'store_id'
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           and has_table_privilege('viralcast_serve', c.oid, 'select, update, delete')
           and not (c.relrowsecurity and c.relforcerowsecurity
                    and exists (select from pg_policy p where p.polrelid = c.oid and 'viralcast_serve'::regrole = any (p.polroles))
                    and not exists (select from pg_policy p
                                    where p.polrelid = c.oid and p.polroles && array['viralcast_serve'::regrole::oid, 0::oid]
                                      and pg_get_expr(p.polqual, p.polrelid) = 'true'))";
    assert_eq!(offenders(&db, query).await, Vec::<String>::new());

    let protected: Vec<String> = offenders(&db, "select relname::text from pg_class where relforcerowsecurity order by 1").await;
    for table in ["stores", "products", "orders", "sales_daily", "forecasts", "published_runs", "plan_items", "payments"] {
        assert!(protected.contains(&table.to_owned()), "{table} is not protected");
    }
    sqlx::raw_sql("create table naked (store_id uuid); grant select on naked to viralcast_serve")
        .execute(db.owner())
        .await
        .expect("a table");
    assert_eq!(offenders(&db, query).await, ["naked"]);
    db.close().await;
}

#[tokio::test]
async fn every_personal_table_that_the_api_can_read_is_protected() {
    let db = TestDb::new().await;
    let open = offenders(
        &db,
        "select c.relname::text
         from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
           and has_table_privilege('viralcast_serve', c.oid, 'select, update, delete')
           and not (c.relrowsecurity and c.relforcerowsecurity)",
    )
    .await;
    assert_eq!(open, Vec::<String>::new());
    db.close().await;
}

#[tokio::test]
async fn exactly_six_tables_are_partitioned_and_each_has_a_default() {
    let db = TestDb::new().await;
    let mut expected = MonthlyTable::ALL.map(|table| table.name().to_owned());
    expected.sort();
    let partitioned = offenders(&db, "select relname::text from pg_class where relkind = 'p' order by relname").await;
    assert_eq!(partitioned, expected);
    let with_default =
        offenders(&db, "select partrelid::regclass::text from pg_partitioned_table where partdefid <> 0 and partstrat = 'r' order by 1")
            .await;
    assert_eq!(with_default, expected);
    db.close().await;
}

#[tokio::test]
async fn views_ask_as_the_one_who_asks() {
    let db = TestDb::new().await;
    let views =
        offenders(&db, "select relname::text from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace order by 1").await;
    assert_eq!(views, ["ingredient_market_prices", "predictions"]);
    let open = offenders(
        &db,
        "select relname::text from pg_class
         where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace
           and not coalesce(reloptions @> '{security_invoker=true}', false)",
    )
    .await;
    assert_eq!(open, Vec::<String>::new());
    db.close().await;
}

#[tokio::test]
async fn the_roles_are_what_their_names_say() {
    let db = TestDb::new().await;
    let roles: Vec<(String, bool, bool)> =
        sqlx::query_as("select rolname::text, rolsuper, rolbypassrls from pg_roles where rolname ~ '^viralcast_' order by rolname")
            .fetch_all(db.owner())
            .await
            .expect("roles");
    let expected = [("viralcast_owner", false, false), ("viralcast_serve", false, false), ("viralcast_work", false, true)];
    assert_eq!(roles, expected.map(|(name, superuser, bypass)| (name.to_owned(), superuser, bypass)));
    db.close().await;
}
