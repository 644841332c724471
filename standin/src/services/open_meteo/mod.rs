//! Open-Meteo's archive: `GET /v1/archive` with daily weather, answered from the simulated world.
//!
//! From the real service's documentation and issues: path and query, the fields of the answer, an object for one point and
//! an array for several, units, `null` for what is missing, the delays of the models, late days of the mixed series that
//! change, `{"error":true,"reason":"..."}` with 400 and 429, the text for an unknown variable, the limit of 600 a minute,
//! that long ranges count for several requests.
//! Reconstructed by us: every other reason's text, the weight of a request (14 days and ten variables count as one), the
//! grid of 0.1 degree under every model, that the mixed series lacks yesterday, single missing values, elevations.
//! Not built: `hourly` (501), other variables than those of the contract (400 as an unknown one), several models at once,
//! hourly and daily limits. Near a shop the values are the world's observed weather; elsewhere they are synthetic.

mod days;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Query, State};
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, NaiveDate, Offset, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::days::{Model, Point, VARIABLES, days};
use super::{Context, Ordered, Service};
use crate::limiter::{self, Limiter};

/// What one address may ask for in a minute, in requests of two weeks.
pub const REQUESTS_PER_MINUTE: usize = 600;

/// The service, for the registry.
pub fn service() -> Service {
    Service { name: "open_meteo", about: "daily weather archive by coordinates", routes: router, control: None }
}

/// Its routes, as at the real service's root.
pub fn router(context: &Context) -> Router {
    let limiter = Arc::new(Limiter::per_minute(REQUESTS_PER_MINUTE));
    Router::new().route("/v1/archive", get(archive)).with_state(OpenMeteo { context: context.clone(), limiter })
}

#[derive(Clone)]
struct OpenMeteo {
    context: Context,
    limiter: Arc<Limiter>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    latitude: String,
    longitude: String,
    start_date: String,
    end_date: String,
    daily: String,
    hourly: String,
    timezone: String,
    models: String,
}

/// The request once it is understood.
struct Request {
    points: Vec<(f64, f64)>,
    days: Vec<NaiveDate>,
    variables: Vec<(&'static str, &'static str)>,
    /// None is `auto`: each point's own.
    zone: Option<Tz>,
    model: Model,
}

#[derive(Serialize)]
struct Answer {
    latitude: f64,
    longitude: f64,
    generationtime_ms: f64,
    utc_offset_seconds: i32,
    timezone: &'static str,
    timezone_abbreviation: String,
    elevation: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_units: Option<Ordered>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily: Option<Ordered>,
}

async fn archive(State(state): State<OpenMeteo>, Query(wanted): Query<Wanted>, extensions: Extensions) -> Response {
    if !wanted.hourly.is_empty() {
        return (StatusCode::NOT_IMPLEMENTED, "this stand-in has daily weather only").into_response();
    }
    let now = (state.context.now)();
    let request = match wanted.understood(now) {
        Ok(request) => request,
        Err(reason) => return refuse(StatusCode::BAD_REQUEST, &reason),
    };
    if !state.limiter.allows(limiter::client(&extensions), request.weight(), Instant::now()) {
        let reason = "Minutely API request limit exceeded. Please try again in one minute.";
        return refuse(StatusCode::TOO_MANY_REQUESTS, reason);
    }
    let mut answers: Vec<Answer> = request.points.iter().map(|point| request.answer(&state.context, *point, now)).collect();
    match answers.pop() {
        Some(answer) if answers.is_empty() => Json(answer).into_response(),
        last => {
            answers.extend(last);
            Json(answers).into_response()
        }
    }
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({"error": true, "reason": reason}))).into_response()
}

