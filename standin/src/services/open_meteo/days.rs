//! The weather of one point, day by day.

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::world::{Key, Region, RegionWeather, SimulatedWorld, Stream};

/// Points up to this far from a shop (degrees, along both axes) have that shop's weather.
const NEAR: f64 = 0.5;
/// Days back in which the mixed series still changes.
const CHANGES_FOR: i64 = 10;
/// Chance that one variable of one day is missing.
const MISSING: f64 = 0.01;

/// The variables this stand-in knows: name and unit.
pub(super) const VARIABLES: [(&str, &str); 9] = [
    ("weather_code", "wmo code"),
    ("temperature_2m_max", "°C"),
    ("temperature_2m_min", "°C"),
    ("temperature_2m_mean", "°C"),
    ("precipitation_sum", "mm"),
    ("rain_sum", "mm"),
    ("precipitation_hours", "h"),
    ("relative_humidity_2m_mean", "%"),
    ("wind_speed_10m_max", "km/h"),
];

/// Where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    /// A mix of models: nearly no delay, but late days change.
    BestMatch,
    /// A reanalysis: five days late, never changed.
    Reanalysis,
    /// A weather model's own analysis: no delay, never changed.
    Analysis,
}

impl Model {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "" | "best_match" => Some(Model::BestMatch),
            "era5" | "era5_land" | "era5_seamless" => Some(Model::Reanalysis),
            "ecmwf_ifs" => Some(Model::Analysis),
            _ => None,
        }
    }

    /// Days up to and including today that are still null.
    fn delay(self) -> i64 {
        match self {
            Model::BestMatch => 2,
            Model::Reanalysis => 5,
            Model::Analysis => 1, // today is not over
        }
    }
}

/// A point of the grid.
pub(super) struct Point<'a> {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    region: Option<&'a RegionWeather>,
    climate: Option<&'a Region>,
    key: Key,
    /// Degrees from the climate of the nearest shop.
    warmer: f64,
}

/// What is told of a day.
struct Day {
    rain: f64,
    mean: f64,
    min: f64,
    max: f64,
    humidity: f64,
    wind: f64,
}

impl<'a> Point<'a> {
    /// The grid's point for a place, with the nearest shop's climate.
    pub(super) fn at(world: &'a SimulatedWorld, latitude: f64, longitude: f64) -> Self {
        let regions = || world.definition.stores.iter().map(|store| &store.region);
        let away = |region: &Region| (region.lat - latitude).abs().max((region.lon - longitude).abs());
        let climate = regions().min_by(|a, b| away(a).total_cmp(&away(b)));
        let near = climate.filter(|region| away(region) <= NEAR);
        let region = near.and_then(|near| world.regions.iter().find(|weather| weather.adm4() == near.adm4));
        let (latitude, longitude) = (tenth(latitude), tenth(longitude));
        let key = Key::root(world.seed).of("open_meteo").of(&format!("{latitude:.1},{longitude:.1}"));
        let warmer = if region.is_some() { 0.0 } else { key.of("warmer").stream().between(-3.0, 2.0) };
        Point { latitude, longitude, region, climate, key, warmer }
    }

    /// Higher places are colder: metres from the mean temperature.
    pub(super) fn elevation(&self) -> f64 {
        let mean = self.climate.map_or(27.0, |climate| climate.temperature) + self.warmer;
        ((28.0 - mean) / 0.0062).clamp(1.0, 2_500.0).round()
    }

    /// The zone of the nearest shop, for `timezone=auto`.
    pub(super) fn zone(&self, world: &SimulatedWorld) -> Tz {
        let adm4 = self.climate.map(|climate| &climate.adm4);
        world.definition.stores.iter().find(|store| Some(&store.region.adm4) == adm4).map_or(Tz::UTC, |store| store.zone)
    }

