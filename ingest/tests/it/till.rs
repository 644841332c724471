//! What tills do with their orders.

use ingest::source::Source;
use ingest::sources;
use ingest::take::{Taken, take_file};
use platform::clock::Clock as _;
use serde_json::{Value, json};

use crate::feeds::{Outside, all};
use crate::shop::Shop;

fn order(id: &str, status: &str, updated: &str, items: &[(&str, f64)]) -> Value {
    let items: Vec<Value> =
        items.iter().map(|(product, quantity)| json!({"product": product, "quantity": quantity, "price": 15000})).collect();
    json!({"id": id, "status": status, "created_at": "2026-11-20T12:00:00+07:00", "updated_at": updated, "items": items})
}

async fn tell(outside: &Outside, orders: &[Value]) -> Taken {
    let sources = sources::all();
    let till: &dyn Source = sources.find("sales_http").expect("registered");
    let bytes = json!({ "data": orders }).to_string().into_bytes();
    take_file(outside.workshop(), till, &outside.shop.store.id.to_string(), "push", bytes, outside.shop.clock.now())
        .await
        .expect("understood")
}

async fn known(shop: &Shop) -> String {
    shop.query(
        "select concat_ws(' | ', o.external_id, o.status, p.name, trim_scale(i.quantity))
         from orders o left join order_items i on i.order_id = o.id left join products p on p.id = i.product_id order by 1",
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_word_on_an_order_counts_in_whatever_order_words_come() {
    let first = order("a", "completed", "2026-11-20T12:00:00+07:00", &[("soto", 2.0), ("teh", 1.0)]);
    let fewer = order("a", "completed", "2026-11-20T12:10:00+07:00", &[("soto", 1.0)]);
    let void = order("a", "void", "2026-11-20T13:00:00+07:00", &[("soto", 1.0)]);
    let other = order("b", "paid", "2026-11-20T12:00:00+07:00", &[("teh", 3.0)]);
    let words = [[&first, &fewer, &void], [&void, &fewer, &first], [&fewer, &void, &first], [&first, &void, &fewer]];
    for words in words {
        let outside = Outside::open().await;
        for word in words {
            tell(&outside, &[word.clone(), other.clone()]).await;
        }
        assert_eq!(known(&outside.shop).await, "a | cancelled | soto | 1\nb | completed | teh | 3", "{words:?}");
        outside.close().await;
    }
    let outside = Outside::open().await;
    let taken = tell(&outside, &[void, other.clone(), first.clone(), fewer, other, first]).await;
    assert_eq!((taken.facts, taken.new_facts), (6, 2), "all at once");
    assert_eq!(known(&outside.shop).await, "a | cancelled | soto | 1\nb | completed | teh | 3");
    let day = outside
        .shop
        .query("select concat_ws(' | ', business_date, p.name, trim_scale(quantity)) from sales_daily join products p on p.id = product_id")
        .await;
    assert_eq!(day, "2026-11-20 | teh | 3", "what was taken back was not sold");
    outside.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_void_is_a_new_version_of_the_day() {
    let outside = Outside::open().await;
    tell(&outside, &[order("a", "completed", "2026-11-20T12:00:00+07:00", &[("soto", 2.0)])]).await;
    outside.shop.clock.advance(chrono::TimeDelta::days(1));
    tell(&outside, &[order("a", "refunded", "2026-11-24T08:00:00+07:00", &[("soto", 2.0)])]).await;
    let versions = outside
        .shop
        .query("select concat_ws(' | ', trim_scale(quantity), available_at at time zone 'UTC') from sales_daily order by available_at")
        .await;
    insta::assert_snapshot!(versions);
    outside.close().await;
}

/// Paid, taken back by mistake, paid again: the mistake is told last and counts no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_was_held_up_does_not_undo_a_later_one_that_said_nothing_new() {
    let outside = Outside::open().await;
    for (status, updated) in [("paid", "12:00"), ("paid", "12:30"), ("void", "12:10")] {
        tell(&outside, &[order("a", status, &format!("2026-11-20T{updated}:00+07:00"), &[("soto", 2.0)])]).await;
    }
    assert_eq!(known(&outside.shop).await, "a | completed | soto | 2");
    outside.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_turns_out_to_be_of_another_day_leaves_the_first() {
    let outside = Outside::open().await;
    let told = order("a", "completed", "2026-11-20T12:00:00+07:00", &[("soto", 2.0)]);
    let mut corrected = order("a", "completed", "2026-11-20T12:30:00+07:00", &[("soto", 2.0)]);
    corrected["created_at"] = json!("2026-11-18T12:00:00+07:00");
    tell(&outside, &[told]).await;
    outside.shop.clock.advance(chrono::TimeDelta::hours(1));
    tell(&outside, &[corrected]).await;
    let days = outside
        .shop
        .query(
            "select distinct on (business_date) concat_ws(' | ', business_date, trim_scale(quantity)) from sales_daily
             order by business_date, available_at desc",
        )
        .await;
    assert_eq!(days, "2026-11-18 | 2\n2026-11-20 | 0");
    outside.close().await;
}

/// Of the past a till tells the end alone: a total without the order that was taken back later was not known before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_total_of_the_past_is_known_no_sooner_than_what_was_taken_back_of_it() {
    let outside = Outside::open().await;
    let kept = order("a", "completed", "2026-11-20T12:00:00+07:00", &[("soto", 2.0), ("teh", 1.0)]);
    let void = order("b", "void", "2026-11-22T09:00:00+07:00", &[("soto", 5.0)]);
    tell(&outside, &[kept, void]).await;
    let days = outside
        .shop
        .query(
            "select concat_ws(' | ', p.name, trim_scale(quantity), available_at at time zone 'UTC')
             from sales_daily join products p on p.id = product_id order by 1",
        )
        .await;
    assert_eq!(days, "soto | 2 | 2026-11-22 02:00:00\nteh | 1 | 2026-11-20 20:00:00");
    outside.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_is_missed_when_the_list_moves_under_the_reader() {
    let (still, moving) = (Outside::open().await, Outside::open().await);
    let asked = &all()[6];
    still.take(asked, asked.days).await.expect("a window");
    for _ in 0..20 {
        moving.paging.shift_next_page();
    }
    moving.take(asked, asked.days).await.expect("a window");
    let numbers = "select external_id from orders order by 1";
    let expected = still.shop.query(numbers).await;
    assert!(expected.lines().count() > 300, "several pages");
    assert_eq!(moving.shop.query(numbers).await, expected);
    still.close().await;
    moving.close().await;
}

#[tokio::test]
async fn what_is_no_order_is_put_aside_with_its_reason() {
    let outside = Outside::open().await;
    let good = || order("a", "paid", "2026-11-20T12:00:00+07:00", &[("soto", 1.0)]);
    let with = |field: &str, value: Value| {
        let mut order = good();
        order[field] = value;
        order
    };
    let broken = [
        with("id", json!(" ")),
        with("id", json!("T\u{0}1")),
        with("status", json!("open")),
        with("created_at", json!("20/11/2026")),
        with("updated_at", json!("2126-11-20T12:00:00+07:00")),
        with("items", json!([])),
        with("items", json!([{"product": "soto", "quantity": "banyak"}])),
    ];
    let orders: Vec<Value> = broken.into_iter().chain((0..7).map(|number| with("id", json!(number.to_string())))).collect();
    let taken = tell(&outside, &orders).await;
    assert_eq!((taken.facts, taken.quarantined), (7, 7));
    let reasons = outside
        .shop
        .query("select concat_ws(' | ', row_number, column_name, value, reason) from quarantined_rows order by row_number")
        .await;
    insta::assert_snapshot!(reasons);
    outside.close().await;
}
