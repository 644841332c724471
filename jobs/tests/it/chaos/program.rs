//! The programs that the chaos test starts and kills: this test binary again, told its role by the environment.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::job::{JobArgs, Limit, Outcome};
use jobs::scheduler::{self, Schedule};
use jobs::workers::Kind;
use platform::clock::Clock;
use platform::database::begin;
use platform::queue::{self, JobContext, Worker, WorkerOptions, Workers};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;

/// A job with one effect: a row of the ledger.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// What the row is called; unique over the whole test.
    pub name: String,
    /// Attempts that fail.
    #[serde(default)]
    pub fails: u16,
    /// At most two of each group at a time.
    #[serde(default)]
    pub group: Option<String>,
}

impl JobArgs for Effect {
    const KIND: &'static str = "effect";
    // Every kill counts one.
    const MAX_ATTEMPTS: u16 = 60;
    const TIMEOUT: Duration = Duration::from_secs(20);
    const BACKOFF_BASE: Duration = Duration::from_millis(50);
    const BACKOFF_MAX: Duration = Duration::from_millis(500);

    fn unique_key(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn limits(&self) -> Vec<Limit> {
        self.group.iter().map(|group| Limit { key: group.clone(), count: 2 }).collect()
    }
}

/// A job that kills its program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Poison {}

impl JobArgs for Poison {
    const KIND: &'static str = "poison";
    const MAX_ATTEMPTS: u16 = 3;
    const BACKOFF_BASE: Duration = Duration::from_millis(50);
    const BACKOFF_MAX: Duration = Duration::from_millis(200);
}

/// A kind that only the newer program knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewEffect {
    pub name: String,
}

impl JobArgs for NewEffect {
    const KIND: &'static str = "new_effect";
    const MAX_ATTEMPTS: u16 = 60;
    const BACKOFF_BASE: Duration = Duration::from_millis(50);
    const BACKOFF_MAX: Duration = Duration::from_millis(500);
}

pub const SCHEDULE: &str = r#"
name = "ledger"
cron = "*/2 * * * * *"
time_zone = "UTC"
job = "effect"
args = { name = "$fire_at" }
catch_up = "all"
late_after_minutes = 1
"#;

#[derive(Clone)]
struct Accountant(PgPool);

impl Accountant {
    /// Effect and completion in one transaction.
    async fn write(&self, name: &str, context: &JobContext) -> Outcome {
        let write = async {
            let mut tx = begin(&self.0).await?;
            sqlx::query("insert into ledger (name, attempt) values ($1, $2)")
                .bind(name)
                .bind(i32::from(context.attempt))
                .execute(&mut *tx)
                .await?;
            context.complete_in(&mut tx).await?;
            tx.commit().await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        match write.await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry(error),
        }
    }
}

impl Worker<Effect> for Accountant {
    async fn work(&self, args: Effect, context: JobContext) -> Outcome {
        if context.attempt <= args.fails {
            return Outcome::Retry("told to fail".into());
        }
        // Long enough to be killed in the middle of.
        tokio::time::sleep(Duration::from_millis(20 + u64::from(args.name.len() as u32 * 7 % 60))).await;
        self.write(&args.name, &context).await
    }
}

impl Worker<NewEffect> for Accountant {
    async fn work(&self, args: NewEffect, context: JobContext) -> Outcome {
        self.write(&args.name, &context).await
    }
}

struct Poisoned;

impl Worker<Poison> for Poisoned {
    async fn work(&self, _: Poison, _: JobContext) -> Outcome {
        std::process::abort()
    }
}

/// The machine's clock, off by the seconds in a file.
#[derive(Debug)]
struct MovableClock(PathBuf);

impl Clock for MovableClock {
    fn now(&self) -> DateTime<Utc> {
        let off = std::fs::read_to_string(&self.0).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Utc::now() + TimeDelta::seconds(off)
    }

    fn is_real(&self) -> bool {
        true
    }
}

/// How a program is started.
#[derive(Debug, Clone)]
pub struct Setup {
    pub url: String,
    /// Where it listens: through something that can go silent.
    pub listen_url: String,
    pub clock_file: PathBuf,
    /// What programs say.
    pub log: PathBuf,
}

impl Setup {
    pub fn start(&self, role: &str) -> Child {
        let log = || std::fs::File::options().append(true).create(true).open(&self.log).expect("a log");
        Command::new(std::env::current_exe().expect("this program"))
            .args(["chaos::program::child", "--exact", "--ignored", "--nocapture"])
            .env("CHAOS_ROLE", role)
            .env("CHAOS_URL", &self.url)
            .env("CHAOS_LISTEN_URL", &self.listen_url)
            .env("CHAOS_CLOCK", &self.clock_file)
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .spawn()
            .expect("a program")
    }
}

#[test]
#[ignore = "a program of the chaos test, not a test"]
fn child() {
    let Ok(role) = std::env::var("CHAOS_ROLE") else { return };
    let variable = |name: &str| std::env::var(name).expect("set by the chaos test");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let pool = pool(&variable("CHAOS_URL"), 6);
        if role == "schedule" {
            let schedule = Schedule::parse("ledger", SCHEDULE, &[Kind::of::<Effect>()]).expect("a schedule");
            let clock = Arc::new(MovableClock(variable("CHAOS_CLOCK").into()));
            return scheduler::run(pool, clock, vec![schedule], CancellationToken::new()).await;
        }
        let accountant = Accountant(pool.clone());
        let mut workers = Workers::new().add::<Effect, _>(accountant.clone()).add(Poisoned);
        if role == "work new" {
            workers = workers.add::<NewEffect, _>(accountant);
        }
        let options = WorkerOptions {
            concurrency: 6,
            lease: Duration::from_secs(2),
            poll: Duration::from_millis(500),
            listen_pool: Some(self::pool(&variable("CHAOS_LISTEN_URL"), 1)),
            ..WorkerOptions::default()
        };
        queue::run(pool, workers, options, CancellationToken::new()).await.expect("no error");
    });
}

pub fn pool(url: &str, connections: u32) -> PgPool {
    let options: PgConnectOptions = url.parse().expect("a URL");
    PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(3)).connect_lazy_with(options)
}
