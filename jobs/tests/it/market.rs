//! Market prices of what dishes are made of, from the tables to a night.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use domain::frequency::days_since_epoch;
use domain::time::Night;
use jobs::nightly::{self, facts, load};
use platform::db::forecast_runs::get_forecast_run;
use platform::db::market_prices::{MarketPriceVersion, insert_market_prices};

use crate::shop::{NIGHT, Shop, date};

fn price(commodity: &str, region: &str, day: NaiveDate, price: i64, unit: &str) -> MarketPriceVersion {
    MarketPriceVersion {
        commodity: commodity.to_owned(),
        region: region.to_owned(),
        market: "traditional".to_owned(),
        price_date: day,
        price,
        unit: unit.to_owned(),
        available_at: day.and_hms_opt(6, 0, 0).expect("a time").and_utc(),
    }
}

#[tokio::test]
async fn a_dish_follows_the_prices_of_its_ingredients_as_they_became_known() {
    let shop = Shop::open().await;
    let (first, last) = (date("2026-05-01"), date("2026-06-14"));
    let chicken = |day: NaiveDate| price("daging ayam ras", "31", day, if day < date("2026-06-01") { 40_000 } else { 50_000 }, "kg");
    let chillies = |day: NaiveDate| price("cabai rawit", "ID", day, 15_000, "250 g");
    let days = || first.iter_days().take_while(|day| *day <= last);
    let mut prices: Vec<MarketPriceVersion> = days().map(chicken).chain(days().map(chillies)).collect();
    // Other places and goods are no matter.
    prices.push(price("daging ayam ras", "ID", last, 90_000, "kg"));
    prices.push(price("bawang merah", "31", last, 30_000, "kg"));
    let mut work = shop.work().await;
    let recorded = last.and_hms_opt(6, 0, 0).expect("a time").and_utc();
    insert_market_prices(&mut work, "test", None, recorded, &prices).await.expect("prices");
    // Corrected after the night: not for it to know.
    let later = date(NIGHT).and_hms_opt(6, 0, 0).expect("a time").and_utc();
    insert_market_prices(&mut work, "test", None, later, &[price("daging ayam ras", "31", last, 99_000, "kg")])
        .await
        .expect("a correction");
    drop(work);

    let night = Night::of(date(NIGHT), nightly::calendar(&shop.store).expect("a calendar"));
    let loaded = load::load(shop.db.work(), &shop.store, night).await.expect("facts");
    let panel = facts::panel(&loaded.facts, night.calendar, night.last_day());
    let follows = panel.regressors.iter().find(|regressor| regressor.name == "ingredient_price").expect("a regressor");
    let key = panel.series.iter().position(|name| name == "ayam geprek").expect("a dish") as u32;
    let cells = || (0..follows.cells.key.len()).filter(|&cell| follows.cells.key[cell] == key);
    let on = |day: NaiveDate| {
        let cell = cells().find(|&cell| follows.cells.at[cell] == days_since_epoch(day)).expect("a price");
        assert!(follows.cells.known_from[cell] >= days_since_epoch(day));
        follows.cells.value[cell]
    };
    assert_eq!((cells().count(), on(first)), (days().count(), 1.0));
    let makes = &loaded.facts.made_of[&shop.products["ayam geprek"]];
    let units = |commodity: &str| makes.iter().find(|(name, _)| name == commodity).expect("an ingredient").1;
    let cost = |chicken: f64| units("daging ayam ras") * chicken + units("cabai rawit") * 15_000.0;
    assert!((on(last) - cost(50_000.0) / cost(40_000.0)).abs() < 1e-12, "{} {makes:?}", on(last));
    assert!(on(last) > 1.1 && (on(last) - on(last - Days::new(3))).abs() < 1e-12);

    let report = nightly::run(&shop.nightly(), &shop.store, date(NIGHT), Arc::new(|_| ())).await.expect("a night");
    let run = get_forecast_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("a run");
    assert_eq!(run.inputs["market_prices"], 2 * days().count());
    shop.close().await;
}
