//! What the weather was, by village and day: files of BMKG's Data Online, and Open-Meteo's archive where it is switched on.
//!
//! Stations, reanalysis and forecasts have different biases, so each observer's word is kept as its own. Nothing learns from
//! observed weather what it will be served as a forecast; it is there to judge forecasts and for people. Of Open-Meteo one model is
//! asked for (ERA5-Land), whose days change seldom once they are told.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Asia::Jakarta;
use chrono_tz::Tz;
use platform::config::SourcesConfig;
use platform::db::DbError;
use platform::db::villages::{get_village, placed_regions};
use platform::db::weather_observations::WeatherObservationRow;
use platform::http::{Manners, Question, Quota, Reply};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::bmkg_data_online;
use crate::feed::{Asking, Days, Feed, FetchError, History, Terms};
use crate::json::{Row, document, list, shape};
use crate::source::{Batch, Batches, Facts, Once, ParseContext, RawRecord, Rejected, Source, SourceError, Understanding};

const SOURCE: &str = "weather_history";
const OBSERVER: &str = "open_meteo";
/// The first day of ERA5-Land.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1950, 1, 2).expect("a date");
/// From the end of a day until the archive tells it.
const DELAY: TimeDelta = TimeDelta::days(5);
const VARIABLES: [&str; 6] = [
    "temperature_2m_min",
    "temperature_2m_mean",
    "temperature_2m_max",
    "precipitation_sum",
    "relative_humidity_2m_mean",
    "wind_speed_10m_max",
];

struct WeatherHistory;

pub(super) fn source() -> impl Source {
    WeatherHistory
}

impl Source for WeatherHistory {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "What the weather was: a file of BMKG's Data Online, or Open-Meteo's archive where it is switched on"
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 84,
            lookback_days: 10,
            freshness: TimeDelta::days(7),
            history: History::Since(FIRST_DAY),
            is_steady: true,
            attribution: "Sumber: BMKG (Data Online); Weather data by Open-Meteo.com (CC BY 4.0), ERA5-Land by Copernicus",
            scope_is: "region",
        }
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn takes_files(&self) -> bool {
        true
    }

    fn parse(&self, raw: &RawRecord, _: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let (level, batch) = match bmkg_data_online::is_table(raw)? {
            true => ("days of a station", bmkg_data_online::parse(raw)?),
            false => ("days of a point", parse(raw)?),
        };
        Ok(Box::new(Once::new(Understanding { level, ..Understanding::default() }, batch)))
    }
}

#[async_trait]
impl Feed for WeatherHistory {
    fn manners(&self, _: &SourcesConfig) -> Manners {
        // 600 a minute, 5,000 an hour and 10,000 a day are free, and two weeks of a point count as one: a tenth is left for others.
        let quota = |name: &str, limit, seconds| Quota { name: name.to_owned(), limit, per: Duration::from_secs(seconds) };
        let quotas =
            vec![quota("open_meteo.minute", 540, 60), quota("open_meteo.hour", 4_500, 3_600), quota("open_meteo.day", 9_000, 86_400)];
        let units = self.terms().window_days.div_ceil(14);
        Manners { source: SOURCE, quotas, units, timeout: Duration::from_secs(60) }
    }

    fn missing(&self, config: &SourcesConfig) -> Option<&'static str> {
        (!config.open_meteo).then_some("`sources.open_meteo = true` (its free service is not for businesses: see docs/reference/config.md), or hand over a file of BMKG's Data Online")
    }

    async fn scopes(&self, pool: &PgPool, _: &SourcesConfig) -> Result<Vec<String>, DbError> {
        placed_regions(pool).await
    }

    async fn fetch(&self, asking: &Asking<'_>, scope: &str, days: Days) -> Result<Vec<Reply>, FetchError> {
        let village = get_village(asking.pool, scope).await.map_err(FetchError::Database)?;
        let village = village.ok_or(FetchError::NotSetUp {
            source_name: SOURCE,
            missing: "where that village is: `viralcast ingest bmkg_forecast` learns it",
        })?;
        // The archive tells nothing of today and refuses tomorrow.
        let zone: Tz = village.time_zone.parse().unwrap_or(Jakarta);
        let yesterday = asking.clock.now().with_timezone(&zone).date_naive().pred_opt().unwrap_or(days.first);
        let last = days.end.pred_opt().unwrap_or(days.end).min(yesterday);
        if last < days.first {
            return Ok(Vec::new());
        }
        let question = Question::get(format!("{}/v1/archive", asking.config.open_meteo_url.trim_end_matches('/')))
            .query("latitude", village.latitude.to_string())
            .query("longitude", village.longitude.to_string())
            .query("start_date", days.first.to_string())
            .query("end_date", last.to_string())
            .query("daily", VARIABLES.join(","))
            .query("models", "era5_land")
            .query("timezone", zone.name());
        let question = match &asking.config.open_meteo_key {
            Some(key) => question.secret("apikey", key.expose_secret()),
            None => question,
        };
        let reply = asking.http.ask(&self.manners(asking.config), asking.clock, &question).await?;
        match reply.status {
            200..=299 => Ok(vec![reply]),
            status => Err(FetchError::Refused { source_name: SOURCE, status, reason: reply.excerpt() }),
        }
    }
}

