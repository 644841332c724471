//! Thirty nights of one small store on a simulated clock, by the real scheduler and the real queue, and every night something
//! else is down, slow or garbage: each day has its plan by 04:30, on the rung that is expected.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{Days, NaiveDate, NaiveTime};
use domain::Rung;
use jobs::Nightly;
use jobs::nightly::Settings;
use jobs::scheduler::{self, Schedule};
use jobs::workers::KINDS;
use platform::database::begin;
use platform::db::forecasts::forecasts_of_run;
use platform::db::published_runs::{PublishedRun, published_run};
use platform::db::runs::get_run;
use platform::db::weather_forecasts::insert_weather_forecasts;
use platform::objects::{ObjectError, ObjectKey, Objects, StoredObjects};
use platform::queue::{self, QueueError, WorkerOptions, Workers};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::shop::{NIGHT, Shop, date, issue, rain};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    ObjectsDown,
    ObjectsSlow,
    /// And no models tonight, so that kept ones are asked for.
    ObjectsGarbage,
    ModelsDown,
    DatabaseSlow,
    /// Sales can't be read until after 04:20.
    SalesUnreadable,
    WorkerKilled,
    ConnectionsKilled,
    /// Workers that fit models are all away until after 04:20.
    NightWorkersDown,
    WeatherDown,
    WeatherGarbage,
    SalesLate,
}

impl Fault {
    const ALL: [Self; 13] = [
        Self::Nothing,
        Self::ObjectsDown,
        Self::ModelsDown,
        Self::ObjectsSlow,
        Self::SalesUnreadable,
        Self::WorkerKilled,
        Self::WeatherDown,
        Self::ObjectsGarbage,
        Self::DatabaseSlow,
        Self::NightWorkersDown,
        Self::WeatherGarbage,
        Self::ConnectionsKilled,
        Self::SalesLate,
    ];

    /// The rung on the screen at 04:30, and the one that follows when the fault is gone.
    fn rungs(self) -> (Rung, Option<Rung>) {
        match self {
            Self::ModelsDown => (Rung::LastModel, None),
            Self::ObjectsGarbage => (Rung::LastPublished, None),
            Self::SalesUnreadable => (Rung::LastPublished, Some(Rung::Fresh)),
            Self::NightWorkersDown => (Rung::LastModel, Some(Rung::Fresh)),
            _ => (Rung::Fresh, None),
        }
    }
}

/// An object store with moods.
#[derive(Clone)]
struct MoodyObjects {
    inner: StoredObjects,
    mood: Arc<AtomicU8>,
}

const DOWN: u8 = 1;
const SLOW: u8 = 2;
const GARBAGE: u8 = 3;

