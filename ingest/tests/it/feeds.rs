//! What every source that asks somebody must stand: asked twice, in pieces, in any order, in the middle of a crash, and whatever
//! its vendor does. The vendors are the stand-ins, which follow the contracts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use ingest::feed::{Days, History};
use ingest::source::Source;
use ingest::sources;
use ingest::take::{TakeError, Taken, Workshop, reparse, take};
use platform::config::{OutsideConfig, SourcesConfig};
use platform::db::pos_connections::{PosConnection, upsert_pos_connection};
use platform::db::villages::{VillageRow, upsert_village};
use platform::db::watermarks::get_watermark;
use platform::embedded::Role;
use platform::http::Polite;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use standin::faults::{Fault, Faults};
use standin::services::pos::Paging;
use standin::services::{self, Context};
use standin::world::{SimulatedWorld, World, simulate};
use tokio::net::TcpListener;

use crate::shop::Shop;

/// Where the shop is.
const VILLAGE: &str = "32.73.09.1001";

pub fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn world() -> Arc<SimulatedWorld> {
    static WORLD: OnceLock<Arc<SimulatedWorld>> = OnceLock::new();
    Arc::clone(WORLD.get_or_init(|| Arc::new(simulate(7, date("2026-11-23"), World::definition()).expect("a world"))))
}

/// A shop, and the vendors at the time of its clock.
pub struct Outside {
    pub shop: Shop,
    http: Polite,
    pub config: SourcesConfig,
    pub faults: Faults,
    pub paging: Paging,
}

/// A source and what to ask it.
pub struct Asked {
    pub source: &'static str,
    /// `None`: nobody is asked.
    pub service: Option<&'static str>,
    pub scope: &'static str,
    pub days: Days,
    pub table: &'static str,
    /// What its facts name as their source.
    pub stored_as: &'static str,
}

pub fn all() -> [Asked; 7] {
    let today = Days { first: date("2026-11-23"), end: date("2026-11-24") };
    let weeks = Days { first: date("2026-10-26"), end: date("2026-11-23") };
    let asked = |source, service, scope, days, table| Asked { source, service, scope, days, table, stored_as: source };
    [
        asked("bmkg_forecast", Some("bmkg"), VILLAGE, today, "weather_forecasts"),
        asked("pihps_prices", Some("pihps"), "32", weeks, "market_prices"),
        asked("bapanas_prices", Some("bapanas"), "32", today, "market_prices"),
        Asked { stored_as: "open_meteo", ..asked("weather_history", Some("open_meteo"), VILLAGE, weeks, "weather_observations") },
        asked("calendar", None, "id", today, "calendar_events"),
        asked("serper_news", Some("serper"), "ayam geprek", today, "news_articles"),
        asked("sales_http", Some("pos"), "warung", Days { first: date("2026-11-19"), ..weeks }, "orders"),
    ]
}

#[test]
fn every_source_that_asks_is_tried_here() {
    let asking = sources::all().iter().filter(|source| source.feed().is_some()).map(|source| source.name()).collect::<Vec<_>>();
    assert_eq!(all().map(|asked| asked.source).to_vec(), asking);
}

impl Outside {
    pub async fn open() -> Self {
        Self::open_behind(|router| router).await
    }

    /// With something between the shop and the vendors.
    pub async fn open_behind(wrap: impl FnOnce(axum::Router) -> axum::Router) -> Self {
        let shop = Shop::open().await;
        let now = shop.clock.shared();
        let context = Context { now: Arc::new(move || now.now()), ..Context::new(world()) };
        let (faults, paging) = (context.faults.clone(), context.paging.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("its number"));
        let router = wrap(services::all().router(&context)).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = Polite::new(shop.db.work().clone(), &OutsideConfig::default()).expect("a client");
        let http = http.pausing(Duration::from_millis(1), Duration::from_millis(5));
        let village = VillageRow {
            adm4: VILLAGE.to_owned(),
            name: "Husen Sastranegara".to_owned(),
            latitude: -6.905,
            longitude: 107.585,
            time_zone: "Asia/Jakarta".to_owned(),
        };
        upsert_village(shop.db.work(), &village).await.expect("a village");
        let till = PosConnection { base_url: format!("{base}/pos"), outlet_id: "warung-imas".to_owned(), token: "a token".to_owned() };
        upsert_pos_connection(shop.db.work(), &shop.secret, shop.store.id, &till).await.expect("a till");
        Self { shop, http, config: SourcesConfig::of_stand_ins(&base), faults, paging }
    }

