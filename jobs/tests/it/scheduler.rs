//! Ticks of the schedules, in the database.

use chrono::{TimeDelta, Utc};
use jobs::scheduler::{Schedule, TickError, look, schedules, tick};
use platform::clock::{Clock, SharedClock, SimulatedClock};
use platform::db::schedule_ticks::late_ticks;
use platform::queue::{self, Claim};
use serde_json::Value;

use crate::shop::{Shop, at};

const NIGHTLY: &str = include_str!("../../../schedules/nightly.toml");

fn nightly(text: &str) -> [Schedule; 1] {
    [Schedule::parse("nightly", text, &jobs::workers::KINDS).expect("a schedule")]
}

/// Dates of the nights in the queue, in the order of their ticks.
async fn queued(shop: &Shop) -> Vec<String> {
    let args = "select args from jobs where kind = 'run_nightly' order by id";
    let args: Vec<Value> = sqlx::query_scalar(args).fetch_all(shop.db.work()).await.expect("jobs");
    args.iter().map(|args| args["date"].as_str().expect("a date").to_owned()).collect()
}

#[tokio::test]
async fn a_schedule_begins_when_it_is_first_seen_and_two_schedulers_make_one_tick() {
    let shop = Shop::empty().await;
    let (pool, schedules) = (shop.db.work(), nightly(NIGHTLY));
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
    let (pool, schedules) = (shop.db.work(), nightly(NIGHTLY));
    tick(pool, at("2026-06-10T12:00:00Z"), &schedules, "a").await.expect("a look");
    assert_eq!(tick(pool, at("2026-06-14T12:00:00Z"), &schedules, "a").await.expect("a look"), 1);
    assert_eq!(queued(&shop).await, ["2026-06-14"], "the nights of the 11th to the 13th are over");
    shop.close().await;
}

#[tokio::test]
async fn downtime_is_caught_up_as_the_policy_says() {
    for (policy, nights) in [("latest", vec!["2026-06-14"]), ("all", vec!["2026-06-12", "2026-06-13", "2026-06-14"]), ("skip", vec![])] {
        let shop = Shop::empty().await;
        let schedules = nightly(&NIGHTLY.replace("\"latest\"", &format!("\"{policy}\"")));
        tick(shop.db.work(), at("2026-06-11T12:00:00Z"), &schedules, "a").await.expect("a look");
        // A new process, as after downtime: nothing but the database knows.
        tick(shop.db.work(), at("2026-06-14T12:00:00Z"), &schedules, "b").await.expect("a look");
        assert_eq!(queued(&shop).await, nights, "{policy}");
        shop.close().await;
    }
}

#[tokio::test]
async fn changing_a_cron_never_runs_the_past_again() {
    let shop = Shop::empty().await;
    let pool = shop.db.work();
    let (old, later) = (nightly(NIGHTLY), nightly(&NIGHTLY.replace("0 32 3 * * *", "0 0 5 * * *")));
    tick(pool, at("2026-06-13T12:00:00Z"), &old, "old").await.expect("a look");
    tick(pool, at("2026-06-13T20:33:00Z"), &old, "old").await.expect("a look");
    assert_eq!(queued(&shop).await, ["2026-06-14"]);
    // 10:00 WIB: the new time of today has passed while the old definition was at work.
    tick(pool, at("2026-06-14T03:00:00Z"), &old, "old").await.expect("a look");
    assert_eq!(tick(pool, at("2026-06-14T03:00:05Z"), &later, "new").await.expect("a look"), 0);
    // Both alive for a while, as in a rolling deployment: each keeps its own time, and no tick is lost between them.
    for now in ["2026-06-14T20:31:58Z", "2026-06-14T20:32:03Z", "2026-06-14T21:59:58Z", "2026-06-14T22:00:03Z"] {
        tick(pool, at(now), &later, "new").await.expect("a look");
        tick(pool, at(now) + TimeDelta::seconds(2), &old, "old").await.expect("a look");
    }
    assert_eq!(ticks(&shop).await, ["2026-06-13T20:32", "2026-06-14T20:32", "2026-06-14T22:00"]);
    assert_eq!(queued(&shop).await, ["2026-06-14", "2026-06-15"], "one night a day: the job of the second tick is the first's");
    // Rolled back days later: what the new definition did stays done.
    tick(pool, at("2026-06-16T22:00:05Z"), &later, "new").await.expect("a look");
    assert_eq!(tick(pool, at("2026-06-17T03:00:00Z"), &old, "old").await.expect("a look"), 0);
    shop.close().await;
}

async fn ticks(shop: &Shop) -> Vec<String> {
    let ticks = "select to_char(fire_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI') from schedule_ticks order by fire_at";
    sqlx::query_scalar(ticks).fetch_all(shop.db.work()).await.expect("ticks")
}

#[tokio::test]
async fn each_store_ticks_on_its_own_clock() {
    let shop = Shop::empty().await;
    let superuser = shop.superuser().await;
    sqlx::query("update stores set time_zone = 'Asia/Jayapura'").execute(&superuser).await.expect("a move");
    superuser.close().await;
    let schedules = nightly(NIGHTLY);
    tick(shop.db.work(), at("2026-06-14T12:00:00Z"), &schedules, "a").await.expect("a look");
    assert_eq!(tick(shop.db.work(), at("2026-06-14T18:31:59Z"), &schedules, "a").await.expect("a look"), 0);
    assert_eq!(tick(shop.db.work(), at("2026-06-14T18:32:00Z"), &schedules, "a").await.expect("a look"), 1);
    assert_eq!(queued(&shop).await, ["2026-06-15"]);
    shop.close().await;
}

