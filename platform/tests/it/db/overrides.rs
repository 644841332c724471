//! What people say: overrides and stock counts.

use chrono::NaiveTime;
use domain::time::{BusinessCalendar, Night};
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
async fn the_latest_count_of_each_thing_is_what_a_day_begins_with() {
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
    let at_seven = StockCountRow { business_date: date("2026-11-23"), ..count("ayam", "2026-11-23T00:00:00Z", 4.0) };
    insert_stock_counts(&mut *work, shop.store_id, "open", &[at_seven]).await.expect("a count");
    let at_noon = StockCountRow { business_date: date("2026-11-23"), ..count("teh", "2026-11-23T05:00:00Z", 1.0) };
    insert_stock_counts(&mut *work, shop.store_id, "during", &[at_noon]).await.expect("a count");

    let night = Night::of(date("2026-11-23"), BusinessCalendar { time_zone: chrono_tz::Asia::Jakarta, cutoff: NaiveTime::MIN });
    let mut known = async |night| {
        let mut counts = latest_stock_counts(&mut *work, shop.store_id, night).await.expect("counts");
        counts.sort_by(|left, right| right.quantity.total_cmp(&left.quantity));
        counts
    };
    assert_eq!(known(night).await, first);
    let in_the_afternoon = Night { as_of: Some(at("2026-11-23T08:00:00Z")), ..night };
    assert_eq!(known(in_the_afternoon).await, [at_seven, first[1]], "what was used since seven is in the day's list");
    let told_late = "update stock_counts set recorded_at = '2026-11-22T21:00:00Z' where moment = 'close' and quantity = 12.5";
    sqlx::query(told_late).execute(shop.db.work()).await.expect("a count that was written down in the morning");
    assert_eq!(known(night).await, [first[1]]);
    let nothing = StockCountRow { product_id: None, ..at_noon };
    let error = insert_stock_counts(&mut *work, shop.store_id, "open", &[nothing]).await.expect_err("a count of nothing");
    assert_eq!(error.rule(), Some("stock_count_is_of_exactly_one_thing"));
    drop(work);
    shop.db.close().await;
}
