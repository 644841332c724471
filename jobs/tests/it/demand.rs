//! Demand beyond sales: what the night makes of stock-outs and of days unlike any other.

use chrono::{Days, NaiveTime, TimeDelta};
use domain::frequency::days_since_epoch;
use domain::time::Night;
use jobs::nightly::{calendar, facts, load};
use platform::db::orders::{OrderLine, copy_orders};
use platform::db::runs::get_run;
use platform::db::sales_daily::DailyLoad;
use platform::db::stockout_events::{StockoutRow, insert_stockouts};

use crate::shop::{NIGHT, Shop, at, date};

/// A Thursday.
const ODD_DAY: &str = "2026-06-11";
/// A Wednesday.
const SOLD_OUT_DAY: &str = "2026-06-10";

/// The shop with every portion of rice of the last sixty days as an order of its own, evenly from 09:00 to 19:00, and a day on
/// which the rice was gone at 14:00.
async fn shop() -> Shop {
    let shop = Shop::empty().await;
    let mut rows = shop.history();
    for row in &mut rows {
        if row.product_id == shop.products["es teh"] && row.business_date == date(ODD_DAY) {
            row.quantity *= 8.0;
        }
        if row.product_id == shop.products["nasi"] && row.business_date == date(SOLD_OUT_DAY) {
            row.quantity = (row.quantity / 2.0).round();
        }
    }
    shop.tell(&rows).await;
    let mut told = Vec::new();
    for row in rows.iter().filter(|row| row.product_id == shop.products["nasi"] && row.business_date > date(NIGHT) - Days::new(60)) {
        let until = if row.business_date == date(SOLD_OUT_DAY) { 300.0 } else { 600.0 };
        // 09:00 WIB is 02:00 UTC.
        let opens = row.business_date.and_time(NaiveTime::from_hms_opt(2, 0, 0).expect("a time")).and_utc();
        for number in 0..row.quantity as i32 {
            let ordered_at = opens + TimeDelta::minutes((until * f64::from(number) / row.quantity) as i64);
            told.push((format!("{}-{number}", row.business_date), ordered_at, row.business_date));
        }
    }
    let rice = shop.products["nasi"];
    let lines = told.iter().map(|(order, ordered_at, business_date)| OrderLine {
        external_id: order,
        ordered_at: *ordered_at,
        business_date: *business_date,
        product: 0,
        quantity: 1.0,
        unit_price: None,
        total_price: None,
        available_at: None,
        is_cancelled: false,
    });
    let recorded = DailyLoad { store_id: shop.store.id, source: "test", raw_record_id: None, recorded_at: at("2026-06-15T19:30:00Z") };
    let mut work = shop.work().await;
    copy_orders(&mut work, recorded, &[(Some(rice), "nasi")], lines).await.expect("orders");
    let gone = at("2026-06-10T07:00:00Z");
    let event = StockoutRow {
        product_id: shop.products["nasi"],
        business_date: date(SOLD_OUT_DAY),
        sold_out_at: gone,
        restocked_at: None,
        available_at: gone,
    };
    insert_stockouts(&mut *work, shop.store.id, "test", &[event]).await.expect("a stock-out");
    drop(work);
    shop
}

#[tokio::test]
async fn a_pot_that_was_empty_at_noon_counts_as_a_whole_day_of_demand() {
    let shop = shop().await;
    let night = Night::of(date(NIGHT), calendar(&shop.store).expect("a calendar"));
    let loaded = load::load(shop.db.work(), &shop.store, night).await.expect("facts");
    let panel = facts::panel(&loaded.facts, night.calendar, night.last_day());
    let series = panel.series.iter().position(|name| name == "nasi").expect("rice") as u32;
    let cells = &panel.observations;
    let day = days_since_epoch(date(SOLD_OUT_DAY));
    let at_day: Vec<usize> = (0..cells.len()).filter(|&i| cells.series[i] == series && cells.at[i] == day).collect();
    assert_eq!(at_day.len(), 1, "one version, known when its day was");
    let cell = at_day[0];
    // Wednesdays bring 140 * 0.9.
    assert!((cells.value[cell] - 126.0).abs() < 15.0, "{}", cells.value[cell]);
    assert!(cells.censored[cell] && cells.trust[cell] > 0.3 && cells.trust[cell] < 1.0, "{}", cells.trust[cell]);
    assert_eq!(cells.known_from[cell], day);
    shop.close().await;
}

#[tokio::test]
async fn the_run_says_what_it_recovered_and_which_days_were_odd() {
    let shop = shop().await;
    let report = shop.night(NIGHT).await.expect("a night");
    let run = get_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("the run");
    let demand = &run.details["demand"];
    assert_eq!(demand["recovered"]["time"], 1, "{demand}");
    assert!(demand["lost"].as_f64().is_some_and(|lost| (45.0..85.0).contains(&lost)), "{demand}");
    let odd = demand["odd"].as_array().expect("a list");
    let found = odd.iter().find(|odd| odd["product"] == "es teh" && odd["day"] == ODD_DAY).unwrap_or_else(|| panic!("{demand}"));
    assert_eq!(found["kind"], "high");
    assert!(found["weight"].as_f64().is_some_and(|weight| weight < 0.5), "{found}");
    shop.close().await;
}
