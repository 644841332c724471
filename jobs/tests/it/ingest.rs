//! Scheduled ingest and backfills of sources, against stand-ins of the vendors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use domain::job::IngestSource;
use jobs::Nightly;
use jobs::backfill::{self, BackfillError, Mode, MoveError, Plan, Request};
use jobs::nightly::Outside;
use platform::config::{OutsideConfig, SourcesConfig};
use platform::db::backfills::BackfillRow;
use platform::db::partition_ranges::{Made, StateCounts, gaps, mark_days};
use platform::db::source_breakers::uncovered_scopes;
use platform::db::watermarks::get_watermark;
use platform::http::Polite;
use platform::queue::{self, EnqueueOptions};
use standin::faults::Faults;
use standin::server::Server;
use standin::services::{self, Context};
use standin::world::{World, simulate};
use uuid::Uuid;

use crate::program::Program;
use crate::shop::{REGION, Shop, date};

/// Vendors that believe it is the shop's time, and a shop that asks them.
async fn open() -> (Shop, Nightly, Faults) {
    let shop = Shop::empty().await;
    let world = simulate(7, date("2026-06-16"), World::definition()).expect("a world");
    let clock = shop.clock.shared();
    let context = Context { now: Arc::new(move || clock.now()), ..Context::new(Arc::new(world)) };
    let faults = context.faults.clone();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), &services::all(), &context).await.expect("a port");
    let base = format!("http://{}", server.address());
    tokio::spawn(server.run(std::future::pending()));
    let sources = SourcesConfig::of_stand_ins(&base);
    let http = Polite::new(shop.db.work().clone(), &OutsideConfig::default()).expect("a client");
    let http = http.pausing(Duration::from_millis(1), Duration::from_millis(5));
    let nightly = shop.nightly();
    let nightly = Nightly { outside: Outside { http, sources: Arc::new(sources), ..nightly.outside.clone() }, ..nightly };
    (shop, nightly, faults)
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(90), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn jobs_in(shop: &Shop, kind: &str, state: &str) -> i64 {
    let text = "select count(*) from jobs where kind = $1 and state = $2";
    sqlx::query_scalar(text).bind(kind).bind(state).fetch_one(shop.db.work()).await.expect("a count")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedules_job_asks_about_everything_once() {
    let (shop, nightly, _faults) = open().await;
    let ask = async |source: &str| {
        let args = IngestSource { source: source.to_owned() };
        queue::enqueue(&mut *shop.work().await, &args, EnqueueOptions::default()).await.expect("a job");
    };
    ask("pihps_prices").await;
    ask("bmkg_forecast").await;
    ask("the_oracle").await;
    let program = Program::start(&nightly, 4);
    until("all have ended", async || queue::unfinished(shop.db.work(), "ingest_source").await.expect("a count") == 0).await;
    until("all windows too", async || queue::unfinished(shop.db.work(), "ingest_window").await.expect("a count") == 0).await;
    assert_eq!((jobs_in(&shop, "ingest_source", "completed").await, jobs_in(&shop, "ingest_source", "cancelled").await), (2, 1));
    // The country and the shop's province; the stand-in's world does not know the shop's village.
    assert_eq!((jobs_in(&shop, "ingest_window", "completed").await, jobs_in(&shop, "ingest_window", "cancelled").await), (2, 1));
    for scope in ["ID", "31"] {
        let mark = get_watermark(shop.db.work(), "pihps_prices", scope).await.expect("a query").expect("a watermark");
        assert_eq!(mark.complete_until, "2026-06-15T07:00:00Z".parse::<DateTime<Utc>>().expect("a time"), "Monday's survey, at 14:00 WIB");
    }
    let uncovered = uncovered_scopes(shop.db.work(), "bmkg_forecast", nightly.clock.now()).await.expect("a list");
    assert_eq!(uncovered.first().map(|(scope, _)| scope.as_str()), Some(REGION));
    ask("bmkg_forecast").await;
    until("it has ended", async || jobs_in(&shop, "ingest_source", "completed").await == 3).await;
    assert_eq!(jobs_in(&shop, "ingest_window", "cancelled").await, 1, "nobody asks for it again");
    program.stop().await;
    shop.close().await;
}

/// The watermark is young, and in May a window was given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_behind_the_watermark_is_asked_for_again() {
    let (shop, nightly, _faults) = open().await;
    let mut work = shop.work().await;
    for (first, end) in [("2026-05-04", "2026-05-11"), ("2026-05-18", "2026-06-16")] {
        mark_days(&mut work, "pihps_prices", "ID", Made::Materialised, date(first), date(end)).await.expect("marked");
    }
    let args = IngestSource { source: "pihps_prices".to_owned() };
    queue::enqueue(&mut work, &args, EnqueueOptions::default()).await.expect("a job");
    drop(work);
    let program = Program::start(&nightly, 4);
    until("it has been spread", async || queue::unfinished(shop.db.work(), "ingest_source").await.expect("a count") == 0).await;
    until("all windows have come", async || queue::unfinished(shop.db.work(), "ingest_window").await.expect("a count") == 0).await;
    program.stop().await;
    let asked = "select concat_ws(' ', args ->> 'first_day', args ->> 'end_day') from jobs
                 where kind = 'ingest_window' and args ->> 'scope' = 'ID' order by 1";
    let asked: Vec<String> = sqlx::query_scalar(asked).fetch_all(shop.db.work()).await.expect("windows");
    assert_eq!(asked, ["2026-05-11 2026-05-18", "2026-06-02 2026-06-17"], "the hole, and what may have been corrected");
    assert_eq!(gaps(shop.db.work(), "pihps_prices", date("2026-05-01"), date("2026-06-17")).await.expect("gaps"), []);
    shop.close().await;
}