    pub fn workshop(&self) -> Workshop<'_> {
        let Shop { db, objects, clock, secret, .. } = &self.shop;
        Workshop { pool: db.work(), objects, clock, http: &self.http, config: &self.config, secret }
    }

    pub async fn take(&self, asked: &Asked, days: Days) -> Result<Taken, TakeError> {
        take(self.workshop(), sources::all().find(asked.source).expect("registered"), asked.scope, days).await
    }

    /// All facts of a source, whenever and by whichever record they were stored.
    async fn facts(&self, asked: &Asked) -> Vec<String> {
        facts(self.shop.db.work(), asked).await
    }

    /// Every call and minute counts again.
    async fn forget_quotas(&self) {
        sqlx::query("delete from quota_leases").execute(self.shop.db.work()).await.expect("deleted");
    }

    /// What was held against vendors is forgotten.
    pub async fn a_day_has_passed(&self) {
        self.forget_quotas().await;
        sqlx::query("delete from source_breakers").execute(self.shop.db.work()).await.expect("deleted");
    }

    pub async fn close(self) {
        self.shop.db.close().await;
    }
}

/// What a day's total was in between depends on when what was told; what it is in the end does not.
const TOTALS: &str = "(select distinct on (product_id, business_date) * from sales_daily
                       order by product_id, business_date, available_at desc)";

async fn facts(pool: &PgPool, asked: &Asked) -> Vec<String> {
    let mut facts = Vec::new();
    // Signals follow from articles, totals from orders.
    let derived = match asked.table {
        "news_articles" => Some("news_signals"),
        "orders" => Some(TOTALS),
        _ => None,
    };
    for table in [asked.table].into_iter().chain(derived) {
        // Ids and times of storing are of a database, not of the facts.
        let version = if table == TOTALS { "available_at" } else { "id" };
        let text = format!(
            "select (to_jsonb(f) - array['id', 'store_id', 'product_id', 'content_hash', 'raw_record_id', 'recorded_at', 'created_at',
                                         'updated_at', '{version}'])::text
             from {table} f where source = $1 order by 1"
        );
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(asked.stored_as).fetch_all(pool).await.expect("facts");
        facts.extend(rows);
    }
    facts
}

pub fn source(asked: &Asked) -> &'static dyn Source {
    static ALL: OnceLock<sources::Sources> = OnceLock::new();
    ALL.get_or_init(sources::all).find(asked.source).expect("registered")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_again_writes_nothing_new_and_the_watermark_is_where_the_data_is() {
    let outside = Outside::open().await;
    for asked in all() {
        let first = outside.take(&asked, asked.days).await.expect("a window");
        // A till tells an order twice where one page ends and the next begins.
        let is_new = first.new_facts == first.facts || asked.table == "orders" && first.new_facts > 0;
        assert!(first.new_facts > 0 && is_new && first.quarantined == 0, "{}: {first:?}", asked.source);
        let known = outside.facts(&asked).await;
        let again = outside.take(&asked, asked.days).await.expect("the same window");
        assert_eq!((again.new_records, again.new_facts), (0, 0), "{}", asked.source);
        let parsed = reparse(outside.workshop(), source(&asked), asked.scope, asked.days).await.expect("once more");
        assert_eq!((parsed.records, parsed.new_facts), (first.records, 0), "{}", asked.source);
        assert_eq!(outside.facts(&asked).await, known);
        let owed = "select distinct coalesce(attribution, '') from raw_records where source = $1";
        let owed: Vec<String> = sqlx::query_scalar(owed).bind(asked.source).fetch_all(outside.shop.db.work()).await.expect("attributions");
        assert_eq!(owed, [source(&asked).terms().attribution], "it is kept with what came");
        let latest = format!("select max(available_at) from {} where source = $1", asked.table);
        let latest: DateTime<Utc> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(latest)).bind(asked.stored_as).fetch_one(outside.shop.db.work()).await.expect("a time");
        let mark = get_watermark(outside.shop.db.work(), asked.source, asked.scope).await.expect("a query").expect("a watermark");
        assert_eq!(mark.complete_until, latest, "{}", asked.source);
    }
    outside.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_in_any_order_make_what_one_window_makes() {
    let (whole, pieces, backwards) = (Outside::open().await, Outside::open().await, Outside::open().await);
    for asked in all().iter().filter(|asked| matches!(source(asked).terms().history, History::Since(_))) {
        whole.take(asked, asked.days).await.expect("a window");
        let weeks = asked.days.pieces((asked.days.end - asked.days.first).num_days() as u32 / 4);
        assert_eq!(weeks.len(), 4);
        for week in &weeks {
            pieces.take(asked, *week).await.expect("a week");
        }
        for week in weeks.iter().rev() {
            backwards.take(asked, *week).await.expect("a week");
        }
        let known = whole.facts(asked).await;
        assert_eq!(pieces.facts(asked).await, known, "{}", asked.source);
        assert_eq!(backwards.facts(asked).await, known, "{}", asked.source);
    }
    whole.close().await;
    pieces.close().await;
    backwards.close().await;
}

