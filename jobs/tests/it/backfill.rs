//! Backfills of past nights: planned, made in the shadow, judged, published, rolled back; stopped and gone on with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use domain::ids::JobId;
use jobs::Nightly;
use jobs::backfill::{self, Asset, BackfillError, Made, MakeError, Mode, MoveError, Plan, Request, Scope, ScreenChange};
use jobs::nightly::Settings;
use platform::db::backfills::BackfillRow;
use platform::db::partition_ranges::{Span, StateCounts};
use platform::db::published_runs::published_run;
use platform::queue::{self, JobContext};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::program::Program;
use crate::shop::{NIGHT, Shop, at, date};

/// Nights of the second half of May.
const FROM: &str = "2026-05-20";

fn request(days: u64, mode: Mode) -> Request {
    Request {
        asset: "forecasts".to_owned(),
        first_day: date(FROM),
        end_day: date(FROM) + Days::new(days),
        scopes: Vec::new(),
        mode,
        is_reversed: false,
        rehearse: 10,
    }
}

async fn plan(nightly: &Nightly, request: Request) -> Plan {
    let asset = backfill::asset(nightly, &request.asset).expect("an asset");
    backfill::plan(&nightly.work, &asset, request).await.expect("a plan")
}

async fn start(nightly: &Nightly, request: Request) -> Uuid {
    let plan = plan(nightly, request).await;
    backfill::start(nightly, &plan, Some("test".to_owned())).await.expect("a start").expect("something to make")
}