impl Wanted {
    fn understood(&self, now: DateTime<Utc>) -> Result<Request, String> {
        let (latitudes, longitudes) = (degrees("latitude", &self.latitude, 90.0)?, degrees("longitude", &self.longitude, 180.0)?);
        if latitudes.len() != longitudes.len() {
            return Err("Parameter 'latitude' and 'longitude' must have the same number of elements".to_owned());
        }
        let variables = self.daily.split(',').filter(|name| !name.is_empty()).map(variable).collect::<Result<Vec<_>, _>>()?;
        if self.timezone.is_empty() && !variables.is_empty() {
            return Err("Timezone is required".to_owned());
        }
        let zone = match self.timezone.as_str() {
            "auto" => None,
            "" => Some(Tz::UTC),
            name => Some(name.parse().map_err(|_| "Invalid timezone".to_owned())?),
        };
        let model = Model::parse(&self.models)
            .ok_or_else(|| format!("Cannot initialize MultiDomains from invalid String value {} for key models", self.models))?;
        Ok(Request { points: latitudes.into_iter().zip(longitudes).collect(), days: self.days(now)?, variables, zone, model })
    }

    fn days(&self, now: DateTime<Utc>) -> Result<Vec<NaiveDate>, String> {
        let day = |text: &str| text.parse::<NaiveDate>().map_err(|_| "Invalid date format. Make sure to use 'YYYY-MM-DD'".to_owned());
        let (first, last, today) = (day(&self.start_date)?, day(&self.end_date)?, now.date_naive());
        let earliest = NaiveDate::from_ymd_opt(1940, 1, 1).unwrap_or(NaiveDate::MIN);
        for (name, day) in [("start_date", first), ("end_date", last)] {
            if !(earliest..=today).contains(&day) {
                return Err(format!("Parameter '{name}' is out of allowed range from {earliest} to {today}"));
            }
        }
        if last < first {
            return Err("End-date must be larger or equals than start-date".to_owned());
        }
        Ok(days(first, last))
    }
}

/// A comma list of degrees within the bound.
fn degrees(name: &str, list: &str, bound: f64) -> Result<Vec<f64>, String> {
    let one = |text: &str| match text.trim().parse::<f64>() {
        Ok(degrees) if degrees.abs() <= bound => Ok(degrees),
        _ => Err(format!("Parameter '{name}' must be in range of -{bound} to {bound}. Given: '{text}'.")),
    };
    list.split(',').map(one).collect()
}

fn variable(name: &str) -> Result<(&'static str, &'static str), String> {
    let known = VARIABLES.iter().find(|(known, _)| *known == name).copied();
    known.ok_or_else(|| format!("Cannot initialize WeatherVariable from invalid String value {name} for key daily"))
}

impl Request {
    fn weight(&self) -> usize {
        self.points.len() * self.days.len().div_ceil(14) * self.variables.len().div_ceil(10).max(1)
    }

    fn answer(&self, context: &Context, (latitude, longitude): (f64, f64), now: DateTime<Utc>) -> Answer {
        let point = Point::at(&context.world, latitude, longitude);
        let zone = self.zone.unwrap_or_else(|| point.zone(&context.world));
        let local = now.with_timezone(&zone);
        let has_daily = !self.variables.is_empty();
        Answer {
            latitude: point.latitude,
            longitude: point.longitude,
            generationtime_ms: 0.25, // ours takes no measurable time, and answers are to repeat
            utc_offset_seconds: local.offset().fix().local_minus_utc(),
            timezone: zone.name(),
            timezone_abbreviation: local.format("%Z").to_string(),
            elevation: point.elevation(),
            daily_units: has_daily.then(|| self.units()),
            daily: has_daily.then(|| self.daily(&point, now)),
        }
    }

    fn units(&self) -> Ordered {
        let time = std::iter::once(("time", "iso8601"));
        Ordered(time.chain(self.variables.iter().copied()).map(|(name, unit)| (name.to_owned(), unit.into())).collect())
    }

    fn daily(&self, point: &Point, now: DateTime<Utc>) -> Ordered {
        let time: Value = self.days.iter().map(|day| Value::from(day.to_string())).collect();
        let mut columns = vec![("time".to_owned(), time)];
        let series = |name: &str| point.series(name, &self.days, self.model, now).into();
        columns.extend(self.variables.iter().map(|(name, _)| ((*name).to_owned(), series(name))));
        Ordered(columns)
    }
}