/// A shop whose Bank Indonesia says what it is told to say.
async fn asking_instead(told: Arc<Mutex<Value>>) -> Outside {
    let answer = move || {
        let told = told.lock().expect("a reply").clone();
        async move { axum::Json(told) }
    };
    let vendor = axum::Router::new().route("/TabelHarga/GetGridDataDaerah", axum::routing::get(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let pihps_url = format!("http://{}", listener.local_addr().expect("its number"));
    tokio::spawn(async move { axum::serve(listener, vendor).await });
    let outside = Outside::open().await;
    Outside { config: SourcesConfig { pihps_url, ..outside.config.clone() }, ..outside }
}

/// A grid with one row.
fn grid(prices: &[(&str, &str)]) -> Value {
    let mut row = json!({ "no": 1, "name": "Gula Pasir Lokal", "level": 2 });
    prices.iter().for_each(|(day, price)| row[*day] = json!(price));
    json!({ "data": [row] })
}

/// Nothing is held back when a vendor says much less than usual, or one thing twice; people are told, until it is well again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_volumes_and_repetitions_are_told() {
    let told = Arc::new(Mutex::new(json!({})));
    let outside = asking_instead(Arc::clone(&told)).await;
    let [_, asked, ..] = all();
    let days = ["16/11/2026", "17/11/2026", "18/11/2026", "19/11/2026", "20/11/2026"];
    let findings = async |reply: Value| -> Vec<(String, String)> {
        *told.lock().expect("a reply") = reply;
        outside.forget_quotas().await;
        outside.take(&asked, asked.days).await.expect("a window");
        let all = platform::db::source_findings::list_findings(outside.shop.db.work()).await.expect("a list");
        all.into_iter().map(|finding| (finding.check_name, finding.detail)).collect()
    };
    let usual = |price: &'static str| grid(&days.map(|day| (day, price)));
    for price in ["17,000", "17,100", "17,200", "17,300", "17,400"] {
        assert_eq!(findings(usual(price)).await, []);
    }
    let odd = |check: &str, detail: &str| (check.to_owned(), detail.to_owned());
    let little = findings(grid(&[(days[0], "17,500")])).await;
    assert_eq!(little, [odd("volume", "1 facts where about 5 are usual")]);
    let mut twice = usual("17,600");
    let row = twice["data"][0].clone();
    twice["data"].as_array_mut().expect("rows").push(row);
    assert_eq!(findings(twice).await, [odd("duplicates", "5 of its facts are told more than once; the last word counts")]);
    assert_eq!(findings(usual("17,700")).await, []);
    outside.close().await;
}

/// One price of a week has a digit too many: it waits in quarantine, and is stored once the vendor has mended it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_ten_times_as_high_waits_in_quarantine() {
    let told = Arc::new(Mutex::new(grid(&[
        ("17/11/2026", "17,000"),
        ("18/11/2026", "17,100"),
        ("19/11/2026", "171,000"),
        ("20/11/2026", "17,200"),
    ])));
    let outside = asking_instead(Arc::clone(&told)).await;
    let [_, asked, ..] = all();
    let taken = outside.take(&asked, asked.days).await.expect("a window");
    assert_eq!((taken.facts, taken.quarantined), (3, 1));
    let waiting = platform::db::quarantined_rows::list_quarantined_rows(outside.shop.db.work(), asked.source, None, 9).await.expect("rows");
    let reasons: Vec<_> = waiting.iter().map(|row| (row.column_name.as_deref(), row.value.as_deref(), row.reason.as_str())).collect();
    let reason = "is far from the 17100 of the days around it: a digit may have slipped";
    assert_eq!(reasons, [(Some("19/11/2026"), Some("171,000"), reason)]);
    *told.lock().expect("a reply") =
        grid(&[("17/11/2026", "17,000"), ("18/11/2026", "17,100"), ("19/11/2026", "17,150"), ("20/11/2026", "17,200")]);
    outside.forget_quotas().await;
    let mended = outside.take(&asked, asked.days).await.expect("a window");
    assert_eq!((mended.new_facts, mended.quarantined), (1, 0));
    outside.close().await;
}

