//! BMKG's public forecast of three days by village (adm4): a slot of three hours each, issued twice a day.
//!
//! Every issue is a vintage of its own, named by `analysis_date`; a day is told only when all of its eight slots are there, since
//! half a day's rain is no day's rain.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use platform::config::SourcesConfig;
use platform::db::DbError;
use platform::db::stores::list_regions;
use platform::db::villages::VillageRow;
use platform::db::weather_forecasts::WeatherForecastRow;
use platform::http::{Manners, Question, Quota, Reply};
use serde_json::Value;
use sqlx::PgPool;

use crate::feed::{Asking, Days, Feed, FetchError, History, Terms};
use crate::json::{Row, document, list};
use crate::source::{Batch, Batches, Facts, Once, ParseContext, RawRecord, Rejected, Source, SourceError, Understanding};

const SOURCE: &str = "bmkg_forecast";
/// From a run to its publication.
const DELAY: TimeDelta = TimeDelta::hours(6);
/// Their clocks and ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::days(2);
/// Age of a run that may still be told.
const OLDEST: TimeDelta = TimeDelta::days(30);
/// Reach of a run.
const FARTHEST: TimeDelta = TimeDelta::days(16);
/// Slots of a whole day.
const SLOTS: usize = 8;
/// Slots of a day without an amount of rain that are borne.
const GAPS: usize = 2;

struct BmkgForecast;

pub(super) fn source() -> impl Source {
    BmkgForecast
}

impl Source for BmkgForecast {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "BMKG's forecast for the villages where stores are: what it says now"
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 1,
            lookback_days: 0,
            freshness: TimeDelta::hours(24),
            history: History::Landed,
            is_steady: true,
            attribution: "Sumber: BMKG",
            scope_is: "region",
        }
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn parse(&self, raw: &RawRecord, _: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let understanding = Understanding { level: "forecast slots of 3 hours", ..Understanding::default() };
        Ok(Box::new(Once::new(understanding, parse(raw)?)))
    }
}

#[async_trait]
impl Feed for BmkgForecast {
    fn manners(&self, _: &SourcesConfig) -> Manners {
        // 60 a minute and address are allowed; a tenth is left for whoever shares our address.
        let quota = Quota { name: "bmkg.calls".to_owned(), limit: 54, per: Duration::from_secs(60) };
        Manners { source: SOURCE, quotas: vec![quota], units: 1, timeout: Duration::from_secs(20) }
    }

    async fn scopes(&self, pool: &PgPool, _: &SourcesConfig) -> Result<Vec<String>, DbError> {
        list_regions(pool).await
    }

    async fn fetch(&self, asking: &Asking<'_>, scope: &str, _: Days) -> Result<Vec<Reply>, FetchError> {
        let url = format!("{}/publik/prakiraan-cuaca", asking.config.bmkg_url.trim_end_matches('/'));
        let reply = asking.http.ask(&self.manners(asking.config), asking.clock, &Question::get(url).query("adm4", scope)).await?;
        match reply.status {
            200..=299 => Ok(vec![reply]),
            404 => Err(FetchError::NotCovered {
                source_name: SOURCE,
                scope: scope.to_owned(),
                reason: "BMKG knows no such village (it follows the codes of 2022)".to_owned(),
                ask_again_after: TimeDelta::days(30),
            }),
            status => Err(FetchError::Refused { source_name: SOURCE, status, reason: reply.excerpt() }),
        }
    }
}

/// A slot as far as it is used.
struct Slot {
    local: NaiveDateTime,
    issued_at: DateTime<Utc>,
    temperature_c: f64,
    humidity_percent: f64,
    rain_mm: Option<f64>,
    wind_kmh: Option<f64>,
}

