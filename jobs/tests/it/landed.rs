//! Landed weather records are parsed again by programs that die: at every checkpoint and between them.
//!
//! Small in `make test`; `make bench-reparse` takes three years of five hundred regions and measures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, Utc};
use ingest::feed::Days as Window;
use ingest::take::reparse;
use jobs::Nightly;
use jobs::backfill::{self, Mode, Request};
use platform::db::raw_records::{NewRawRecord, land_raw_record};
use platform::objects::{ObjectError, ObjectKey, Objects, StoredObjects};
use platform::queue::{self, WorkerOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use standin::services::{Context, Services, bmkg};
use standin::world::{World, simulate};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::shop::{Shop, date};

const SOURCE: &str = "bmkg_forecast";
const LAST_DAY: &str = "2026-06-15";
/// Days between two checkpoints of a scope.
const CHECKPOINT: u64 = 7;
/// A village of the stand-in's world; the others tell the same under their own codes.
const VILLAGE: &str = "32.73.09.1001";

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What the stand-in of BMKG answers on each of the days before the last.
async fn replies(days: u64) -> Vec<(DateTime<Utc>, String)> {
    let world = Arc::new(simulate(7, date(LAST_DAY), World::definition()).expect("a world"));
    let mut replies = Vec::new();
    for day in (0..days).rev() {
        let now = (date(LAST_DAY) - Days::new(day)).and_hms_opt(6, 0, 0).expect("a time").and_utc();
        // A context of its own each: its limiter knows no days.
        let router = Services::default().add(bmkg::service()).router(&Context::new(Arc::clone(&world)).at(now));
        let request = axum::http::Request::get(format!("/bmkg/publik/prakiraan-cuaca?adm4={VILLAGE}")).body(axum::body::Body::empty());
        let response = router.oneshot(request.expect("a request")).await.expect("infallible");
        assert_eq!(response.status(), 200, "{now}");
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        replies.push((now, String::from_utf8(bytes.to_vec()).expect("UTF-8")));
    }
    replies
}

fn region(place: u64) -> String {
    format!("32.{:02}.{:02}.{:04}", 10 + place / 100, 1 + place / 10 % 10, 1001 + place % 10)
}

/// Lands a record for each region and day, as asking would have.
async fn land(shop: &Shop, folder: &Path, replies: &[(DateTime<Utc>, String)], regions: u64) {
    let mut connection = shop.work().await;
    let (mut days, mut texts, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..regions {
        let region = region(place);
        for (now, reply) in replies {
            let bytes = reply.replace(VILLAGE, &region).into_bytes();
            let key = ObjectKey::of_content(&bytes);
            let path = folder.join(key.as_str());
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("written");
            days.push(*now);
            texts.push(region.clone());
            keys.push(key);
        }
        if place == 0 {
            // By the front door once, so that the others are certain to look alike.
            let of = |now: DateTime<Utc>, key: &ObjectKey| NewRawRecord {
                source: SOURCE.to_owned(),
                scope: region.clone(),
                status: Some(200),
                content_hash: key.hash().expect("a hash"),
                object_key: key.to_string(),
                ..NewRawRecord::fetched(now)
            };
            for (now, key) in days.drain(..).zip(keys.drain(..)) {
                land_raw_record(&mut connection, &of(now, &key)).await.expect("landed");
            }
            texts.clear();
        }
        if texts.len() > 20_000 || place + 1 == regions {
            let statement =
                "insert into raw_records (source, scope, status, content_hash, content_length, object_key, fetched_at, recorded_at)
                             select $1, scope, 200, hash, 0, key, at, at
                             from unnest($2::text[], $3::bytea[], $4::text[], $5::timestamptz[]) as landed (scope, hash, key, at)";
            let hashes: Vec<Vec<u8>> = keys.iter().map(|key| key.hash().expect("a hash").to_vec()).collect();
            let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
            sqlx::query(statement)
                .bind(SOURCE)
                .bind(&texts)
                .bind(hashes)
                .bind(names)
                .bind(&days)
                .execute(&mut *connection)
                .await
                .expect("landed");
            (days, texts, keys) = (Vec::new(), Vec::new(), Vec::new());
        }
    }
}

/// Objects that end their program at the n-th that is read.
struct Deadly {
    objects: StoredObjects,
    left: AtomicU64,
}

#[async_trait]
impl Objects for Deadly {
    async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, ObjectError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // No destructor runs and nothing is handed back, as with SIGKILL.
            std::process::abort();
        }
        self.objects.get(key).await
    }

    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.objects.put(key, bytes).await
    }

    async fn exists(&self, key: &ObjectKey) -> Result<bool, ObjectError> {
        self.objects.exists(key).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        self.objects.delete(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectKey>, ObjectError> {
        self.objects.list(prefix).await
    }

    async fn put_file(&self, path: &Path) -> Result<(ObjectKey, u64), ObjectError> {
        self.objects.put_file(path).await
    }

    fn local_path(&self, key: &ObjectKey) -> Option<PathBuf> {
        self.objects.local_path(key)
    }
}

/// A worker in a process of its own that dies at the n-th record it reads; never with 0.
fn worker(shop: &Shop, folder: &Path, dies_at: u64) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["landed::child", "--exact", "--ignored", "--nocapture"])
        .env("LANDED_URL", shop.url())
        .env("LANDED_OBJECTS", folder)
        .env("LANDED_DIES_AT", dies_at.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a program")
}

