//! The BMKG stand-in keeps to the contract: fields and types, grouping by local day, zones, nulls, 404, 429.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::Value;
use standin::services::{self, Context};
use standin::world::RegionWeather;
use std::sync::{Arc, LazyLock};
use tower::ServiceExt;

use crate::world;

pub const BANDUNG: &str = "/bmkg/publik/prakiraan-cuaca?adm4=32.73.09.1001";
const DENPASAR: &str = "/bmkg/publik/prakiraan-cuaca?adm4=51.71.01.1005";
const JAYAPURA: &str = "/bmkg/publik/prakiraan-cuaca?adm4=91.71.03.1008";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// All services on the pinned world, on the evening before its `today`.
pub fn context() -> Context {
    static WORLD: LazyLock<Arc<standin::world::SimulatedWorld>> = LazyLock::new(|| Arc::new(world().clone()));
    Context::new(WORLD.clone()).at(at("2026-11-22T20:30:00Z"))
}

pub fn router() -> Router {
    services::all().router(&context())
}

pub async fn get(router: &Router, uri: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::get(uri).body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, to_bytes(body, usize::MAX).await.expect("a body").to_vec())
}

async fn json(router: &Router, uri: &str) -> Value {
    let (status, headers, body) = get(router, uri).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["access-control-allow-origin"], "*");
    serde_json::from_slice(&body).expect("json")
}

fn groups(answer: &Value) -> Vec<Vec<Value>> {
    let groups = answer["data"][0]["cuaca"].as_array().expect("cuaca is an array");
    groups.iter().map(|group| group.as_array().expect("of arrays").clone()).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn fields_have_the_names_of_the_contract() {
    let answer = json(&router(), BANDUNG).await;
    let place = ["adm1", "adm2", "adm3", "adm4", "desa", "kecamatan", "kotkab", "lat", "lon", "provinsi", "timezone"];
    assert_eq!(keys(&answer), ["data", "lokasi"]);
    assert_eq!(keys(&answer["lokasi"]), place);
    let mut typed = place.to_vec();
    typed.insert(typed.len(), "type");
    assert_eq!(keys(&answer["data"][0]["lokasi"]), typed);
    assert_eq!(answer["data"][0]["lokasi"]["type"], "adm4");
    let slot = [
        "analysis_date",
        "datetime",
        "hu",
        "image",
        "local_datetime",
        "t",
        "tcc",
        "time_index",
        "tp",
        "utc_datetime",
        "vs",
        "vs_text",
        "wd",
        "wd_deg",
        "wd_to",
        "weather",
        "weather_desc",
        "weather_desc_en",
        "ws",
    ];
    for group in groups(&answer) {
        for entry in group {
            assert_eq!(keys(&entry), slot);
            assert!(
                entry["t"].is_i64() && entry["hu"].is_i64() && entry["tcc"].is_i64() && entry["weather"].is_i64() && entry["ws"].is_f64()
            );
        }
    }
}

#[tokio::test]
async fn groups_are_local_days_of_uneven_size() {
    let router = router();
    for (uri, sizes, zone, offset, first) in [
        (BANDUNG, vec![8, 8, 2], "Asia/Jakarta", "+0700", "2026-11-23 01:00:00"),
        (DENPASAR, vec![8, 8, 2], "Asia/Makassar", "+0800", "2026-11-23 02:00:00"),
        (JAYAPURA, vec![7, 8, 3], "Asia/Jayapura", "+0900", "2026-11-23 03:00:00"),
    ] {
        let answer = json(&router, uri).await;
        assert_eq!(answer["lokasi"]["timezone"], zone);
        assert_eq!(answer["data"][0]["lokasi"]["timezone"], offset);
        let groups = groups(&answer);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(groups[0][0]["local_datetime"], first);
        assert_eq!(groups[0][0]["utc_datetime"], "2026-11-22 18:00:00");
        assert_eq!(groups[0][0]["datetime"], "2026-11-22T18:00:00Z");
        assert_eq!(groups[0][0]["analysis_date"], "2026-11-22T12:00:00");
        for group in groups {
            let day = |entry: &Value| entry["local_datetime"].as_str().expect("text")[..10].to_owned();
            assert!(group.iter().all(|entry| day(entry) == day(&group[0])));
        }
    }
}

#[tokio::test]
async fn rain_is_null_integer_or_float_and_visibility_may_be_null() {
    let answer = json(&router(), BANDUNG).await;
    let slots: Vec<Value> = groups(&answer).concat();
    assert_eq!(slots.iter().filter(|slot| slot["tp"].is_null()).count(), 1);
    assert!(slots.iter().any(|slot| slot["tp"].is_i64()) && slots.iter().any(|slot| slot["tp"].is_f64()), "{slots:?}");
    assert!(slots.iter().any(|slot| slot["vs"].is_null() && slot["vs_text"].is_null()));
    assert!(slots.iter().any(|slot| slot["image"].as_str().is_some_and(|image| image.contains(' '))));
}

#[tokio::test]
async fn full_days_add_up_to_the_issued_forecasts_of_the_world() {
    let answer = json(&router(), BANDUNG).await;
    for group in groups(&answer).into_iter().filter(|group| group.len() == 8) {
        let sum: f64 = group.iter().filter_map(|slot| slot["tp"].as_f64()).sum();
        let date = &group[0]["local_datetime"].as_str().expect("text")[..10];
        let issued = world()
            .weather_forecasts
            .iter()
            .find(|row| row.region == "32.73.09.1001" && row.date.to_string() == date && row.issued_at == at("2026-11-22T12:00:00Z"));
        assert!((sum - issued.expect("issued").rain_mm).abs() < 1e-9);
    }
}

#[tokio::test]
async fn the_next_run_speaks_anew_of_the_same_slots() {
    let morning = services::all().router(&context().at(at("2026-11-23T02:00:00Z")));
    let answer = json(&morning, BANDUNG).await;
    let groups = groups(&answer);
    assert_eq!(groups[0][0]["analysis_date"], "2026-11-23T00:00:00");
    assert_eq!(groups[0][0]["local_datetime"], "2026-11-23 10:00:00", "the first group is partial");
    assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [5, 8, 5]);
}

#[tokio::test]
async fn unknown_places_get_the_recorded_404() {
    let router = router();
    for uri in ["/bmkg/publik/prakiraan-cuaca?adm4=99.99.99.9999", "/bmkg/publik/prakiraan-cuaca"] {
        let (status, _, body) = get(&router, uri).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(String::from_utf8_lossy(&body), r#"{"message":"Data not found","error":"Not Found","statusCode":404}"#);
    }
    let (status, _, _) = get(&router, "/bmkg/publik/wilayah").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_sixty_first_request_is_refused_without_a_body() {
    let router = router();
    for _ in 0..services::bmkg::REQUESTS_PER_MINUTE {
        assert_eq!(get(&router, BANDUNG).await.0, StatusCode::OK);
    }
    let (status, _, body) = get(&router, BANDUNG).await;
    assert_eq!((status, body.len()), (StatusCode::TOO_MANY_REQUESTS, 0));
}

#[test]
fn forecasts_go_on_after_today() {
    let late = RegionWeather::latest_run(at("2026-12-10T20:00:00Z"));
    assert_eq!(world().regions[0].slots(late).len(), 18);
    assert_eq!(world().regions[0].issue(late).len(), 3);
}
