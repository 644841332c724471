//! Ticks of the nightly schedule, in the database.

use jobs::scheduler::{schedules, tick};
use serde_json::Value;

use crate::shop::{Shop, at};

async fn queued(shop: &Shop) -> Vec<String> {
    let args: Vec<Value> = sqlx::query_scalar("select args from jobs order by id").fetch_all(shop.db.work()).await.expect("jobs");
    args.iter().map(|args| args["date"].as_str().expect("a date").to_owned()).collect()
}

#[tokio::test]
async fn a_schedule_begins_when_it_is_first_seen_and_two_schedulers_make_one_tick() {
    let shop = Shop::empty().await;
    let (pool, schedules) = (shop.db.work(), schedules().expect("schedules"));
    assert_eq!(tick(pool, at("2026-06-14T12:00:00Z"), &schedules, "a").await.expect("a look"), 0);
    // A minute before 03:32 WIB of the 15th, and a second after.
    assert_eq!(tick(pool, at("2026-06-14T20:31:00Z"), &schedules, "a").await.expect("a look"), 0);
    let now = at("2026-06-14T20:32:01Z");
    let (a, b) = tokio::join!(tick(pool, now, &schedules, "a"), tick(pool, now, &schedules, "b"));
    assert_eq!(a.expect("a look") + b.expect("a look"), 1);
    assert_eq!(queued(&shop).await, ["2026-06-15"]);
    assert_eq!(tick(pool, now, &schedules, "a").await.expect("a look"), 0);
    shop.close().await;
}

#[tokio::test]
async fn of_missed_nights_the_latest_runs() {
    let shop = Shop::empty().await;
    let (pool, schedules) = (shop.db.work(), schedules().expect("schedules"));
    tick(pool, at("2026-06-10T12:00:00Z"), &schedules, "a").await.expect("a look");
    assert_eq!(tick(pool, at("2026-06-14T12:00:00Z"), &schedules, "a").await.expect("a look"), 1);
    assert_eq!(queued(&shop).await, ["2026-06-14"], "the nights of the 11th to the 13th are over");
    shop.close().await;
}