/// Columns of days; the units must be those that we take them for.
fn parse(raw: &RawRecord) -> Result<Batch, SourceError> {
    let file = raw.contents.name();
    let document = document(raw)?;
    let zone: Tz = document["timezone"].as_str().and_then(|name| name.parse().ok()).ok_or_else(|| shape(file, "it names no time zone"))?;
    let units = &document["daily_units"];
    for (variable, unit) in [("temperature_2m_mean", "°C"), ("precipitation_sum", "mm"), ("wind_speed_10m_max", "km/h")] {
        if units[variable] != unit {
            return Err(shape(file, &format!("its `{variable}` is in {} and not in {unit}", units[variable])));
        }
    }
    let daily = &document["daily"];
    let times = list(daily, "time", file)?;
    let mut columns = Vec::new();
    for variable in VARIABLES {
        let column = list(daily, variable, file)?;
        if column.len() != times.len() {
            return Err(shape(file, &format!("`{variable}` has {} values for {} days", column.len(), times.len())));
        }
        columns.push((variable, column));
    }
    let (mut facts, mut rejected) = (Vec::new(), Vec::new());
    for (place, time) in times.iter().enumerate() {
        let mut value = json!({ "time": time });
        columns.iter().for_each(|(variable, column)| value[variable] = column[place].clone());
        match day(&Row { value: &value, number: place as u64 + 1 }, raw, zone) {
            Ok(fact) => facts.extend(fact),
            Err(refused) => rejected.push(refused),
        }
    }
    Ok(Batch::of(times.len() as u64, Facts::WeatherObservations(facts), rejected))
}

/// `None` for a day of which nothing is known yet.
fn day(row: &Row<'_>, raw: &RawRecord, zone: Tz) -> Result<Option<WeatherObservationRow>, Rejected> {
    let observed_on: NaiveDate = row.text("time")?.parse().map_err(|_| row.refuse("time", "is no date"))?;
    if !is_told_by(observed_on, raw) {
        return Err(row.refuse("time", "is no day of the past that the archive has"));
    }
    if VARIABLES.iter().all(|variable| row.value[variable] == Value::Null) {
        return Ok(None);
    }
    let optional = |variable: &str, sane| Ok(row.optional_number(variable, sane)?.map(|value| value as f32));
    Ok(Some(WeatherObservationRow {
        region: raw.scope.clone(),
        observer: OBSERVER.to_owned(),
        observed_on,
        available_at: (day_end(observed_on, zone) + DELAY).min(raw.fetched_at),
        temperature_min_c: optional("temperature_2m_min", -20.0..=60.0)?,
        temperature_c: optional("temperature_2m_mean", -20.0..=60.0)?,
        temperature_max_c: optional("temperature_2m_max", -20.0..=60.0)?,
        rain_mm: optional("precipitation_sum", 0.0..=700.0)?,
        humidity_percent: optional("relative_humidity_2m_mean", 0.0..=100.0)?,
        wind_ms: row.optional_number("wind_speed_10m_max", 0.0..=400.0)?.map(|kmh| (kmh / 3.6) as f32),
    }))
}

/// Whether a record can tell of a day: not of what is to come, nor of what was before the archive.
pub(crate) fn is_told_by(day: NaiveDate, raw: &RawRecord) -> bool {
    (FIRST_DAY..=raw.fetched_at.date_naive()).contains(&day)
}

/// When a day is over.
pub(crate) fn day_end(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN);
    zone.from_local_datetime(&midnight).earliest().map_or_else(|| midnight.and_utc(), |at| at.with_timezone(&Utc))
}
