use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::job::Outcome;
use platform::database::begin;
use platform::embedded::Role;
use platform::queue::{JobContext, WorkerOptions, Workers};
use platform::testing::{SilentSocket, TestDb};
use sqlx::PgPool;
use uuid::Uuid;

use super::{Does, Runner, Step, add, does, options, show, step, until};

/// A worker whose effect is a row, in one transaction with the end of the job. Tables are the owner's to make, so the row lies in
/// one that is there and whose key hides no second effect.
fn ledger(pool: &PgPool) -> Does {
    let pool = pool.clone();
    does(move |step: Step, context: JobContext| {
        let pool = pool.clone();
        async move {
            match effect(&pool, &step, &context).await {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Retry(error),
            }
        }
    })
}

async fn effect(pool: &PgPool, step: &Step, context: &JobContext) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut transaction = begin(pool).await?;
    sqlx::query("insert into quota_leases (id, quota, units, holder, expires_at) values ($1, 'effects', 1, $2, now() + interval '1 day')")
        .bind(Uuid::now_v7())
        .bind(&step.name)
        .execute(&mut *transaction)
        .await?;
    context.complete_in(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// (effects, jobs with an effect)
async fn effects(pool: &PgPool) -> (i64, i64) {
    sqlx::query_as("select count(*), count(distinct holder) from quota_leases where quota = 'effects'")
        .fetch_one(pool)
        .await
        .expect("effects")
}

/// A pool of its own, as another program has.
async fn program(db: &TestDb) -> PgPool {
    sqlx::postgres::PgPoolOptions::new().max_connections(8).connect_with(db.options(Role::Work)).await.expect("connect")
}

async fn unfinished(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from jobs where state <> 'completed'").fetch_one(pool).await.expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_do_200_jobs_with_each_effect_once() {
    let db = TestDb::new().await;
    let (one, two) = (program(&db).await, program(&db).await);
    let runners = [Runner::start(&one, ledger(&one)), Runner::start(&two, ledger(&two))];
    for index in 0..200 {
        add(db.work(), &step(&index.to_string())).await;
    }
    crate::eventually("all jobs completed", async || (unfinished(db.work()).await == 0).then_some(())).await;
    assert_eq!(effects(db.work()).await, (200, 200));
    let attempts: i64 = sqlx::query_scalar("select sum(attempt) from jobs").fetch_one(db.work()).await.expect("a sum");
    assert_eq!(attempts, 200, "no job needed a second attempt");
    for runner in runners {
        runner.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_connections_cost_attempts_but_no_effect() {
    let db = TestDb::new().await;
    let (one, two) = (program(&db).await, program(&db).await);
    let watcher = super::superuser(&db).await;
    let quick = WorkerOptions { lease: Duration::from_secs(1), ..options() };
    let runners =
        [Runner::with(&one, Workers::new().add(ledger(&one)), quick.clone()), Runner::with(&two, Workers::new().add(ledger(&two)), quick)];
    for index in 0..200 {
        add(db.owner(), &step(&index.to_string())).await;
        if index % 20 == 10 {
            // All connections of both programs, also those that listen. `max_attempts` is out of the way: this is not about it.
            sqlx::query("update jobs set max_attempts = 1000 where state not in ('completed', 'discarded')")
                .execute(db.owner())
                .await
                .expect("update");
            sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = $1")
                .bind(Role::Work.name())
                .execute(&watcher)
                .await
                .expect("terminate");
        }
    }
    crate::eventually("all jobs completed", async || (unfinished(db.owner()).await == 0).then_some(())).await;
    assert_eq!(effects(db.owner()).await, (200, 200));
    for runner in runners {
        runner.stop().await;
    }
}

/// As by SIGKILL: nothing is handed back. The lease runs out, the attempt counts, another program goes on.
#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_killed_program_runs_elsewhere_and_counts() {
    let db = TestDb::new().await;
    let brief = WorkerOptions { lease: Duration::from_millis(600), ..options() };
    let stuck = does(|_, _| async { std::future::pending().await });
    let killed = Runner::with(db.work(), Workers::new().add(stuck), brief.clone());
    let id = add(db.work(), &step("a")).await;
    until(db.work(), id, "running").await;
    killed.kill();
    let runner = Runner::with(db.work(), Workers::new().add(does(|_, _| async { Outcome::Done })), brief);
    let job = until(db.work(), id, "completed").await;
    assert_eq!(job.attempt, 2);
    assert!(super::failures(&job)[0].starts_with("lease expired: worker "), "{:?}", job.errors);
    runner.stop().await;
}

/// apalis' own backend ran six such jobs twenty times.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_longer_than_their_lease_run_once() {
    let db = TestDb::new().await;
    let runs = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&runs);
    let slow = does(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            Outcome::Done
        }
    });
    let short = WorkerOptions { lease: Duration::from_millis(600), concurrency: 2, ..options() };
    let runners = [
        Runner::with(db.work(), Workers::new().add(slow.clone()), short.clone()),
        Runner::with(db.work(), Workers::new().add(slow), short),
    ];
    for index in 0..6 {
        add(db.work(), &step(&index.to_string())).await;
    }
    crate::eventually("all jobs completed", async || (unfinished(db.work()).await == 0).then_some(())).await;
    assert_eq!(runs.load(Ordering::SeqCst), 6);
    for runner in runners {
        runner.stop().await;
    }
}

