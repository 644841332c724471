use std::time::Duration;

use domain::ids::JobId;
use domain::job::Outcome;
use platform::queue::{self, JobContext, JobFilter, QueueError, State, WorkerOptions, Workers};
use platform::testing::TestDb;

use super::{Runner, Step, add, claim, does, failures, options, show, step, taking, until};

#[tokio::test]
async fn stats_count_by_kind_lane_and_state() {
    let db = TestDb::new().await;
    for name in ["a", "b", "c"] {
        add(db.work(), &step(name)).await;
    }
    let job = claim(db.work(), &taking(Duration::from_secs(60)), 1).await.expect("claim").remove(0);
    queue::complete(db.work(), job.lease).await.expect("complete");
    let stats = queue::stats(db.work()).await.expect("stats");
    let lines: Vec<_> = stats.iter().map(|stat| format!("{} {} {} {}", stat.kind, stat.lane, stat.state, stat.jobs)).collect();
    assert_eq!(lines, ["step default available 2", "step default completed 1"]);
}

#[tokio::test]
async fn a_dead_letter_is_listed_and_replayed_with_all_its_attempts() {
    let db = TestDb::new().await;
    let (first, second) = (add(db.work(), &step("a")).await, add(db.work(), &step("b")).await);
    for job in claim(db.work(), &taking(Duration::from_secs(60)), 2).await.expect("claim") {
        queue::discard(db.work(), job.lease, "poison").await.expect("discard");
    }
    let dead = queue::dead_list(db.work(), &JobFilter::default()).await.expect("list");
    assert_eq!(dead.iter().map(|job| job.id).collect::<Vec<_>>(), [second, first], "newest first");
    assert_eq!(failures(&dead[0]), ["poison"]);

    let only_first = JobFilter { id: Some(first), ..JobFilter::default() };
    assert_eq!(queue::replay(db.work(), &only_first).await.expect("replay"), 1);
    assert_eq!(queue::replay(db.work(), &only_first).await.expect("replay"), 0, "once");
    let job = show(db.work(), first).await;
    assert_eq!((job.state.as_str(), job.attempt, failures(&job)), ("available", 0, vec!["poison".to_owned()]));
    let other_kind = JobFilter { kind: Some("other".to_owned()), ..JobFilter::default() };
    assert_eq!(queue::replay(db.work(), &other_kind).await.expect("replay"), 0);
    assert_eq!(queue::dead_list(db.work(), &JobFilter::default()).await.expect("list").len(), 1);
}

#[tokio::test]
async fn a_replay_respects_unique_keys() {
    let db = TestDb::new().await;
    let unique = Step { key: Some("k".to_owned()), ..step("a") };
    for _ in 0..2 {
        add(db.work(), &unique).await;
        let job = claim(db.work(), &taking(Duration::from_secs(60)), 1).await.expect("claim").remove(0);
        queue::discard(db.work(), job.lease, "poison").await.expect("discard");
    }
    assert_eq!(queue::replay(db.work(), &JobFilter::default()).await.expect("replay"), 1, "of two with one key only the newest");
    assert_eq!(queue::replay(db.work(), &JobFilter::default()).await.expect("replay"), 0, "and none beside a living one");
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_and_a_finished_one_stays() {
    let db = TestDb::new().await;
    let id = add(db.work(), &step("a")).await;
    assert_eq!(queue::request_cancel(db.work(), id).await.expect("cancel"), State::Cancelled);
    assert_eq!(claim(db.work(), &taking(Duration::from_secs(60)), 1).await.expect("claim"), []);
    assert_eq!(queue::request_cancel(db.work(), id).await.expect("cancel"), State::Cancelled);
    let nobody = JobId::new();
    assert!(matches!(queue::request_cancel(db.work(), nobody).await, Err(QueueError::NotFound { id }) if id == nobody));
    assert!(matches!(queue::show(db.work(), nobody).await, Err(QueueError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_hears_that_it_is_cancelled() {
    let db = TestDb::new().await;
    let work = does(|_, context: JobContext| async move {
        context.cancel.cancelled().await;
        Outcome::Retry("stopped half way".into())
    });
    let runner = Runner::with(db.work(), Workers::new().add(work), WorkerOptions { lease: Duration::from_millis(600), ..options() });
    let id = add(db.work(), &step("a")).await;
    until(db.work(), id, "running").await;
    assert_eq!(queue::request_cancel(db.work(), id).await.expect("cancel"), State::Running);
    let job = until(db.work(), id, "cancelled").await;
    assert_eq!(failures(&job), ["stopped half way"]);
    runner.stop().await;
}

/// Over several stretches of the table: what ended long enough ago for its state goes, but for the children of a job that waits.
#[tokio::test]
async fn ended_jobs_are_pruned_by_state_and_age() {
    let db = TestDb::new().await;
    let fill = "insert into jobs (id, kind, args, max_attempts, state, finished_at, trace_id)
                select gen_random_uuid(), 'step', '{}', 1, state, now() - age, repeat('x', 400)
                from generate_series(1, 3000),
                    (values ('completed', interval '2 hours'), ('completed', interval '10 minutes'), ('cancelled', interval '2 hours'),
                        ('discarded', interval '2 hours')) as ended (state, age)";
    sqlx::query(fill).execute(db.work()).await.expect("jobs");
    let family = "with parent as (
                      insert into jobs (id, kind, args, max_attempts, children_left) values (gen_random_uuid(), 'step', '{}', 1, 1) returning id)
                  insert into jobs (id, kind, args, max_attempts, state, finished_at, parent_id)
                  select gen_random_uuid(), 'step', '{}', 1, 'completed', now() - interval '2 hours', id from parent";
    sqlx::query(family).execute(db.work()).await.expect("a family");
    let hour = Duration::from_secs(3600);
    let retention = queue::Retention { completed: hour, cancelled: hour * 3, discarded: hour };
    assert_eq!(queue::prune(db.work(), retention).await.expect("pruned"), 6000);
    let stats = queue::stats(db.work()).await.expect("stats");
    let left: Vec<_> = stats.iter().map(|stat| format!("{} {}", stat.state, stat.jobs)).collect();
    assert_eq!(left, ["available 1", "cancelled 3000", "completed 3001"]);
    assert_eq!(queue::prune(db.work(), retention).await.expect("pruned"), 0);
}
