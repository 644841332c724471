//! A month in which every vendor has every bad day, once for a moment and once for the whole day.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use chrono::{DateTime, Days as Plus, NaiveDate, Utc};
use ingest::feed::{Days, History};
use platform::clock::Clock as _;
use platform::db::partition_ranges::{Span, select_ranges};
use platform::db::watermarks::get_watermark;
use standin::faults::Fault;

use crate::feeds::{Asked, Outside, all, at, date, source};

const FIRST: &str = "2026-10-21";
const DAYS: u64 = 30;

/// Each once for one request, then each for a whole day; two good days end the month.
const FAULTS: [Fault; 14] = [
    Fault::TooManyRequests,
    Fault::RetryAfter(0),
    Fault::RetryAfter(120),
    Fault::ServerError(StatusCode::SERVICE_UNAVAILABLE),
    Fault::Slow(Duration::from_millis(30)),
    Fault::Truncated,
    Fault::Html,
    Fault::Charset,
    Fault::Drift,
    Fault::Skew(-86_400),
    Fault::Duplicate,
    Fault::Revised,
    Fault::Empty,
    Fault::Reset,
];
/// Credits a day of the search, so few that bad days use them up.
const CREDITS: u32 = 2;

/// Who was asked when, by the vendors' own books: day of the month, service, moment.
type Ledger = Arc<Mutex<Vec<(u64, String, Instant)>>>;

fn fault_of(day: u64, place: usize) -> Option<(Fault, u32)> {
    let all = FAULTS.len() as u64;
    let times = if day < all { 1 } else { u32::MAX };
    (day < 2 * all).then(|| (FAULTS[((day + 5 * place as u64) % all) as usize], times))
}

