//! Order lines, and the daily totals that follow from them.

use platform::db::orders::{OrderLine, ProductOrders, copy_orders, daily_from_orders, orders_by_product};
use platform::db::sales_daily::{DailyLoad, LoadCounts, sales_versions};
use platform::db::stockout_events::{StockoutRow, insert_stockouts, list_stockouts};

use super::shop::{Shop, at, date};

fn load(shop: &Shop, recorded_at: &str) -> DailyLoad<'static> {
    DailyLoad { store_id: shop.store_id, source: "sales_csv", raw_record_id: None, recorded_at: at(recorded_at) }
}

fn line<'a>(shop: &Shop, order: &'a str, product: &str, quantity: f64) -> OrderLine<'a> {
    OrderLine {
        external_id: order,
        ordered_at: at("2026-11-01T05:00:00Z"),
        business_date: date("2026-11-01"),
        product: products(shop).iter().position(|(_, name)| *name == product).expect("a product") as u32,
        quantity,
        unit_price: Some(10_000),
        total_price: Some(quantity as i64 * 10_000),
        available_at: None,
        is_cancelled: false,
    }
}

/// One of them is not in the catalogue.
fn products(shop: &Shop) -> [(Option<uuid::Uuid>, &'static str); 3] {
    ["ayam", "nasi", "es\tjeruk"].map(|name| (shop.products.get(name).copied(), name))
}

fn counts(inserted: u64, superseded: u64, unchanged: u64) -> LoadCounts {
    LoadCounts { inserted, superseded, unchanged }
}

async fn totals(shop: &Shop, now: &str) -> (LoadCounts, Vec<(f64, bool)>) {
    let mut work = shop.connection().await;
    let counted = daily_from_orders(&mut work, load(shop, now), date("2026-11-01"), date("2026-11-03")).await.expect("totals");
    let versions = sales_versions(&mut *work, shop.store_id, at("2027-01-01T00:00:00Z")).await.expect("versions");
    let mut versions: Vec<_> = versions.into_iter().filter(|version| version.product_id == shop.product("ayam")).collect();
    versions.sort_by_key(|version| version.available_at);
    (counted, versions.into_iter().map(|version| (version.quantity, version.is_sold_out)).collect())
}

#[tokio::test]
async fn the_same_orders_again_change_nothing_and_changed_ones_are_replaced() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let told = || [line(&shop, "A1", "ayam", 2.0), line(&shop, "A1", "nasi", 2.0), line(&shop, "A2", "ayam", 1.0)].into_iter();
    assert_eq!(
        copy_orders(&mut work, load(&shop, "2026-11-02T00:00:00Z"), &products(&shop), told()).await.expect("orders"),
        counts(2, 0, 0)
    );
    assert_eq!(
        copy_orders(&mut work, load(&shop, "2026-11-03T00:00:00Z"), &products(&shop), told()).await.expect("the same"),
        counts(0, 0, 2)
    );
    let changed = [line(&shop, "A1", "ayam", 5.0), line(&shop, "A3", "es\tjeruk", 1.0)].into_iter();
    assert_eq!(
        copy_orders(&mut work, load(&shop, "2026-11-04T00:00:00Z"), &products(&shop), changed).await.expect("changed"),
        counts(1, 1, 0)
    );

    let lines: Vec<(String, i32, String, f64, Option<i64>)> = sqlx::query_as(
        "select o.external_id, i.line_number, i.product_name, i.quantity::float8, o.total_amount
         from orders o join order_items i on i.order_id = o.id order by 1, 2",
    )
    .fetch_all(&mut *work)
    .await
    .expect("lines");
    let expected = [("A1", 1, "ayam", 5.0, Some(50_000)), ("A2", 1, "ayam", 1.0, Some(10_000)), ("A3", 1, "es\tjeruk", 1.0, Some(10_000))];
    assert_eq!(lines, expected.map(|(order, number, name, quantity, total)| (order.to_owned(), number, name.to_owned(), quantity, total)));
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_day_is_added_up_once_it_has_ended_and_again_when_it_changes() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let told = [line(&shop, "A1", "ayam", 2.0), line(&shop, "A2", "ayam", 1.0)];
    copy_orders(&mut work, load(&shop, "2026-11-01T06:00:00Z"), &products(&shop), told.into_iter()).await.expect("orders");
    // The first of November ends at 19:00 UTC.
    assert_eq!(totals(&shop, "2026-11-01T18:59:59Z").await, (counts(0, 0, 0), vec![]));
    assert_eq!(totals(&shop, "2026-11-01T19:00:00Z").await, (counts(1, 0, 0), vec![(3.0, false)]));
    assert_eq!(totals(&shop, "2026-11-02T00:00:00Z").await, (counts(0, 0, 1), vec![(3.0, false)]));

    let late = OrderLine { available_at: Some(at("2026-11-02T08:00:00Z")), ..line(&shop, "A9", "ayam", 4.0) };
    copy_orders(&mut work, load(&shop, "2026-11-02T08:00:00Z"), &products(&shop), [late].into_iter()).await.expect("a late order");
    assert_eq!(totals(&shop, "2026-11-02T09:00:00Z").await, (counts(0, 1, 0), vec![(3.0, false), (7.0, false)]));

    sqlx::query("update orders set status = 'cancelled'").execute(&mut *work).await.expect("all cancelled");
    let zeroed = totals(&shop, "2026-11-03T09:00:00Z").await;
    assert_eq!(zeroed, (counts(0, 1, 0), vec![(3.0, false), (7.0, false), (0.0, false)]));
    assert_eq!(totals(&shop, "2026-11-04T09:00:00Z").await.0, counts(0, 0, 0), "zero is said once");
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_first_total_is_known_no_earlier_than_its_orders() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let late = OrderLine { available_at: Some(at("2026-11-05T08:00:00Z")), ..line(&shop, "A1", "ayam", 4.0) };
    copy_orders(&mut work, load(&shop, "2026-11-05T08:00:00Z"), &products(&shop), [late].into_iter()).await.expect("a late order");
    totals(&shop, "2026-11-05T09:00:00Z").await;
    let versions = sales_versions(&mut *work, shop.store_id, at("2027-01-01T00:00:00Z")).await.expect("versions");
    assert_eq!(versions[0].available_at, at("2026-11-05T08:00:00Z"));
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_sold_out_product_makes_its_total_censored() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    copy_orders(&mut work, load(&shop, "2026-11-01T06:00:00Z"), &products(&shop), [line(&shop, "A1", "ayam", 2.0)].into_iter())
        .await
        .expect("an order");
    let event = StockoutRow {
        product_id: shop.product("ayam"),
        business_date: date("2026-11-01"),
        sold_out_at: at("2026-11-01T10:00:00Z"),
        restocked_at: None,
        available_at: at("2026-11-01T10:00:00Z"),
    };
    assert_eq!(insert_stockouts(&mut *work, shop.store_id, "demo", &[event]).await.expect("an event"), 1);
    assert_eq!(insert_stockouts(&mut *work, shop.store_id, "demo", &[event]).await.expect("the same event"), 0);
    assert_eq!(totals(&shop, "2026-11-02T00:00:00Z").await.1, [(2.0, true)]);
    let listed = list_stockouts(&mut *work, shop.store_id, date("2026-11-01"), date("2026-11-30"), at("2026-12-01T00:00:00Z")).await;
    assert_eq!(listed.expect("events"), [event]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn orders_tell_when_a_product_was_asked_for() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let later = |order, quantity| OrderLine {
        ordered_at: at("2026-11-01T06:30:30Z"),
        available_at: Some(at("2026-11-01T06:31:00Z")),
        ..line(&shop, order, "ayam", quantity)
    };
    let told = [later("A2", 3.0), line(&shop, "A1", "ayam", 2.0), line(&shop, "A1", "ayam", 0.5), line(&shop, "A1", "nasi", 1.0)];
    copy_orders(&mut work, load(&shop, "2026-11-02T00:00:00Z"), &products(&shop), told.into_iter()).await.expect("orders");
    let (first, last) = (date("2026-11-01"), date("2026-11-03"));
    let asked = orders_by_product(&mut *work, shop.store_id, first, last, at("2026-11-03T00:00:00Z")).await.expect("orders");
    let of_ayam: Vec<&ProductOrders> = asked.iter().filter(|orders| orders.product_id == shop.product("ayam")).collect();
    assert_eq!(of_ayam.len(), 1, "one row a product and day: {asked:?}");
    assert_eq!((&of_ayam[0].quantities, of_ayam[0].available_at), (&vec![2.5, 3.0], at("2026-11-01T06:31:00Z")));
    assert_eq!(of_ayam[0].minutes[1] - of_ayam[0].minutes[0], 90);
    let early = orders_by_product(&mut *work, shop.store_id, first, last, at("2026-11-01T06:00:00Z")).await.expect("orders");
    assert_eq!(early.iter().map(|orders| orders.quantities.clone()).collect::<Vec<_>>().concat().len(), 2, "{early:?}");
    drop(work);
    shop.db.close().await;
}
