//! BMKG's public forecast: `GET /publik/prakiraan-cuaca?adm4=...`, answered from the simulated world.
//!
//! Recorded from the real service: path and query, the nesting of the answer, every field name and type, groups by local
//! day of uneven size (8/8/2), both spellings of the time zone, `tp` as integer or float, null `tp`, `vs` and `vs_text`,
//! icon addresses with a space, the 404 body, 60 requests a minute and address.
//! Reconstructed by us: where a run's slots begin (18 UTC after the evening run, 03 UTC after the morning run),
//! `time_index` as hours from the run, the visibility texts, the 429 without a body, and a missing `adm4` answered like an
//! unknown one. All values are synthetic.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{Extensions, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Timelike, Utc};
use serde::{Deserialize, Serialize};

use super::{Context, Service};
use crate::limiter::{self, Limiter};
use crate::world::{ForecastSlot, Region, RegionWeather};

/// Requests one address may make in a minute.
pub const REQUESTS_PER_MINUTE: usize = 60;

/// The service, for the registry.
pub fn service() -> Service {
    Service { name: "bmkg", about: "public weather forecast by adm4 code", routes: router, control: None }
}

/// Its routes, as at the real service's root.
pub fn router(context: &Context) -> Router {
    let state = BmkgState { context: context.clone(), limiter: Arc::new(Limiter::per_minute(REQUESTS_PER_MINUTE)) };
    Router::new().route("/publik/prakiraan-cuaca", get(forecast)).with_state(state)
}

#[derive(Clone)]
struct BmkgState {
    context: Context,
    limiter: Arc<Limiter>,
}

#[derive(Deserialize)]
struct Wanted {
    adm4: Option<String>,
}

async fn forecast(State(state): State<BmkgState>, Query(wanted): Query<Wanted>, extensions: Extensions) -> Response {
    if !state.limiter.allows(limiter::client(&extensions), 1, Instant::now()) {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    let run = RegionWeather::latest_run((state.context.now)());
    match wanted.adm4.and_then(|adm4| answer(&state.context, &adm4, run)) {
        Some(answer) => json(StatusCode::OK, &answer),
        None => json(StatusCode::NOT_FOUND, &NotFound::default()),
    }
}

/// JSON with the content type and CORS header of the real service.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let headers = [(header::CONTENT_TYPE, "application/json; charset=utf-8"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
            (status, headers, bytes).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Serialize)]
struct NotFound {
    message: &'static str,
    error: &'static str,
    #[serde(rename = "statusCode")]
    status_code: u16,
}

impl Default for NotFound {
    fn default() -> Self {
        NotFound { message: "Data not found", error: "Not Found", status_code: 404 }
    }
}

#[derive(Serialize)]
struct Answer {
    lokasi: Place,
    data: [Data; 1],
}

#[derive(Serialize)]
struct Data {
    lokasi: Place,
    cuaca: Vec<Vec<Slot>>,
}

