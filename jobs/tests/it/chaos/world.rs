//! A database of its own, programs on it, someone who brings them work, and the ledger.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::job::JobArgs;
use platform::data_dir::DataDir;
use platform::database::MIGRATOR;
use platform::database::begin;
use platform::embedded::{Cluster, Role};
use platform::queue::{self, EnqueueOptions};
use platform::testing::SilentSocket;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions as _, PgPool};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::program::{Effect, Setup};

pub struct World {
    pub data: DataDir,
    /// As whoever may end connections.
    pub admin: PgPool,
    /// Who brings work.
    pub customer: PgPool,
    pub setup: Setup,
    pub workers: Vec<Child>,
    pub schedulers: Vec<Child>,
    pub proxy: SilentSocket,
    pub brought: Arc<AtomicUsize>,
    /// One for each time the server was started.
    pub clusters: Vec<Cluster>,
    /// Dead letters that are meant to be.
    pub poisoned: usize,
    closing: Arc<AtomicBool>,
    feeding: JoinHandle<()>,
    _folder: TempDir,
}

/// What the ledger says.
#[derive(Debug)]
pub struct Account {
    pub jobs: i64,
    pub ticks: i64,
    pub effects: i64,
    pub problems: Vec<String>,
}

impl World {
    pub async fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("permissions");
        let data = DataDir::at(folder.path().join("viralcast")).expect("a folder");
        let cluster = Cluster::start(&data).await.expect("a server");
        let mut owner = cluster.options(Role::Owner).connect().await.expect("connect");
        MIGRATOR.run(&mut owner).await.expect("migrations");
        let ledger =
            "create table ledger (name text not null, attempt integer not null, at timestamptz not null default clock_timestamp())";
        sqlx::raw_sql(ledger).execute(&mut owner).await.expect("a ledger");

        let options = cluster.options(Role::Work);
        let proxy = SilentSocket::start(&folder.path().join("proxy"), &options).expect("a socket");
        let url = |folder: &std::path::Path| {
            format!("postgres://viralcast_work@localhost:{}/viralcast?host={}&sslmode=disable", options.get_port(), folder.display())
        };
        let setup = Setup {
            url: url(options.get_socket().expect("a socket")),
            listen_url: url(&folder.path().join("proxy")),
            clock_file: folder.path().join("clock"),
            log: std::env::var_os("CHAOS_LOG").map_or_else(|| folder.path().join("log"), Into::into),
        };
        let pool = |role| {
            let most = PgPoolOptions::new().max_connections(3).acquire_timeout(Duration::from_secs(3));
            most.connect_lazy_with(cluster.options(role))
        };
        let (customer, closing, brought) = (pool(Role::Work), Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let feeding = tokio::spawn(feed(customer.clone(), Arc::clone(&closing), Arc::clone(&brought)));
        Self {
            workers: (0..2).map(|_| setup.start("work")).collect(),
            schedulers: (0..2).map(|_| setup.start("schedule")).collect(),
            admin: pool(Role::Superuser),
            clusters: vec![cluster],
            poisoned: 0,
            _folder: folder,
            data,
            customer,
            setup,
            proxy,
            brought,
            closing,
            feeding,
        }
    }

    pub async fn run_for(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
        self.revive();
    }

    /// What any supervisor does: starts again what has ended.
    pub fn revive(&mut self) {
        for (role, programs) in [("work", &mut self.workers), ("schedule", &mut self.schedulers)] {
            for program in programs {
                if program.try_wait().expect("a child").is_some() {
                    *program = self.setup.start(role);
                }
            }
        }
    }

    /// How long it takes until work that was brought after `since` is done.
    pub async fn until_effects(&mut self, since: Instant, patience: Duration) -> Duration {
        let mark = format!("mark {}", domain::ids::JobId::new());
        bring(&self.customer, &Effect { name: mark.clone(), ..Effect::default() }, &self.brought).await;
        loop {
            self.revive();
            let done = sqlx::query_scalar::<_, i64>("select count(*) from ledger where name = $1").bind(&mark).fetch_one(&self.admin).await;
            if done.unwrap_or(0) > 0 {
                return since.elapsed();
            }
            assert!(since.elapsed() < patience, "nothing works again after {:?}; the programs say: {}", since.elapsed(), self.last_words());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.setup.log).unwrap_or_default();
        log.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect()
    }

