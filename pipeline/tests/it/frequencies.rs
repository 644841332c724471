//! Panels of every frequency.

use domain::{FeatureSource, Frequency, Layout};
use pipeline::{FeatureConfig, PanelFeatures};

use crate::panels::{cell, names, open, panel};

fn ramp(length: usize) -> Vec<f64> {
    (0..length).map(|k| k as f64).collect()
}

#[test]
fn weekly_panels_look_back_a_month_and_a_year_of_weeks() {
    let source = open(panel(Frequency::Weekly { weekday: 0 }, &[ramp(120)]));
    assert_eq!(source.season(), 52);
    let matrix = source.training(119, Layout::Direct { lead: 4 }, 1_000).expect("rows");
    assert_eq!([cell(&matrix, "lag_52", 0, 100), cell(&matrix, "rolling_mean_4", 0, 100)], [48.0, 94.5]);
    assert_eq!(cell(&matrix, "same_season_mean_4", 0, 110), (58.0 + 6.0) / 2.0);
    assert!(matrix.position("weekday").is_none());
    // 1970-01-05 is the Monday of week 1 of the panel.
    assert_eq!([cell(&matrix, "day_of_month", 0, 53), cell(&matrix, "week_of_year", 0, 53)], [4.0, 1.0]);
}

#[test]
fn monthly_panels_know_the_month() {
    let source = open(panel(Frequency::Monthly { months: 1, phase: 0, day: 1 }, &[ramp(48)]));
    let matrix = source.future(47, Layout::Direct { lead: 3 }, 1..=3).expect("rows");
    assert_eq!([48, 49, 50].map(|at| cell(&matrix, "month", 0, at)), [0.0, 1.0, 2.0]);
    assert_eq!([48, 49, 50].map(|at| cell(&matrix, "lag_12", 0, at)), [36.0, 37.0, 38.0]);
    assert_eq!(cell(&matrix, "rolling_mean_3", 0, 50), 46.0);
}

#[test]
fn integer_panels_have_no_calendar_but_their_season() {
    let config = FeatureConfig { season: Some(5), exclude: Vec::new() };
    let source = PanelFeatures::new(panel(Frequency::Integer, &[ramp(60)]), config).expect("a panel");
    let matrix = source.future(59, Layout::Direct { lead: 2 }, 1..=2).expect("rows");
    assert_eq!([60, 61].map(|at| cell(&matrix, "season_phase", 0, at)), [0.0, 1.0]);
    assert_eq!([cell(&matrix, "lag_5", 0, 60), cell(&matrix, "rolling_mean_5", 0, 61)], [55.0, 57.0]);
    assert!(!names(&matrix).contains(&"month"));
}

#[test]
fn integer_panels_without_a_season_have_lags_and_windows() {
    let source = open(panel(Frequency::Integer, &[ramp(60)]));
    let matrix = source.training(59, Layout::Recursive, 1_000).expect("rows");
    assert_eq!([cell(&matrix, "lag_1", 0, 30), cell(&matrix, "rolling_mean_7", 0, 30)], [29.0, 26.0]);
    assert!(names(&matrix).iter().all(|name| !name.starts_with("same_season")));
}

#[test]
fn half_hourly_panels_know_the_time_of_day_and_last_week() {
    let source = open(panel(Frequency::Minutes { minutes: 30 }, &[ramp(48 * 10)]));
    let matrix = source.training(479, Layout::Direct { lead: 48 }, 100).expect("rows");
    assert_eq!(matrix.rows, 100);
    assert_eq!([cell(&matrix, "step_of_day", 0, 470), cell(&matrix, "lag_336", 0, 470)], [38.0, 134.0]);
    assert_eq!(cell(&matrix, "lag_48", 0, 470), 422.0);
}

#[test]
fn daily_panels_know_the_place_in_the_month_and_the_year() {
    // 2024-02-20 to 2024-03-06; 2024 is a leap year.
    let start = 19_773;
    let mut shop = panel(Frequency::Daily, &[ramp(16)]);
    shop.observations.at.iter_mut().chain(&mut shop.observations.known_from).for_each(|at| *at += start);
    let matrix = open(shop).training(start + 15, Layout::Recursive, 1_000).expect("rows");
    let on = |column: &str, day: i64| cell(&matrix, column, 0, start + day - 20);
    assert_eq!([on("since_payday", 24), on("since_payday", 25), on("since_payday", 29), on("since_payday", 30)], [30.0, 0.0, 4.0, 5.0]);
    assert_eq!([on("left_of_month", 28), on("left_of_month", 29), on("left_of_month", 30)], [1.0, 0.0, 30.0]);
    assert_eq!([on("month_end", 28), on("month_end", 29), on("month_end", 30)], [0.0, 1.0, 0.0]);
    assert_eq!([on("week_of_month", 21), on("week_of_month", 22), on("week_of_month", 29), on("week_of_month", 30)], [2.0, 3.0, 4.0, 0.0]);
    let angle = std::f32::consts::TAU * 60.0 / 366.0;
    assert!((on("year_sin", 30) - angle.sin()).abs() < 1e-6 && (on("year_cos", 30) - angle.cos()).abs() < 1e-6);
}
