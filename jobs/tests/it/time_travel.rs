//! What becomes available after a night's cutoff reaches neither its forecasts nor its fingerprint, whatever is in the database.

use chrono::{DateTime, Days, TimeDelta, Utc};
use platform::db::calendar_events::{CalendarEventVersion, CalendarOf, insert_calendar_events};
use platform::db::forecasts::{ForecastRow, forecasts_of_run};
use platform::db::news_signals::{NewsSignalVersion, insert_news_signals};
use platform::db::plan_items::{PlanItemRow, published_plan};
use platform::db::promos::{PromoVersion, insert_promos};
use platform::db::runs::get_run;
use platform::db::sales_daily::DailyRow;
use platform::db::stockout_events::{StockoutRow, insert_stockouts};
use platform::db::weather_forecasts::{WeatherForecastRow, insert_weather_forecasts};

use crate::shop::{CLOSING, NIGHT, REGION, Shop, at, date, event, issue};

/// One minute after the night's cutoff.
const TOO_LATE: &str = "2026-06-15T20:31:00Z";

/// Everything a night has made: cells with their bits, plan, fingerprint.
async fn made(shop: &Shop) -> (Vec<ForecastRow>, Vec<[u64; 10]>, Vec<PlanItemRow>, Vec<u8>) {
    let report = shop.night(NIGHT).await.expect("a night");
    assert!(!report.unchanged, "it must be computed to be compared");
    let cells = forecasts_of_run(shop.db.work(), report.run_id.0).await.expect("forecasts");
    let bits =
        cells.iter().map(|cell| std::array::from_fn(|i| if i == 9 { cell.yhat.to_bits() } else { cell.quantiles[i].to_bits() })).collect();
    let plan = published_plan(shop.db.work(), shop.store.id, date(NIGHT)).await.expect("a plan");
    let run = get_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("the run");
    (cells, bits, plan, run.input_hash)
}

async fn forget_runs(shop: &Shop) {
    let superuser = shop.superuser().await;
    sqlx::raw_sql("truncate runs, forecast_runs, forecasts, published_runs, published_run_log, plan_items, outbox cascade")
        .execute(&superuser)
        .await
        .expect("forgotten");
    superuser.close().await;
}

/// Tells of a world that is another in every respect, at `from`.
async fn tell_the_future(shop: &Shop, from: DateTime<Utc>) {
    let night = date(NIGHT);
    let told = |name: &str, day, quantity| DailyRow { available_at: from, ..shop.row(name, day, quantity) };
    let corrected = (1..150).flat_map(|back| ["ayam geprek", "nasi", "es teh"].map(|name| told(name, night - Days::new(back), 5_000.0)));
    shop.tell_at(&corrected.collect::<Vec<_>>(), from).await;
    let later = (0..10).map(|ahead| told("es jadul", night + Days::new(ahead), 900.0));
    shop.tell_at(&later.collect::<Vec<_>>(), from).await;

    let mut work = shop.work().await;
    let later = |event: CalendarEventVersion| CalendarEventVersion { available_at: from, ..event };
    let closings = [event("closed", "Renovasi", "2026-06-17"), event("closed", "Dulu tutup", "2026-05-12")].map(later);
    let reopened = CalendarEventVersion { is_cancelled: true, ..later(event("closed", "Tutup", CLOSING)) };
    let store = CalendarOf::Store(shop.store.id);
    insert_calendar_events(&mut *work, &store, "test", &[&closings[..], &[reopened]].concat()).await.expect("closings");
    let holidays = [event("holiday", "Hari Buruh", "2026-05-01"), event("lebaran", "Idul Fitri", "2026-06-19")].map(later);
    insert_calendar_events(&mut *work, &CalendarOf::Nation("id".to_owned()), "test", &holidays).await.expect("holidays");
    let promos = [
        PromoVersion { discount_share: Some(0.9), available_at: from, ..shop.promo("Gila", "2026-06-17", "2026-06-29") },
        PromoVersion { is_cancelled: true, available_at: from, ..shop.promo("Promo April", "2026-04-10", "2026-04-14") },
        PromoVersion { product_id: None, available_at: from, ..shop.promo("Semua", "2026-03-01", "2026-03-31") },
    ];
    insert_promos(&mut *work, shop.store.id, "test", &promos).await.expect("promos");
    let storm = |day: u64, ahead| {
        let issued = issue(night - Days::new(day), ahead, 300.0);
        WeatherForecastRow { issued_at: issued.issued_at + TimeDelta::hours(12), available_at: from, ..issued }
    };
    let storms = (1..60).flat_map(|day| (0..10).map(move |ahead| storm(day, ahead)));
    insert_weather_forecasts(&mut work, "test", None, &storms.collect::<Vec<_>>()).await.expect("weather");
    let stockout = |back: u64| StockoutRow {
        product_id: shop.products["ayam geprek"],
        business_date: night - Days::new(back),
        sold_out_at: (night - Days::new(back)).and_hms_opt(5, 0, 0).expect("a time").and_utc(),
        restocked_at: None,
        available_at: from,
    };
    insert_stockouts(&mut *work, shop.store.id, "test", &(1..100).map(stockout).collect::<Vec<_>>()).await.expect("stock-outs");
    let signal = |back: u64| NewsSignalVersion {
        topic: "ayam geprek".to_owned(),
        region: REGION[..2].to_owned(),
        signal_date: night - Days::new(back),
        volume: 500.0,
        novelty: None,
        momentum: None,
        sentiment: None,
        available_at: from,
    };
    insert_news_signals(&mut *work, "test", &(1..40).map(signal).collect::<Vec<_>>()).await.expect("news");
}

#[tokio::test]
async fn nothing_that_became_available_after_the_cutoff_matters() {
    let shop = Shop::open().await;
    let (cells, bits, plan, input_hash) = made(&shop).await;
    forget_runs(&shop).await;
    tell_the_future(&shop, at(TOO_LATE)).await;
    let (cells_again, bits_again, plan_again, input_hash_again) = made(&shop).await;
    assert_eq!(input_hash, input_hash_again);
    assert_eq!(bits, bits_again);
    assert_eq!(cells, cells_again);
    assert_eq!(plan, plan_again);
    shop.close().await;
}

/// The same facts two minutes earlier are another night: the comparison above can fail.
#[tokio::test]
async fn the_same_before_the_cutoff_does_matter() {
    let shop = Shop::open().await;
    let (_, bits, _, input_hash) = made(&shop).await;
    forget_runs(&shop).await;
    tell_the_future(&shop, at("2026-06-15T20:29:00Z")).await;
    let (_, bits_again, _, input_hash_again) = made(&shop).await;
    assert_ne!(input_hash, input_hash_again);
    assert_ne!(bits, bits_again);
    shop.close().await;
}
