//! What food costs, and who says so.

use platform::db::market_prices::{MarketPriceVersion, insert_market_prices};
use platform::db::raw_records::{NewRawRecord, land_raw_record};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::world::{day, instant};

const PRICES: &str = "/api/v1/market-prices";

fn price(commodity: &str, region: &str, date: &str, price: i64) -> MarketPriceVersion {
    MarketPriceVersion {
        commodity: commodity.into(),
        region: region.into(),
        market: "traditional".into(),
        price_date: day(date),
        price,
        unit: "kg".into(),
        available_at: day(date).and_hms_opt(10, 0, 0).expect("a time").and_utc(),
    }
}

async fn told(app: &App, told_at: &str, prices: &[MarketPriceVersion]) {
    let mut connection = app.db.work().acquire().await.expect("a connection");
    let record = NewRawRecord {
        source: "pihps_prices".into(),
        content_hash: [prices.len() as u8; 32],
        object_key: "sha256/00/00".into(),
        attribution: Some("Sumber: PIHPS Nasional, Bank Indonesia".into()),
        ..NewRawRecord::fetched(instant(told_at))
    };
    let record = land_raw_record(&mut connection, &record).await.expect("landed").id;
    insert_market_prices(&mut connection, "pihps_prices", Some(record), instant(told_at), prices).await.expect("prices");
}

async fn world() -> App {
    let app = App::new().await;
    let all = [
        price("daging_ayam", "31", "2026-11-21", 38_000),
        price("daging_ayam", "32", "2026-11-21", 35_000),
        price("daging_ayam", "ID", "2026-11-21", 36_000),
        price("cabai_rawit", "31", "2026-11-21", 60_000),
        price("daging_ayam", "31", "2026-10-01", 33_000),
    ];
    told(&app, "2026-11-21T12:00:00Z", &all).await;
    // The same again, with a correction; and one that is not known before tomorrow.
    told(
        &app,
        "2026-11-22T12:00:00Z",
        &[price("daging_ayam", "31", "2026-11-21", 39_000), price("cabai_rawit", "31", "2026-11-21", 60_000)],
    )
    .await;
    told(
        &app,
        "2026-11-22T13:00:00Z",
        &[MarketPriceVersion { available_at: instant("2026-11-24T10:00:00Z"), ..price("daging_ayam", "31", "2026-11-22", 1) }],
    )
    .await;
    app
}

async fn ask(app: &App, user: Uuid, query: &str) -> Value {
    let token = format!("Bearer {}", app.token_of(user).await);
    let reply = app.get_with(&format!("{PRICES}?{query}"), &[("authorization", &token)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn shown(page: &Value) -> Vec<(String, i64)> {
    let rows = page["prices"].as_array().expect("prices").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    rows.map(|row| {
        (format!("{} {} {}", text(&row["date"]), text(&row["item"]), text(&row["region"])), row["price"].as_i64().expect("rupiah"))
    })
    .collect()
}

#[tokio::test]
async fn whoever_is_signed_in_sees_prices_as_they_are_known_now_and_whom_they_are_owed_to() {
    let app = world().await;
    let page = ask(&app, app.world.cashier, "").await;
    let of = |name: &str, price| (name.to_owned(), price);
    let expected = [
        of("2026-11-21 cabai_rawit 31", 60_000),
        of("2026-11-21 daging_ayam 31", 39_000),
        of("2026-11-21 daging_ayam 32", 35_000),
        of("2026-11-21 daging_ayam ID", 36_000),
    ];
    assert_eq!(shown(&page), expected);
    let [chillies, chicken] = [&page["prices"][0], &page["prices"][1]];
    assert_eq!((&chillies["attribution"], &chillies["source"]), (&json!("Sumber: PIHPS Nasional, Bank Indonesia"), &json!("pihps_prices")));
    assert_eq!((&chillies["confirmed_at"], &chillies["available_at"]), (&json!("2026-11-22T12:00:00Z"), &json!("2026-11-21T10:00:00Z")));
    assert_eq!(chicken["available_at"], "2026-11-22T12:00:00Z", "a correction is known from when it was told");
    assert_eq!(
        shown(&ask(&app, app.world.cashier, "from=2026-10-01&item=daging_ayam&region=31").await).last(),
        Some(&of("2026-10-01 daging_ayam 31", 33_000))
    );
}

#[tokio::test]
async fn a_store_lies_in_its_province_and_in_the_country() {
    let app = world().await;
    let regions: Vec<String> =
        shown(&ask(&app, app.world.owner, "store=warung-bu-sri&item=daging_ayam").await).into_iter().map(|(name, _)| name).collect();
    assert_eq!(regions, ["2026-11-21 daging_ayam 31", "2026-11-21 daging_ayam ID"]);
    sqlx::query("update stores set adm4 = null").execute(app.db.work()).await.expect("nowhere");
    assert_eq!(shown(&ask(&app, app.world.owner, "store=warung-bu-sri").await).len(), 1);
    let token = format!("Bearer {}", app.token_of(app.world.neighbour).await);
    let theirs = app.get_with(&format!("{PRICES}?store=warung-bu-sri"), &[("authorization", &token)]).await;
    assert_eq!(theirs.status, 404, "somebody else's store does not exist");
}

#[tokio::test]
async fn pages_and_refusals() {
    let app = world().await;
    let whole = shown(&app.get(&format!("{PRICES}?from=2026-10-01")).await.json());
    assert_eq!(whole.len(), 5);
    let (mut paged, mut query) = (Vec::new(), "from=2026-10-01&limit=2".to_owned());
    for _ in 0..3 {
        let page = app.get(&format!("{PRICES}?{query}")).await.json();
        paged.extend(shown(&page));
        query = format!("from=2026-10-01&limit=2&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!((paged, query.ends_with('=')), (whole, true));
    for (query, field) in [
        ("from=2025-01-01", "from"),
        ("from=2026-11-02&to=2026-11-01", "to"),
        ("region=31&store=warung-bu-sri", "region"),
        ("commodity=x", "commodity"),
        ("item=", "item"),
        ("cursor=x", "cursor"),
    ] {
        let reply = app.get(&format!("{PRICES}?{query}")).await;
        assert_eq!((reply.status.as_u16(), reply.json()["errors"][0]["field"].as_str()), (400, Some(field)), "{query}");
    }
}