/// A price is revised, then told as before, word for word: three versions, each known when it was told. Parsing the records again
/// tells nothing new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revised_prices_are_versions_and_parsing_again_does_not_undo_them() {
    let told = Arc::new(Mutex::new(json!({})));
    let outside = asking_instead(Arc::clone(&told)).await;
    let [_, asked, ..] = all();
    for price in ["43,550", "45,000", "43,550"] {
        *told.lock().expect("a reply") = grid(&[("20/11/2026", price)]);
        let taken = outside.take(&asked, asked.days).await.expect("a window");
        assert_eq!((taken.facts, taken.new_facts), (1, 1), "{price}");
        outside.shop.clock.advance(chrono::TimeDelta::hours(1));
        outside.forget_quotas().await;
    }
    let versions = async || -> Vec<(i64, DateTime<Utc>)> {
        let text = "select price, available_at from market_prices order by available_at";
        sqlx::query_as(text).fetch_all(outside.shop.db.work()).await.expect("versions")
    };
    let expected = [(43_550, at("2026-11-20T07:00:00Z")), (45_000, at("2026-11-23T02:00:00Z")), (43_550, at("2026-11-23T03:00:00Z"))];
    assert_eq!(versions().await, expected);
    for _ in 0..2 {
        let again = reparse(outside.workshop(), source(&asked), asked.scope, asked.days).await.expect("once more");
        assert_eq!((again.records, again.new_facts), (2, 0));
        assert_eq!(versions().await, expected);
        outside.shop.clock.advance(chrono::TimeDelta::hours(1));
    }
    outside.close().await;
}

/// The bytes have landed; the facts cannot be written. Later they are, without asking.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_landing_and_parsing_loses_nothing() {
    let (sound, broken) = (Outside::open().await, Outside::open().await);
    let superuser = PgPoolOptions::new().max_connections(1).connect_with(broken.shop.db.options(Role::Superuser)).await.expect("connect");
    for asked in all() {
        sound.take(&asked, asked.days).await.expect("a window");
        let rename = |from: &str, to: &str| sqlx::AssertSqlSafe(format!("alter table {from} rename to {to}"));
        sqlx::raw_sql(rename(asked.table, "gone")).execute(&superuser).await.expect("an accident");
        broken.take(&asked, asked.days).await.expect_err("nothing can be stored");
        sqlx::raw_sql(rename("gone", asked.table)).execute(&superuser).await.expect("mended");
        assert_eq!(broken.facts(&asked).await, Vec::<String>::new());
        if let Some(service) = asked.service {
            broken.faults.plan(service, Fault::ServerError(axum_status()), u32::MAX);
        }
        let parsed = reparse(broken.workshop(), source(&asked), asked.scope, asked.days).await.expect("what has landed");
        assert!(parsed.records > 0 && parsed.unreadable == 0, "{}: {parsed:?}", asked.source);
        assert_eq!(broken.facts(&asked).await, sound.facts(&asked).await, "{}", asked.source);
    }
    superuser.close().await;
    sound.close().await;
    broken.close().await;
}

fn axum_status() -> axum::http::StatusCode {
    axum::http::StatusCode::SERVICE_UNAVAILABLE
}