#[test]
#[ignore = "a program of the test, not a test"]
fn child() {
    let Ok(url) = std::env::var("LANDED_URL") else { return };
    let folder = PathBuf::from(std::env::var("LANDED_OBJECTS").expect("set by the test"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options: PgConnectOptions = url.parse().expect("a URL");
        let pool = PgPoolOptions::new().max_connections(6).connect_lazy_with(options);
        let objects = StoredObjects::folder(&folder).expect("an object store");
        let objects = Arc::new(Deadly { objects, left: AtomicU64::new(number("LANDED_DIES_AT", 0)) });
        let nightly = crate::shop::nightly_over(pool.clone(), objects);
        let options = WorkerOptions {
            concurrency: number("LANDED_AT_ONCE", 1) as usize,
            lease: Duration::from_secs(2),
            poll: Duration::from_millis(200),
            ..WorkerOptions::default()
        };
        queue::run(pool, jobs::workers::all(&nightly), options, CancellationToken::new()).await.expect("no error");
    });
}

/// Rows and a digest of all values of each region.
async fn facts(shop: &Shop) -> BTreeMap<String, (i64, String)> {
    let text = "select region, count(*),
                       md5(string_agg(concat_ws('|', target_date, issued_at, available_at, temperature_c, rain_mm, humidity_percent, wind_ms),
                                      ',' order by target_date, issued_at))
                from weather_forecasts where source = $1 group by region";
    let rows: Vec<(String, i64, String)> = sqlx::query_as(text).bind(SOURCE).fetch_all(shop.db.work()).await.expect("facts");
    rows.into_iter().map(|(region, count, digest)| (region, (count, digest))).collect()
}

async fn nightly_of(shop: &Shop, folder: &Path) -> Nightly {
    Nightly { objects: Arc::new(StoredObjects::folder(folder).expect("an object store")), ..shop.nightly() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn landed_records_are_parsed_again_once_by_programs_that_die_at_every_checkpoint() {
    let (regions, days) = (number("LANDED_REGIONS", 2), number("LANDED_DAYS", 28));
    let (shop, calm) = (Shop::empty().await, Shop::empty().await);
    let folder = tempfile::tempdir().expect("a folder");
    let replies = replies(days).await;
    land(&shop, folder.path(), &replies, regions).await;
    land(&calm, folder.path(), &replies, 1).await;

    // One region in one go says what all must come to.
    let (first, end): (NaiveDate, NaiveDate) = (date(LAST_DAY) - Days::new(days - 1), date(LAST_DAY) + Days::new(1));
    let sources = ingest::sources::all();
    let bmkg = sources.find(SOURCE).expect("registered");
    let undisturbed = nightly_of(&calm, folder.path()).await;
    let taken = reparse(undisturbed.workshop(), bmkg, &region(0), Window { first, end }).await.expect("parsed");
    assert_eq!((taken.records, taken.unreadable, taken.quarantined), (days, 0, 0));
    let expected = facts(&calm).await.remove(&region(0)).expect("the region");
    calm.close().await;

    let nightly = nightly_of(&shop, folder.path()).await;
    let request = Request {
        asset: SOURCE.to_owned(),
        first_day: first,
        end_day: end,
        scopes: Vec::new(),
        mode: Mode::All,
        is_reversed: false,
        rehearse: 0,
    };
    let asset = backfill::asset(&nightly, SOURCE).expect("an asset");
    let plan = backfill::plan(&nightly.work, &asset, request).await.expect("a plan");
    assert_eq!(plan.partitions as u64, regions * days);
    let id = backfill::start(&nightly, &plan, None).await.expect("a start").expect("something to make");

    // Made one after the other, each program lives to see one checkpoint and dies at one of the records before the next.
    let (began, mut deaths) = (Instant::now(), 0);
    let lives = number("LANDED_LIFE", CHECKPOINT + 1);
    let find = async || backfill::find(&nightly, id).await.expect("the backfill");
    while find().await.finished_at.is_none() {
        let mut program = worker(&shop, folder.path(), lives + deaths % CHECKPOINT);
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if program.try_wait().expect("a state").is_some() {
                deaths += 1;
                time_passes(&shop).await;
                break;
            }
            if find().await.finished_at.is_some() {
                program.kill().expect("ended");
                program.wait().expect("ended");
                break;
            }
        }
        assert!(began.elapsed() < Duration::from_secs(number("LANDED_SECONDS", 200)), "after {deaths} deaths: {:?}", find().await);
    }
    let seconds = began.elapsed().as_secs_f64();
    let ended = find().await;
    assert_eq!((ended.state.as_str(), ended.done_count as u64, ended.failed_count), ("published", regions * days, 0));
    let wanted = if lives == CHECKPOINT + 1 { regions * days / CHECKPOINT - 1 } else { regions * days / lives / 2 };
    assert!(deaths >= wanted, "only {deaths} programs died");

    let all = facts(&shop).await;
    assert_eq!(all.len() as u64, regions, "no region is lost");
    let wrong: Vec<_> = all.iter().filter(|(_, told)| **told != expected).map(|(region, (count, _))| (region, count)).collect();
    assert!(wrong.is_empty(), "each is {} rows as if nothing had died, but not {wrong:?}", expected.0);
    told(&format!(
        "{} records of {regions} regions over {days} days, {} rows: {seconds:.0} s ({:.0} records/s) and {deaths} programs that died; \
         no row lost, none twice",
        regions * days,
        regions as i64 * expected.0,
        (regions * days) as f64 / seconds
    ));
    shop.close().await;
}

/// The leases of the dead end, and the pauses after that.
async fn time_passes(shop: &Shop) {
    let pool = shop.db.work();
    sqlx::query("update jobs set lease_until = clock_timestamp() where state = 'running'").execute(pool).await.expect("leases end");
    queue::rescue(pool).await.expect("rescued");
    sqlx::query("update jobs set run_at = clock_timestamp() where state = 'retryable'").execute(pool).await.expect("pauses end");
}

#[expect(clippy::print_stdout, reason = "what the large run measures")]
fn told(text: &str) {
    println!("{text}");
}