#[derive(Serialize)]
struct Place {
    adm1: String,
    adm2: String,
    adm3: String,
    adm4: String,
    provinsi: String,
    kotkab: String,
    kecamatan: String,
    desa: String,
    lon: f64,
    lat: f64,
    timezone: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

#[derive(Serialize)]
struct Slot {
    datetime: String,
    t: i32,
    tcc: i32,
    tp: Option<serde_json::Number>,
    weather: u16,
    weather_desc: &'static str,
    weather_desc_en: &'static str,
    wd_deg: u32,
    wd: &'static str,
    wd_to: &'static str,
    ws: f64,
    hu: i32,
    vs: Option<u32>,
    vs_text: Option<&'static str>,
    time_index: String,
    analysis_date: String,
    image: String,
    utc_datetime: String,
    local_datetime: String,
}

fn answer(context: &Context, adm4: &str, run: DateTime<Utc>) -> Option<Answer> {
    let region = context.world.definition.stores.iter().map(|store| &store.region).find(|region| region.adm4 == adm4)?;
    let weather = context.world.regions.iter().find(|weather| weather.adm4() == adm4)?;
    let days = by_local_day(weather, run);
    if days.is_empty() {
        return None; // beyond the simulated weather: the real service has no such day either
    }
    let offset = run.with_timezone(&weather.zone()).format("%z").to_string();
    let data = [Data { lokasi: place(region, offset, Some("adm4")), cuaca: days }];
    Some(Answer { lokasi: place(region, weather.zone().name().to_owned(), None), data })
}

/// The slots of a run in groups of one local calendar day.
fn by_local_day(weather: &RegionWeather, run: DateTime<Utc>) -> Vec<Vec<Slot>> {
    let slots = weather.slots(run);
    let mut days: Vec<Vec<Slot>> = Vec::new();
    let mut last_day = None;
    for (position, slot) in slots.iter().enumerate() {
        let day = slot.starts_at.with_timezone(&weather.zone()).date_naive();
        if last_day != Some(day) {
            days.push(Vec::new());
            last_day = Some(day);
        }
        if let Some(group) = days.last_mut() {
            group.push(Slot::new(slot, weather, run, position, slots.len()));
        }
    }
    days
}

impl Slot {
    fn new(slot: &ForecastSlot, weather: &RegionWeather, run: DateTime<Utc>, position: usize, count: usize) -> Self {
        let local = slot.starts_at.with_timezone(&weather.zone());
        let (code, words, english) = describe(slot);
        let hours = (slot.starts_at - run).num_hours();
        let half = if (6..18).contains(&local.hour()) { "am" } else { "pm" };
        let unseen = position == 3; // the contract asks for one slot without visibility
        let (vs, vs_text) = if slot.rain_tenths > 20 { (4712, "< 5 km") } else { (9993, "< 10 km") };
        Slot {
            datetime: slot.starts_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            t: slot.temperature.round() as i32,
            tcc: slot.cloud.round() as i32,
            // The last slot belongs to a day that is only begun; the one null falls there, so full days keep their sum.
            tp: (position + 1 < count).then(|| millimetres(slot.rain_tenths)),
            weather: code,
            weather_desc: words,
            weather_desc_en: english,
            wd_deg: slot.wind_from,
            wd: compass(slot.wind_from),
            wd_to: compass(slot.wind_from + 180),
            ws: (slot.wind_kmh * 10.0).round() / 10.0,
            hu: slot.humidity.round() as i32,
            vs: (!unseen).then_some(vs),
            vs_text: (!unseen).then_some(vs_text),
            time_index: format!("{}-{}", hours - 1, hours),
            analysis_date: run.format("%Y-%m-%dT%H:%M:%S").to_string(),
            image: format!("https://api-apps.bmkg.go.id/storage/icon/cuaca/{}-{half}.svg", words.to_lowercase()),
            utc_datetime: slot.starts_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            local_datetime: local.format("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }
}

/// Whole millimetres arrive as integers, others as floats, as from the real service.
fn millimetres(tenths: u32) -> serde_json::Number {
    if tenths.is_multiple_of(10) {
        return (tenths / 10).into();
    }
    serde_json::Number::from_f64(f64::from(tenths) / 10.0).unwrap_or_else(|| 0.into())
}

fn describe(slot: &ForecastSlot) -> (u16, &'static str, &'static str) {
    match slot.rain_tenths {
        150.. => (95, "Hujan Petir", "Thunderstorm"),
        50..150 => (63, "Hujan Sedang", "Moderate Rain"),
        1..50 => (61, "Hujan Ringan", "Light Rain"),
        0 if slot.cloud > 85.0 => (3, "Berawan", "Mostly Cloudy"),
        0 if slot.cloud > 50.0 => (2, "Cerah Berawan", "Partly Cloudy"),
        0 => (1, "Cerah", "Sunny"),
    }
}

fn compass(degrees: u32) -> &'static str {
    const POINTS: [&str; 16] = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"];
    POINTS[((degrees * 2 + 22) / 45 % 16) as usize]
}

fn place(region: &Region, timezone: String, kind: Option<&'static str>) -> Place {
    let up_to = |parts: usize| region.adm4.split('.').take(parts).collect::<Vec<_>>().join(".");
    Place {
        adm1: up_to(1),
        adm2: up_to(2),
        adm3: up_to(3),
        adm4: region.adm4.clone(),
        provinsi: region.province.clone(),
        kotkab: region.city.clone(),
        kecamatan: region.district.clone(),
        desa: region.village.clone(),
        lon: region.lon,
        lat: region.lat,
        timezone,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compass_has_sixteen_points() {
        assert_eq!((compass(0), compass(348), compass(349), compass(180), compass(45)), ("N", "NNW", "N", "S", "NE"));
    }
}