/// A vendor on each bad day: once, which a second try gets over, and for as long as we try. Nothing panics, nobody is asked more
/// than the quota allows, nothing false is stored, no watermark is ahead of the data, and the next good day brings everything.
async fn survives_every_fault(source: &str) {
    let asked = all().into_iter().find(|asked| asked.source == source).expect("one of all");
    let service = asked.service.expect("somebody is asked");
    let sound = Outside::open().await;
    sound.take(&asked, asked.days).await.expect("a window");
    let known = sound.facts(&asked).await;
    let faults = [
        Fault::TooManyRequests,
        Fault::RetryAfter(0),
        Fault::RetryAfter(120),
        Fault::ServerError(axum_status()),
        Fault::Truncated,
        Fault::Html,
        Fault::Charset,
        Fault::Drift,
        Fault::Skew(-86_400),
        Fault::Duplicate,
        Fault::Empty,
        Fault::Reset,
    ];
    for fault in faults {
        for times in [1, 99] {
            let outside = Outside::open().await;
            outside.faults.plan(service, fault, times);
            let bad_day = outside.take(&asked, asked.days).await;
            let what = format!("{source} with {fault:?} x {times}");
            let stored = outside.facts(&asked).await;
            assert!(stored.is_empty() || stored == known, "{what}: half of it was stored");
            let mark = get_watermark(outside.shop.db.work(), asked.source, asked.scope).await.expect("a query");
            assert_eq!(mark.is_some(), !stored.is_empty(), "{what}: the watermark is ahead of the data");
            if stored.is_empty() {
                let error = bad_day.expect_err(&what);
                assert!(error.may_pass() || error.wait().is_some(), "{what}: {error}");
            }
            outside.faults.plan(service, fault, 0);
            outside.a_day_has_passed().await;
            outside.take(&asked, asked.days).await.expect("a good day");
            assert_eq!(outside.facts(&asked).await, known, "{what}");
            outside.close().await;
        }
    }
    sound.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bmkg_forecast_survives_every_fault() {
    survives_every_fault("bmkg_forecast").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pihps_prices_survive_every_fault() {
    survives_every_fault("pihps_prices").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bapanas_prices_survive_every_fault() {
    survives_every_fault("bapanas_prices").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weather_history_survives_every_fault() {
    survives_every_fault("weather_history").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serper_news_survive_every_fault() {
    survives_every_fault("serper_news").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sales_http_survives_every_fault() {
    survives_every_fault("sales_http").await;
}

/// What is not covered is told so, and remembered; what is out of order is left alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_village_is_remembered_and_a_broken_vendor_left_alone() {
    let outside = Outside::open().await;
    let [asked, ..] = all();
    let unknown = Asked { scope: "99.99.99.9999", ..all().into_iter().next().expect("the first") };
    let error = outside.take(&unknown, unknown.days).await.expect_err("no such village");
    assert!(!error.may_pass() && error.to_string().contains("does not cover"), "{error}");
    let (pool, now) = (outside.shop.db.work(), at("2026-11-23T01:00:00Z"));
    let uncovered = platform::db::source_breakers::uncovered_scopes(pool, "bmkg_forecast", now).await.expect("a list");
    assert_eq!(uncovered.iter().map(|(scope, _)| scope.as_str()).collect::<Vec<_>>(), ["99.99.99.9999"]);

    outside.faults.plan("bmkg", Fault::ServerError(axum_status()), 15);
    for _ in 0..5 {
        outside.take(&asked, asked.days).await.expect_err("out of order");
    }
    let left_alone = outside.take(&asked, asked.days).await.expect_err("left alone");
    assert!(left_alone.wait().is_some_and(|wait| wait > Duration::from_secs(30)), "{left_alone}");
    sqlx::query("update source_breakers set open_until = now()").execute(pool).await.expect("time has passed");
    outside.take(&asked, asked.days).await.expect("whoever tries first finds it mended");
    outside.take(&asked, asked.days).await.expect("and the next one goes on");
    outside.close().await;
}

/// A minute's quota is one for all programs, and asked for in no minute twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_is_one_for_all_programs() {
    use platform::db::quota_leases::{Leased, Quota, lease_quotas, quotas_in_use};
    let outside = Outside::open().await;
    let quota = Quota { name: "test".to_owned(), limit: 10, per: Duration::from_secs(2) };
    let pool = outside.shop.db.work();
    let lease = async |units| {
        let mut connection = pool.acquire().await.expect("a connection");
        lease_quotas(&mut connection, std::slice::from_ref(&quota), units, "test").await.expect("an answer")
    };
    let all: Vec<Leased> = futures::future::join_all((0..25).map(|_| lease(1))).await;
    assert_eq!(all.iter().filter(|leased| **leased == Leased::Granted).count(), 10);
    assert_eq!(quotas_in_use(pool).await.expect("a list"), [("test".to_owned(), 10)]);
    let Leased::Wait(wait) = lease(4).await else { panic!("none is left") };
    assert!(wait <= Duration::from_secs(2), "{wait:?}");
    tokio::time::sleep(wait + Duration::from_millis(50)).await;
    assert_eq!(lease(4).await, Leased::Granted);
    outside.close().await;
}
