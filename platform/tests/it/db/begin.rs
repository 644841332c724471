//! Beginning a transaction, and giving it up half way.

use std::time::Duration;

use futures::FutureExt as _;
use platform::database::begin;
use platform::embedded::Role;
use sqlx::postgres::PgPoolOptions;

use super::shop::Shop;

/// A job that is stopped while it begins (its time, a cancel, a shutdown) must not take the writes of the next one with it.
#[tokio::test]
async fn what_is_written_after_a_begin_that_was_given_up_stays() {
    let shop = Shop::open().await;
    let one = PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect_with(shop.db.options(Role::Work));
    let one = one.await.expect("a connection");
    let price = async || -> i64 {
        let price = sqlx::query_scalar("select min(price) from products where store_id = $1").bind(shop.store_id);
        price.fetch_one(shop.db.work()).await.expect("a price")
    };
    for round in 0..20_i64 {
        while one.num_idle() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(begin(&one).now_or_never().is_none(), "it waits for the server");
        let written = sqlx::query("update products set price = $2 where store_id = $1").bind(shop.store_id).bind(round).execute(&one);
        assert_ne!(written.await.expect("a write of its own").rows_affected(), 0);
        // Were it part of what was given up, whoever begins and undoes next would take it along.
        begin(&one).await.expect("a transaction of one's own").rollback().await.expect("undone");
        assert_eq!(price().await, round);
    }
    one.close().await;
    shop.db.close().await;
}
