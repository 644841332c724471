//! Weather: what each region had, and what every forecast run said about it beforehand.
//!
//! A wetness index follows a seasonal first-order process; rain is a function of it. A forecast sees the index through
//! noise that is a sum of one draw per half day of lead, so that later runs agree better with the day and with each other.

use chrono::{DateTime, Datelike, Duration, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;

use super::definition::Store;
use super::news::at_local;
use super::random::Key;
use super::rows::{WeatherActual, WeatherForecast};

/// Day-to-day correlation of the wetness index.
const PERSISTENCE: f64 = 0.45;
/// Variance of a forecast's error at the run of the same morning, and what each earlier half day adds.
const ERROR_VARIANCE: (f64, f64) = (0.18, 0.12);
/// Time from a run to its publication.
const DELAY: Duration = Duration::minutes(90);

/// The weather of one store's region, day by day, and the forecaster that watches it.
#[derive(Debug, Clone)]
pub struct RegionWeather {
    adm4: String,
    zone: Tz,
    rain_chance: [f64; 12],
    rain_mm: [f64; 12],
    key: Key,
    first: NaiveDate,
    days: Vec<State>,
}

/// The index and the temperature anomaly of a day; everything shown is a function of them.
#[derive(Debug, Clone, Copy)]
struct State {
    wetness: f64,
    temperature: f64,
    wind: f64,
}

/// What is shown of a day.
struct Shown {
    rain_tenths: u32,
    mean: f64,
    min: f64,
    max: f64,
    humidity: f64,
    wind: f64,
}

/// Three hours of a forecast run, from which a BMKG answer is made.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastSlot {
    /// Start of the slot.
    pub starts_at: DateTime<Utc>,
    /// Tenths of a millimetre over the slot. The eight slots of a full day add up to the day's forecast.
    pub rain_tenths: u32,
    /// Degrees Celsius.
    pub temperature: f64,
    /// Percent.
    pub humidity: f64,
    /// Percent of the sky.
    pub cloud: f64,
    /// Kilometres an hour.
    pub wind_kmh: f64,
    /// Degrees the wind comes from.
    pub wind_from: u32,
}

impl RegionWeather {
    /// Weather from `first` to `last`.
    pub(crate) fn simulate(key: Key, store: &Store, first: NaiveDate, last: NaiveDate) -> Self {
        let mut days = Vec::new();
        let (mut wetness, mut anomaly) = (0.0, 0.0);
        for day in first.iter_days().take_while(|day| *day <= last) {
            let mut stream = key.of("day").at(i64::from(day.num_days_from_ce())).stream();
            wetness = PERSISTENCE * wetness + libm::sqrt(1.0 - PERSISTENCE * PERSISTENCE) * stream.normal();
            anomaly = 0.6 * anomaly + 0.5 * stream.normal();
            let season = libm::cos(std::f64::consts::TAU * (f64::from(day.ordinal0()) - 300.0) / 365.25);
            let temperature = store.region.temperature + store.region.swing * season + anomaly;
            let wind = 6.0 + 5.0 * stream.uniform();
            days.push(State { wetness, temperature, wind });
        }
        RegionWeather {
            adm4: store.region.adm4.clone(),
            zone: store.zone,
            rain_chance: store.region.rain_chance,
            rain_mm: store.region.rain_mm,
            key,
            first,
            days,
        }
    }

    /// adm4 code of the region.
    pub fn adm4(&self) -> &str {
        &self.adm4
    }

    /// Zone of the region.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Rain of a day in millimetres; 0 outside the simulated days.
    pub(crate) fn rain_mm(&self, day: NaiveDate) -> f64 {
        self.state(day).map_or(0.0, |state| f64::from(self.shown(day, state).rain_tenths) / 10.0)
    }

