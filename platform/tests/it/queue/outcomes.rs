use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::job::{JobArgs, Outcome};
use platform::database::begin;
use platform::queue::{JobContext, QueueError, Worker, WorkerOptions, Workers};
use platform::testing::TestDb;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Runner, add, does, failures, options, show, step, until};

#[tokio::test(flavor = "multi_thread")]
async fn done_completes() {
    let db = TestDb::new().await;
    let runner = Runner::start(db.work(), does(|_, _| async { Outcome::Done }));
    let id = add(db.work(), &step("a")).await;
    let job = until(db.work(), id, "completed").await;
    assert_eq!((job.attempt, failures(&job).len(), job.finished_at.is_some()), (1, 0, true));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_runs_again_after_its_back_off() {
    let db = TestDb::new().await;
    let work = does(|_, context: JobContext| async move {
        if context.attempt < 3 { Outcome::Retry(format!("attempt {}", context.attempt).into()) } else { Outcome::Done }
    });
    let runner = Runner::start(db.work(), work);
    let id = add(db.work(), &step("a")).await;
    let job = until(db.work(), id, "completed").await;
    assert_eq!((job.attempt, job.max_attempts), (3, 3));
    assert_eq!(failures(&job), ["attempt 1", "attempt 2"]);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_attempts_are_used_is_a_dead_letter() {
    let db = TestDb::new().await;
    let runner = Runner::start(db.work(), does(|_, _| async { Outcome::Retry("no luck".into()) }));
    let id = add(db.work(), &step("a")).await;
    let job = until(db.work(), id, "discarded").await;
    assert_eq!((job.attempt, failures(&job)), (3, vec!["no luck".to_owned(); 3]));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snooze_waits_and_does_not_count() {
    let db = TestDb::new().await;
    let runs = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&runs);
    let work = does(move |_, context: JobContext| {
        let (seen, attempt) = (Arc::clone(&seen), context.attempt);
        async move {
            assert_eq!(attempt, 1, "a snooze is no attempt");
            if seen.fetch_add(1, Ordering::SeqCst) < 7 { Outcome::Snooze(Duration::from_millis(10)) } else { Outcome::Done }
        }
    });
    let runner = Runner::start(db.work(), work);
    let id = add(db.work(), &step("a")).await;
    let job = until(db.work(), id, "completed").await;
    assert_eq!((runs.load(Ordering::SeqCst), job.attempt, failures(&job).len()), (8, 1, 0));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_final_and_keeps_its_reason() {
    let db = TestDb::new().await;
    let runner = Runner::start(db.work(), does(|_, _| async { Outcome::Cancel("the store is closed for good".to_owned()) }));
    let id = add(db.work(), &step("a")).await;
    let job = until(db.work(), id, "cancelled").await;
    assert_eq!((job.attempt, failures(&job)), (1, vec!["the store is closed for good".to_owned()]));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failed_attempt_and_the_worker_lives_on() {
    let db = TestDb::new().await;
    let work = does(|step: super::Step, context: JobContext| async move {
        assert!(step.name != "bad" || context.attempt > 1, "burnt the {}", "sambal");
        Outcome::Done
    });
    let runner = Runner::with(db.work(), Workers::new().add(work), WorkerOptions { concurrency: 1, ..options() });
    let (bad, good) = (add(db.work(), &step("bad")).await, add(db.work(), &step("good")).await);
    until(db.work(), good, "completed").await;
    let job = until(db.work(), bad, "completed").await;
    assert_eq!(job.attempt, 2);
    assert!(failures(&job)[0].contains("burnt the sambal"), "{:?}", job.errors);
    runner.stop().await;
}

#[derive(Serialize, Deserialize)]
struct Hasty;

impl JobArgs for Hasty {
    const KIND: &'static str = "hasty";
    const MAX_ATTEMPTS: u16 = 1;
    const TIMEOUT: Duration = Duration::from_millis(100);
}

struct NeverEnds {
    told: CancellationToken,
}

impl Worker<Hasty> for NeverEnds {
    async fn work(&self, _: Hasty, context: JobContext) -> Outcome {
        let told = self.told.clone();
        // As blocking work would: it outlives the attempt and must be told.
        tokio::spawn(async move {
            context.cancel.cancelled().await;
            told.cancel();
        });
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_has_its_own_time_out_and_the_work_is_told() {
    let db = TestDb::new().await;
    let told = CancellationToken::new();
    let runner = Runner::with(db.work(), Workers::new().add(NeverEnds { told: told.clone() }), options());
    let id = add(db.work(), &Hasty).await;
    let job = until(db.work(), id, "discarded").await;
    assert_eq!(failures(&job), ["timed out after 100ms"]);
    tokio::time::timeout(Duration::from_secs(10), told.cancelled()).await.expect("the work is told");
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_an_unknown_kind_stays_for_a_newer_program() {
    let db = TestDb::new().await;
    let runner = Runner::start(db.work(), does(|_, _| async { Outcome::Done }));
    let unknown = add(db.work(), &Hasty).await;
    let known = add(db.work(), &step("a")).await;
    until(db.work(), known, "completed").await;
    let job = show(db.work(), unknown).await;
    assert_eq!((job.state.as_str(), job.attempt), ("available", 0));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_another_shape_are_a_failed_attempt() {
    let db = TestDb::new().await;
    let id = add(db.work(), &step("a")).await;
    sqlx::query("update jobs set args = '{\"nama\": 1}', max_attempts = 1").execute(db.work()).await.expect("update");
    let runner = Runner::start(db.work(), does(|_, _| async { Outcome::Done }));
    let job = until(db.work(), id, "discarded").await;
    assert_eq!(failures(&job), ["the arguments of kind `step` do not fit this program: missing field `name`"]);
    runner.stop().await;
}

#[tokio::test]
async fn a_kind_registered_twice_is_refused() {
    let db = TestDb::new().await;
    let work = does(|_, _| async { Outcome::Done });
    let workers = Workers::new().add(work.clone()).add(work);
    let refused = platform::queue::run(db.work().clone(), workers, options(), CancellationToken::new()).await;
    assert!(matches!(refused, Err(QueueError::DuplicateKind { kind: "step" })), "{refused:?}");
}

/// A job that nobody asks about.
#[derive(Serialize, Deserialize)]
struct Fleeting {
    in_own_transaction: bool,
    fails: bool,
}

impl JobArgs for Fleeting {
    const KIND: &'static str = "fleeting";
    const MAX_ATTEMPTS: u16 = 1;
    const IS_KEPT: bool = false;
}

struct Passes(sqlx::PgPool);

impl Worker<Fleeting> for Passes {
    async fn work(&self, args: Fleeting, context: JobContext) -> Outcome {
        if args.fails {
            return Outcome::Retry("broken".into());
        }
        if args.in_own_transaction {
            let mut tx = begin(&self.0).await.expect("begin");
            context.complete_in(&mut tx).await.expect("the lease holds");
            tx.commit().await.expect("commit");
        }
        Outcome::Done
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_not_kept_leaves_nothing_but_its_failure() {
    let db = TestDb::new().await;
    for (in_own_transaction, fails) in [(false, false), (true, false), (false, true)] {
        add(db.work(), &Fleeting { in_own_transaction, fails }).await;
    }
    let runner = Runner::with(db.work(), Workers::new().add(Passes(db.work().clone())), options());
    let states = "select state from jobs";
    crate::eventually("only the failure is left", async || {
        let left: Vec<String> = sqlx::query_scalar(states).fetch_all(db.work()).await.expect("states");
        (left == ["discarded"]).then_some(())
    })
    .await;
    runner.stop().await;
}
