use std::time::Duration;

use chrono::Utc;
use platform::database::begin;
use platform::queue::{self, EnqueueOptions};
use platform::testing::TestDb;

use super::{Step, add, claim, does, step, taking, until};
use domain::job::Lane;
use domain::job::Outcome;

#[tokio::test]
async fn a_job_rolls_back_with_its_transaction() {
    let db = TestDb::new().await;
    let mut transaction = begin(db.work()).await.expect("begin");
    let enqueued = queue::enqueue(&mut transaction, &step("a"), EnqueueOptions::default()).await.expect("enqueue");
    assert!(!enqueued.existed);
    transaction.rollback().await.expect("rollback");
    assert_eq!(queue::stats(db.work()).await.expect("stats"), []);
}

#[tokio::test]
async fn a_unique_job_exists_once_until_it_is_finished() {
    let db = TestDb::new().await;
    let unique = Step { key: Some("k".to_owned()), ..step("a") };
    let mut connection = db.work().acquire().await.expect("connect");
    let first = queue::enqueue(&mut connection, &unique, EnqueueOptions::default()).await.expect("enqueue");
    let second = queue::enqueue(&mut connection, &unique, EnqueueOptions::default()).await.expect("enqueue");
    assert!(!first.existed && second.existed);
    assert_eq!(first.id, second.id);
    let other = Step { key: Some("other".to_owned()), ..step("a") };
    assert!(!queue::enqueue(&mut connection, &other, EnqueueOptions::default()).await.expect("enqueue").existed);

    let jobs = claim(db.work(), &taking(Duration::from_secs(60)), 10).await.expect("claim");
    assert!(queue::enqueue(&mut connection, &unique, EnqueueOptions::default()).await.expect("enqueue").existed, "running counts");
    for job in jobs {
        queue::complete(db.work(), job.lease).await.expect("complete");
    }
    let third = queue::enqueue(&mut connection, &unique, EnqueueOptions::default()).await.expect("enqueue");
    assert!(!third.existed && third.id != first.id, "a finished job makes room");
}

#[tokio::test]
async fn programs_that_enqueue_the_same_at_once_agree_on_one() {
    let db = TestDb::new().await;
    let unique = Step { key: Some("k".to_owned()), ..step("a") };
    let watcher = super::superuser(&db).await;
    let mut first = begin(db.work()).await.expect("begin");
    let winner = queue::enqueue(&mut first, &unique, EnqueueOptions::default()).await.expect("enqueue");
    let waiting = async {
        let mut second = begin(db.work()).await.expect("begin");
        let enqueued = queue::enqueue(&mut second, &unique, EnqueueOptions::default()).await.expect("enqueue");
        second.commit().await.expect("commit");
        enqueued
    };
    let committing = async {
        crate::eventually("the second waits for the first", async || {
            let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
            (sqlx::query_scalar::<_, i64>(waits).fetch_one(&watcher).await.expect("a count") == 1).then_some(())
        })
        .await;
        first.commit().await.expect("commit");
    };
    let (loser, ()) = tokio::join!(waiting, committing);
    assert!(loser.existed);
    assert_eq!(loser.id, winner.id);
}

#[tokio::test]
async fn a_job_for_later_waits_and_priorities_and_lanes_hold() {
    let db = TestDb::new().await;
    let mut connection = db.work().acquire().await.expect("connect");
    let later = EnqueueOptions { run_at: Some(Utc::now() + Duration::from_secs(3600)), ..EnqueueOptions::default() };
    let later = queue::enqueue(&mut connection, &step("later"), later).await.expect("enqueue");
    assert_eq!(super::show(db.work(), later.id).await.state, "scheduled");
    for (name, priority, lane) in
        [("third", 5, Lane::Default), ("second", 0, Lane::Default), ("first", -5, Lane::Default), ("aside", -9, Lane::Backfill)]
    {
        let options = EnqueueOptions { priority, lane: Some(lane), ..EnqueueOptions::default() };
        queue::enqueue(&mut connection, &step(name), options).await.expect("enqueue");
    }
    let mut names = Vec::new();
    while let Some(job) = claim(db.work(), &taking(Duration::from_secs(60)), 1).await.expect("claim").pop() {
        names.push(job.args["name"].clone());
    }
    assert_eq!(names, ["first", "second", "third"]);
}

/// A poll of an hour: only the notification at the commit can have woken the worker.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_wakes_an_idle_worker() {
    let db = TestDb::new().await;
    let slow = queue::WorkerOptions { poll: Duration::from_secs(3600), ..super::options() };
    let runner = super::Runner::with(db.work(), queue::Workers::new().add(does(|_, _| async { Outcome::Done })), slow);
    let watcher = super::superuser(&db).await;
    crate::eventually("the worker listens and is idle", async || {
        let listens =
            "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%' and state = 'idle'";
        (sqlx::query_scalar::<_, i64>(listens).fetch_one(&watcher).await.expect("a count") == 1).then_some(())
    })
    .await;
    for name in ["one", "two", "three"] {
        let id = add(db.work(), &step(name)).await;
        until(db.work(), id, "completed").await;
    }
    runner.stop().await;
}

#[tokio::test]
async fn the_serving_role_may_ask_for_work_but_not_read_arguments() {
    let db = TestDb::new().await;
    let mut serving = db.serve().acquire().await.expect("connect");
    let unique = Step { key: Some("k".to_owned()), ..step("a") };
    let first = queue::enqueue(&mut serving, &unique, EnqueueOptions::default()).await.expect("enqueue");
    let second = queue::enqueue(&mut serving, &unique, EnqueueOptions::default()).await.expect("enqueue");
    assert_eq!((first.id, second.existed), (second.id, true));
    sqlx::query("select args from jobs").execute(&mut *serving).await.expect_err("arguments of other stores");
    sqlx::query("update jobs set priority = 1").execute(&mut *serving).await.expect_err("jobs of others");
}