impl MoodyObjects {
    async fn answer(&self) -> Result<(), ObjectError> {
        match self.mood.load(Ordering::SeqCst) {
            DOWN => Err(ObjectError::Folder { path: "gone".to_owned(), source: std::io::Error::other("the disk is gone") }),
            SLOW => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Objects for MoodyObjects {
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.answer().await?;
        self.inner.put(key, bytes).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, ObjectError> {
        self.answer().await?;
        let bytes = self.inner.get(key).await?;
        Ok(if self.mood.load(Ordering::SeqCst) == GARBAGE { bytes.into_iter().rev().collect() } else { bytes })
    }

    async fn exists(&self, key: &ObjectKey) -> Result<bool, ObjectError> {
        self.answer().await?;
        self.inner.exists(key).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        self.answer().await?;
        self.inner.delete(key).await
    }

    async fn put_file(&self, path: &Path) -> Result<(ObjectKey, u64), ObjectError> {
        self.answer().await?;
        self.inner.put_file(path).await
    }

    fn local_path(&self, key: &ObjectKey) -> Option<PathBuf> {
        self.inner.local_path(key)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectKey>, ObjectError> {
        self.answer().await?;
        self.inner.list(prefix).await
    }
}

/// A worker program.
struct Program {
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), QueueError>>,
}

impl Program {
    fn start(pool: &PgPool, workers: Workers) -> Self {
        let shutdown = CancellationToken::new();
        let options =
            WorkerOptions { concurrency: 2, poll: Duration::from_millis(100), lease: Duration::from_secs(2), ..WorkerOptions::default() };
        Self { running: tokio::spawn(queue::run(pool.clone(), workers, options, shutdown.clone())), shutdown }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("no panic").expect("no error");
    }
}

struct Story {
    shop: Shop,
    objects: MoodyObjects,
    superuser: PgPool,
    schedules: Vec<Schedule>,
}

impl Story {
    async fn begin() -> Self {
        let shop = Shop::open().await;
        let objects = MoodyObjects { inner: shop.objects(), mood: Arc::default() };
        let schedule = |name, text| Schedule::parse(name, text, &KINDS).expect("a schedule");
        let schedules = vec![
            schedule("nightly", include_str!("../../../schedules/nightly.toml")),
            schedule("promise", include_str!("../../../schedules/promise.toml")),
        ];
        Self { superuser: shop.superuser().await, shop, objects, schedules }
    }

    fn nightly(&self, fault: Fault) -> Nightly {
        let nightly = Nightly { objects: Arc::new(self.objects.clone()), ..self.shop.nightly() };
        if !matches!(fault, Fault::ModelsDown | Fault::ObjectsGarbage) {
            return nightly;
        }
        let engine = nightly.settings.engine.clone().with_models(vec!["no such model".to_owned()]);
        Nightly { settings: Settings { engine, ..nightly.settings.clone() }, ..nightly }
    }

    /// The clock of the shop's wall shows this.
    async fn at(&self, night: NaiveDate, time: (u32, u32)) {
        let wall = night.and_time(NaiveTime::from_hms_opt(time.0, time.1, 1).expect("a time"));
        self.shop.clock.set((wall - chrono::TimeDelta::hours(7)).and_utc());
        scheduler::look(self.shop.db.work(), &self.shop.clock.shared(), &self.schedules, "test").await.expect("a look");
    }

    async fn day_passes(&self, yesterday: NaiveDate, fault: Fault, late: &mut Vec<NaiveDate>) {
        if fault == Fault::SalesLate {
            late.push(yesterday);
        } else {
            for day in late.drain(..).chain([yesterday]) {
                self.shop.tell_at(&self.shop.sales_on(day), self.shop.clock.shared().now()).await;
            }
        }
        if fault != Fault::WeatherDown {
            let garbage = fault == Fault::WeatherGarbage;
            let issues: Vec<_> = (0..3)
                .map(|ahead| {
                    let mut row = issue(yesterday, ahead, if garbage { 1e9 } else { rain(yesterday + Days::new(ahead)) });
                    if garbage {
                        row.temperature_c = Some(-89.0);
                    }
                    row
                })
                .collect();
            insert_weather_forecasts(&mut *self.shop.work().await, "test", None, &issues).await.expect("weather");
        }
    }

    async fn night(&self, night: NaiveDate, fault: Fault) -> (PublishedRun, Rung) {
        let mood = match fault {
            Fault::ObjectsDown => DOWN,
            Fault::ObjectsSlow => SLOW,
            Fault::ObjectsGarbage => GARBAGE,
            _ => 0,
        };
        self.objects.mood.store(mood, Ordering::SeqCst);
        let pool = self.shop.db.work();
        let all = || jobs::workers::all(&self.nightly(fault));
        let mut lock = None;
        match fault {
            Fault::SalesUnreadable => self.admin("alter table sales_daily rename to sales_daily_gone").await,
            Fault::DatabaseSlow => {
                let mut tx = begin(&self.superuser).await.expect("a transaction");
                sqlx::raw_sql("lock table sales_daily").execute(&mut *tx).await.expect("a lock");
                lock = Some(tx);
            }
            _ => {}
        }
        self.at(night, (3, 32)).await;
        let mut program = match fault {
            Fault::NightWorkersDown => Program::start(pool, Workers::new().add(jobs::workers::keep_promise(self.nightly(fault)))),
            _ => Program::start(pool, all()),
        };
        match fault {
            Fault::DatabaseSlow => {
                tokio::time::sleep(Duration::from_millis(1500)).await;
                lock.take().expect("the lock").rollback().await.expect("an end");
            }
            Fault::WorkerKilled => {
                self.until_begun().await;
                program.running.abort();
                program = Program::start(pool, all());
            }
            Fault::ConnectionsKilled => {
                self.until_begun().await;
                self.admin(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
                )
                .await;
            }
            Fault::SalesUnreadable | Fault::NightWorkersDown => tokio::time::sleep(Duration::from_millis(300)).await,
            _ => {
                self.until_served(night, None).await;
            }
        }
        if matches!(fault, Fault::DatabaseSlow | Fault::WorkerKilled | Fault::ConnectionsKilled) {
            self.until_served(night, None).await;
        }
        self.at(night, (4, 20)).await;
        let (published, rung) = self.until_served(night, None).await;

        if let (_, Some(later)) = fault.rungs() {
            if fault == Fault::SalesUnreadable {
                self.admin("alter table sales_daily_gone rename to sales_daily").await;
            } else {
                program.stop().await;
                program = Program::start(pool, all());
            }
            self.until_served(night, Some(later)).await;
        }
        program.stop().await;
        (published, rung)
    }

    async fn admin(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.superuser).await.expect("an accident");
    }

    async fn until_begun(&self) {
        let began = Instant::now();
        let running = "select count(*) from jobs where kind = 'run_nightly' and state = 'running'";
        while sqlx::query_scalar::<_, i64>(running).fetch_one(&self.superuser).await.expect("count") == 0 {
            assert!(began.elapsed() < Duration::from_secs(20), "no night begins");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What is on the screen once it serves this day, on the rung if one is named.
    async fn until_served(&self, night: NaiveDate, rung: Option<Rung>) -> (PublishedRun, Rung) {
        let began = Instant::now();
        loop {
            if let Ok(Some(published)) = published_run(self.shop.db.work(), self.shop.store.id).await
                && published.business_date == night
            {
                let cells = forecasts_of_run(self.shop.db.work(), published.run_id).await.expect("cells");
                assert!(cells.iter().any(|cell| cell.target_date == night), "a plan without its day");
                // The badge of every number on the screen.
                let badges: BTreeMap<&str, usize> = cells.iter().map(|cell| (cell.rung.as_str(), 1)).collect();
                assert_eq!(badges.len(), 1, "{badges:?}");
                let shown: Rung = cells[0].rung.parse().expect("a rung");
                if rung.is_none_or(|rung| rung == shown) {
                    return (published, shown);
                }
            }
            if began.elapsed() > Duration::from_secs(60) {
                let jobs = queue::list(self.shop.db.work(), &queue::JobFilter { limit: Some(3), ..queue::JobFilter::default() }).await;
                panic!("{night} has no plan: {jobs:#?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_nights_of_faults_have_thirty_plans() {
    let story = Story::begin().await;
    story.at(date(NIGHT) - Days::new(1), (12, 0)).await;
    let mut late = Vec::new();
    let mut told = Vec::new();
    for number in 0..30 {
        let (night, fault) = (date(NIGHT) + Days::new(number), Fault::ALL[number as usize % Fault::ALL.len()]);
        if number > 0 {
            story.day_passes(night - Days::new(1), fault, &mut late).await;
        }
        let (published, rung) = story.night(night, fault).await;
        let run = get_run(story.shop.db.work(), published.run_id).await.expect("a query").expect("the run");
        assert_eq!(rung, fault.rungs().0, "{night}, {fault:?}: {}", run.details);
        told.push((night, published.run_id));
    }
    let kept: Vec<NaiveDate> = sqlx::query_scalar("select distinct business_date from published_run_log order by 1")
        .fetch_all(&story.superuser)
        .await
        .expect("the log");
    assert_eq!(kept, told.iter().map(|(night, _)| *night).collect::<Vec<_>>(), "one plan a day, none missing");
    // A promise that found its plan may have been handed back when its program stopped.
    let program = Program::start(story.shop.db.work(), jobs::workers::all(&story.nightly(Fault::Nothing)));
    let open = "select count(*) from jobs where state in ('available', 'running', 'discarded')";
    let began = Instant::now();
    while sqlx::query_scalar::<_, i64>(open).fetch_one(&story.superuser).await.expect("count") > 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "something is left over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    program.stop().await;
    story.superuser.close().await;
    story.shop.close().await;
}
