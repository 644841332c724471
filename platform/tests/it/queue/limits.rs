//! What jobs share: limits over all programs, lanes with shares, priorities that age.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use domain::job::{JobArgs as _, Lane, Limit, Outcome};
use platform::embedded::Role;
use platform::queue::{self, Claim, EnqueueOptions, NewJob, WorkerOptions, Workers};
use platform::testing::TestDb;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use super::{Runner, Step, add, claim, does, options, step, superuser, taking};
use crate::eventually;

const LONG: Duration = Duration::from_secs(60);

fn limited(name: &str, limits: &[(&str, u16)]) -> Step {
    let limits = limits.iter().map(|(key, count)| Limit { key: (*key).to_owned(), count: *count }).collect();
    Step { limits, ..step(name) }
}

async fn names(pool: &PgPool, jobs: usize) -> Vec<String> {
    let claimed = queue::claim_limited(pool, &taking(LONG), &[(Lane::Default, jobs)]).await.expect("claim").expect("nobody else");
    claimed.iter().map(|job| job.args["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn limits_hold_and_those_behind_a_full_one_go_first() {
    let db = TestDb::new().await;
    for n in 0..10 {
        add(db.work(), &limited(&format!("imas {n}"), &[("store:imas", 1)])).await;
    }
    add(db.work(), &limited("dewi", &[("store:dewi", 1), ("host:bmkg", 2)])).await;
    add(db.work(), &limited("budi", &[("store:budi", 1), ("host:bmkg", 2)])).await;
    add(db.work(), &limited("sari", &[("store:sari", 1), ("host:bmkg", 2)])).await;
    assert_eq!(claim(db.work(), &taking(LONG), 20).await.expect("claim"), [], "jobs with limits are claimed apart");
    assert_eq!(names(db.work(), 1).await, ["imas 0"]);
    assert_eq!(names(db.work(), 20).await, ["dewi", "budi"], "imas is at work, and bmkg takes two");
    assert_eq!(names(db.work(), 20).await, Vec::<String>::new());
}

#[tokio::test]
async fn programs_share_a_limit_and_a_killed_one_leaks_none_of_it() {
    let db = TestDb::new().await;
    for n in 0..40 {
        add(db.work(), &limited(&n.to_string(), &[("kind:step", 3)])).await;
    }
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = does({
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        move |_, _| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Outcome::Done
            }
        }
    });
    let hang = does(|_, _| async { std::future::pending().await });
    let killed = Runner::with(db.work(), Workers::new().add(hang), WorkerOptions { lease: Duration::from_millis(600), ..options() });
    eventually("the first program holds all three", async || (running(db.work()).await == 3).then_some(())).await;
    killed.kill();
    let programs = [Runner::start(db.work(), work.clone()), Runner::start(db.work(), work)];
    eventually("all are done", async || (unfinished(db.work()).await == 0).then_some(())).await;
    for program in programs {
        program.stop().await;
    }
    assert_eq!(most.load(Ordering::SeqCst), 3, "three at a time, and no fewer");
}

/// A poll of an hour: only the end of the first job can have woken the worker, though it leaves nothing behind.
#[tokio::test]
async fn who_waits_for_room_hears_of_a_job_that_leaves_nothing_behind() {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Fleeting;
    impl domain::job::JobArgs for Fleeting {
        const KIND: &'static str = "fleeting";
        const IS_KEPT: bool = false;
        fn limits(&self) -> Vec<Limit> {
            vec![Limit { key: "kind:fleeting".to_owned(), count: 1 }]
        }
    }
    struct Brief;
    impl queue::Worker<Fleeting> for Brief {
        async fn work(&self, _: Fleeting, _: queue::JobContext) -> Outcome {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Outcome::Done
        }
    }
    let db = TestDb::new().await;
    for _ in 0..5 {
        add(db.work(), &Fleeting).await;
    }
    let options = WorkerOptions { poll: LONG * 60, ..options() };
    let program = Runner::with(db.work(), Workers::new().add(Brief), options);
    eventually("all are gone", async || (unfinished(db.work()).await == 0).then_some(())).await;
    program.stop().await;
}

async fn running(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from jobs where state = 'running'").fetch_one(pool).await.expect("count")
}

async fn unfinished(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from jobs where finished_at is null").fetch_one(pool).await.expect("count")
}

