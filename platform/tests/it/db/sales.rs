//! Daily sales: versions, as-of reads, bulk loads.

use std::time::Instant;

use chrono::Days;
use platform::db::sales_daily::{
    DailyLoad, DailyRow, LoadCounts, copy_sales_daily, last_complete_business_date, sales_spans, sales_versions,
};
use uuid::Uuid;

use super::shop::{Shop, at, date};

fn load(shop: &Shop, recorded_at: &str) -> DailyLoad<'static> {
    DailyLoad { store_id: shop.store_id, source: "sales_csv", raw_record_id: None, recorded_at: at(recorded_at) }
}

fn row(product_id: Uuid, day: &str, quantity: f64) -> DailyRow {
    let business_date = date(day);
    let available_at = business_date.and_hms_opt(21, 0, 0).expect("a time").and_utc();
    DailyRow { product_id, business_date, quantity, revenue: Some(quantity as i64 * 1_000), is_sold_out: false, available_at }
}

fn counts(inserted: u64, superseded: u64, unchanged: u64) -> LoadCounts {
    LoadCounts { inserted, superseded, unchanged }
}

#[tokio::test]
async fn the_same_load_again_changes_nothing_and_a_correction_is_a_version() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let ayam = shop.product("ayam");
    let told = [row(ayam, "2026-11-01", 80.0), row(ayam, "2026-11-02", 7.125)];
    let first = copy_sales_daily(&mut work, load(&shop, "2026-11-03T00:00:00Z"), told.into_iter()).await.expect("a load");
    assert_eq!(first, counts(2, 0, 0));
    let again = copy_sales_daily(&mut work, load(&shop, "2026-11-04T00:00:00Z"), told.into_iter()).await.expect("the same");
    assert_eq!(again, counts(0, 0, 2));

    let corrected = [row(ayam, "2026-11-01", 85.0), told[1]];
    let third = copy_sales_daily(&mut work, load(&shop, "2026-11-05T00:00:00Z"), corrected.into_iter()).await.expect("a correction");
    assert_eq!(third, counts(0, 1, 1));

    let versions = sales_versions(&mut *work, shop.store_id, at("2026-12-01T00:00:00Z")).await.expect("versions");
    let seen: Vec<_> = versions.iter().map(|version| (version.quantity, version.available_at)).collect();
    let expected = [(80.0, at("2026-11-01T21:00:00Z")), (85.0, at("2026-11-05T00:00:00Z")), (7.125, at("2026-11-02T21:00:00Z"))];
    assert_eq!(seen, expected);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn as_of_a_cutoff_later_knowledge_does_not_exist() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let ayam = shop.product("ayam");
    copy_sales_daily(&mut work, load(&shop, "2026-11-03T00:00:00Z"), [row(ayam, "2026-11-01", 80.0)].into_iter()).await.expect("a load");
    copy_sales_daily(&mut work, load(&shop, "2026-11-05T00:00:00Z"), [row(ayam, "2026-11-01", 85.0)].into_iter()).await.expect("a load");
    let mut known = Vec::new();
    for cutoff in ["2026-11-01T20:59:59Z", "2026-11-04T23:59:59Z", "2026-11-05T00:00:00Z"] {
        let versions = sales_versions(&mut *work, shop.store_id, at(cutoff)).await.expect("versions");
        known.push(versions.last().map(|version| version.quantity));
    }
    assert_eq!(known, [None, Some(80.0), Some(85.0)]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn two_corrections_at_one_instant_keep_their_order() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let ayam = shop.product("ayam");
    for quantity in [80.0, 81.0, 82.0] {
        let told = [row(ayam, "2026-11-01", quantity)];
        copy_sales_daily(&mut work, load(&shop, "2026-11-03T00:00:00Z"), told.into_iter()).await.expect("a load");
    }
    let versions = sales_versions(&mut *work, shop.store_id, at("2026-12-01T00:00:00Z")).await.expect("versions");
    assert_eq!(versions.iter().map(|version| version.quantity).collect::<Vec<_>>(), [80.0, 81.0, 82.0]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn only_the_sales_that_count_are_read() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let ayam = shop.product("ayam");
    let own = DailyLoad { source: "orders", ..load(&shop, "2026-11-03T00:00:00Z") };
    copy_sales_daily(&mut work, own, [row(ayam, "2026-11-02", 5.0)].into_iter()).await.expect("own orders");
    copy_sales_daily(&mut work, load(&shop, "2026-11-03T00:00:00Z"), [row(ayam, "2026-11-01", 80.0)].into_iter()).await.expect("imports");
    let until = at("2026-12-01T00:00:00Z");
    let imported = sales_versions(&mut *work, shop.store_id, until).await.expect("versions");
    assert_eq!(imported.iter().map(|version| version.quantity).collect::<Vec<_>>(), [80.0]);
    sqlx::query("update stores set sales_source = 'orders' where id = $1")
        .bind(shop.store_id)
        .execute(&mut *work)
        .await
        .expect("a setting");
    let ordered = sales_versions(&mut *work, shop.store_id, until).await.expect("versions");
    assert_eq!(ordered.iter().map(|version| version.quantity).collect::<Vec<_>>(), [5.0]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn the_last_complete_day_has_ended_in_the_stores_own_zone() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    assert!(sales_spans(&mut *work, &[shop.store_id]).await.expect("spans").is_empty());
    let ayam = shop.product("ayam");
    // Known while the day still runs: a till that reports by the hour.
    let rows = ["2026-11-01", "2026-11-02"].map(|day| DailyRow { available_at: at("2026-11-02T12:00:00Z"), ..row(ayam, day, 9.0) });
    copy_sales_daily(&mut work, load(&shop, "2026-11-02T12:00:00Z"), rows.into_iter()).await.expect("a load");
    let span = *sales_spans(&mut *work, &[shop.store_id]).await.expect("spans").get(&shop.store_id).expect("sales");
    assert_eq!((span.first, span.last), (date("2026-11-01"), date("2026-11-02")));
    // The second of November ends at 02:00 WIB of the third, which is 19:00 UTC of the second.
    let mut last = Vec::new();
    for now in ["2026-11-02T11:59:59Z", "2026-11-02T18:59:59Z", "2026-11-02T19:00:00Z"] {
        last.push(last_complete_business_date(&mut *work, shop.store_id, at(now)).await.expect("a day"));
    }
    assert_eq!(last, [None, Some(date("2026-11-01")), Some(date("2026-11-02"))]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_bad_row_leaves_nothing_behind_and_the_connection_usable() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let ayam = shop.product("ayam");
    let negative = [row(ayam, "2026-11-01", 80.0), row(ayam, "2026-11-02", -1.0)];
    let error = copy_sales_daily(&mut work, load(&shop, "2026-11-03T00:00:00Z"), negative.into_iter()).await.expect_err("a negative");
    assert_eq!(error.rule(), Some("daily_quantity_is_not_negative"));
    let not_a_number = [row(ayam, "2026-11-02", f64::NAN)];
    let error = copy_sales_daily(&mut work, load(&shop, "2026-11-03T00:00:00Z"), not_a_number.into_iter()).await.expect_err("NaN");
    assert_eq!(error.rule(), Some("daily_quantity_is_not_negative"));
    let unknown = [row(Uuid::now_v7(), "2026-11-02", 1.0)];
    let error = copy_sales_daily(&mut work, load(&shop, "2026-11-03T00:00:00Z"), unknown.into_iter()).await.expect_err("no such product");
    assert!(error.to_string().contains("name 1 products"), "{error}");
    assert!(sales_spans(&mut *work, &[shop.store_id]).await.expect("spans").is_empty());
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn two_hundred_thousand_rows_load_and_load_again() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let names: Vec<String> = (0..200).map(|number| format!("barang {number}")).collect();
    let ids = platform::db::products::ensure_products(&mut work, shop.store_id, &names, "buah").await.expect("products");
    let rows = || {
        let ids: Vec<Uuid> = ids.values().copied().collect();
        ids.into_iter().enumerate().flat_map(|(number, product_id)| {
            (0..1_000_u64).map(move |day| DailyRow {
                business_date: date("2024-01-01") + Days::new(day),
                quantity: ((number as u64 * 31 + day * 7) % 97) as f64,
                ..row(product_id, "2024-01-01", 0.0)
            })
        })
    };
    let started = Instant::now();
    let first = copy_sales_daily(&mut work, load(&shop, "2026-11-03T00:00:00Z"), rows()).await.expect("a load");
    let loaded = started.elapsed();
    assert_eq!(first, counts(200_000, 0, 0));
    let again = copy_sales_daily(&mut work, load(&shop, "2026-11-04T00:00:00Z"), rows()).await.expect("the same");
    assert_eq!(again, counts(0, 0, 200_000));
    let in_default: i64 = sqlx::query_scalar("select count(*) from sales_daily_default").fetch_one(shop.db.owner()).await.expect("a count");
    assert_eq!(in_default, 0, "each month has its partition");
    let started = Instant::now();
    let versions = sales_versions(&mut *work, shop.store_id, at("2026-12-01T00:00:00Z")).await.expect("versions");
    assert_eq!(versions.len(), 200_000);
    assert!(versions.is_sorted_by_key(|version| (version.product_id, version.business_date, version.available_at)));
    // A bound far above what it takes, against a plan that has gone quadratic.
    assert!(loaded.as_secs() < 60 && started.elapsed().as_secs() < 30, "loaded in {loaded:?}, read in {:?}", started.elapsed());
    drop(work);
    shop.db.close().await;
}
