//! A model check of the life of a job, on the statements themselves.
//!
//! Two workers and their clocks are the model; the job is a real row. Breadth first, every operation is tried in every state that
//! can be reached: the row is put into the state, the operation runs, and the row that comes of it is the next state. So all
//! interleavings of claim, heartbeat, lease expiry, rescue, effect, completion, failure, snooze, hand-back, cancellation, replay
//! and death are seen, up to a number of claims.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use domain::ids::JobId;
use domain::job::Lane;
use platform::queue::{self, Claim, JobFilter, Lease, QueueError};
use platform::testing::TestDb;
use sqlx::PgConnection;

use super::{add, step, taking};

const LONG: Duration = Duration::from_secs(3600);
const WORKERS: usize = 2;
/// Claims in a life, which bounds the search.
const CLAIMS: i64 = 4;

/// The row, as far as operations look at it, and what the workers know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    row: Row,
    /// The token that each worker believes it holds, and whether its work is done.
    workers: [Option<Held>; WORKERS],
    /// How often the effect was committed since the job was last made to live again.
    effects: u8,
    /// How often a dead letter was replayed.
    replays: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, sqlx::FromRow)]
struct Row {
    state: String,
    attempt: i32,
    token: i64,
    /// The lease has run out.
    expired: bool,
    cancel: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    token: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Action {
    Claim(usize),
    Heartbeat(usize),
    /// The effect and its completion in one transaction.
    Effect(usize),
    /// The completion that follows, in a statement of its own.
    Complete(usize),
    Fail(usize),
    Snooze(usize),
    HandBack(usize),
    /// The program is gone; its lease is not.
    Die(usize),
    LeaseRunsOut,
    Rescue,
    /// Its time has come.
    Stage,
    RequestCancel,
    Replay,
}

impl Action {
    fn all() -> Vec<Self> {
        let of = |worker: usize| {
            [
                Self::Claim(worker),
                Self::Heartbeat(worker),
                Self::Effect(worker),
                Self::Complete(worker),
                Self::Fail(worker),
                Self::Snooze(worker),
                Self::HandBack(worker),
                Self::Die(worker),
            ]
        };
        let common = [Self::LeaseRunsOut, Self::Rescue, Self::Stage, Self::RequestCancel, Self::Replay];
        (0..WORKERS).flat_map(of).chain(common).collect()
    }
}

struct Check {
    db: TestDb,
    job: JobId,
}

impl Check {
    async fn put(&self, connection: &mut PgConnection, row: &Row) {
        sqlx::query(
            "update jobs
             set state = $2, attempt = $3, lease_token = $4,
                 lease_until = case when $2 = 'running' then clock_timestamp() + case when $5 then -1 else 1 end * interval '1 hour' end,
                 cancel_requested_at = case when $6 then clock_timestamp() end,
                 finished_at = case when $2 in ('completed', 'cancelled', 'discarded') then clock_timestamp() end,
                 run_at = clock_timestamp() - interval '1 second', errors = '[]'
             where id = $1",
        )
        .bind(self.job.0)
        .bind(&row.state)
        .bind(row.attempt)
        .bind(row.token)
        .bind(row.expired)
        .bind(row.cancel)
        .execute(connection)
        .await
        .expect("a state that the table's rules allow");
    }

    async fn get(&self, connection: &mut PgConnection) -> Row {
        sqlx::query_as(
            "select state, attempt, lease_token as token, coalesce(lease_until < clock_timestamp(), false) as expired,
                    cancel_requested_at is not null as cancel
             from jobs where id = $1",
        )
        .bind(self.job.0)
        .fetch_one(connection)
        .await
        .expect("the row")
    }