#[tokio::test]
async fn a_job_with_little_priority_ages_and_is_not_starved() {
    let db = TestDb::new().await;
    let mut connection = db.work().acquire().await.expect("connect");
    let enqueue = |name: &str, priority: i16, ago: i64| {
        let run_at = Some(Utc::now() - TimeDelta::minutes(ago));
        NewJob::of(&step(name), EnqueueOptions { priority, run_at, ..EnqueueOptions::default() }).expect("a job")
    };
    let mut jobs: Vec<NewJob> = (0..50).map(|n| enqueue(&format!("flood {n}"), -10, 0)).collect();
    jobs.push(enqueue("patient", 10, 15));
    jobs.push(enqueue("old", 10, 25));
    queue::enqueue_all(&mut connection, &jobs).await.expect("enqueue");
    let first = claim(db.work(), &taking(LONG), 1).await.expect("claim").remove(0);
    assert_eq!(first.args["name"], "old", "twenty steps of priority are twenty minutes of waiting");
    let rest = claim(db.work(), &taking(LONG), 100).await.expect("claim");
    assert!(rest.iter().any(|job| job.args["name"] == "patient"));
}

/// Neither a flood of nights nor one of the past keeps the other from its share.
#[tokio::test]
async fn lanes_get_their_shares_both_ways() {
    let db = TestDb::new().await;
    let mut connection = db.work().acquire().await.expect("connect");
    for lane in [Lane::Backfill, Lane::Nightly] {
        let options = EnqueueOptions { lane: Some(lane), ..EnqueueOptions::default() };
        let jobs: Vec<NewJob> = (0..2000).map(|_| NewJob::of(&step(lane.as_str()), options.clone()).expect("a job")).collect();
        queue::enqueue_all(&mut connection, &jobs).await.expect("enqueue");
    }
    let done: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let work = does({
        let done = Arc::clone(&done);
        move |step, _| {
            let done = Arc::clone(&done);
            async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                *done.lock().expect("done").entry(step.name).or_default() += 1;
                Outcome::Done
            }
        }
    });
    let program = Runner::start(db.work(), work);
    eventually("600 are done", async || (done.lock().expect("done").values().sum::<usize>() >= 600).then_some(())).await;
    let done = done.lock().expect("done").clone();
    program.stop().await;
    let (nightly, backfill) = (done["nightly"] as f64, done["backfill"] as f64);
    let share = backfill / (nightly + backfill);
    assert!((0.2..0.47).contains(&share), "backfills got {share} of the work; their share beside nights is a third");
}

