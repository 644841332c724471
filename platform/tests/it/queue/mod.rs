mod enqueue;
mod family;
mod faults;
mod limits;
mod model;
mod operate;
mod outcomes;
mod shutdown;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use domain::ids::JobId;
use domain::job::{JobArgs, Lane, Limit, Outcome};
use futures::FutureExt;
use futures::future::BoxFuture;
use platform::embedded::Role;
use platform::queue::{self, Claim, EnqueueOptions, Job, JobContext, JobRow, QueueError, Worker, WorkerOptions, Workers};
use platform::testing::TestDb;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::eventually;

/// A job that does what the test says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    pub key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
}

impl JobArgs for Step {
    const KIND: &'static str = "step";
    const MAX_ATTEMPTS: u16 = 3;
    const TIMEOUT: Duration = Duration::from_secs(20);
    const BACKOFF_BASE: Duration = Duration::from_millis(20);
    const BACKOFF_MAX: Duration = Duration::from_millis(100);

    fn unique_key(&self) -> Option<String> {
        self.key.clone()
    }

    fn limits(&self) -> Vec<Limit> {
        self.limits.clone()
    }
}

pub fn step(name: &str) -> Step {
    Step { name: name.to_owned(), key: None, limits: Vec::new() }
}

type Work = dyn Fn(Step, JobContext) -> BoxFuture<'static, Outcome> + Send + Sync;

/// A worker made of a closure.
#[derive(Clone)]
pub struct Does(Arc<Work>);

pub fn does<F: Future<Output = Outcome> + Send + 'static>(work: impl Fn(Step, JobContext) -> F + Send + Sync + 'static) -> Does {
    Does(Arc::new(move |step, context| work(step, context).boxed()))
}

impl Worker<Step> for Does {
    async fn work(&self, args: Step, context: JobContext) -> Outcome {
        (self.0)(args, context).await
    }
}

/// A running program.
pub struct Runner {
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), QueueError>>,
}

impl Runner {
    pub fn start(pool: &PgPool, work: Does) -> Self {
        Self::with(pool, Workers::new().add(work), options())
    }

    pub fn with(pool: &PgPool, workers: Workers, options: WorkerOptions) -> Self {
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(queue::run(pool.clone(), workers, options, shutdown.clone()));
        Self { shutdown, running }
    }

    pub fn kill(self) {
        self.running.abort();
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.running)
            .await
            .expect("the program stops in time")
            .expect("no panic")
            .expect("no error");
    }
}

pub fn options() -> WorkerOptions {
    WorkerOptions { concurrency: 4, poll: Duration::from_millis(50), lease: Duration::from_secs(3), ..WorkerOptions::default() }
}

/// What a program takes that is no runner.
pub fn taking(lease: Duration) -> Claim {
    Claim { kinds: vec![Step::KIND.to_owned()], worker: "by hand".to_owned(), lease }
}

/// Claims from the default lane what is due by now.
pub async fn claim(pool: &PgPool, claim: &Claim, jobs: usize) -> Result<Vec<Job>, QueueError> {
    queue::stage(pool).await?;
    queue::claim(pool, claim, &[(Lane::Default, jobs)]).await
}

pub async fn add(pool: &PgPool, args: &impl JobArgs) -> JobId {
    let mut connection = pool.acquire().await.expect("connect");
    queue::enqueue(&mut connection, args, EnqueueOptions::default()).await.expect("enqueue").id
}

pub async fn show(pool: &PgPool, id: JobId) -> JobRow {
    queue::show(pool, id).await.expect("the job")
}

pub async fn until(pool: &PgPool, id: JobId, state: &str) -> JobRow {
    eventually(&format!("job {id} is {state}"), async || Some(show(pool, id).await).filter(|job| job.state == state)).await
}

/// Sees and ends the connections of every role.
pub async fn superuser(db: &TestDb) -> PgPool {
    sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with(db.options(Role::Superuser)).await.expect("connect")
}

/// The texts of a job's failures.
pub fn failures(job: &JobRow) -> Vec<String> {
    let errors = job.errors.as_array().expect("a list");
    errors.iter().map(|error| error["error"].as_str().expect("a text").to_owned()).collect()
}
