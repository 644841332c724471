//! Fan-out and fan-in.

use std::time::Duration;

use domain::ids::JobId;
use domain::job::Outcome;
use platform::database::begin;
use platform::queue::{self, Children, EnqueueOptions, Family, JobFilter, NewJob, QueueError};
use platform::testing::TestDb;
use sqlx::PgPool;

use super::{Runner, Step, claim, does, show, step, taking, until};

const LONG: Duration = Duration::from_secs(60);

fn new(step: &Step) -> NewJob {
    NewJob::of(step, EnqueueOptions::default()).expect("a job")
}

async fn family(pool: &PgPool, children: &[Step], parent: &Step) -> Family {
    let mut tx = begin(pool).await.expect("begin");
    let family = queue::enqueue_family(&mut tx, children.iter().map(new).collect(), new(parent)).await.expect("a family");
    tx.commit().await.expect("commit");
    family
}

async fn children(pool: &PgPool, parent: JobId) -> Children {
    queue::children(pool, parent).await.expect("children")
}

#[tokio::test]
async fn a_parent_runs_when_its_last_child_has_ended() {
    let db = TestDb::new().await;
    let steps: Vec<Step> = (0..200).map(|n| step(&n.to_string())).collect();
    let family = family(db.work(), &steps, &step("parent")).await;
    assert_eq!(family.children.len(), 200);
    let pool = db.work().clone();
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let work = does(move |step, context| {
        let (pool, sender) = (pool.clone(), sender.clone());
        async move {
            match step.name.as_str() {
                "parent" => {
                    let _ = sender.send(queue::children(&pool, context.job_id).await.expect("children"));
                    Outcome::Done
                }
                "7" => Outcome::Cancel("not today".to_owned()),
                "8" => Outcome::Retry("broken".into()),
                _ => Outcome::Done,
            }
        }
    });
    let programs = [Runner::start(db.work(), work.clone()), Runner::start(db.work(), work)];
    let counted = tokio::time::timeout(Duration::from_secs(20), seen.recv()).await.expect("in time").expect("the parent ran");
    assert_eq!(counted, Children { completed: 198, cancelled: 1, discarded: 1, unfinished: 0 });
    let parent = until(db.work(), family.parent, "completed").await;
    assert_eq!(parent.attempt, 1);
    for program in programs {
        program.stop().await;
    }
}

#[tokio::test]
async fn without_children_a_parent_runs_at_once() {
    let db = TestDb::new().await;
    let family = family(db.work(), &[], &step("parent")).await;
    let claimed = claim(db.work(), &taking(LONG), 1).await.expect("claim");
    assert_eq!(claimed.iter().map(|job| job.lease.id).collect::<Vec<_>>(), [family.parent]);
}

#[tokio::test]
async fn a_child_that_someone_else_queued_is_not_waited_for() {
    let db = TestDb::new().await;
    let taken = Step { key: Some("k".to_owned()), ..step("taken") };
    super::add(db.work(), &taken).await;
    let family = family(db.work(), &[taken, step("own")], &step("parent")).await;
    assert_eq!(family.children.len(), 1);
    for job in claim(db.work(), &taking(LONG), 2).await.expect("claim") {
        if job.lease.id == family.children[0] {
            queue::complete(db.work(), job.lease).await.expect("complete");
        }
    }
    assert_eq!(claim(db.work(), &taking(LONG), 2).await.expect("claim")[0].lease.id, family.parent);
}

#[tokio::test]
async fn a_rescued_or_replayed_child_counts_once() {
    let db = TestDb::new().await;
    let family = family(db.work(), &[step("dies"), step("waits")], &step("parent")).await;
    let both = claim(db.work(), &taking(LONG), 2).await.expect("claim");
    let (dies, waits) = (&both[0], &both[1]);
    let child = dies.lease.id;
    queue::retry(db.work(), dies.lease, "the first time").await.expect("retry");
    for _ in 0..2 {
        let jobs = crate::eventually("the child is due", async || {
            Some(claim(db.work(), &taking(Duration::from_millis(1)), 1).await.expect("claim")).filter(|jobs| !jobs.is_empty())
        })
        .await;
        assert_eq!(jobs[0].lease.id, child);
        crate::eventually("it is rescued", async || queue::rescue(db.work()).await.expect("rescue").pop()).await;
    }
    assert_eq!(show(db.work(), child).await.state, "discarded");
    assert_eq!(children(db.work(), family.parent).await, Children { discarded: 1, unfinished: 1, ..Children::default() });
    assert_eq!(queue::replay(db.work(), &JobFilter { id: Some(child), ..JobFilter::default() }).await.expect("replay"), 1);
    queue::complete(db.work(), waits.lease).await.expect("complete");
    let again = claim(db.work(), &taking(LONG), 3).await.expect("claim");
    assert_eq!(again.len(), 1, "the parent waits for the child that lives again");
    queue::complete(db.work(), again[0].lease).await.expect("complete");
    assert_eq!(claim(db.work(), &taking(LONG), 3).await.expect("claim")[0].lease.id, family.parent);
}

#[tokio::test]
async fn a_family_is_there_as_a_whole_or_not_at_all() {
    let db = TestDb::new().await;
    let parent = Step { key: Some("p".to_owned()), ..step("parent") };
    family(db.work(), &[step("a")], &parent).await;
    let mut tx = begin(db.work()).await.expect("begin");
    let error = queue::enqueue_family(&mut tx, vec![new(&step("b"))], new(&parent)).await.expect_err("the key is taken");
    assert!(matches!(error, QueueError::Contended { .. }), "{error}");
    tx.rollback().await.expect("rollback");
    let jobs: i64 = sqlx::query_scalar("select count(*) from jobs").fetch_one(db.work()).await.expect("count");
    assert_eq!(jobs, 2);
}
