//! Weather, prices, promos, calendars and news: stored once, read as versions.

use platform::db::calendar_events::{CalendarEventVersion, CalendarOf, calendar_event_versions, insert_calendar_events};
use platform::db::market_prices::{MarketPriceVersion, insert_market_prices, market_price_versions};
use platform::db::news_signals::{NewsSignalVersion, insert_news_signals, news_signal_versions};
use platform::db::promos::{PromoVersion, insert_promos, promo_versions};
use platform::db::weather_forecasts::{WeatherForecastRow, insert_weather_forecasts, weather_forecast_vintages};

use super::shop::{Shop, add_store, at, date};

const JAKARTA: &str = "31.71.03.1001";

fn forecast(target: &str, issued: &str, rain_mm: f32) -> WeatherForecastRow {
    WeatherForecastRow {
        region: JAKARTA.to_owned(),
        target_date: date(target),
        issued_at: at(issued),
        available_at: at(issued) + chrono::TimeDelta::hours(3),
        temperature_c: Some(29.5),
        rain_mm: Some(rain_mm),
        rain_probability: Some(0.75),
        humidity_percent: None,
        wind_ms: None,
    }
}

#[tokio::test]
async fn every_vintage_of_the_weather_is_kept_and_read_as_of() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let issued = [forecast("2026-11-24", "2026-11-22T12:00:00Z", 4.0), forecast("2026-11-24", "2026-11-23T00:00:00Z", 12.5)];
    let new = insert_weather_forecasts(&mut work, "bmkg_forecast", None, &issued).await.expect("a load");
    assert_eq!((new.count, new.earliest), (2, Some(at("2026-11-22T15:00:00Z"))));
    let again = insert_weather_forecasts(&mut work, "bmkg_forecast", None, &issued).await.expect("the same");
    assert_eq!(again.count, 0);
    assert_eq!(insert_weather_forecasts(&mut work, "bmkg_forecast", None, &[]).await.expect("nothing").count, 0);

    for (until, expected) in [("2026-11-22T14:59:59Z", 0), ("2026-11-23T02:59:59Z", 1), ("2026-11-23T03:00:00Z", 2)] {
        let read = weather_forecast_vintages(&mut *work, JAKARTA, date("2026-11-24"), date("2026-11-26"), at(until)).await;
        assert_eq!(read.expect("vintages"), issued[..expected], "until {until}");
    }
    let impossible = [forecast("2026-11-24", "2026-11-23T00:00:00Z", -1.0)];
    let error = insert_weather_forecasts(&mut work, "other", None, &impossible).await.expect_err("negative rain");
    assert_eq!(error.rule(), Some("forecast_rain_is_not_negative"));
    drop(work);
    shop.db.close().await;
}

fn price(region: &str, price: i64) -> MarketPriceVersion {
    MarketPriceVersion {
        commodity: "Beras Medium".to_owned(),
        region: region.to_owned(),
        market: "traditional".to_owned(),
        price_date: date("2026-11-20"),
        price,
        unit: "kg".to_owned(),
        available_at: at("2026-11-20T06:00:00Z"),
    }
}

#[tokio::test]
async fn a_price_makes_a_version_only_when_it_changes() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let told = [price("ID", 13_500), price("31", 14_000), price("73", 12_900)];
    let mut made = Vec::new();
    for (recorded, prices) in [
        ("2026-11-20T06:30:00Z", told.to_vec()),
        ("2026-11-21T06:30:00Z", told.to_vec()),
        ("2026-11-22T06:30:00Z", vec![price("31", 14_250), price("ID", 13_500)]),
    ] {
        made.push(insert_market_prices(&mut work, "pihps_prices", None, at(recorded), &prices).await.expect("prices").count);
    }
    assert_eq!(made, [3, 0, 1]);

    let commodities = ["Beras Medium".to_owned()];
    let read = market_price_versions(&mut *work, &commodities, JAKARTA, date("2026-11-01"), date("2026-11-30"), at("2026-12-01T00:00:00Z"));
    let read: Vec<_> =
        read.await.expect("versions").into_iter().map(|version| (version.region, version.price, version.available_at)).collect();
    let expected = [
        ("31".to_owned(), 14_000, at("2026-11-20T06:00:00Z")),
        ("ID".to_owned(), 13_500, at("2026-11-20T06:00:00Z")),
        ("31".to_owned(), 14_250, at("2026-11-22T06:30:00Z")),
    ];
    assert_eq!(read, expected, "the price of another province is not read");
    drop(work);
    shop.db.close().await;
}

