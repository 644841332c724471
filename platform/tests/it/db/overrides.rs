//! What people say: overrides and stock counts.

use platform::db::overrides::{NewOverride, list_overrides, set_override};
use platform::db::stock_counts::{StockCountRow, insert_stock_counts, latest_stock_counts};

use super::shop::{Shop, at, date};

#[tokio::test]
async fn a_second_override_takes_the_place_of_the_first() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let say = |quantity: f64| NewOverride {
        product_id: shop.product("ayam"),
        target_date: date("2026-11-24"),
        quantity,
        reason: "ada pesanan".to_owned(),
        user_id: Some(shop.owner_id),
        run_id: None,
        model_quantity: Some(85.25),
    };
    set_override(&mut work, shop.store_id, at("2026-11-23T01:00:00Z"), &say(100.0)).await.expect("a number");
    let second = set_override(&mut work, shop.store_id, at("2026-11-23T02:00:00Z"), &say(120.0)).await.expect("another");
    let listed = list_overrides(&mut *work, shop.store_id, date("2026-11-24"), date("2026-11-24")).await.expect("overrides");
    let brief: Vec<_> = listed.iter().map(|row| (row.id, row.quantity, row.model_quantity)).collect();
    assert_eq!(brief, [(second, 120.0, Some(85.25))]);
    let kept: i64 = sqlx::query_scalar("select count(*) from overrides").fetch_one(&mut *work).await.expect("a count");
    assert_eq!(kept, 2, "the first is kept, to be scored");
    let error = set_override(&mut work, shop.store_id, at("2026-11-23T03:00:00Z"), &say(-1.0)).await.expect_err("a negative number");
    assert_eq!(error.rule(), Some("override_is_not_negative"));
    let listed = list_overrides(&mut *work, shop.store_id, date("2026-11-24"), date("2026-11-24")).await.expect("overrides");
    assert_eq!(listed.len(), 1, "a refused number revokes nothing");
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn the_latest_count_of_each_thing_is_what_there_is() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let count = |name: &str, counted_at: &str, quantity: f64| StockCountRow {
        product_id: Some(shop.product(name)),
        ingredient_id: None,
        counted_at: at(counted_at),
        business_date: date("2026-11-22"),
        quantity,
    };
    let first = [count("ayam", "2026-11-22T14:00:00Z", 12.5), count("teh", "2026-11-22T14:00:00Z", 3.0)];
    insert_stock_counts(&mut *work, shop.store_id, "close", &first).await.expect("counts");
    let later = count("ayam", "2026-11-23T01:00:00Z", 4.0);
    insert_stock_counts(&mut *work, shop.store_id, "open", &[later]).await.expect("a count");

    let mut evening = latest_stock_counts(&mut *work, shop.store_id, at("2026-11-22T20:00:00Z")).await.expect("counts");
    evening.sort_by(|left, right| right.quantity.total_cmp(&left.quantity));
    assert_eq!(evening, first);
    let mut morning = latest_stock_counts(&mut *work, shop.store_id, at("2026-11-23T02:00:00Z")).await.expect("counts");
    morning.sort_by(|left, right| right.quantity.total_cmp(&left.quantity));
    assert_eq!(morning, [later, first[1]]);
    let nothing = StockCountRow { product_id: None, ..later };
    let error = insert_stock_counts(&mut *work, shop.store_id, "open", &[nothing]).await.expect_err("a count of nothing");
    assert_eq!(error.rule(), Some("stock_count_is_of_exactly_one_thing"));
    drop(work);
    shop.db.close().await;
}
