//! What the functions behind erasure and attribution do for the serving role, and what they do not.

use platform::auth::InstallationSecret;
use platform::db::erasure::erase_account;
use platform::db::pos_connections::{PosConnection, upsert_pos_connection};
use platform::db::tenant::{Tenant, begin_as, commit};
use uuid::Uuid;

use super::shop::{Shop, add_store};

#[tokio::test]
async fn nobody_erases_what_belongs_to_another_whatever_they_say_is_theirs() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let (stranger, strangers_store) = add_store(&mut work, "tetangga").await;
    let secret = InstallationSecret::of("d41fb7c3e2a84960b5f0c9d7813e6a52".into()).expect("random enough");
    for store in [shop.store_id, strangers_store] {
        let till = PosConnection { base_url: "https://till.example".into(), outlet_id: "1".into(), token: "secret".into() };
        upsert_pos_connection(&mut *work, &secret, store, &till).await.expect("a till");
    }
    let hire = "insert into store_members (store_id, user_id, role) values ($1, $2, 'admin')";
    sqlx::query(hire).bind(shop.store_id).bind(stranger).execute(&mut *work).await.expect("a colleague");

    let now = "2026-11-23T01:00:00Z".parse().expect("an instant");
    let mut transaction = begin_as(shop.db.serve(), Tenant::User(stranger)).await.expect("a transaction");
    erase_account(&mut *transaction, &[shop.store_id, strangers_store], now).await.expect("erased");
    commit(transaction).await.expect("a commit");

    let left: Vec<Uuid> = sqlx::query_scalar("select store_id from pos_connections").fetch_all(&mut *work).await.expect("tills");
    assert_eq!(left, [shop.store_id], "others are in that store");
    let accounts: Vec<(Uuid, bool)> =
        sqlx::query_as("select id, erased_at is null from users where id = any ($1) order by erased_at nulls first")
            .bind([shop.owner_id, stranger])
            .fetch_all(&mut *work)
            .await
            .expect("accounts");
    assert_eq!(accounts, [(shop.owner_id, true), (stranger, false)]);
    drop(work);

    let nobody = erase_account(shop.db.serve(), &[], now).await.expect_err("without a tenant");
    assert!(format!("{:?}", std::error::Error::source(&nobody)).contains("nobody is erased"), "{nobody:?}");
    shop.db.close().await;
}

#[tokio::test]
async fn whom_a_stores_own_records_are_owed_to_is_told_to_nobody() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let (everybodys, own) = (Uuid::now_v7(), Uuid::now_v7());
    for (id, store) in [(everybodys, None), (own, Some(shop.store_id))] {
        let insert = "insert into raw_records (id, source, store_id, content_hash, content_length, object_key, attribution, fetched_at)
                      values ($1, 'x', $2, sha256($1::text::bytea), 0, 'x', 'Sumber', now())";
        sqlx::query(insert).bind(id).bind(store).execute(&mut *work).await.expect("a record");
    }
    drop(work);
    let asked = "select id from app.attributions($1)";
    let told: Vec<Uuid> = sqlx::query_scalar(asked).bind([everybodys, own]).fetch_all(shop.db.serve()).await.expect("attributions");
    assert_eq!(told, [everybodys]);
    let seen: i64 = sqlx::query_scalar("select count(*) from raw_records").fetch_one(shop.db.serve()).await.expect("a count");
    assert_eq!(seen, 0, "the records themselves are not for the serving role");
    shop.db.close().await;
}
