use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::job::Outcome;
use platform::queue::{JobContext, WorkerOptions, Workers};
use platform::testing::TestDb;

use super::{Runner, add, does, failures, options, show, step, until};

#[tokio::test(flavor = "multi_thread")]
async fn work_that_ignores_the_signal_is_handed_back_without_counting() {
    let db = TestDb::new().await;
    let work = does(|_, _| async { std::future::pending().await });
    let runner = Runner::with(db.work(), Workers::new().add(work), WorkerOptions { grace: Duration::from_millis(100), ..options() });
    let id = add(db.work(), &step("a")).await;
    until(db.work(), id, "running").await;
    runner.stop().await;
    let job = show(db.work(), id).await;
    assert_eq!((job.state.as_str(), job.attempt, failures(&job).len()), ("available", 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_heeds_the_signal_is_handed_back_without_counting() {
    let db = TestDb::new().await;
    let work = does(|_, context: JobContext| async move {
        context.cancel.cancelled().await;
        Outcome::Retry("told to stop".into())
    });
    let runner = Runner::with(db.work(), Workers::new().add(work), WorkerOptions { grace: Duration::from_secs(60), ..options() });
    let id = add(db.work(), &step("a")).await;
    until(db.work(), id, "running").await;
    runner.stop().await;
    let job = show(db.work(), id).await;
    assert_eq!((job.state.as_str(), job.attempt, failures(&job).len()), ("available", 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_ends_within_the_grace_is_done_and_nothing_new_begins() {
    let db = TestDb::new().await;
    let begun = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&begun);
    let work = does(move |_, context: JobContext| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            context.cancel.cancelled().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            Outcome::Done
        }
    });
    let runner = Runner::with(db.work(), Workers::new().add(work), WorkerOptions { concurrency: 2, ..options() });
    let mut ids = Vec::new();
    for index in 0..6 {
        ids.push(add(db.work(), &step(&index.to_string())).await);
    }
    crate::eventually("two jobs run", async || (begun.load(Ordering::SeqCst) == 2).then_some(())).await;
    runner.stop().await;
    let mut states = Vec::new();
    for id in ids {
        let job = show(db.work(), id).await;
        states.push((job.state, job.attempt));
    }
    states.sort();
    let (waiting, done) = states.split_at(4);
    assert!(waiting.iter().all(|job| *job == ("available".to_owned(), 0)), "four were never begun: {states:?}");
    assert!(done.iter().all(|job| *job == ("completed".to_owned(), 1)), "two were done: {states:?}");
    assert_eq!(begun.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_program_stops_at_once() {
    let db = TestDb::new().await;
    let idle = WorkerOptions { poll: Duration::from_secs(3600), ..options() };
    let runner = Runner::with(db.work(), Workers::new().add(does(|_, _| async { Outcome::Done })), idle);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_program_takes_over() {
    let db = TestDb::new().await;
    let stuck = does(|_, _| async { std::future::pending().await });
    let first = Runner::with(db.work(), Workers::new().add(stuck), WorkerOptions { grace: Duration::ZERO, ..options() });
    let id = add(db.work(), &step("a")).await;
    until(db.work(), id, "running").await;
    let second = Runner::start(db.work(), does(|_, _| async { Outcome::Done }));
    first.stop().await;
    assert_eq!(until(db.work(), id, "completed").await.attempt, 1);
    second.stop().await;
}
