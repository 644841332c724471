//! The PIHPS stand-in keeps to the contract: dates as columns, text prices, what is missing, ids, averages.

use axum::Router;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use standin::services;

use crate::bmkg::{context, get};
use crate::{day, world};

const SITE: &str = "/pihps/hargapangan/WebSite";

fn at(time: &str) -> Router {
    services::all().router(&context().at(time.parse::<DateTime<Utc>>().expect("a time")))
}

/// 15:00 in Jakarta on Tuesday, 2026-11-24.
fn router() -> Router {
    at("2026-11-24T08:00:00Z")
}

async fn data(router: &Router, path: &str) -> Vec<Value> {
    let (status, headers, body) = get(router, &format!("{SITE}/{path}")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/json");
    let answer: Value = serde_json::from_slice(&body).expect("json");
    answer["data"].as_array().expect("data").clone()
}

async fn grid(router: &Router, comcat: &str, province: &str, start: &str, end: &str) -> Vec<Value> {
    let query = format!("price_type_id=1&comcat_id={comcat}&province_id={province}&regency_id=&market_id=&tipe_laporan=1");
    data(router, &format!("TabelHarga/GetGridDataDaerah?{query}&start_date={start}&end_date={end}&_=1")).await
}

fn rupiah(cell: &Value) -> Option<i64> {
    let text = cell.as_str().expect("a price is text");
    (text != "-").then(|| text.replace(',', "").parse().expect("a number"))
}

#[tokio::test]
async fn a_week_of_chilli_in_west_java() {
    let path = "TabelHarga/GetGridDataDaerah?price_type_id=1&comcat_id=cat_7,com_16&province_id=12&tipe_laporan=1";
    let (_, _, body) = get(&router(), &format!("{SITE}/{path}&start_date=2026-10-29&end_date=2026-11-04")).await;
    // As text: the columns come in the order of their days, which sorting would break at the end of a month.
    insta::assert_snapshot!("pihps_grid", String::from_utf8_lossy(&body).replace("},{", "},\n{"));
}

#[tokio::test]
async fn all_commodities_have_categories_above_them() {
    let rows = grid(&router(), "", "12", "2026-11-23", "2026-11-23").await;
    let levels: Vec<i64> = rows.iter().map(|row| row["level"].as_i64().expect("a level")).collect();
    assert_eq!((levels.iter().filter(|level| **level == 1).count(), levels.iter().filter(|level| **level == 2).count()), (10, 21));
    assert!(rows.iter().all(|row| row["no"].is_string() == (row["level"] == 1)));
    assert!(rows.iter().any(|row| row["name"] == "Cabai Merah Keriting "), "with the blank at its end");
    assert_eq!((&rows[0]["no"], &rows[7]["no"], &rows[7]["name"]), (&"I".into(), &"II".into(), &"Daging Ayam".into()));
}

#[tokio::test]
async fn weekends_have_no_column_and_holidays_no_price() {
    let router = router();
    // Nyepi on Thursday the 19th, Idul Fitri on Saturday the 21st of March 2026, with joint leave around them.
    let rows = grid(&router, "com_3", "12", "2026-03-16", "2026-03-27").await;
    let columns: Vec<&str> = rows[1].as_object().expect("a row").keys().map(String::as_str).filter(|key| key.contains('/')).collect();
    assert_eq!(columns.len(), 10);
    assert!(!columns.contains(&"21/03/2026") && !columns.contains(&"22/03/2026"));
    for off in ["19/03/2026", "20/03/2026", "23/03/2026"] {
        assert_eq!((&rows[0][off], &rows[1][off]), (&"-".into(), &"-".into()), "{off}");
    }
    assert!(columns.iter().filter(|column| rows[1][**column] != "-").count() >= 3);
}

#[tokio::test]
async fn prices_are_those_of_the_worlds_markets() {
    let rows = grid(&router(), "com_14", "12", "2026-08-01", "2026-11-23").await;
    let (mut same, mut silent) = (0, 0);
    for survey in world().market_prices.iter().filter(|row| row.adm1 == "32" && row.ingredient == "cabai-merah") {
        let Some(cell) = rows[1].get(survey.date.format("%d/%m/%Y").to_string()) else { continue };
        match rupiah(cell) {
            Some(price) => {
                let world_price = survey.price as f64 * 1000.0 / survey.pack;
                assert!((price as f64 - world_price).abs() <= 25.0, "{survey:?} {price}");
                same += 1;
            }
            None => silent += 1,
        }
    }
    assert!(same > 10 && silent < same, "{same} {silent}");
}

#[tokio::test]
async fn today_is_published_at_one_in_the_afternoon() {
    for (time, is_out) in [("2026-11-24T05:59:00Z", false), ("2026-11-24T06:00:00Z", true)] {
        let rows = grid(&at(time), "com_10", "", "2026-11-23", "2026-11-30").await;
        assert_eq!(rows[1]["24/11/2026"] != "-", is_out, "{time}");
        assert!(rows[1]["23/11/2026"] != "-" && rows[1].get("25/11/2026").is_none(), "{rows:?}");
    }
}

#[tokio::test]
async fn several_provinces_come_as_one_average() {
    let router = router();
    let one = |id: &'static str| {
        let router = router.clone();
        async move { grid(&router, "com_11", id, "2026-10-01", "2026-11-20").await[1].clone() }
    };
    let (west_java, central_java, both) = (one("12").await, one("14").await, one("12,14").await);
    let mut averaged = 0;
    for (column, cell) in both.as_object().expect("a row").iter().filter(|(key, _)| key.contains('/')) {
        let parts: Vec<i64> = [&west_java, &central_java].into_iter().filter_map(|row| rupiah(&row[column])).collect();
        match rupiah(cell) {
            Some(price) => {
                let mean = parts.iter().sum::<i64>() as f64 / parts.len() as f64;
                assert!((price as f64 - mean).abs() <= 25.0, "{column}");
                averaged += 1;
            }
            None => assert!(parts.is_empty()),
        }
    }
    assert!(averaged > 25);
    assert_eq!(grid(&router, "com_11", "12,14", "2026-10-01", "2026-11-20").await.len(), 2);
}