pub async fn until(nightly: &Nightly, id: Uuid, what: impl Fn(&BackfillRow) -> bool) -> BackfillRow {
    let began = Instant::now();
    loop {
        let row = backfill::find(nightly, id).await.expect("the backfill");
        if what(&row) {
            return row;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{row:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Which run speaks for each day.
async fn days(shop: &Shop) -> BTreeMap<NaiveDate, Uuid> {
    let rows = sqlx::query_as("select business_date, run_id from published_days").fetch_all(shop.db.work()).await.expect("days");
    rows.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_is_planned_made_unseen_judged_published_and_rolled_back() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    let tonight = shop.night(NIGHT).await.expect("a night");
    let screen = published_run(shop.db.work(), shop.store.id).await.expect("a query");

    let before = queue::stats(shop.db.work()).await.expect("stats");
    let planned = plan(&nightly, request(5, Mode::Missing)).await;
    assert_eq!(planned.states, StateCounts { missing: 5, ..StateCounts::default() });
    assert_eq!((planned.partitions, planned.scopes, planned.external_calls), (5, 1, 0));
    assert!(planned.estimate.is_some() && planned.rows == Some(5.0 * 168.0), "{planned:?}");
    let [change] = planned.screens.as_slice() else { panic!("one screen: {:?}", planned.screens) };
    assert_eq!((change.business_date, change.changed), (date(NIGHT), 0), "nothing is new since tonight");
    assert_eq!(queue::stats(shop.db.work()).await.expect("stats"), before, "a plan changes nothing");

    let id = start(&nightly, request(5, Mode::Missing)).await;
    let program = Program::start(&nightly, 2);
    let ready = until(&nightly, id, |row| row.finished_at.is_some()).await;
    assert_eq!((ready.state.as_str(), ready.done_count, ready.failed_count), ("ready", 5, 0), "{}", ready.gates);
    assert_eq!((&ready.changes["new_days"], &ready.changes["cells"]), (&5.into(), &0.into()));
    let shadow =
        sqlx::query_as::<_, (NaiveDate, Uuid)>("select business_date, run_id from backfill_runs where backfill_id = $1 order by 1");
    let shadow: BTreeMap<NaiveDate, Uuid> = shadow.bind(id).fetch_all(shop.db.work()).await.expect("runs").into_iter().collect();
    assert_eq!(shadow.keys().copied().collect::<Vec<_>>(), date(FROM).iter_days().take(5).collect::<Vec<_>>());

    // Nobody sees it, and nothing looks fresher than it is.
    assert_eq!(published_run(shop.db.work(), shop.store.id).await.expect("a query"), screen);
    assert_eq!(days(&shop).await, BTreeMap::from([(date(NIGHT), tonight.run_id.0)]));
    assert_eq!(backfill::publish(&nightly, id).await.expect("a publication"), 5);
    let mut shown = shadow.clone();
    shown.insert(date(NIGHT), tonight.run_id.0);
    assert_eq!(days(&shop).await, shown);
    assert_eq!(published_run(shop.db.work(), shop.store.id).await.expect("a query"), screen, "today's screen is today's");
    let twice = backfill::publish(&nightly, id).await.expect_err("it is published");
    assert!(matches!(&twice, BackfillError::Moved(MoveError::State { state, .. }) if state == "published"), "{twice}");

    // The same range again: everything is made, and making it all the same finds the same runs.
    assert_eq!(plan(&nightly, request(5, Mode::Missing)).await.partitions, 0);
    let again = start(&nightly, request(5, Mode::All)).await;
    until(&nightly, again, |row| row.state == "ready").await;
    backfill::publish(&nightly, again).await.expect("a publication");
    assert_eq!(days(&shop).await, shown);
    assert_eq!(backfill::rollback(&nightly, id).await.expect("a rollback"), 0, "the later backfill speaks for these days now");
    assert_eq!(backfill::rollback(&nightly, again).await.expect("a rollback"), 5);
    let own = BTreeMap::from([(date(NIGHT), tonight.run_id.0)]);
    assert_eq!(days(&shop).await, own, "the first one is rolled back too: nothing speaks for these days");
    assert_eq!(backfill::publish(&nightly, id).await.expect("once more"), 5);
    assert_eq!(backfill::publish(&nightly, again).await.expect("once more"), 5);
    assert_eq!(backfill::rollback(&nightly, again).await.expect("a rollback"), 5);
    assert_eq!(days(&shop).await, shown, "back to the first one, which is published");
    program.stop().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolled_back_days_that_nothing_spoke_for_are_silent_again() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    let id = start(&nightly, request(2, Mode::Missing)).await;
    let program = Program::start(&nightly, 2);
    until(&nightly, id, |row| row.state == "ready").await;
    program.stop().await;
    assert_eq!(published_run(shop.db.work(), shop.store.id).await.expect("a query"), None, "a shadow is on no screen");
    backfill::publish(&nightly, id).await.expect("a publication");
    assert_eq!(days(&shop).await.len(), 2);
    backfill::rollback(&nightly, id).await.expect("a rollback");
    assert_eq!(days(&shop).await.len(), 0);
    assert_eq!(backfill::publish(&nightly, id).await.expect("once more"), 2);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_program_loses_at_most_the_partition_it_was_at() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    let id = start(&nightly, Request { is_reversed: true, ..request(8, Mode::Missing) }).await;
    for done in [1, 3, 6] {
        let program = Program::start(&nightly, 2);
        until(&nightly, id, |row| row.done_count >= done).await;
        program.kill();
    }
    let order = "select business_date from backfill_runs where backfill_id = $1 order by created_at";
    let program = Program::start(&nightly, 2);
    let ready = until(&nightly, id, |row| row.finished_at.is_some()).await;
    program.stop().await;
    assert_eq!((ready.state.as_str(), ready.done_count, ready.total_count), ("ready", 8, 8), "{}", ready.gates);
    let made: Vec<NaiveDate> = sqlx::query_scalar(order).bind(id).fetch_all(shop.db.work()).await.expect("runs");
    let newest_first: Vec<NaiveDate> = date(FROM).iter_days().take(8).collect::<Vec<_>>().into_iter().rev().collect();
    assert_eq!(made, newest_first, "each once, in its order");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_pauses_goes_on_and_is_cancelled() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    let id = start(&nightly, request(12, Mode::Missing)).await;
    let program = Program::start(&nightly, 2);
    until(&nightly, id, |row| row.done_count >= 1).await;
    backfill::pause(&nightly, id).await.expect("a pause");
    assert!(backfill::pause(&nightly, id).await.is_err(), "it is paused");
    // The partition under way ends.
    let under_way = "select count(*) from jobs where kind = 'fill_partitions' and state = 'running'";
    while sqlx::query_scalar::<_, i64>(under_way).fetch_one(shop.db.work()).await.expect("count") > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let paused = backfill::find(&nightly, id).await.expect("the backfill").done_count;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(backfill::find(&nightly, id).await.expect("the backfill").done_count, paused);
    backfill::resume(&nightly, id).await.expect("on");
    let on = until(&nightly, id, |row| row.done_count > paused).await;
    assert!(on.done_count < 12, "too late to cancel");
    backfill::cancel(&nightly, id).await.expect("an end");
    let began = Instant::now();
    while queue::unfinished(shop.db.work(), "fill_partitions").await.expect("count") > 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "its jobs end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ended = until(&nightly, id, |row| row.state == "cancelled").await;
    assert!(ended.done_count < 12);
    assert!(backfill::publish(&nightly, id).await.is_err());
    // What was made is made: the next plan has the rest.
    assert_eq!(plan(&nightly, request(12, Mode::Missing)).await.partitions, 12 - ended.done_count);
    program.stop().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gates_keep_a_poor_shadow_from_being_published() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    let engine = nightly.settings.engine.clone().with_models(vec!["no such model".to_owned()]);
    let broken = Nightly { settings: Settings { engine, ..nightly.settings.clone() }, ..nightly.clone() };
    let id = start(&broken, request(3, Mode::Missing)).await;
    let program = Program::start(&broken, 2);
    let refused = until(&broken, id, |row| row.finished_at.is_some()).await;
    program.stop().await;
    assert_eq!(refused.state, "refused");
    let failed: Vec<&str> = refused
        .gates
        .as_array()
        .expect("gates")
        .iter()
        .filter(|gate| gate["passed"] == false)
        .filter_map(|gate| gate["name"].as_str())
        .collect();
    assert_eq!(failed, ["fresh"], "{}", refused.gates);
    assert!(matches!(backfill::publish(&broken, id).await, Err(BackfillError::Moved(MoveError::State { .. }))));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_fail_are_named_and_can_be_made_again() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    let superuser = shop.superuser().await;
    let refuse = "alter table plan_items add constraint a_bad_day check (business_date <> '2026-05-22')";
    sqlx::raw_sql(refuse).execute(&superuser).await.expect("an accident");
    let id = start(&nightly, request(4, Mode::Missing)).await;
    let program = Program::start(&nightly, 2);
    let refused = until(&nightly, id, |row| row.finished_at.is_some()).await;
    assert_eq!((refused.state.as_str(), refused.done_count, refused.failed_count), ("refused", 2, 2), "the days that plan the 22nd");
    let failures = platform::db::backfills::list_failures(shop.db.work(), id, 9).await.expect("failures");
    assert!(failures.iter().all(|failure| failure.error.contains("a_bad_day")), "{failures:?}");
    let planned = plan(&nightly, request(4, Mode::Failed)).await;
    assert_eq!((planned.states.failed, planned.states.materialised, planned.partitions), (2, 2, 2));
    sqlx::raw_sql("alter table plan_items drop constraint a_bad_day").execute(&superuser).await.expect("mended");
    superuser.close().await;
    let again = start(&nightly, request(4, Mode::Failed)).await;
    let ready = until(&nightly, again, |row| row.finished_at.is_some()).await;
    assert_eq!((ready.state.as_str(), ready.done_count), ("ready", 2), "{}", ready.gates);
    program.stop().await;
    shop.close().await;
}

/// What spoke for a day last speaks again, be it a night of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolled_back_day_goes_back_to_the_night_that_was_run_in_between() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    let first = start(&nightly, request(1, Mode::Missing)).await;
    let program = Program::start(&nightly, 2);
    until(&nightly, first, |row| row.state == "ready").await;
    backfill::publish(&nightly, first).await.expect("a publication");
    shop.clock.advance(chrono::TimeDelta::seconds(60));
    let night = shop.night(FROM).await.expect("a night");
    shop.clock.advance(chrono::TimeDelta::seconds(60));
    let second = start(&nightly, request(1, Mode::All)).await;
    until(&nightly, second, |row| row.state == "ready").await;
    program.stop().await;
    backfill::publish(&nightly, second).await.expect("a publication");
    let speaks = async || {
        let who = "select run_id, backfill_id from published_days";
        sqlx::query_as::<_, (Uuid, Option<Uuid>)>(who).fetch_one(shop.db.work()).await.expect("a day")
    };
    assert_eq!(speaks().await.1, Some(second));
    backfill::rollback(&nightly, second).await.expect("a rollback");
    assert_eq!(speaks().await, (night.run_id.0, None), "not the older backfill, which is published too");
    shop.close().await;
}

/// Sales that arrive between a night's reading and its end are not in it, however late it ends.
#[tokio::test]
async fn a_night_that_has_not_seen_late_facts_is_stale_from_the_start() {
    use platform::db::partition_ranges::{Made, current_snapshot, mark_day};
    let shop = Shop::open().await;
    let (nightly, scope) = (shop.nightly(), shop.store.id.to_string());
    let mut reader = platform::database::begin_snapshot(shop.db.work()).await.expect("a snapshot");
    let read_in = current_snapshot(&mut *reader).await.expect("a name");
    shop.tell_at(&[shop.row("sambal botol", date("2026-05-22"), 3.0)], at("2026-06-15T20:40:00Z")).await;
    let mark = async |day: &str, read_in: &str| {
        mark_day(&mut *shop.work().await, "forecasts", &scope, Made::Materialised, date(day), Some(read_in)).await.expect("a mark");
    };
    mark("2026-05-22", &read_in).await;
    mark("2026-05-23", &read_in).await;
    let states = async || plan(&nightly, request(6, Mode::Stale)).await.states;
    assert_eq!(states().await, StateCounts { missing: 4, stale: 1, materialised: 1, failed: 0 }, "the cutoff of the 22nd is older");
    drop(reader);
    let read_again = current_snapshot(shop.db.work()).await.expect("a name");
    mark("2026-05-23", &read_again).await;
    assert_eq!(states().await, StateCounts { missing: 4, stale: 0, materialised: 2, failed: 0 });
    shop.close().await;
}

/// Facts that could have been known earlier, and came only now, make the nights stale that should have known them, and no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_facts_make_the_nights_stale_that_should_have_known_them() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    shop.night(NIGHT).await.expect("a night");
    let id = start(&nightly, request(6, Mode::Missing)).await;
    let program = Program::start(&nightly, 2);
    until(&nightly, id, |row| row.state == "ready").await;
    assert_eq!(plan(&nightly, request(6, Mode::Stale)).await.partitions, 0);

    // A correction is a fact of today: no past night has known it.
    let now = at("2026-06-15T20:40:00Z");
    let known = shop.sales_on(date("2026-05-21")).into_iter().find(|row| row.product_id == shop.products["nasi"]).expect("a row");
    shop.tell_at(&[platform::db::sales_daily::DailyRow { quantity: known.quantity + 5.0, ..known }], now).await;
    assert_eq!(plan(&nightly, request(6, Mode::Stale)).await.partitions, 0);

    // A day's bottle of sambal that nobody had told of: known since 02:15 of the 23rd, had it been told.
    let late = shop.row("sambal botol", date("2026-05-22"), 3.0);
    let told = shop.history().iter().any(|row| row.product_id == late.product_id && row.business_date == late.business_date);
    assert!(!told, "choose a day without one");
    shop.tell_at(&[late], now).await;
    let planned = plan(&nightly, request(6, Mode::Stale)).await;
    assert_eq!(
        planned.ranges.iter().map(|range| (range.first_day, range.end_day)).collect::<Vec<_>>(),
        [(date("2026-05-23"), date("2026-05-26"))]
    );
    assert_eq!((planned.states.materialised, planned.states.stale), (3, 3));
    let [change] = planned.screens.as_slice() else { panic!("one screen: {:?}", planned.screens) };
    assert!(change.changed > 0 && change.greatest.is_some(), "tonight's screen knows neither: {change:?}");

    let again = start(&nightly, request(6, Mode::Stale)).await;
    let ready = until(&nightly, again, |row| row.finished_at.is_some()).await;
    assert_eq!((ready.state.as_str(), ready.done_count), ("ready", 3), "{}", ready.gates);
    assert_eq!(plan(&nightly, request(6, Mode::Stale)).await.partitions, 0);
    program.stop().await;
    shop.close().await;
}

/// An asset that costs nothing.
struct Nothing;

#[async_trait]
impl Asset for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    async fn scopes(&self, _: &[String]) -> Result<Vec<Scope>, BackfillError> {
        let span = Span { scope: "all".to_owned(), first_day: date("2020-01-01"), end_day: date("2030-01-01") };
        Ok(vec![Scope { span, label: "all".to_owned() }])
    }

    async fn make(&self, _: &str, _: ingest::feed::Days, _: JobId) -> Result<Made, MakeError> {
        Ok(Made { run: None, rows: 0, read_in: None })
    }

    async fn typical(&self) -> Result<(Option<Duration>, Option<f64>), BackfillError> {
        Ok((None, None))
    }

    async fn screen_changes(&self, _: &[Scope]) -> Result<Vec<ScreenChange>, BackfillError> {
        Ok(Vec::new())
    }
}

/// What a partition costs beside itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: scripts/bench-backfill"]
async fn overhead_of_a_partition() {
    let shop = Shop::empty().await;
    let nightly = shop.nightly();
    let asset: Arc<dyn Asset> = Arc::new(Nothing);
    let wanted =
        Request { asset: "nothing".to_owned(), first_day: date("2021-01-01"), end_day: date("2024-01-01"), ..request(1, Mode::Missing) };
    let plan = backfill::plan(&nightly.work, &asset, wanted).await.expect("a plan");
    let id = backfill::start(&nightly, &plan, None).await.expect("a start").expect("something to make");
    let (context, began) = (JobContext::foreground(CancellationToken::new()), Instant::now());
    let outcome = backfill::fill_asset(&nightly, asset.as_ref(), id, "all", &context).await;
    let row = backfill::find(&nightly, id).await.expect("the backfill");
    println!("{outcome:?}: {} partitions, {:.2} ms each", row.done_count, began.elapsed().as_secs_f64() * 1000.0 / row.done_count as f64);
    shop.close().await;
}