/// Landed records are parsed again in any order, and windows come as they please.
#[tokio::test]
async fn prices_told_in_any_order_make_the_same_versions() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let tellings = [
        ("2026-11-20T07:00:00Z", 14_000),
        ("2026-11-21T07:00:00Z", 14_000),
        ("2026-11-22T07:00:00Z", 14_250),
        ("2026-11-23T07:00:00Z", 14_000),
    ];
    let orders: [&[usize]; 6] =
        [&[0, 1, 2, 3], &[3, 2, 1, 0], &[2, 0, 3, 1], &[1, 3, 0, 2], &[0, 0, 3, 3, 1, 2, 1, 0], &[3, 1, 2, 0, 1, 2, 3]];
    for (number, order) in orders.iter().enumerate() {
        let commodity = format!("Cabai {number}");
        for told in order.iter().map(|place| tellings[*place]) {
            let price = MarketPriceVersion { commodity: commodity.clone(), ..price("31", told.1) };
            insert_market_prices(&mut work, "pihps_prices", None, at(told.0), &[price]).await.expect("a price");
        }
        let (first, last) = (date("2026-11-01"), date("2026-11-30"));
        let read = market_price_versions(&mut *work, &[commodity], JAKARTA, first, last, at("2026-12-01T00:00:00Z")).await;
        let read: Vec<_> = read.expect("versions").into_iter().map(|version| (version.price, version.available_at)).collect();
        let expected = [(14_000, at("2026-11-20T06:00:00Z")), (14_250, at("2026-11-22T07:00:00Z")), (14_000, at("2026-11-23T07:00:00Z"))];
        assert_eq!(read, expected, "told in the order {order:?}");
    }
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn the_seeds_view_shows_todays_price_of_each_ingredient() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    for amount in [14_000, 14_250] {
        insert_market_prices(&mut work, "pihps_prices", None, at("2026-11-22T00:00:00Z"), &[price("31", amount)]).await.expect("a price");
    }
    let rice = platform::db::ingredients::NewIngredient {
        name: "beras".to_owned(),
        unit: "kg".to_owned(),
        pack_size: 25.0,
        pack_price: None,
        shelf_life_days: 90,
        commodity: Some("Beras Medium".to_owned()),
    };
    let ids = platform::db::ingredients::upsert_ingredients(&mut work, shop.store_id, &[rice]).await.expect("rice");
    let seen: Vec<(uuid::Uuid, i64, String, chrono::NaiveDate)> =
        sqlx::query_as("select ingredient_id, price, market_location, date from ingredient_market_prices")
            .fetch_all(&mut *work)
            .await
            .expect("the view");
    assert_eq!(seen, [(ids["beras"], 14_250, "31 traditional".to_owned(), date("2026-11-20"))]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_promo_is_known_from_its_announcement_on_and_can_be_taken_back() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let announced = PromoVersion {
        product_id: None,
        name: "Gajian".to_owned(),
        starts_on: date("2026-11-25"),
        ends_on: date("2026-11-30"),
        discount_share: Some(0.1),
        price: None,
        is_cancelled: false,
        available_at: at("2026-11-10T00:00:00Z"),
    };
    let cancelled = PromoVersion { is_cancelled: true, available_at: at("2026-11-24T00:00:00Z"), ..announced.clone() };
    let both = [announced.clone(), cancelled.clone()];
    assert_eq!(insert_promos(&mut *work, shop.store_id, "demo", &both).await.expect("promos"), 2);
    assert_eq!(insert_promos(&mut *work, shop.store_id, "demo", &both).await.expect("the same"), 0, "a missing product is a value too");
    let window = (date("2026-11-28"), date("2026-12-31"));
    let early = promo_versions(&mut *work, shop.store_id, window.0, window.1, at("2026-11-11T00:00:00Z")).await.expect("promos");
    assert_eq!(early, std::slice::from_ref(&announced));
    let late = promo_versions(&mut *work, shop.store_id, window.0, window.1, at("2026-11-24T00:00:00Z")).await.expect("promos");
    assert_eq!(late, [announced, cancelled]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_store_reads_its_nations_calendar_and_its_own_closures() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let (_, neighbour) = add_store(&mut work, "tetangga").await;
    let event = |kind: &str, name: &str, day: &str, likelihood: f64, known: &str| CalendarEventVersion {
        kind: kind.to_owned(),
        name: name.to_owned(),
        starts_on: date(day),
        ends_on: date(day),
        likelihood,
        is_cancelled: false,
        available_at: at(known),
    };
    let branches = [
        event("lebaran", "Idul Fitri", "2027-03-09", 0.5, "2026-01-01T00:00:00Z"),
        event("lebaran", "Idul Fitri", "2027-03-10", 0.5, "2026-01-01T00:00:00Z"),
    ];
    let nation = CalendarOf::Nation("id".to_owned());
    assert_eq!(insert_calendar_events(&mut *work, &nation, "calendar", &branches).await.expect("feasts").count, 2);
    assert_eq!(insert_calendar_events(&mut *work, &nation, "calendar", &branches).await.expect("the same").count, 0);
    let foreign = [event("holiday", "Karneval", "2027-03-08", 1.0, "2026-01-01T00:00:00Z")];
    insert_calendar_events(&mut *work, &CalendarOf::Nation("br".to_owned()), "calendar", &foreign).await.expect("another nation");
    let closure = [event("closed", "Renovasi", "2027-03-11", 1.0, "2027-03-01T00:00:00Z")];
    insert_calendar_events(&mut *work, &CalendarOf::Store(shop.store_id), "owner", &closure).await.expect("a closure");
    insert_calendar_events(&mut *work, &CalendarOf::Store(neighbour), "owner", &closure).await.expect("the neighbour's");

    let window = (date("2027-03-01"), date("2027-03-31"));
    let early = calendar_event_versions(&mut *work, shop.store_id, window.0, window.1, at("2027-02-28T00:00:00Z")).await.expect("events");
    assert_eq!(early, branches);
    let late = calendar_event_versions(&mut *work, shop.store_id, window.0, window.1, at("2027-03-02T00:00:00Z")).await.expect("events");
    assert_eq!(late, [branches.to_vec(), closure.to_vec()].concat());
    let unknown = [event("birthday", "x", "2027-03-11", 1.0, "2027-03-01T00:00:00Z")];
    let error = insert_calendar_events(&mut *work, &nation, "calendar", &unknown).await.expect_err("no such kind");
    assert_eq!(error.rule(), Some("calendar_event_kind_is_known"));
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn news_concern_a_region_and_everything_inside_it() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let signal = |region: &str, volume: f32| NewsSignalVersion {
        topic: "ayam geprek".to_owned(),
        region: region.to_owned(),
        signal_date: date("2026-11-20"),
        volume,
        novelty: None,
        momentum: Some(1.5),
        sentiment: Some(0.25),
        available_at: at("2026-11-21T00:00:00Z"),
    };
    let told = [signal("", 3.0), signal("31", 9.0), signal("73", 40.0)];
    assert_eq!(insert_news_signals(&mut *work, "serper_news", &told).await.expect("signals"), 3);
    assert_eq!(insert_news_signals(&mut *work, "serper_news", &told).await.expect("the same"), 0);
    let window = (date("2026-11-01"), date("2026-11-30"));
    let read = news_signal_versions(&mut *work, JAKARTA, window.0, window.1, at("2026-11-21T00:00:00Z")).await.expect("signals");
    assert_eq!(read, told[..2]);
    let early = news_signal_versions(&mut *work, JAKARTA, window.0, window.1, at("2026-11-20T23:59:59Z")).await.expect("signals");
    assert_eq!(early, []);
    drop(work);
    shop.db.close().await;
}