    /// The state after an action; `None` where it is not possible.
    async fn after(&self, before: &State, action: Action) -> Option<State> {
        let mut connection = self.db.work().acquire().await.expect("connect");
        let lease_of = |worker: usize| before.workers[worker].map(|held| Lease { id: self.job, token: held.token });
        let mut after = before.clone();
        self.put(&mut connection, &before.row).await;
        match action {
            Action::Claim(worker) => {
                if before.workers[worker].is_some() || before.row.token >= CLAIMS {
                    return None;
                }
                let claim = Claim { lease: LONG, ..taking(LONG) };
                let job = queue::claim(&mut *connection, &claim, &[(Lane::Default, 1)]).await.expect("claim").pop()?;
                after.workers[worker] = Some(Held { token: job.lease.token });
            }
            Action::Heartbeat(worker) => {
                let lease = lease_of(worker)?;
                let answered = queue::heartbeat(&mut *connection, &[lease], LONG).await.expect("heartbeat");
                if answered.is_empty() {
                    after.workers[worker] = None;
                }
            }
            Action::Effect(worker) => {
                let lease = lease_of(worker)?;
                // As a worker does: effect and completion, and a rollback if the lease is lost.
                match queue::complete(&mut *connection, lease).await {
                    Ok(()) if before.row.state == "running" => after.effects += 1,
                    // The same attempt has committed before: a worker does its effect once an attempt.
                    Ok(()) => return None,
                    Err(QueueError::LeaseLost { .. }) => after.workers[worker] = None,
                    Err(error) => panic!("{error}"),
                }
            }
            Action::Complete(worker) => {
                let lease = lease_of(worker)?;
                if before.row.state == "running" && before.row.token == lease.token {
                    // Only after its effect.
                    return None;
                }
                let done = queue::complete_all(&mut *connection, &[lease]).await.expect("complete");
                assert_eq!(done.contains(&self.job), before.row.state == "completed" && before.row.token == lease.token, "{before:?}");
                after.workers[worker] = None;
            }
            Action::Fail(worker) => {
                let _ = queue::retry(&mut *connection, lease_of(worker)?, "failed").await;
                after.workers[worker] = None;
            }
            Action::Snooze(worker) => {
                let _ = queue::snooze(&mut *connection, lease_of(worker)?, Duration::from_millis(1)).await;
                after.workers[worker] = None;
            }
            Action::HandBack(worker) => {
                let _ = queue::hand_back(&mut *connection, lease_of(worker)?).await;
                after.workers[worker] = None;
            }
            Action::Die(worker) => {
                before.workers[worker]?;
                after.workers[worker] = None;
            }
            Action::LeaseRunsOut => {
                if before.row.state != "running" || before.row.expired {
                    return None;
                }
                after.row.expired = true;
                return Some(after);
            }
            Action::Rescue => {
                let rescued = queue::rescue(&mut *connection).await.expect("rescue");
                assert_eq!(!rescued.is_empty(), before.row.expired, "exactly what has run out is rescued: {before:?}");
            }
            Action::Stage => {
                sqlx::query("update jobs set run_at = clock_timestamp() - interval '1 second'")
                    .execute(&mut *connection)
                    .await
                    .expect("time");
                queue::stage(self.db.work()).await.expect("stage");
            }
            Action::RequestCancel => {
                queue::request_cancel(&mut *connection, self.job).await.expect("cancel");
            }
            Action::Replay => {
                if before.replays > 0 {
                    return None;
                }
                let replayed = queue::replay(&mut *connection, &JobFilter::default()).await.expect("replay");
                after.replays += u8::try_from(replayed).expect("one");
            }
        }
        after.row = self.get(&mut connection).await;
        Some(after)
    }
}

fn check(before: &State, action: Action, after: &State) {
    let story = || format!("{action:?}\n  from {before:?}\n  to   {after:?}");
    assert!(after.effects <= 1, "an effect twice: {}", story());
    assert_eq!(after.effects == 1, after.row.state == "completed", "done and its effect are one: {}", story());
    assert!(after.row.attempt <= 3, "more attempts than allowed: {}", story());
    assert!(after.row.token >= before.row.token, "a token that falls: {}", story());
    if matches!(action, Action::Claim(_)) {
        assert!(after.row.token > before.row.token, "a claim without a new token: {}", story());
        assert!(!before.row.cancel, "a cancelled job is claimed: {}", story());
    }
    let finals = ["completed", "cancelled", "discarded"];
    if finals.contains(&before.row.state.as_str()) && before.row.state != after.row.state {
        assert!(before.row.state == "discarded" && action == Action::Replay, "an ended job that changes: {}", story());
    }
    // Of the workers that think they hold it, at most the one with the row's token can change it.
    if let Action::Effect(worker) | Action::Fail(worker) | Action::Snooze(worker) | Action::HandBack(worker) = action
        && before.workers[worker].is_some_and(|held| held.token != before.row.token)
    {
        assert_eq!(before.row, after.row, "a stale worker changed the row: {}", story());
    }
    if matches!(action, Action::HandBack(_) | Action::Snooze(_)) && before.row != after.row {
        assert_eq!(after.row.attempt, before.row.attempt - 1, "what was not its fault counts: {}", story());
    }
    if action == Action::Rescue && before.row != after.row {
        assert_eq!(after.row.attempt, before.row.attempt, "a lost attempt is forgiven: {}", story());
    }
}

#[tokio::test]
async fn no_interleaving_does_a_job_twice_or_loses_it() {
    let db = TestDb::new().await;
    let job = add(db.work(), &step("model")).await;
    let check_db = Check { db, job };
    let row = Row { state: "available".to_owned(), attempt: 0, token: 0, expired: false, cancel: false };
    let start = State { row, workers: [None; WORKERS], effects: 0, replays: 0 };
    let mut next_of: HashMap<State, Vec<State>> = HashMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(before) = open.pop_front() {
        if next_of.contains_key(&before) {
            continue;
        }
        let mut next = Vec::new();
        for action in Action::all() {
            let Some(after) = check_db.after(&before, action).await else { continue };
            check(&before, action, &after);
            if after != before {
                open.push_back(after.clone());
                next.push(after);
            }
        }
        next_of.insert(before, next);
    }
    assert!(next_of.len() > 300, "{} states", next_of.len());

    // Not lost: from wherever it is, it can still end; only the bound of the search may stand in the way.
    let finals = ["completed", "cancelled", "discarded"];
    let mut ends: HashSet<&State> = next_of.keys().filter(|state| finals.contains(&state.row.state.as_str())).collect();
    loop {
        let more: Vec<&State> = next_of
            .iter()
            .filter(|(state, next)| !ends.contains(state) && next.iter().any(|state| ends.contains(state)))
            .map(|(state, _)| state)
            .collect();
        if more.is_empty() {
            break;
        }
        ends.extend(more);
    }
    let stuck: Vec<&State> = next_of.keys().filter(|state| !ends.contains(state)).collect();
    assert!(stuck.is_empty(), "{} of {} states never end, such as {:?}", stuck.len(), next_of.len(), stuck[0]);
    check_db.db.close().await;
}