fn parse(raw: &RawRecord) -> Result<Batch, SourceError> {
    let file = raw.contents.name();
    let document = document(raw)?;
    let places = list(&document, "data", file)?;
    let told = |place: &Value| place["lokasi"]["adm4"].as_str().map(str::to_owned);
    let region = told(&document).or_else(|| places.first().and_then(told)).unwrap_or_default();
    if region != raw.scope {
        let reason = format!("it tells of `{region}`, and `{}` was asked for", raw.scope);
        return Err(SourceError::Shape { file: file.to_owned(), reason });
    }
    let (mut slots, mut rejected, mut rows) = (BTreeMap::new(), Vec::new(), 0);
    for place in places {
        for value in list(place, "cuaca", file)?.iter().flat_map(|day| day.as_array().into_iter().flatten()) {
            rows += 1;
            match slot(&Row { value, number: rows }, raw.fetched_at) {
                // The same slot twice in one reply: the last one counts.
                Ok(slot) => drop(slots.insert((slot.issued_at, slot.local), slot)),
                Err(refused) => rejected.push(refused),
            }
        }
    }
    let mut days: BTreeMap<(DateTime<Utc>, NaiveDate), Vec<Slot>> = BTreeMap::new();
    for ((issued_at, local), slot) in slots {
        days.entry((issued_at, local.date())).or_default().push(slot);
    }
    let whole = days.into_iter().filter(|(_, slots)| slots.len() >= SLOTS);
    let facts = whole.map(|((issued_at, target_date), slots)| day(&region, issued_at, target_date, &slots, raw.fetched_at)).collect();
    let villages = village(&document["lokasi"], &region).into_iter().collect();
    Ok(Batch { villages, ..Batch::of(rows, Facts::WeatherForecasts(facts), rejected) })
}

/// Where the village is; a reply that does not tell is borne.
fn village(place: &Value, adm4: &str) -> Option<VillageRow> {
    let degrees = |field: &str, most: f64| place[field].as_f64().filter(|degrees| degrees.abs() <= most);
    Some(VillageRow {
        adm4: adm4.to_owned(),
        name: place["desa"].as_str().unwrap_or(adm4).to_owned(),
        latitude: degrees("lat", 90.0)?,
        longitude: degrees("lon", 180.0)?,
        time_zone: place["timezone"].as_str()?.parse::<chrono_tz::Tz>().ok()?.name().to_owned(),
    })
}

fn slot(row: &Row<'_>, fetched_at: DateTime<Utc>) -> Result<Slot, Rejected> {
    let local = row.time("local_datetime", "%Y-%m-%d %H:%M:%S")?;
    // UTC, without saying so.
    let issued_at = row.time("analysis_date", "%Y-%m-%dT%H:%M:%S")?.and_utc();
    if issued_at > fetched_at + CLOCKS_DIFFER || issued_at < fetched_at - OLDEST {
        return Err(row.refuse("analysis_date", "is no time of a run that is still told"));
    }
    if !(-CLOCKS_DIFFER..=FARTHEST).contains(&(local - issued_at.naive_utc())) {
        return Err(row.refuse("local_datetime", "is no time that a run tells of"));
    }
    Ok(Slot {
        local,
        issued_at,
        temperature_c: row.number("t", -20.0..=60.0)?,
        humidity_percent: row.number("hu", 0.0..=100.0)?,
        rain_mm: row.optional_number("tp", 0.0..=500.0)?,
        wind_kmh: row.optional_number("ws", 0.0..=400.0)?,
    })
}

fn day(region: &str, issued_at: DateTime<Utc>, target_date: NaiveDate, slots: &[Slot], fetched_at: DateTime<Utc>) -> WeatherForecastRow {
    let mean = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let rain: Vec<f64> = slots.iter().filter_map(|slot| slot.rain_mm).collect();
    let wind = mean(slots.iter().filter_map(|slot| slot.wind_kmh).collect());
    WeatherForecastRow {
        region: region.to_owned(),
        target_date,
        issued_at,
        // Whoever asked knew it at the latest when it came.
        available_at: (issued_at + DELAY).min(fetched_at).max(issued_at),
        temperature_c: mean(slots.iter().map(|slot| slot.temperature_c).collect()).map(|value| value as f32),
        rain_mm: (rain.len() + GAPS >= slots.len()).then(|| rain.iter().sum::<f64>() as f32),
        rain_probability: None,
        humidity_percent: mean(slots.iter().map(|slot| slot.humidity_percent).collect()).map(|value| value as f32),
        wind_ms: wind.map(|kmh| (kmh / 3.6) as f32),
    }
}