    pub(crate) fn actual(&self, day: NaiveDate) -> Option<WeatherActual> {
        let shown = self.shown(day, self.state(day)?);
        Some(WeatherActual {
            region: self.adm4.clone(),
            date: day,
            rain_mm: f64::from(shown.rain_tenths) / 10.0,
            temperature_mean: shown.mean,
            temperature_min: shown.min,
            temperature_max: shown.max,
            humidity: shown.humidity,
            wind_kmh: shown.wind,
            available_at: at_local(self.zone, day + Duration::days(1), 7),
        })
    }

    /// The latest run that could be fetched at `now`: runs are at 00 and 12 UTC and take 90 minutes.
    pub fn latest_run(now: DateTime<Utc>) -> DateTime<Utc> {
        let known = now - DELAY;
        let hour = if known.hour() >= 12 { 12 } else { 0 };
        known.date_naive().and_time(chrono::NaiveTime::MIN).and_utc() + Duration::hours(hour)
    }

    /// What a run said: the morning run (00 UTC) about its own local day and the two after, the evening run (12 UTC)
    /// about the three after. Days beyond the simulated ones are left out.
    pub fn issue(&self, run: DateTime<Utc>) -> Vec<WeatherForecast> {
        let local = run.with_timezone(&self.zone).date_naive();
        let first_lead = if run.hour() < 12 { 0 } else { 1 };
        let row = |lead_days: i64| {
            let date = local + Duration::days(lead_days);
            let shown = self.shown(date, self.foreseen(run, date)?);
            let (weather, weather_desc) = describe_day(shown.rain_tenths, shown.humidity);
            Some(WeatherForecast {
                region: self.adm4.clone(),
                issued_at: run,
                available_at: run + DELAY,
                date,
                lead_days,
                rain_mm: f64::from(shown.rain_tenths) / 10.0,
                temperature_mean: shown.mean,
                temperature_min: shown.min,
                temperature_max: shown.max,
                humidity: shown.humidity,
                wind_kmh: shown.wind,
                weather,
                weather_desc: weather_desc.to_owned(),
            })
        };
        (first_lead..first_lead + 3).filter_map(row).collect()
    }

    /// The 3-hour slots of a run: 18 of them, as recorded from the real service. The evening run begins at 18 UTC, the
    /// morning run at 03 UTC. Empty beyond the simulated days.
    pub fn slots(&self, run: DateTime<Utc>) -> Vec<ForecastSlot> {
        let start = run + Duration::hours(if run.hour() < 12 { 3 } else { 6 });
        (0..18).filter_map(|slot| self.slot(run, start + Duration::hours(3 * slot))).collect()
    }

    fn slot(&self, run: DateTime<Utc>, starts_at: DateTime<Utc>) -> Option<ForecastSlot> {
        let local = starts_at.with_timezone(&self.zone);
        let date = local.date_naive();
        let shown = self.shown(date, self.foreseen(run, date)?);
        let hour = local.hour();
        let mut stream = self.key.of("slot").at(starts_at.timestamp()).stream();
        let warmth = libm::cos(std::f64::consts::TAU * (f64::from(hour) - 13.5) / 24.0);
        let rain_tenths = share_of_rain(shown.rain_tenths, hour);
        let wet = if rain_tenths > 0 { 25.0 } else { 0.0 };
        Some(ForecastSlot {
            starts_at,
            rain_tenths,
            temperature: shown.mean + warmth * (shown.max - shown.min) / 2.0,
            humidity: (shown.humidity - 9.0 * warmth).clamp(30.0, 99.0),
            cloud: (shown.humidity - 25.0 + wet + 20.0 * stream.uniform()).clamp(5.0, 100.0),
            wind_kmh: (shown.wind * (0.8 + 0.3 * warmth)).max(0.1),
            wind_from: stream.below(360),
        })
    }

    fn state(&self, day: NaiveDate) -> Option<State> {
        let position = usize::try_from((day - self.first).num_days()).ok()?;
        self.days.get(position).copied()
    }