    /// Stops bringing work, waits for the rest, and closes the books.
    pub async fn end(mut self) -> Account {
        self.closing.store(true, Ordering::SeqCst);
        (&mut self.feeding).await.expect("no panic");
        // First those who make ticks, then those who do them.
        self.schedulers.iter_mut().for_each(kill);
        let began = Instant::now();
        loop {
            let left: i64 = self.count("select count(*) from jobs where finished_at is null").await;
            if left == 0 {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{left} jobs never end; the programs say: {}", self.last_words());
            for worker in &mut self.workers {
                if worker.try_wait().expect("a child").is_some() {
                    *worker = self.setup.start("work");
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.workers.iter_mut().for_each(kill);
        self.account().await
    }

    async fn account(&self) -> Account {
        let mut problems = Vec::new();
        let mut must_be_empty = async |what: &str, sql: &'static str| {
            let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&self.admin).await.expect("the books");
            problems.extend(found.into_iter().map(|one| format!("{what}: {one}")));
        };
        must_be_empty("done more than once", "select name from ledger group by name having count(*) > 1").await;
        must_be_empty(
            "completed without its effect",
            "select args ->> 'name' from jobs where kind in ('effect', 'new_effect') and state = 'completed'
             and not exists (select from ledger where ledger.name = jobs.args ->> 'name')",
        )
        .await;
        must_be_empty(
            "an effect of no completed job",
            "select name from ledger where not exists (select from jobs where args ->> 'name' = ledger.name and state = 'completed')",
        )
        .await;
        must_be_empty("ended badly", "select coalesce(args ->> 'name', kind) || ' ' || state || ' ' || errors::text from jobs where kind <> 'poison' and state <> 'completed'").await;
        must_be_empty("more attempts than allowed", "select kind from jobs where attempt > max_attempts").await;
        must_be_empty(
            "a tick missing after",
            "select fire_at::text from (select fire_at, lead(fire_at) over (order by fire_at) as next from schedule_ticks) as ticks
             where next <> fire_at + interval '2 seconds'",
        )
        .await;
        must_be_empty(
            "a tick without its effect, or early",
            "select fire_at::text
             from schedule_ticks
             left join jobs on jobs.id = job_id
             left join ledger on ledger.name = jobs.args ->> 'name'
             where ledger.at is null or ledger.at < fire_at",
        )
        .await;
        let poisoned = self.count("select count(*) from jobs where kind = 'poison' and state = 'discarded' and attempt = 3").await;
        if poisoned != i64::try_from(self.poisoned).expect("few") {
            problems.push(format!("{poisoned} of {} poison jobs are dead letters after three attempts", self.poisoned));
        }
        let brought = self.brought.load(Ordering::SeqCst) as i64;
        let jobs = self.count("select count(*) from jobs where kind in ('effect', 'new_effect')").await;
        let ticks = self.count("select count(*) from schedule_ticks").await;
        if jobs != brought + ticks {
            problems.push(format!("{brought} jobs were brought and {ticks} ticked, {jobs} are there"));
        }
        Account { jobs, ticks, effects: self.count("select count(*) from ledger").await, problems }
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.admin).await.expect("the books")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.workers.iter_mut().chain(&mut self.schedulers).for_each(kill);
    }
}

pub fn kill(program: &mut Child) {
    // It may have ended by itself.
    let _ = program.kill();
    let _ = program.wait();
}

/// Work of all sorts, twenty a second.
async fn feed(pool: PgPool, closing: Arc<AtomicBool>, brought: Arc<AtomicUsize>) {
    let mut groups: HashMap<usize, String> = HashMap::new();
    for n in 0.. {
        if closing.load(Ordering::SeqCst) {
            return;
        }
        let group = (n % 4 == 0).then(|| groups.entry(n % 3).or_insert_with(|| format!("group {}", n % 3)).clone());
        bring(&pool, &Effect { name: format!("work {n}"), fails: u16::from(n % 10 == 0), group }, &brought).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Enqueues until it is sure. A commit whose answer was lost may have happened: that is looked up before trying again.
pub async fn bring(pool: &PgPool, args: &impl JobArgs, brought: &AtomicUsize) {
    let name = serde_json::to_value(args).expect("JSON")["name"].as_str().expect("a name").to_owned();
    loop {
        let attempt = async {
            let mut tx = begin(pool).await?;
            let there: bool =
                sqlx::query_scalar("select exists (select from jobs where args ->> 'name' = $1)").bind(&name).fetch_one(&mut *tx).await?;
            if !there {
                queue::enqueue(&mut tx, args, EnqueueOptions::default()).await.map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
            }
            tx.commit().await
        };
        if attempt.await.is_ok() {
            brought.fetch_add(1, Ordering::SeqCst);
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
