//! Leases, fencing tokens and rescue, step by step without a runner.

use std::time::Duration;

use domain::Hint;
use platform::queue::{self, Job, QueueError, State};
use platform::testing::TestDb;
use sqlx::PgPool;

use super::{add, claim, failures, show, step, taking};

const LONG: Duration = Duration::from_secs(60);

async fn take(pool: &PgPool, lease: Duration) -> Job {
    crate::eventually("a job to claim", async || claim(pool, &taking(lease), 1).await.expect("claim").pop()).await
}

async fn rescue(pool: &PgPool) -> State {
    crate::eventually("a job to rescue", async || queue::rescue(pool).await.expect("rescue").pop()).await.state
}

#[tokio::test]
async fn a_stale_worker_can_do_nothing() {
    let db = TestDb::new().await;
    let pool = db.work();
    let id = add(pool, &step("a")).await;
    let stale = take(pool, Duration::from_millis(1)).await.lease;
    assert_eq!(rescue(pool).await, State::Retryable);
    let current = take(pool, LONG).await.lease;
    assert!(current.token > stale.token);

    let wait = Duration::from_secs(1);
    let refused = [
        queue::complete(pool, stale).await,
        queue::retry(pool, stale, "stale").await.map(drop),
        queue::snooze(pool, stale, wait).await,
        queue::cancel(pool, stale, "stale").await,
        queue::discard(pool, stale, "stale").await,
        queue::hand_back(pool, stale).await,
    ];
    for result in refused {
        let error = result.expect_err("a stale lease changes nothing");
        assert!(matches!(&error, QueueError::LeaseLost { id: lost, token } if *lost == id && *token == stale.token), "{error}");
        assert!(error.hint().is_some());
    }
    assert_eq!(queue::heartbeat(pool, &[stale], LONG).await.expect("heartbeat"), [], "nor can it extend the lease");
    assert_eq!(show(pool, id).await.state, "running");
    queue::complete(pool, current).await.expect("the current one can");
    assert_eq!(show(pool, id).await.state, "completed");
}

/// One that comes further each time is no poison.
#[tokio::test]
async fn progress_makes_attempts_count_anew() {
    let db = TestDb::new().await;
    let id = add(db.work(), &step("a")).await;
    for _ in 0..6 {
        let job = take(db.work(), Duration::from_millis(1)).await;
        assert!(job.attempt <= 2);
        queue::progress(db.work(), job.lease).await.expect("progress");
        assert_eq!(rescue(db.work()).await, State::Retryable);
        let stale = queue::progress(db.work(), job.lease).await.expect_err("whoever lost the lease has come nowhere");
        assert!(matches!(stale, QueueError::LeaseLost { .. }), "{stale}");
    }
    assert_eq!(show(db.work(), id).await.state, "retryable");
}

#[tokio::test]
async fn a_job_that_kills_its_workers_ends_as_a_dead_letter() {
    let db = TestDb::new().await;
    let id = add(db.work(), &step("a")).await;
    let mut states = Vec::new();
    for attempt in 1..=3 {
        assert_eq!(take(db.work(), Duration::from_millis(1)).await.attempt, attempt);
        states.push(rescue(db.work()).await);
    }
    assert_eq!(states, [State::Retryable, State::Retryable, State::Discarded]);
    let job = show(db.work(), id).await;
    assert_eq!(failures(&job), vec!["lease expired: worker by hand went silent"; 3]);
    assert_eq!(claim(db.work(), &taking(LONG), 1).await.expect("claim"), []);
}

#[tokio::test]
async fn a_heartbeat_keeps_the_lease() {
    let db = TestDb::new().await;
    let id = add(db.work(), &step("a")).await;
    let lease = take(db.work(), Duration::from_millis(500)).await.lease;
    let beats = queue::heartbeat(db.work(), &[lease], LONG).await.expect("heartbeat");
    assert_eq!(beats.iter().map(|beat| (beat.id, beat.cancel_requested)).collect::<Vec<_>>(), [(id, false)]);
    sqlx::query("select pg_sleep(0.6)").execute(db.work()).await.expect("the first lease is over");
    assert_eq!(queue::rescue(db.work()).await.expect("rescue"), []);
    assert_eq!(queue::request_cancel(db.work(), id).await.expect("cancel"), State::Running);
    assert!(queue::heartbeat(db.work(), &[lease], LONG).await.expect("heartbeat")[0].cancel_requested, "it brings the request");
}

#[tokio::test]
async fn a_lease_that_expired_unnoticed_is_still_good() {
    let db = TestDb::new().await;
    let id = add(db.work(), &step("a")).await;
    let lease = take(db.work(), Duration::from_millis(1)).await.lease;
    queue::complete(db.work(), lease).await.expect("nobody else has it");
    queue::complete(db.work(), lease).await.expect("completing twice is completing once");
    assert_eq!(show(db.work(), id).await.state, "completed");
}

#[tokio::test]
async fn claims_never_overlap() {
    let db = TestDb::new().await;
    for index in 0..40 {
        add(db.work(), &step(&index.to_string())).await;
    }
    let taking = taking(LONG);
    let claims = futures::future::join_all((0..5).map(|_| claim(db.work(), &taking, 8))).await;
    let mut ids: Vec<_> = claims.into_iter().flat_map(|jobs| jobs.expect("claim")).map(|job| job.lease.id).collect();
    let claimed = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), claimed, "no job twice");
}

#[tokio::test]
async fn the_back_off_doubles_up_to_its_ceiling_with_half_of_it_random() {
    let db = TestDb::new().await;
    for (attempt, full) in [(1, 5.0), (2, 10.0), (3, 20.0), (10, 2560.0), (11, 3600.0), (40, 3600.0)] {
        let waits: Vec<f64> = sqlx::query_scalar(
            "select extract(epoch from app.job_backoff($1, interval '5 seconds', interval '1 hour'))::float8 from generate_series(1, 200)",
        )
        .bind(attempt)
        .fetch_all(db.work())
        .await
        .expect("waits");
        let (least, most) = (waits.iter().copied().fold(f64::MAX, f64::min), waits.iter().copied().fold(0.0, f64::max));
        assert!(least >= full / 2.0 && most <= full, "attempt {attempt}: {least} to {most} s of {full} s");
        assert!(most - least > full / 10.0, "attempt {attempt}: the waits spread");
    }
}