/// What a schedule would ask for: what may have changed, and what was missed.
fn windows(asked: &Asked, complete_until: Option<DateTime<Utc>>, today: NaiveDate) -> Vec<Days> {
    let terms = source(asked).terms();
    let end = today + Plus::new(1);
    if !matches!(terms.history, History::Since(_)) {
        return vec![Days { first: today, end }];
    }
    let lookback = today - Plus::new(terms.lookback_days.into());
    let known = complete_until.map_or(lookback, |known| known.date_naive());
    Days { first: known.min(lookback).max(date(FIRST)), end }.pieces(terms.window_days)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_bad_days_costs_nobody_more_than_the_days_that_are_named() {
    let (ledger, today) = (Ledger::default(), Arc::<Mutex<u64>>::default());
    let (book, page) = (Arc::clone(&ledger), Arc::clone(&today));
    let layer = from_fn(move |request: Request, next: Next| {
        let service = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
        book.lock().expect("a ledger").push((*page.lock().expect("a day"), service, Instant::now()));
        next.run(request)
    });
    let mut outside = Outside::open_behind(|router| router.layer(layer)).await;
    outside.config.serper_credits_a_day = CREDITS;
    let asked: Vec<Asked> = all().into_iter().filter(|asked| asked.service.is_some()).collect();
    let mut had: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
    let mut failures = 0;
    for day in 0..DAYS {
        let date = date(FIRST) + Plus::new(day);
        outside.shop.clock.set(date.and_hms_opt(12, 0, 0).expect("a time").and_utc());
        *today.lock().expect("a day") = day;
        outside.a_day_has_passed().await;
        for (place, asked) in asked.iter().enumerate() {
            let service = asked.service.expect("asked");
            let (fault, times) = fault_of(day, place).unwrap_or((Fault::Empty, 0));
            outside.faults.plan(service, fault, times);
        }
        // A job tries again; on a day that is bad as a whole nothing comes of it.
        let attempts = if day < FAULTS.len() as u64 { 2 } else { 1 };
        let tried = asked.iter().map(async |asked| (asked, outside.try_for_a_day(asked, date, attempts).await));
        for (asked, got) in futures::future::join_all(tried).await {
            failures += usize::from(got.is_empty());
            let had = had.entry(asked.source).or_default();
            had.extend(got);
            outside.watermark_is_where_the_data_is(asked, day, had.last().copied()).await;
        }
    }
    assert!(failures > 30, "only {failures} bad days: this month proves nothing");
    within_quotas(&ledger.lock().expect("a ledger"));

    for asked in &asked {
        let span = Span { scope: asked.scope.to_owned(), first_day: date(FIRST), end_day: date(FIRST) + Plus::new(DAYS) };
        let gaps = select_ranges(outside.shop.db.work(), asked.source, &[span], "missing").await.expect("gaps");
        let gaps: BTreeSet<NaiveDate> =
            gaps.iter().flat_map(|gap| gap.first_day.iter_days().take_while(|day| *day < gap.end_day)).collect();
        let never_had: BTreeSet<NaiveDate> =
            date(FIRST).iter_days().take(DAYS as usize).filter(|day| !had[asked.source].contains(day)).collect();
        assert_eq!(gaps, never_had, "{}: the gaps that are named are those that there are", asked.source);
    }

    // What can be asked for once more is as if there had been no bad day.
    let calm = Outside::open().await;
    for asked in asked.iter().filter(|asked| matches!(source(asked).terms().history, History::Since(_))) {
        let month = Days { first: date(FIRST), end: date(FIRST) + Plus::new(DAYS) };
        for world in [&outside, &calm] {
            world.shop.clock.set(at("2026-11-19T12:00:00Z"));
            world.a_day_has_passed().await;
            for window in month.pieces(source(asked).terms().window_days) {
                world.take(asked, window).await.expect("a good day");
            }
        }
        assert_eq!(outside.last_words(asked).await, calm.last_words(asked).await, "{}", asked.source);
    }
    calm.close().await;
    outside.close().await;
}

impl Outside {
    /// Every window of the day; answers the days that came.
    async fn try_for_a_day(&self, asked: &Asked, today: NaiveDate, attempts: u32) -> Vec<NaiveDate> {
        let mark = get_watermark(self.shop.db.work(), asked.source, asked.scope).await.expect("a query");
        let mut had = Vec::new();
        for window in windows(asked, mark.map(|mark| mark.complete_until), today) {
            for _ in 0..attempts {
                match self.take(asked, window).await {
                    Ok(_) => {
                        had.extend(window.first.iter_days().take_while(|day| *day < window.end));
                        break;
                    }
                    Err(error) => assert!(error.may_pass() || error.wait().is_some(), "{}: {error}", asked.source),
                }
            }
        }
        had
    }

    /// No watermark is ahead of what is stored, or of the last answer where nothing is an answer too.
    async fn watermark_is_where_the_data_is(&self, asked: &Asked, day: u64, last_had: Option<NaiveDate>) {
        let Some(mark) = get_watermark(self.shop.db.work(), asked.source, asked.scope).await.expect("a query") else { return };
        let known: Option<DateTime<Utc>> = match asked.table {
            "news_articles" => last_had.and_then(|day| Some(day.and_hms_opt(12, 0, 0)?.and_utc())),
            table => {
                let text = sqlx::AssertSqlSafe(format!("select max(available_at) from {table} where source = $1"));
                sqlx::query_scalar(text).bind(asked.stored_as).fetch_one(self.shop.db.work()).await.expect("a time")
            }
        };
        assert!(known.is_some_and(|known| mark.complete_until <= known), "day {day}, {}: {mark:?} but {known:?}", asked.source);
        assert!(mark.complete_until <= self.shop.clock.now(), "day {day}, {}", asked.source);
    }

    /// What is known of each thing in the end.
    async fn last_words(&self, asked: &Asked) -> Vec<String> {
        let text = match asked.table {
            "market_prices" => {
                "select distinct on (commodity, region, price_date) concat_ws(' ', commodity, region, price_date, price) from market_prices
                 where source = $1 order by commodity, region, price_date, available_at desc"
            }
            "weather_observations" => {
                "select distinct on (region, observed_on) concat_ws(' ', region, observed_on, rain_mm, temperature_c) from weather_observations
                 where source = $1 order by region, observed_on, available_at desc"
            }
            "orders" => "select concat_ws(' ', external_id, status, total_amount, business_date) from orders where source = $1 order by 1",
            table => panic!("what of {table} is there in the end?"),
        };
        sqlx::query_scalar(text).bind(asked.stored_as).fetch_all(self.shop.db.work()).await.expect("facts")
    }
}

/// Nobody was asked more than they allow, by their own books: BMKG 60 a minute, Bank Indonesia one a second, the search as many as its
/// owner allows a day, the till 120 a minute.
fn within_quotas(ledger: &[(u64, String, Instant)]) {
    let asked_of = |name: &str, day: u64| -> Vec<Instant> {
        ledger.iter().filter(|(on, service, _)| *on == day && service == name).map(|(_, _, moment)| *moment).collect()
    };
    for day in 0..DAYS {
        assert!(asked_of("bmkg", day).len() <= 60 && asked_of("pos", day).len() <= 120, "day {day}");
        assert!(asked_of("serper", day).len() <= CREDITS as usize, "day {day}: {}", asked_of("serper", day).len());
        // Leases are taken a moment before the question arrives.
        let apart = asked_of("pihps", day).windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(900));
        assert!(apart, "day {day}: Bank Indonesia was asked twice in a second");
    }
    assert!((0..DAYS).any(|day| asked_of("serper", day).len() == CREDITS as usize), "the search never came to its limit");
    assert!(ledger.len() > 300, "{} questions", ledger.len());
}
