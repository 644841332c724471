//! Row-level security, tried by connecting as the serving role.

use futures::FutureExt as _;
use platform::db::products::{NewProduct, ensure_products, list_products, upsert_products};
use platform::db::stores::{create_store, list_stores};
use platform::db::tenant::{Tenant, begin_as, begin_read, set_tenant};
use platform::db::users::{NewUser, create_user};
use platform::embedded::Role;
use sqlx::Connection;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::shop::{Shop, add_store, new_store};

async fn products_seen_by(shop: &Shop, tenant: Option<Tenant>, store_id: Uuid) -> usize {
    let mut connection = shop.db.serve().acquire().await.expect("a connection as the serving role");
    let mut transaction = connection.begin().await.expect("a transaction");
    if let Some(tenant) = tenant {
        set_tenant(&mut transaction, tenant).await.expect("a tenant");
    }
    list_products(&mut *transaction, store_id).await.expect("products").len()
}

#[tokio::test]
async fn the_serving_role_sees_members_stores_only() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let (stranger, _) = add_store(&mut work, "tetangga").await;
    let operator = NewUser { email: "ops@example.test".to_owned(), name: None, password_hash: None, is_operator: true };
    let operator = create_user(&mut *work, &operator).await.expect("an operator");
    drop(work);

    assert_eq!(products_seen_by(&shop, None, shop.store_id).await, 0, "without settings there is nothing to see");
    assert_eq!(products_seen_by(&shop, Some(Tenant::User(shop.owner_id)), shop.store_id).await, 3);
    assert_eq!(products_seen_by(&shop, Some(Tenant::User(stranger)), shop.store_id).await, 0);
    assert_eq!(products_seen_by(&shop, Some(Tenant::Operator(operator)), shop.store_id).await, 3);
    shop.db.close().await;
}

#[tokio::test]
async fn the_tenant_ends_with_its_transaction() {
    let shop = Shop::open().await;
    let mut connection = shop.db.serve().acquire().await.expect("a connection");
    let mut transaction = connection.begin().await.expect("a transaction");
    set_tenant(&mut transaction, Tenant::User(shop.owner_id)).await.expect("a tenant");
    assert_eq!(list_stores(&mut *transaction, true).await.expect("stores").len(), 1);
    transaction.commit().await.expect("a commit");
    assert_eq!(list_stores(&mut *connection, true).await.expect("stores").len(), 0);
    drop(connection);
    shop.db.close().await;
}

/// Whoever gets the connection of a request that was given up finds nothing of it.
#[tokio::test]
async fn a_begin_that_is_given_up_is_undone() {
    let shop = Shop::open().await;
    let one = PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect_with(shop.db.options(Role::Serve));
    let one = one.await.expect("a connection");
    let is_back = async || {
        while one.num_idle() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    for _ in 0..20 {
        is_back().await;
        let given_up = begin_read(&one, Tenant::Operator(shop.owner_id)).now_or_never();
        assert!(given_up.is_none(), "it waits for the server");
        let mut next = one.acquire().await.expect("the same connection");
        let found: (String, Option<String>) =
            sqlx::query_as("select current_setting('transaction_isolation'), nullif(current_setting('app.user_id', true), '')")
                .fetch_one(&mut *next)
                .await
                .expect("settings");
        assert_eq!(found, ("read committed".to_owned(), None));
        drop(next);
        is_back().await;
        assert!(begin_as(&one, Tenant::User(shop.owner_id)).now_or_never().is_none());
        begin_read(&one, Tenant::User(shop.owner_id)).await.expect("a snapshot of one's own");
    }
    one.close().await;
    shop.db.close().await;
}

#[tokio::test]
async fn nobody_writes_into_a_strangers_store() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let (stranger, strangers_store) = add_store(&mut work, "tetangga").await;
    drop(work);

    let mut connection = shop.db.serve().acquire().await.expect("a connection");
    let mut transaction = connection.begin().await.expect("a transaction");
    set_tenant(&mut transaction, Tenant::User(stranger)).await.expect("a tenant");
    let own = ensure_products(&mut transaction, strangers_store, &["kopi".to_owned()], "gelas").await.expect("own product");
    assert_eq!(own.len(), 1);
    let refused = ensure_products(&mut transaction, shop.store_id, &["kopi".to_owned()], "gelas").await.expect_err("another's store");
    assert!(format!("{:?}", std::error::Error::source(&refused)).contains("row-level security"), "{refused:?}");
    drop(transaction);

    let mut transaction = connection.begin().await.expect("a transaction");
    set_tenant(&mut transaction, Tenant::User(stranger)).await.expect("a tenant");
    let hidden = sqlx::query("update products set price = 1 where store_id = $1").bind(shop.store_id).execute(&mut *transaction).await;
    assert_eq!(hidden.expect("an update of nothing").rows_affected(), 0);
    drop(transaction);
    drop(connection);
    shop.db.close().await;
}

#[tokio::test]
async fn a_person_opens_a_store_and_is_its_admin() {
    let shop = Shop::open().await;
    let mut connection = shop.db.serve().acquire().await.expect("a connection");
    let mut transaction = connection.begin().await.expect("a transaction");
    set_tenant(&mut transaction, Tenant::User(shop.owner_id)).await.expect("a tenant");
    let second = create_store(&mut *transaction, &new_store("cabang", shop.owner_id)).await.expect("a second store");
    let role: String = sqlx::query_scalar("select role from store_members where store_id = $1 and user_id = $2")
        .bind(second)
        .bind(shop.owner_id)
        .fetch_one(&mut *transaction)
        .await
        .expect("a membership");
    assert_eq!(role, "admin");
    let stolen = create_store(&mut *transaction, &new_store("curian", Uuid::now_v7())).await;
    assert!(stolen.is_err(), "a store for somebody else");
    drop(transaction);
    drop(connection);
    shop.db.close().await;
}

#[tokio::test]
async fn password_hashes_and_webhooks_are_not_for_the_serving_role() {
    let shop = Shop::open().await;
    for statement in [
        "select password_hash from users",
        "select body from webhook_events",
        "delete from sales_daily",
        "select * from sales_daily_default",
    ] {
        let error = sqlx::query(statement).execute(shop.db.serve()).await.expect_err(statement);
        let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
    }
    shop.db.close().await;
}

#[tokio::test]
async fn nobody_rewrites_the_record() {
    let shop = Shop::open().await;
    for pool in [shop.db.work(), shop.db.serve()] {
        for statement in ["update audit_log set action = 'nothing'", "delete from audit_log", "truncate audit_log"] {
            let error = sqlx::query(statement).execute(pool).await.expect_err(statement);
            let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
            assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
        }
    }
    shop.db.close().await;
}

#[tokio::test]
async fn a_product_cannot_point_into_another_store() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let (_, other) = add_store(&mut work, "tetangga").await;
    let product = NewProduct {
        name: "kopi".to_owned(),
        category: Some("minuman".to_owned()),
        unit: "gelas".to_owned(),
        price: Some(5_000),
        batch_size: 1.0,
        shelf_life_days: 0,
        first_sold_on: None,
    };
    upsert_products(&mut work, other, &[product]).await.expect("a product with a category");
    let error = sqlx::query("update products set category_id = (select id from categories where store_id = $1) where store_id = $2")
        .bind(other)
        .bind(shop.store_id)
        .execute(&mut *work)
        .await
        .expect_err("a category of another store");
    let rule = error.as_database_error().and_then(|error| error.constraint()).map(str::to_owned);
    assert_eq!(rule.as_deref(), Some("product_category_is_of_same_store"));
    drop(work);
    shop.db.close().await;
}