/// Claimed ahead for what used to be short, a job must not wait here while another program is idle.
#[tokio::test]
async fn what_was_claimed_ahead_goes_back_when_jobs_become_long() {
    let db = TestDb::new().await;
    let work = does(|step, _| async move {
        if step.name == "long" {
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        Outcome::Done
    });
    let one = WorkerOptions { concurrency: 1, ..options() };
    let busy = Runner::with(db.work(), Workers::new().add(work.clone()), one.clone());
    for _ in 0..300 {
        add(db.work(), &step("short")).await;
    }
    eventually("the program knows short jobs", async || (unfinished(db.work()).await == 0).then_some(())).await;
    let mut connection = db.work().acquire().await.expect("connect");
    let long: Vec<NewJob> = (0..3).map(|_| NewJob::of(&step("long"), EnqueueOptions::default()).expect("a job")).collect();
    queue::enqueue_all(&mut connection, &long).await.expect("enqueue");
    eventually("one of three runs", async || (running(db.work()).await >= 1).then_some(())).await;
    let began = std::time::Instant::now();
    let others: Vec<Runner> = (0..2).map(|_| Runner::with(db.work(), Workers::new().add(work.clone()), one.clone())).collect();
    eventually("all are done", async || (unfinished(db.work()).await == 0).then_some(())).await;
    assert!(began.elapsed() < Duration::from_secs(8), "the others helped: {:?}", began.elapsed());
    for program in others.into_iter().chain([busy]) {
        program.stop().await;
    }
    let used = sqlx::query_scalar::<_, i32>("select max(attempt) from jobs").fetch_one(db.work()).await.expect("attempts");
    assert_eq!(used, 1, "what goes back does not count: {}", Step::KIND);
}

#[tokio::test]
async fn a_claim_looks_only_at_what_is_due() {
    let db = TestDb::new().await;
    let admin = superuser(&db).await;
    let mut connection = db.work().acquire().await.expect("connect");
    let later = EnqueueOptions { run_at: Some(Utc::now() + TimeDelta::hours(1)), ..EnqueueOptions::default() };
    let jobs: Vec<NewJob> = (0..20_000).map(|_| NewJob::of(&step("later"), later.clone()).expect("a job")).collect();
    queue::enqueue_all(&mut connection, &jobs).await.expect("enqueue");
    sqlx::raw_sql("analyze jobs").execute(&admin).await.expect("analyze");
    let read = "select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'jobs'";
    let reads = async || {
        sqlx::raw_sql("select pg_stat_force_next_flush()").execute(&mut *db.work().acquire().await.expect("connect")).await.expect("flush");
        sqlx::query_scalar::<_, i64>(read).fetch_one(&admin).await.expect("statistics")
    };
    let before = reads().await;
    for _ in 0..20 {
        assert_eq!(claim(db.work(), &taking(LONG), 10).await.expect("claim"), []);
    }
    let after = reads().await;
    assert!(after - before < 2_000, "{} index entries read by 20 claims of nothing", after - before);
}

/// What it does is counted once it flushes: another connection would keep its own counts for a second.
fn one_line(db: &TestDb) -> PgPool {
    PgPoolOptions::new().max_connections(1).connect_lazy_with(db.options(Role::Work))
}

/// How often the whole table has been read over this line, and by whoever has flushed.
async fn scans(line: &PgPool) -> i64 {
    sqlx::raw_sql("select pg_stat_force_next_flush()").execute(line).await.expect("flush");
    sqlx::query_scalar("select seq_scan from pg_stat_user_tables where relname = 'jobs'").fetch_one(line).await.expect("scans")
}

/// With a table full of jobs and fresh statistics, the planner still finds rows by index or place.
#[tokio::test]
async fn nothing_on_a_jobs_way_reads_the_whole_table() {
    let db = TestDb::new().await;
    let admin = superuser(&db).await;
    let mut connection = db.work().acquire().await.expect("connect");
    let jobs: Vec<NewJob> = (0..20_000)
        .map(|n| {
            let run_at = (n % 10 == 0).then(|| Utc::now() + TimeDelta::hours(1));
            NewJob::of(&step("many"), EnqueueOptions { run_at, ..EnqueueOptions::default() }).expect("a job")
        })
        .collect();
    queue::enqueue_all(&mut connection, &jobs).await.expect("enqueue");
    sqlx::raw_sql("analyze jobs").execute(&admin).await.expect("analyze");
    let line = one_line(&db);
    let before = scans(&line).await;
    for round in 0..8 {
        let claimed = claim(&line, &taking(Duration::from_millis(1)), 20).await.expect("claim");
        assert_eq!(claimed.len(), 20);
        let leases: Vec<queue::Lease> = claimed.iter().map(|job| job.lease).collect();
        queue::heartbeat(&line, &leases[..15], LONG).await.expect("heartbeat");
        queue::complete_all(&line, &leases[..5]).await.expect("complete");
        queue::forget_all(&line, &leases[5..10]).await.expect("forget");
        queue::retry(&line, leases[10], "failed").await.expect("retry");
        queue::hand_back(&line, leases[11]).await.expect("hand back");
        queue::limited_lanes(&line, &taking(LONG)).await.expect("lanes");
        assert_eq!(scans(&line).await, before, "round {round}");
    }
}

/// Whoever looks for silent workers passes over all that is due, and over nothing else.
#[tokio::test]
async fn a_rescue_reads_only_what_is_due() {
    let db = TestDb::new().await;
    let admin = superuser(&db).await;
    let mut connection = db.work().acquire().await.expect("connect");
    let jobs: Vec<NewJob> = (0..20_000)
        .map(|n| {
            let run_at = (n >= 20).then(|| Utc::now() + TimeDelta::hours(1));
            NewJob::of(&step("many"), EnqueueOptions { run_at, ..EnqueueOptions::default() }).expect("a job")
        })
        .collect();
    queue::enqueue_all(&mut connection, &jobs).await.expect("enqueue");
    sqlx::raw_sql("analyze jobs").execute(&admin).await.expect("analyze");
    let line = one_line(&db);
    assert_eq!(claim(&line, &taking(Duration::ZERO), 10).await.expect("claim").len(), 10);
    let before = scans(&line).await;
    assert_eq!(queue::rescue(&line).await.expect("rescue").len(), 10);
    assert_eq!(queue::rescue(&line).await.expect("rescue"), []);
    assert_eq!(scans(&line).await, before);
}

/// No index names what a claim or a heartbeat writes, so neither writes into one (heap-only tuples).
#[tokio::test]
async fn claims_and_heartbeats_leave_the_indexes_alone() {
    let db = TestDb::new().await;
    sqlx::query("alter table jobs set (autovacuum_enabled = false)").execute(db.owner()).await.expect("by its owner");
    let pool = one_line(&db);
    let jobs: Vec<NewJob> = (0..2_000).map(|_| NewJob::of(&step("many"), EnqueueOptions::default()).expect("a job")).collect();
    queue::enqueue_all(&mut pool.acquire().await.expect("connect"), &jobs).await.expect("enqueue");
    let written = async || {
        sqlx::raw_sql("select pg_stat_force_next_flush()").execute(&pool).await.expect("flush");
        let counts = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'jobs'";
        sqlx::query_as::<_, (i64, i64)>(counts).fetch_one(&pool).await.expect("statistics")
    };
    // As long as the name of a worker is.
    let taking = Claim { worker: "kasir-02.warung.example:123456:0198c8a52f1b7c3d9e4f5a6b7c8d9e0f".to_owned(), ..taking(LONG) };
    let mut leases = Vec::new();
    for _ in 0..10 {
        leases.extend(claim(&pool, &taking, 200).await.expect("claim").into_iter().map(|job| job.lease));
    }
    assert_eq!(leases.len(), 2_000);
    let (claims, heap_only) = written().await;
    assert_eq!(claims, 2_000);
    assert!(heap_only >= 1_900, "{heap_only} of {claims} claims");
    // The room that heartbeats need is that of row versions which nobody sees any more: whoever takes statistics just then still does.
    let (mut before, mut most) = ((claims, heap_only), 0);
    for _ in 0..5 {
        for batch in leases.chunks(200) {
            queue::heartbeat(&pool, batch, LONG).await.expect("heartbeat");
        }
        let after = written().await;
        assert_eq!(after.0 - before.0, 2_000);
        most = most.max(after.1 - before.1);
        before = after;
    }
    assert!(most >= 1_700, "{most} of 2000 heartbeats");
}

/// Nights have limits, partitions of a backfill have none: their lanes share a slot all the same.
#[tokio::test]
async fn jobs_with_limits_are_not_starved_by_long_ones_without() {
    let db = TestDb::new().await;
    let mut connection = db.work().acquire().await.expect("connect");
    let options = |lane| EnqueueOptions { lane: Some(lane), ..EnqueueOptions::default() };
    let past: Vec<NewJob> = (0..60).map(|_| NewJob::of(&step("past"), options(Lane::Backfill)).expect("a job")).collect();
    queue::enqueue_all(&mut connection, &past).await.expect("enqueue");
    let done: Arc<Mutex<Vec<String>>> = Arc::default();
    let work = does({
        let done = Arc::clone(&done);
        move |step, _| {
            let done = Arc::clone(&done);
            async move {
                tokio::time::sleep(Duration::from_millis(if step.name == "past" { 200 } else { 50 })).await;
                done.lock().expect("done").push(step.name);
                Outcome::Done
            }
        }
    });
    let program = Runner::with(db.work(), Workers::new().add(work), WorkerOptions { concurrency: 1, ..super::options() });
    eventually("the backfill is at work", async || (done.lock().expect("done").len() >= 2).then_some(())).await;
    let nights: Vec<NewJob> =
        (0..12).map(|n| NewJob::of(&limited("night", &[(&format!("store:{n}"), 1)]), options(Lane::Nightly)).expect("a job")).collect();
    queue::enqueue_all(&mut connection, &nights).await.expect("enqueue");
    let all = |name: &str| done.lock().expect("done").iter().filter(|done| *done == name).count();
    eventually("all nights are done", async || (all("night") == 12).then_some(())).await;
    assert!(all("past") < 20, "{} partitions went before the nights", all("past"));
    program.stop().await;
}