    /// One variable over some days, as it is told at `now`.
    pub(super) fn series(&self, variable: &str, days: &[NaiveDate], model: Model, now: DateTime<Utc>) -> Vec<Value> {
        let today = now.date_naive();
        let told = |day: &NaiveDate| {
            let age = (today - *day).num_days();
            if age < model.delay() || draw(self.key.of(variable), *day).chance(MISSING) {
                return Value::Null;
            }
            let changes = model == Model::BestMatch && age <= CHANGES_FOR;
            self.day(*day, changes.then_some(today)).map_or(Value::Null, |day| day.value(variable))
        };
        days.iter().map(told).collect()
    }

    /// The day as it was; fetched while it still changes, as that day's fetch saw it.
    fn day(&self, date: NaiveDate, fetched: Option<NaiveDate>) -> Option<Day> {
        let mut day = self.region.and_then(|region| Day::observed(region, date)).or_else(|| self.synthetic(date))?;
        if let Some(fetched) = fetched {
            let mut stream = draw(self.key.of("preliminary").at(i64::from(fetched.num_days_from_ce())), date);
            day.rain = tenth(day.rain * stream.between(0.7, 1.3));
            let off = stream.between(-0.6, 0.6);
            (day.mean, day.min, day.max) = (tenth(day.mean + off), tenth(day.min + off), tenth(day.max + off));
            day.wind = tenth(day.wind + stream.between(0.0, 1.0));
        }
        Some(day)
    }

    /// Weather after the nearest shop's climate, one day without memory of the other.
    fn synthetic(&self, date: NaiveDate) -> Option<Day> {
        let climate = self.climate?;
        let month = date.month0() as usize;
        let mut stream = draw(self.key.of("day"), date);
        let season = libm::cos(std::f64::consts::TAU * (f64::from(date.ordinal0()) - 300.0) / 365.25);
        let is_wet = stream.chance(climate.rain_chance[month]);
        let amount = -climate.rain_mm[month] * libm::log(1.0 - stream.uniform());
        let rain = if is_wet { tenth(amount.clamp(0.2, 150.0)) } else { 0.0 };
        let mean = climate.temperature + self.warmer + climate.swing * season + 0.5 * stream.normal() - if is_wet { 0.6 } else { 0.0 };
        Some(Day {
            rain,
            mean: tenth(mean),
            min: tenth(mean - 3.4),
            max: tenth(mean + 4.8),
            humidity: (74.0 + 4.0 * stream.normal() + if is_wet { 7.0 } else { 0.0 }).clamp(45.0, 98.0).round(),
            wind: tenth(6.0 + 6.0 * stream.uniform()),
        })
    }
}

impl Day {
    fn observed(region: &RegionWeather, date: NaiveDate) -> Option<Self> {
        let actual = region.actual(date)?;
        Some(Day {
            rain: actual.rain_mm,
            mean: actual.temperature_mean,
            min: actual.temperature_min,
            max: actual.temperature_max,
            humidity: actual.humidity,
            wind: actual.wind_kmh,
        })
    }

    fn value(&self, variable: &str) -> Value {
        match variable {
            "weather_code" => json!(self.weather_code()),
            "temperature_2m_max" => json!(self.max),
            "temperature_2m_min" => json!(self.min),
            "temperature_2m_mean" => json!(self.mean),
            "precipitation_sum" | "rain_sum" => json!(self.rain),
            "precipitation_hours" => json!((self.rain / 1.7).ceil().min(24.0)),
            "relative_humidity_2m_mean" => json!(self.humidity as i64),
            "wind_speed_10m_max" => json!(self.wind),
            _ => Value::Null,
        }
    }

    /// The WMO's code of the day: rain by its amount, else clouds by the humidity.
    fn weather_code(&self) -> u8 {
        match self.rain {
            25.0.. => 65,
            8.0..25.0 => 63,
            2.0..8.0 => 61,
            0.1..2.0 => 51,
            _ if self.humidity < 70.0 => 1,
            _ if self.humidity < 76.0 => 2,
            _ => 3,
        }
    }
}

fn draw(key: Key, day: NaiveDate) -> Stream {
    key.at(i64::from(day.num_days_from_ce())).stream()
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The days of `[first, last]`.
pub(super) fn days(first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
    let count = (last - first).num_days();
    (0..=count).map(|day| first + Duration::days(day)).collect()
}
