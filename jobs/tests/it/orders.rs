//! Orders that tills push, and the stores' own.

use domain::ids::StoreId;
use domain::job::{AddUpOrders, JobArgs, Prune, TakePush};
use ingest::take::reparse;
use jobs::Nightly;
use platform::database::begin;
use platform::db::orders::{OrderLine, copy_orders};
use platform::db::sales_daily::DailyLoad;
use platform::db::taken_orders::{HANDED_OVER, NewOrder, OrderLineRow, cancel_order, insert_order, keep_days_left};
use platform::db::watermarks::get_watermark;
use platform::db::webhook_events::{NewWebhookEvent, ignore_webhook_event, insert_webhook_event};
use platform::queue::{self, EnqueueOptions, WorkerOptions};
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::shop::{Shop, at, date};

/// Runs a job to its end.
pub async fn run<A: JobArgs>(nightly: &Nightly, args: &A) {
    let mut connection = nightly.work.acquire().await.expect("a connection");
    queue::enqueue(&mut connection, args, EnqueueOptions::default()).await.expect("a job");
    drop(connection);
    let stop = CancellationToken::new();
    let running = tokio::spawn(queue::run(nightly.work.clone(), jobs::workers::all(nightly), WorkerOptions::default(), stop.clone()));
    let began = std::time::Instant::now();
    while queue::unfinished(&nightly.work, A::KIND).await.expect("a count") > 0 {
        assert!(began.elapsed().as_secs() < 60, "{} does not end", A::KIND);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    stop.cancel();
    running.await.expect("no panic").expect("no error");
}

/// The current version of each day.
pub async fn sold(pool: &PgPool, source: &str) -> Vec<String> {
    let days = "select distinct on (business_date, product_id) concat_ws(' ', business_date, trim_scale(quantity), is_sold_out)
                from sales_daily where source = $1 order by business_date, product_id, available_at desc, recorded_at desc";
    sqlx::query_scalar(days).bind(source).fetch_all(pool).await.expect("days")
}

async fn push(shop: &Shop, key: &str, body: &str) -> TakePush {
    let event = NewWebhookEvent {
        provider: "pos",
        store_id: Some(shop.store.id),
        event_key: key,
        event_type: "orders",
        headers: json!({}),
        body: body.as_bytes(),
        received_at: at("2026-06-15T05:00:00Z"),
    };
    let event_id = insert_webhook_event(&mut *shop.work().await, &event).await.expect("kept").expect("new");
    TakePush { event_id, store_id: StoreId(shop.store.id) }
}

async fn events(shop: &Shop) -> Vec<String> {
    let events = "select concat_ws(' ', event_key, state, left(error, 40)) from webhook_events order by event_key";
    sqlx::query_scalar(events).fetch_all(shop.db.work()).await.expect("events")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushed_orders_become_sales_and_what_makes_no_sense_waits() {
    let shop = Shop::empty().await;
    let nightly = shop.nightly();
    let order = json!({"id": "T-1", "status": "paid", "created_at": "2026-06-14T12:00:00+07:00", "updated_at": "2026-06-14T12:00:00+07:00",
                       "items": [{"product": "nasi", "quantity": 3}]});
    let good = push(&shop, "a", &json!({ "data": [order] }).to_string()).await;
    let bad = push(&shop, "b", "<html>").await;
    run(&nightly, &good).await;
    run(&nightly, &bad).await;
    run(&nightly, &good).await;
    assert_eq!(sold(shop.db.work(), "sales_http").await, ["2026-06-14 3 f"]);
    let told = events(&shop).await;
    assert_eq!(told[0], "a processed");
    assert!(told[1].starts_with("b failed a record of `sales_http`"), "{told:?}");
    let mark = get_watermark(shop.db.work(), "sales_http", &shop.store.id.to_string()).await.expect("a query");
    assert_eq!(mark, None, "what is told unasked says nothing of what was not told");

    let (sources, days) = (ingest::sources::all(), ingest::feed::Days { first: date("2026-06-15"), end: date("2026-06-16") });
    let till = sources.find("sales_http").expect("registered");
    let again = reparse(nightly.workshop(), till, &shop.store.id.to_string(), days).await.expect("what has landed");
    assert_eq!((again.records, again.facts, again.new_facts, again.unreadable), (2, 1, 0, 1), "both have landed");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_was_told_of_while_it_went_on_is_added_up_when_it_has_ended() {
    let shop = Shop::empty().await;
    let nightly = shop.nightly();
    // It is 03:32 of the 16th, and the order is of today.
    let order = json!({"id": "T-9", "status": "paid", "created_at": "2026-06-16T03:10:00+07:00", "updated_at": "2026-06-16T03:10:00+07:00",
                       "items": [{"product": "nasi", "quantity": 5}]});
    run(&nightly, &push(&shop, "live", &json!({ "data": [order] }).to_string()).await).await;
    assert_eq!(sold(shop.db.work(), "sales_http").await, Vec::<String>::new(), "the day goes on");
    shop.clock.advance(chrono::TimeDelta::hours(24));
    run(&nightly, &AddUpOrders {}).await;
    assert_eq!(sold(shop.db.work(), "sales_http").await, ["2026-06-16 5 f"]);
    shop.close().await;
}

/// An order in the store's own books.
async fn book(shop: &Shop, number: &str, ordered_at: &str, day: &str, status: &str) {
    let order = "with booked as (
                     insert into orders (store_id, source, external_id, total_amount, status, order_date, business_date, available_at, recorded_at)
                     values ($1, 'orders', $2, 0, $3, $4, $5, $4, $4)
                     on conflict (store_id, source, external_id) do update set status = excluded.status
                     returning id, xmax = 0 as is_new)
                 insert into order_items (order_id, store_id, line_number, product_id, product_name, quantity)
                 select id, $1, 1, $6, 'nasi', 2 from booked where is_new";
    sqlx::query(order)
        .bind(shop.store.id)
        .bind(number)
        .bind(status)
        .bind(at(ordered_at))
        .bind(date(day))
        .bind(shop.products["nasi"])
        .execute(shop.db.work())
        .await
        .expect("booked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_orders_are_added_up_when_their_day_has_ended_and_again_when_they_change() {
    let shop = Shop::empty().await;
    let nightly = shop.nightly();
    // 03:32 WIB on the 16th; the shop's days end at 02:00.
    book(&shop, "1", "2026-06-15T05:00:00Z", "2026-06-15", "completed").await;
    book(&shop, "2", "2026-06-15T06:00:00Z", "2026-06-15", "completed").await;
    book(&shop, "3", "2026-06-15T19:00:00Z", "2026-06-16", "completed").await;
    run(&nightly, &AddUpOrders {}).await;
    assert_eq!(sold(shop.db.work(), "orders").await, ["2026-06-15 4 f"], "today goes on");
    let mark = async || {
        get_watermark(shop.db.work(), "orders", &shop.store.id.to_string()).await.expect("a query").map(|mark| mark.complete_until)
    };
    assert_eq!(mark().await, Some(at("2026-06-15T19:00:00Z")), "complete until the day began");

    run(&nightly, &AddUpOrders {}).await;
    let versions = "select count(*) from sales_daily where source = 'orders'";
    let versions = async || -> i64 { sqlx::query_scalar(versions).fetch_one(shop.db.work()).await.expect("a count") };
    assert_eq!(versions().await, 1, "nothing has changed");

    shop.clock.advance(chrono::TimeDelta::days(1));
    book(&shop, "4", "2026-06-15T16:30:00Z", "2026-06-15", "completed").await;
    book(&shop, "1", "2026-06-15T05:00:00Z", "2026-06-15", "refunded").await;
    book(&shop, "2", "2026-06-15T06:00:00Z", "2026-06-15", "refunded").await;
    run(&nightly, &AddUpOrders {}).await;
    assert_eq!(sold(shop.db.work(), "orders").await, ["2026-06-15 2 f", "2026-06-16 2 f"], "a late order and two refunds");
    assert_eq!(versions().await, 3);
    assert_eq!(mark().await, Some(at("2026-06-16T19:00:00Z")));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_the_api_takes_late_and_cancels_later_reaches_its_day() {
    let shop = Shop::empty().await;
    let nightly = shop.nightly();
    let lines = [OrderLineRow {
        product_id: Some(shop.products["nasi"]),
        product_name: "nasi".into(),
        quantity: 2.5,
        unit_price: Some(10_000),
        total_price: Some(25_000),
    }];
    // A hundred days ago, written down now.
    let order = NewOrder {
        id: Uuid::now_v7(),
        store_id: shop.store.id,
        customer_name: None,
        customer_phone: None,
        order_date: at("2026-03-07T05:00:00Z"),
        business_date: date("2026-03-07"),
        lines: &lines,
        now: at("2026-06-15T20:32:00Z"),
    };
    insert_order(&mut *shop.work().await, &order).await.expect("an order");
    run(&nightly, &AddUpOrders {}).await;
    assert_eq!(sold(shop.db.work(), "orders").await, ["2026-03-07 2.5 f"]);

    shop.clock.advance(chrono::TimeDelta::hours(1));
    cancel_order(&mut *shop.work().await, order.id, at("2026-06-15T21:00:00Z")).await.expect("cancelled");
    run(&nightly, &AddUpOrders {}).await;
    assert_eq!(sold(shop.db.work(), "orders").await, ["2026-03-07 0 f"]);
    let known = "select available_at from sales_daily order by available_at";
    let known: Vec<chrono::DateTime<chrono::Utc>> = sqlx::query_scalar(known).fetch_all(shop.db.work()).await.expect("versions");
    assert_eq!(known, [at("2026-06-15T20:32:00Z"), at("2026-06-15T21:32:00Z")], "as of any time there is what was known then");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_in_bulk_that_moves_leaves_nothing_on_the_day_it_was_on() {
    let shop = Shop::empty().await;
    let nightly = shop.nightly();
    let bulk = async |ordered_at: &str, day: &str| {
        let mut tx = begin(shop.db.work()).await.expect("a transaction");
        let load = DailyLoad { store_id: shop.store.id, source: HANDED_OVER, raw_record_id: None, recorded_at: at("2026-06-15T20:32:00Z") };
        let line = OrderLine {
            external_id: "B-1",
            ordered_at: at(ordered_at),
            business_date: date(day),
            product: 0,
            quantity: 2.0,
            unit_price: None,
            total_price: None,
            available_at: None,
            is_cancelled: false,
        };
        copy_orders(&mut tx, load, &[(Some(shop.products["nasi"]), "nasi")], [line].into_iter()).await.expect("an order");
        keep_days_left(&mut tx).await.expect("kept");
        tx.commit().await.expect("committed");
    };
    bulk("2026-03-07T05:00:00Z", "2026-03-07").await;
    run(&nightly, &AddUpOrders {}).await;
    assert_eq!(sold(shop.db.work(), HANDED_OVER).await, ["2026-03-07 2 f"]);
    shop.clock.advance(chrono::TimeDelta::hours(1));
    bulk("2026-04-09T05:00:00Z", "2026-04-09").await;
    run(&nightly, &AddUpOrders {}).await;
    assert_eq!(sold(shop.db.work(), HANDED_OVER).await, ["2026-03-07 0 f", "2026-04-09 2 f"]);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ordered_is_forgotten_in_time() {
    let shop = Shop::empty().await;
    // The clock says 2026-06-15T20:32Z.
    for (number, order_date) in ["2026-03-17T20:31:00Z", "2026-03-17T20:33:00Z"].into_iter().enumerate() {
        let order = NewOrder {
            id: Uuid::now_v7(),
            store_id: shop.store.id,
            customer_name: (number == 1).then_some("Bu Ani"),
            customer_phone: Some("081234567890"),
            order_date: at(order_date),
            business_date: date("2026-03-17"),
            lines: &[],
            now: at(order_date),
        };
        insert_order(&mut *shop.work().await, &order).await.expect("an order");
    }
    for (key, dealt_with) in [("long ago", Some("2026-03-17T20:31:00Z")), ("lately", Some("2026-03-17T20:33:00Z")), ("waits", None)] {
        let TakePush { event_id, .. } = push(&shop, key, "{}").await;
        if let Some(then) = dealt_with {
            ignore_webhook_event(shop.db.work(), event_id, "of no order", at(then)).await.expect("passed over");
        }
    }
    run(&shop.nightly(), &Prune {}).await;
    let said = "select concat_ws(' ', customer_name, customer_phone) from orders order by order_date";
    let said: Vec<String> = sqlx::query_scalar(said).fetch_all(shop.db.work()).await.expect("orders");
    assert_eq!(said, ["", "Bu Ani 081234567890"]);
    let kept: Vec<String> =
        sqlx::query_scalar("select event_key from webhook_events order by event_key").fetch_all(shop.db.work()).await.expect("events");
    assert_eq!(kept, ["lately", "waits"]);
    shop.close().await;
}
