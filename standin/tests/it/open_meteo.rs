//! The Open-Meteo stand-in keeps to the contract: shapes, nulls, delays, late changes, refusals.

use axum::Router;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::Value;
use standin::services::{self, open_meteo};

use crate::bmkg::{context, get};
use crate::{day, world};

const DAILY: &str = "weather_code,temperature_2m_max,temperature_2m_min,temperature_2m_mean,precipitation_sum,rain_sum,\
                     precipitation_hours,relative_humidity_2m_mean,wind_speed_10m_max";
const BANDUNG: &str = "latitude=-6.908&longitude=107.628&timezone=Asia/Jakarta";

fn at(time: &str) -> Router {
    services::all().router(&context().at(time.parse::<DateTime<Utc>>().expect("a time")))
}

fn router() -> Router {
    at("2026-11-23T04:00:00Z")
}

async fn ask(router: &Router, query: &str) -> (StatusCode, Value) {
    let (status, _, body) = get(router, &format!("/open_meteo/v1/archive?{query}")).await;
    (status, serde_json::from_slice(&body).expect("json"))
}

async fn archive(router: &Router, query: &str) -> Value {
    let (status, answer) = ask(router, query).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

#[tokio::test]
async fn an_answer_has_the_fields_of_the_contract() {
    let query = format!("{BANDUNG}&start_date=2026-03-01&end_date=2026-03-03&daily={DAILY}&models=era5");
    insta::assert_json_snapshot!("open_meteo_archive", archive(&router(), &query).await);
}

#[tokio::test]
async fn near_a_shop_it_is_the_weather_of_the_world() {
    let query = format!("{BANDUNG}&start_date=2026-01-01&end_date=2026-10-31&daily=precipitation_sum,temperature_2m_mean");
    let answer = archive(&router(), &query).await;
    let mut missing = 0;
    for (position, date) in answer["daily"]["time"].as_array().expect("time").iter().enumerate() {
        let date = day(date.as_str().expect("text"));
        let actual = world().weather_actual.iter().find(|row| row.region == "32.73.09.1001" && row.date == date).expect("its day");
        for (name, value) in [("precipitation_sum", actual.rain_mm), ("temperature_2m_mean", actual.temperature_mean)] {
            let told = &answer["daily"][name][position];
            missing += usize::from(told.is_null());
            assert!(told.is_null() || told.as_f64() == Some(value), "{date} {name} {told}");
        }
    }
    assert!((1..20).contains(&missing), "{missing}");
}

#[tokio::test]
async fn several_points_come_as_an_array() {
    let points = "latitude=-6.9,-8.67,3.6&longitude=107.6,115.23,98.7&timezone=auto";
    let query = format!("{points}&start_date=2021-03-01&end_date=2021-03-31&daily=precipitation_sum,weather_code");
    let answer = archive(&router(), &query).await;
    let answer = answer.as_array().expect("an array");
    let zones: Vec<_> = answer.iter().map(|point| (&point["timezone"], &point["timezone_abbreviation"])).collect();
    assert_eq!(zones[0], (&"Asia/Jakarta".into(), &"WIB".into()));
    assert_eq!(zones[1], (&"Asia/Makassar".into(), &"WITA".into()));
    assert_eq!(answer[1]["utc_offset_seconds"], 28_800);
    assert_eq!(answer[0]["daily"]["time"].as_array().map(Vec::len), Some(31));
    assert_ne!(answer[0]["daily"]["precipitation_sum"], answer[2]["daily"]["precipitation_sum"]);
    assert_eq!(archive(&router(), &query).await.as_array(), Some(answer));
}

#[tokio::test]
async fn the_last_days_come_late() {
    let query = format!("{BANDUNG}&start_date=2026-11-14&end_date=2026-11-23&daily=weather_code");
    for (model, late) in [("best_match", 2), ("era5", 5), ("ecmwf_ifs", 1)] {
        let answer = archive(&router(), &format!("{query}&models={model}")).await;
        let codes = answer["daily"]["weather_code"].as_array().expect("codes").clone();
        assert_eq!(codes.len(), 10);
        assert!(codes[10 - late..].iter().all(Value::is_null), "{model}: {codes:?}");
        assert!(!codes[9 - late].is_null(), "{model}: {codes:?}");
    }
}

#[tokio::test]
async fn late_days_of_the_mixed_series_change() {
    let query = |model: &str| format!("{BANDUNG}&start_date=2026-11-01&end_date=2026-11-20&daily=temperature_2m_mean&models={model}");
    let values = |answer: Value| answer["daily"]["temperature_2m_mean"].as_array().expect("values").clone();
    let (first, again) = (at("2026-11-23T04:00:00Z"), at("2026-11-24T04:00:00Z"));
    let (before, after) = (values(archive(&first, &query("")).await), values(archive(&again, &query("")).await));
    assert_eq!(before[..12], after[..12], "older than ten days");
    assert!(before[14..].iter().zip(&after[14..]).filter(|(a, b)| a != b).count() >= 4, "{before:?} {after:?}");
    let pinned = |router: Router| async move { values(archive(&router, &query("ecmwf_ifs")).await) };
    assert_eq!(pinned(first).await, pinned(again).await);
}

#[tokio::test]
async fn refusals_say_why() {
    let router = router();
    let dates = "start_date=2026-01-01&end_date=2026-01-02";
    let place = "latitude=-6.9&longitude=107.6";
    let mut reasons = Vec::new();
    for query in [
        format!("{place}&{dates}&daily=rain_sum"),
        format!("{place}&{dates}&daily=tempeture_2m_max&timezone=Asia/Jakarta"),
        format!("{place}&{dates}&daily=rain_sum&timezone=Asia/Bandung"),
        format!("latitude=-6.9,1&longitude=107.6&{dates}&daily=rain_sum&timezone=GMT"),
        format!("latitude=96.9&longitude=107.6&{dates}&daily=rain_sum&timezone=GMT"),
        format!("{place}&start_date=2026-01-01&end_date=2026-12-31&daily=rain_sum&timezone=GMT"),
        format!("{place}&start_date=2026-02-01&end_date=2026-01-01&daily=rain_sum&timezone=GMT"),
        format!("{place}&start_date=01/02/2026&end_date=2026-01-01&daily=rain_sum&timezone=GMT"),
        format!("{place}&{dates}&daily=rain_sum&timezone=GMT&models=gfs_old"),
    ] {
        let (status, answer) = ask(&router, &query).await;
        assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &Value::Bool(true)));
        reasons.push(answer["reason"].as_str().expect("a reason").to_owned());
    }
    insta::assert_snapshot!("open_meteo_reasons", reasons.join("\n"));
    let (status, _, _) = get(&router, &format!("/open_meteo/v1/archive?{place}&{dates}&hourly=rain&timezone=GMT")).await;
    assert_eq!(status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn long_ranges_count_for_several_requests() {
    let router = router();
    let year = format!("{BANDUNG}&start_date=2025-01-01&end_date=2025-12-31&daily=rain_sum");
    for _ in 0..open_meteo::REQUESTS_PER_MINUTE / 27 {
        assert_eq!(ask(&router, &year).await.0, StatusCode::OK);
    }
    let (status, answer) = ask(&router, &year).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer["reason"], "Minutely API request limit exceeded. Please try again in one minute.");
}