fn request(first: NaiveDate, end: NaiveDate, mode: Mode) -> Request {
    let asset = "pihps_prices".to_owned();
    Request { asset, first_day: first, end_day: end, scopes: Vec::new(), mode, is_reversed: true, rehearse: 10 }
}

async fn plan(nightly: &Nightly, request: Request) -> Plan {
    let asset = backfill::asset(nightly, &request.asset).expect("an asset");
    backfill::plan(&nightly.work, &asset, request).await.expect("a plan")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_filled_backwards_by_killed_programs_and_looks_no_fresher() {
    let (shop, nightly, _faults) = open().await;
    let (first, end) = (date("2026-01-01"), date("2026-04-01"));
    let planned = plan(&nightly, request(first, end, Mode::Missing)).await;
    assert_eq!(planned.states, StateCounts { missing: 180, ..StateCounts::default() }, "the country and a province");
    assert_eq!((planned.external_calls, planned.quota_minutes), (6, 0.1), "a month a call, a call a second");
    let id = backfill::start(&nightly, &planned, None).await.expect("a start").expect("something to make");
    let find = async || -> BackfillRow { backfill::find(&nightly, id).await.expect("the backfill") };
    for done in [1, 60] {
        let program = Program::start(&nightly, 4);
        until("something is done", async || find().await.done_count >= done).await;
        program.kill();
    }
    let program = Program::start(&nightly, 4);
    until("it has ended", async || find().await.finished_at.is_some()).await;
    program.stop().await;
    let ended = find().await;
    assert_eq!((ended.state.as_str(), ended.done_count, ended.failed_count), ("published", 180, 0), "{}", ended.gates);
    assert_eq!(plan(&nightly, request(first, end, Mode::Missing)).await.partitions, 0);

    let prices = "select count(*), count(distinct (commodity, region, price_date)) from market_prices where price_date < '2026-04-01'";
    let (versions, cells): (i64, i64) = sqlx::query_as(prices).fetch_one(shop.db.work()).await.expect("counts");
    assert!(cells > 2_000 && versions == cells, "{versions} versions of {cells} prices");
    let mark = get_watermark(shop.db.work(), "pihps_prices", "31").await.expect("a query").expect("a watermark");
    assert!(mark.complete_until < "2026-04-01T00:00:00Z".parse::<DateTime<Utc>>().expect("a time"), "{mark:?}");
    let refused = backfill::rollback(&nightly, id).await.expect_err("facts are there for good");
    assert!(matches!(refused, BackfillError::Moved(MoveError::NoShadow { .. })), "{refused}");
    assert!(matches!(backfill::find(&nightly, Uuid::nil()).await, Err(BackfillError::Moved(MoveError::NotFound { .. }))));
    shop.close().await;
}
