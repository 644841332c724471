//! `viralcast queue bench`: what this database carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use domain::job::{JobArgs, Outcome};
use platform::queue::{self, EnqueueOptions, JobContext, NewJob, Worker, WorkerOptions, Workers};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// Measure how many jobs this database carries: of an own kind, which is removed afterwards
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast queue bench --jobs 20000 --wait-ms 1")]
pub struct BenchArguments {
    /// Jobs to burn down
    #[arg(long, default_value_t = 20_000)]
    jobs: u64,
    /// Jobs at the same time
    #[arg(long, default_value_t = 256)]
    in_flight: usize,
    /// How long each job waits; 0 for none
    #[arg(long, default_value_t = 1, value_name = "MILLISECONDS")]
    wait_ms: u64,
    /// Instead of a burn-down: add this many a second to idle workers and measure from add to start
    #[arg(long, value_name = "JOBS")]
    rate: Option<f64>,
    /// How long to add jobs at the rate
    #[arg(long, default_value_t = 10.0, requires = "rate")]
    seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct Bench {
    /// Microseconds of the epoch.
    added: i64,
}

impl JobArgs for Bench {
    const KIND: &'static str = "queue_bench";
    const MAX_ATTEMPTS: u16 = 1;
    const IS_KEPT: bool = false;
}

/// Jobs that are due within a tick are added together.
const TICK: Duration = Duration::from_millis(5);
/// Not counted: connections open, plans are made.
const WARM_UP: f64 = 1.0;

struct BenchWorker {
    wait: Duration,
    /// Of each job, when it started and how long it took from add to start.
    started: mpsc::UnboundedSender<(Instant, i64)>,
    ended: Arc<AtomicU64>,
}

impl Worker<Bench> for BenchWorker {
    async fn work(&self, args: Bench, _: JobContext) -> Outcome {
        // The receiver outlives the workers.
        let _ = self.started.send((Instant::now(), Utc::now().timestamp_micros() - args.added));
        if !self.wait.is_zero() {
            tokio::time::sleep(self.wait).await;
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
        Outcome::Done
    }
}

impl BenchArguments {
    pub async fn run(&self, context: &Context) -> anyhow::Result<()> {
        let pool = context.db.work();
        queue::forget_kind(pool, Bench::KIND).await?;
        let measured = match self.rate {
            None => self.burn_down(pool).await,
            Some(rate) => self.latency(pool, rate).await,
        };
        queue::forget_kind(pool, Bench::KIND).await?;
        let measured = measured?;
        if context.json {
            println!("{measured}");
            return Ok(());
        }
        for (name, value) in measured.as_object().into_iter().flatten() {
            println!("{name:>16}  {value}");
        }
        Ok(())
    }

    async fn burn_down(&self, pool: &PgPool) -> anyhow::Result<serde_json::Value> {
        let mut connection = pool.acquire().await?;
        let mut left = self.jobs;
        while left > 0 {
            let batch = left.min(10_000);
            let jobs: Result<Vec<NewJob>, _> =
                (0..batch).map(|_| NewJob::of(&Bench { added: Utc::now().timestamp_micros() }, EnqueueOptions::default())).collect();
            queue::enqueue_all(&mut connection, &jobs?).await?;
            left -= batch;
        }
        drop(connection);
        let program = Program::start(pool, self);
        program.until(self.jobs, pool).await?;
        let ended = Instant::now();
        let started = program.stop().await?;
        let first = started.iter().map(|(at, _)| *at).min().unwrap_or(ended);
        let seconds = (ended - first).as_secs_f64();
        Ok(json!({ "jobs": self.jobs, "seconds": seconds, "jobs_per_second": self.jobs as f64 / seconds }))
    }

    async fn latency(&self, pool: &PgPool, rate: f64) -> anyhow::Result<serde_json::Value> {
        let program = Program::start(pool, self);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (begin, mut added, mut adding) = (Instant::now(), 0, tokio::task::JoinSet::new());
        // An open loop: what is due by now is added, however slow the database is.
        while begin.elapsed().as_secs_f64() < WARM_UP + self.seconds {
            let due = (begin.elapsed().as_secs_f64() * rate) as u64;
            if due > added {
                let args = Bench { added: Utc::now().timestamp_micros() };
                let jobs: Result<Vec<NewJob>, _> = (added..due).map(|_| NewJob::of(&args, EnqueueOptions::default())).collect();
                let (jobs, pool) = (jobs?, pool.clone());
                adding.spawn(async move { anyhow::Ok(queue::enqueue_all(&mut *pool.acquire().await?, &jobs).await?) });
                added = due;
            }
            tokio::time::sleep(TICK).await;
        }
        while let Some(added) = adding.join_next().await {
            added??;
        }
        let seconds = begin.elapsed().as_secs_f64();
        program.until(added, pool).await?;
        let counted = begin + Duration::from_secs_f64(WARM_UP);
        let started = program.stop().await?.into_iter().filter(|(at, _)| *at >= counted);
        let mut waits: Vec<f64> = started.map(|(_, micros)| micros as f64 / 1000.0).collect();
        waits.sort_by(f64::total_cmp);
        let at = |share: f64| waits.get(((waits.len() as f64 - 1.0) * share) as usize).copied().unwrap_or_default();
        Ok(json!({
            "jobs": added, "rate": added as f64 / seconds, "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0),
        }))
    }
}

struct Program {
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), queue::QueueError>>,
    started: mpsc::UnboundedReceiver<(Instant, i64)>,
    ended: Arc<AtomicU64>,
}

impl Program {
    fn start(pool: &PgPool, arguments: &BenchArguments) -> Self {
        let (shutdown, ended) = (CancellationToken::new(), Arc::<AtomicU64>::default());
        let (sender, started) = mpsc::unbounded_channel();
        let worker = BenchWorker { wait: Duration::from_millis(arguments.wait_ms), started: sender, ended: Arc::clone(&ended) };
        let options = WorkerOptions { concurrency: arguments.in_flight, ..WorkerOptions::default() };
        let running = tokio::spawn(queue::run(pool.clone(), Workers::new().add(worker), options, shutdown.clone()));
        Self { shutdown, running, started, ended }
    }

    /// Until that many jobs have ended and the database knows it.
    async fn until(&self, jobs: u64, pool: &PgPool) -> anyhow::Result<()> {
        while self.ended.load(Ordering::Relaxed) < jobs {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        while queue::unfinished(pool, Bench::KIND).await? > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    async fn stop(mut self) -> anyhow::Result<Vec<(Instant, i64)>> {
        self.shutdown.cancel();
        self.running.await??;
        let mut started = Vec::new();
        while let Ok(one) = self.started.try_recv() {
            started.push(one);
        }
        Ok(started)
    }
}
