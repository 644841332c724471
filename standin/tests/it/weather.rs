//! Issued forecasts are right about as often as real ones, and less so further ahead.

use std::collections::HashMap;

use chrono::{Duration, NaiveTime, Timelike};
use standin::world::{WeatherActual, WeatherForecast};

use crate::world;

fn actual() -> HashMap<(&'static str, chrono::NaiveDate), &'static WeatherActual> {
    world().weather_actual.iter().map(|day| ((day.region.as_str(), day.date), day)).collect()
}

/// Share of days of the evening runs at that lead where rain or none was forecast rightly, and the mean temperature error.
fn skill(lead_days: i64) -> (f64, f64) {
    let actual = actual();
    let rows = world().weather_forecasts.iter().filter(|row| row.lead_days == lead_days && row.issued_at.hour() == 12);
    let pairs: Vec<(&WeatherForecast, &WeatherActual)> =
        rows.filter_map(|row| Some((row, *actual.get(&(row.region.as_str(), row.date))?))).collect();
    let right = pairs.iter().filter(|(row, day)| (row.rain_mm > 0.0) == (day.rain_mm > 0.0)).count();
    let off: f64 = pairs.iter().map(|(row, day)| (row.temperature_mean - day.temperature_mean).abs()).sum();
    (right as f64 / pairs.len() as f64, off / pairs.len() as f64)
}

#[test]
fn errors_grow_with_the_lead() {
    let (one, two, three) = (skill(1), skill(2), skill(3));
    assert!((0.75..=0.87).contains(&one.0), "day 1 is right on {} of days", one.0);
    assert!(one.0 > two.0 + 0.01 && two.0 > three.0 + 0.01, "{one:?} {two:?} {three:?}");
    assert!(one.1 < two.1 && two.1 < three.1, "{one:?} {two:?} {three:?}");
}

#[test]
fn every_vintage_is_kept_up_to_this_morning() {
    let world = world();
    let this_morning = world.today.and_time(NaiveTime::MIN).and_utc();
    assert_eq!(world.weather_forecasts.iter().map(|row| row.issued_at).max(), Some(this_morning));
    let region = &world.definition.stores[0].region.adm4;
    let vintages = |date| world.weather_forecasts.iter().filter(|row| row.region == *region && row.date == date).count();
    assert_eq!(vintages(world.last_day - Duration::days(30)), 6);
    assert_eq!(vintages(world.first_day), 6, "the first day has all of its forecasts too");
    assert!(world.weather_forecasts.iter().all(|row| row.available_at > row.issued_at));
}

#[test]
fn wet_and_dry_seasons_differ() {
    let region = &world().definition.stores[1].region.adm4;
    let wet_days = |month: u32| {
        let days: Vec<_> =
            world().weather_actual.iter().filter(|day| day.region == *region && chrono::Datelike::month(&day.date) == month).collect();
        days.iter().filter(|day| day.rain_mm > 0.0).count() as f64 / days.len() as f64
    };
    assert!(wet_days(1) > 0.45 && wet_days(8) < 0.35, "{} {}", wet_days(1), wet_days(8));
    assert!(world().weather_actual.iter().all(|day| (15.0..36.0).contains(&day.temperature_mean)));
}