    /// The state of `day` as the run sees it.
    fn foreseen(&self, run: DateTime<Utc>, day: NaiveDate) -> Option<State> {
        let state = self.state(day)?;
        let local = run.with_timezone(&self.zone).date_naive();
        let half_days = 2 * (day - local).num_days() + i64::from(run.hour() < 12);
        let key = self.key.of("forecast").at(i64::from(day.num_days_from_ce()));
        let (mut error, mut variance, mut warmth) = (0.0, 0.0, 0.0);
        for step in 1..=half_days.max(1) {
            let added = if step == 1 { ERROR_VARIANCE.0 } else { ERROR_VARIANCE.1 };
            let mut stream = key.at(step).stream();
            error += libm::sqrt(added) * stream.normal();
            variance += added;
            warmth += 0.35 * stream.normal();
        }
        let wetness = (state.wetness + error) / libm::sqrt(1.0 + variance);
        Some(State { wetness, temperature: state.temperature + warmth, wind: state.wind })
    }

    fn shown(&self, day: NaiveDate, state: State) -> Shown {
        let month = day.month0() as usize;
        let rain_tenths = rain_tenths(state.wetness, self.rain_chance[month], self.rain_mm[month]);
        let rain = 1.0 - libm::exp(-f64::from(rain_tenths) / 120.0);
        let mean = state.temperature - 1.2 * rain;
        Shown {
            rain_tenths,
            mean: tenth(mean),
            min: tenth(mean - 3.6 + 0.8 * rain),
            max: tenth(mean + 5.2 - 2.0 * rain),
            humidity: (74.0 + 5.0 * state.wetness + 10.0 * rain).clamp(45.0, 98.0).round(),
            wind: tenth(state.wind + 4.0 * rain),
        }
    }
}

/// Rain as a function of the index: dry below the month's threshold, exponential amounts above it.
fn rain_tenths(wetness: f64, chance: f64, mean_mm: f64) -> u32 {
    let rank = 0.5 * libm::erfc(-wetness / std::f64::consts::SQRT_2);
    if rank <= 1.0 - chance {
        return 0;
    }
    let share = ((rank - (1.0 - chance)) / chance).min(0.999_999);
    let mm = (-mean_mm * libm::log(1.0 - share)).clamp(0.5, 150.0);
    (mm * 10.0).round() as u32
}

/// Most rain falls in the afternoon. The eight slots of a day are taken by their order, so their shares add up exactly.
fn share_of_rain(day_tenths: u32, hour: u32) -> u32 {
    const UP_TO: [u32; 9] = [0, 4, 7, 11, 18, 45, 76, 92, 100];
    let slot = (hour / 3) as usize;
    day_tenths * UP_TO[slot + 1] / 100 - day_tenths * UP_TO[slot] / 100
}

/// BMKG's code and words for a day.
fn describe_day(rain_tenths: u32, humidity: f64) -> (u16, &'static str) {
    match rain_tenths {
        0 if humidity < 72.0 => (1, "Cerah"),
        0 if humidity < 77.0 => (2, "Cerah Berawan"),
        0 => (3, "Berawan"),
        1..200 => (61, "Hujan Ringan"),
        200..500 => (63, "Hujan Sedang"),
        _ => (95, "Hujan Petir"),
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_a_day_add_up_to_the_day() {
        for tenths in [0, 5, 7, 123, 1500] {
            for first_hour in 0..3 {
                let sum: u32 = (0..8).map(|slot| share_of_rain(tenths, first_hour + 3 * slot)).sum();
                assert_eq!(sum, tenths);
            }
        }
    }

    #[test]
    fn a_run_can_be_fetched_ninety_minutes_later() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        assert_eq!(RegionWeather::latest_run(at("2026-11-23T01:29:00Z")), at("2026-11-22T12:00:00Z"));
        assert_eq!(RegionWeather::latest_run(at("2026-11-23T01:30:00Z")), at("2026-11-23T00:00:00Z"));
        assert_eq!(RegionWeather::latest_run(at("2026-11-23T13:30:00Z")), at("2026-11-23T12:00:00Z"));
    }
}