/// A clock that jumps ahead and comes back neither doubles nor loses a tick.
#[tokio::test]
async fn a_clock_that_jumps_makes_each_tick_once() {
    let shop = Shop::empty().await;
    let (pool, schedules) = (shop.db.work(), nightly(&NIGHTLY.replace("\"latest\"", "\"all\"")));
    for now in ["2026-06-14T20:00:00Z", "2026-06-16T21:00:00Z", "2026-06-14T20:30:00Z", "2026-06-15T21:00:00Z", "2026-06-17T21:00:00Z"] {
        tick(pool, at(now), &schedules, "a").await.expect("a look");
    }
    assert_eq!(ticks(&shop).await, ["2026-06-14T20:32", "2026-06-15T20:32", "2026-06-16T20:32", "2026-06-17T20:32"]);
    shop.close().await;
}

#[derive(Debug)]
struct WrongClock(TimeDelta);

impl Clock for WrongClock {
    fn now(&self) -> chrono::DateTime<Utc> {
        Utc::now() + self.0
    }

    fn is_real(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_machine_with_a_wrong_clock_makes_no_ticks() {
    let shop = Shop::empty().await;
    let schedules = nightly(&NIGHTLY.replace("0 32 3 * * *", "* * * * * *"));
    let clock = |off: i64| -> SharedClock { std::sync::Arc::new(WrongClock(TimeDelta::seconds(off))) };
    assert_eq!(look(shop.db.work(), &clock(0), &schedules, "right").await.expect("a look"), 0);
    for off in [3600, -3600] {
        let error = look(shop.db.work(), &clock(off), &schedules, "wrong").await.expect_err("refused");
        assert!(matches!(error, TickError::Skewed { seconds } if seconds.abs_diff(off) < 5), "{error}");
    }
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(look(shop.db.work(), &clock(0), &schedules, "right").await.expect("a look"), 1);
    shop.close().await;
}

#[tokio::test]
async fn a_tick_whose_job_has_not_ended_in_time_is_late_once() {
    let shop = Shop::empty().await;
    let (pool, schedules) = (shop.db.work(), nightly(NIGHTLY));
    let clock = SimulatedClock::at(at("2026-06-13T12:00:00Z"));
    let shared = clock.shared();
    let look_at = async |now: &str| {
        clock.set(at(now));
        look(pool, &shared, &schedules, "a").await.expect("a look");
        late_ticks(pool, at("2026-06-01T00:00:00Z")).await.expect("late ticks").len()
    };
    look_at("2026-06-13T12:00:00Z").await;
    assert_eq!(look_at("2026-06-13T20:33:00Z").await, 0);
    let claim = Claim { kinds: vec!["run_nightly".to_owned()], worker: "test".to_owned(), lease: std::time::Duration::from_secs(60) };
    let lanes = [(domain::job::Lane::Nightly, 1)];
    let job = queue::claim_limited(pool, &claim, &lanes).await.expect("claim").expect("free").remove(0);
    queue::complete(pool, job.lease).await.expect("complete");
    assert_eq!(look_at("2026-06-13T21:31:00Z").await, 0, "that one was in time");
    assert_eq!(look_at("2026-06-14T20:33:00Z").await, 0);
    assert_eq!(look_at("2026-06-14T21:29:00Z").await, 0);
    assert_eq!(look_at("2026-06-14T21:30:05Z").await, 1, "04:30 has passed");
    assert_eq!(look_at("2026-06-14T21:30:10Z").await, 1);
    shop.close().await;
}

#[tokio::test]
async fn every_schedule_runs_its_job() {
    let shop = Shop::empty().await;
    let (pool, all) = (shop.db.work(), schedules().expect("schedules"));
    tick(pool, at("2026-06-14T12:00:00Z"), &all, "a").await.expect("a look");
    for hour in 13..24 {
        tick(pool, at(&format!("2026-06-14T{hour}:15:30Z")), &all, "a").await.expect("a look");
    }
    let kinds: Vec<String> = sqlx::query_scalar("select distinct kind from jobs order by kind").fetch_all(pool).await.expect("kinds");
    assert_eq!(kinds, ["add_up_orders", "ingest_source", "keep_promise", "prune", "reconcile_payments", "run_nightly", "take_sales_files"]);
    let nightly = jobs::workers::all(&shop.nightly());
    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(queue::run(pool.clone(), nightly, queue::WorkerOptions::default(), shutdown.clone()));
    // No vendor answers here: windows are tried for as long as their attempts last.
    let ended = "select count(*) from jobs where finished_at is null and kind <> 'ingest_window'";
    while sqlx::query_scalar::<_, i64>(ended).fetch_one(pool).await.expect("count") > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    shutdown.cancel();
    running.await.expect("no panic").expect("no error");
    let states: Vec<(String, String)> = sqlx::query_as("select distinct kind, state from jobs where kind <> 'ingest_window' order by kind")
        .fetch_all(pool)
        .await
        .expect("states");
    let states: Vec<_> = states.iter().map(|(kind, state)| (kind.as_str(), state.as_str())).collect();
    let expected = [
        ("add_up_orders", "completed"),
        ("ingest_source", "completed"),
        ("keep_promise", "cancelled"),
        ("prune", "completed"),
        ("reconcile_payments", "completed"),
        ("run_nightly", "cancelled"),
    ];
    assert_eq!(states, expected, "a shop without sales; files were looked for and leave no trace");
    shop.close().await;
}