#[tokio::test]
async fn provinces_are_silent_now_and_then() {
    let rows = grid(&router(), "com_7", "20", "2025-01-01", "2026-11-20").await;
    let cells: Vec<Option<i64>> =
        rows[1].as_object().expect("a row").iter().filter(|(key, _)| key.contains('/')).map(|(_, cell)| rupiah(cell)).collect();
    let silent = cells.iter().filter(|cell| cell.is_none()).count() as f64 / cells.len() as f64;
    assert!((0.06..0.20).contains(&silent), "{silent} with the holidays");
    assert!(cells.iter().flatten().all(|price| *price > 10_000 && price % 50 == 0));
}

#[tokio::test]
async fn what_makes_no_sense_has_no_rows() {
    let router = router();
    let dates = "start_date=2026-11-23&end_date=2026-11-23";
    for query in [
        "price_type_id=1&comcat_id=com_3&province_id=12&regency_id=34&tipe_laporan=1",
        "price_type_id=1&comcat_id=com_3&province_id=12&market_id=9&tipe_laporan=1",
        "price_type_id=7&comcat_id=com_3&province_id=12&tipe_laporan=1",
        "price_type_id=1&comcat_id=com_3&province_id=35&tipe_laporan=1",
        "price_type_id=1&comcat_id=com_99&province_id=12&tipe_laporan=1",
        "price_type_id=1&comcat_id=com_3&province_id=12&tipe_laporan=6",
    ] {
        assert!(data(&router, &format!("TabelHarga/GetGridDataDaerah?{query}&{dates}")).await.is_empty(), "{query}");
    }
    let weekly = format!("{SITE}/TabelHarga/GetGridDataDaerah?price_type_id=1&tipe_laporan=2&{dates}");
    assert_eq!(get(&router, &weekly).await.0, StatusCode::NOT_IMPLEMENTED);
    let before = grid(&router, "com_3", "", "2017-03-20", "2017-03-28").await;
    let days: Vec<&String> = before[1].as_object().expect("a row").keys().filter(|key| key.contains('/')).collect();
    assert_eq!(days, ["27/03/2017", "28/03/2017"]);
}

#[tokio::test]
async fn one_commodity_is_told_by_province_city_and_respondent() {
    let router = router();
    let query = "price_type_id=4&comcat_id=com_16&province_id=12&tipe_laporan=1&start_date=2026-11-16&end_date=2026-11-18";
    let rows = data(&router, &format!("TabelHarga/GetGridDataKomoditas?{query}&showKota=true&showPasar=true")).await;
    insta::assert_json_snapshot!("pihps_commodity", rows);
    let plain = data(&router, &format!("TabelHarga/GetGridDataKomoditas?{query}&showKota=false&showPasar=false")).await;
    assert_eq!(plain.iter().map(|row| row["level"].as_i64()).collect::<Vec<_>>(), [Some(0), Some(1)]);
    let category = query.replace("com_16", "cat_8");
    assert!(data(&router, &format!("TabelHarga/GetGridDataKomoditas?{category}")).await.is_empty());
    let jakarta = query.replace("province_id=12", "province_id=13");
    let rows = data(&router, &format!("TabelHarga/GetGridDataKomoditas?{jakarta}")).await;
    assert_eq!((&rows[1]["name"], &rows[1]["16/11/2026"]), (&"DKI Jakarta".into(), &"-".into()));
}

#[tokio::test]
async fn the_lists_have_every_id() {
    let router = router();
    let provinces = data(&router, "Home/GetProvinceAll").await;
    assert_eq!(provinces.len(), 35);
    assert_eq!(provinces[33], json!({"province_id": 33, "province_name": "Papua"}));
    assert!(
        !provinces
            .iter()
            .any(|province| province["province_name"].as_str().is_some_and(|name| name.contains("Selatan") && name.contains("Papua")))
    );
    assert_eq!(data(&router, "Home/GetProvinceAll?filter=").await.len(), 1);
    let commodities = data(&router, "TabelHarga/GetRefCommodityAndCategory").await;
    assert_eq!(commodities.len(), 31);
    let curly = commodities.iter().find(|entry| entry["id"] == "com_14").expect("com_14");
    assert_eq!(*curly, json!({"id": "com_14", "name": "Cabai Merah Keriting ", "denomination": "kg", "cat_id": "cat_7"}));
}

#[tokio::test]
async fn history_does_not_depend_on_when_it_is_read() {
    let then = grid(&at("2026-11-10T08:00:00Z"), "", "1", "2026-11-02", "2026-11-06").await;
    let now = grid(&router(), "", "1", "2026-11-02", "2026-11-06").await;
    assert_eq!(then, now);
    assert!(day("2026-11-02") < world().last_day);
}
