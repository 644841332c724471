//! Months come into being before their rows, and take over the rows that came too early.

use platform::db::month_partitions::{MonthlyTable, ensure_month_partitions};
use sqlx::Connection;

use super::shop::{Shop, date};

const PARTITION_OF: &str = "select tableoid::regclass::text from sales_daily order by business_date";

async fn insert_fact(shop: &Shop, day: &str) {
    sqlx::query("insert into sales_daily (store_id, product_id, business_date, source, available_at, quantity) values ($1, $2, $3, 'test', now(), 1)")
        .bind(shop.store_id)
        .bind(shop.product("ayam"))
        .bind(date(day))
        .execute(shop.db.work())
        .await
        .expect("a fact");
}

#[tokio::test]
async fn a_fact_of_long_ago_lands_in_its_own_month() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    insert_fact(&shop, "2013-10-03").await;
    let before: Vec<String> = sqlx::query_scalar(PARTITION_OF).fetch_all(&mut *work).await.expect("partitions");
    assert_eq!(before, ["sales_daily_default"]);

    let made = ensure_month_partitions(&mut work, MonthlyTable::SalesDaily, date("2013-09-30"), date("2013-11-01")).await;
    assert_eq!(made.expect("months"), 3);
    insert_fact(&shop, "2013-11-01").await;
    let after: Vec<String> = sqlx::query_scalar(PARTITION_OF).fetch_all(&mut *work).await.expect("partitions");
    assert_eq!(after, ["sales_daily_201310", "sales_daily_201311"]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn asking_again_and_from_many_sides_makes_each_month_once() {
    let shop = Shop::open().await;
    for table in MonthlyTable::ALL {
        let ask = || async {
            let mut work = shop.connection().await;
            let mut transaction = work.begin().await.expect("a transaction");
            let made = ensure_month_partitions(&mut transaction, table, date("2026-01-15"), date("2026-03-01")).await.expect("months");
            transaction.commit().await.expect("a commit");
            made
        };
        let (first, second, third) = tokio::join!(ask(), ask(), ask());
        assert_eq!(first + second + third, 3, "{}", table.name());
    }
    shop.db.close().await;
}

#[tokio::test]
async fn an_absurd_range_is_refused() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let error = ensure_month_partitions(&mut work, MonthlyTable::Forecasts, date("0001-01-01"), date("2026-01-01")).await;
    assert!(error.is_err());
    let backwards = ensure_month_partitions(&mut work, MonthlyTable::Forecasts, date("2026-02-01"), date("2026-01-01")).await;
    assert!(backwards.is_err());
    drop(work);
    shop.db.close().await;
}