/// Someone else has the job now: the work is stopped and what it returns is not recorded.
#[tokio::test(flavor = "multi_thread")]
async fn work_stops_when_its_lease_is_lost() {
    let db = TestDb::new().await;
    let told = tokio_util::sync::CancellationToken::new();
    let witness = told.clone();
    let work = does(move |_, context: JobContext| {
        let witness = witness.clone();
        async move {
            tokio::spawn(async move {
                context.cancel.cancelled().await;
                witness.cancel();
            });
            std::future::pending().await
        }
    });
    let runner = Runner::with(db.work(), Workers::new().add(work), WorkerOptions { lease: Duration::from_millis(600), ..options() });
    let id = add(db.work(), &step("a")).await;
    until(db.work(), id, "running").await;
    sqlx::query("update jobs set lease_token = lease_token + 1, lease_until = now() + interval '1 hour', worker = 'another'")
        .execute(db.work())
        .await
        .expect("take it away");
    tokio::time::timeout(Duration::from_secs(10), told.cancelled()).await.expect("the work is stopped");
    let job = show(db.work(), id).await;
    assert_eq!((job.state.as_str(), job.worker.as_deref()), ("running", Some("another")));
    runner.stop().await;
    assert_eq!(show(db.work(), id).await.state, "running", "the shutdown hands back only what is ours");
}

/// The database is away for a while: the program waits and goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_does_not_end_the_program() {
    let db = TestDb::new().await;
    let runner = Runner::start(db.work(), does(|_, _| async { Outcome::Done }));
    let before = add(db.work(), &step("before")).await;
    until(db.work(), before, "completed").await;
    sqlx::query("alter table jobs rename to jobs_away").execute(db.owner()).await.expect("rename");
    crate::eventually("the outage to be felt", async || {
        let failed = super::claim(db.work(), &super::taking(Duration::from_secs(1)), 1).await;
        failed.is_err().then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    sqlx::query("alter table jobs_away rename to jobs").execute(db.owner()).await.expect("rename");
    let after = add(db.work(), &step("after")).await;
    until(db.work(), after, "completed").await;
    runner.stop().await;
}

/// A listening connection that is open and dead is found out: new work does not wait for the poll.
#[tokio::test(flavor = "multi_thread")]
async fn a_listen_connection_that_falls_silent_is_replaced() {
    let db = TestDb::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let socket = SilentSocket::start(folder.path(), &db.options(Role::Work)).expect("a socket");
    let through = socket.through(db.options(Role::Work));
    let listen_pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_lazy_with(through);
    let hour = WorkerOptions { poll: Duration::from_secs(3600), listen_pool: Some(listen_pool), ..options() };
    let runner = Runner::with(db.work(), Workers::new().add(does(|_, _| async { Outcome::Done })), hour);
    // The first round of claims is over when it has listened.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let heard = add(db.work(), &step("heard")).await;
    tokio::time::timeout(Duration::from_secs(2), until(db.work(), heard, "completed")).await.expect("it listens");
    socket.go_silent();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let silent = add(db.work(), &step("silent")).await;
    tokio::time::timeout(Duration::from_secs(20), until(db.work(), silent, "completed")).await.expect("silence is noticed");
    let after = add(db.work(), &step("after")).await;
    tokio::time::timeout(Duration::from_secs(2), until(db.work(), after, "completed")).await.expect("it listens again");
    runner.stop().await;
}
