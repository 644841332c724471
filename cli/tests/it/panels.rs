//! Small seeded panels: the same call, the same rows.

use chrono::{Days, Months, NaiveDate, TimeDelta};

/// `unique_id, ds, y`.
pub type Row = (String, String, String);

/// A number below `below` that depends on nothing but its arguments.
pub fn noise(series: usize, step: usize, below: u64) -> u64 {
    let mut state = (series as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (step as u64 + 1).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 30)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (state ^ (state >> 31)) % below
}

pub fn day(step: usize) -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date") + Days::new(step as u64)
}

/// What is sold on a day: more on Saturday and Sunday, and a little chance.
pub fn sold(series: usize, step: usize) -> u64 {
    // 2025-01-01 was a Wednesday.
    let weekend = if [3, 4].contains(&(step % 7)) { 15 } else { 0 };
    10 * (series as u64 + 1) + weekend + noise(series, step, 5)
}

fn rows(series: usize, steps: usize, stamp: impl Fn(usize) -> String) -> Vec<Row> {
    let of_series = |series: usize| {
        let stamp = &stamp;
        (0..steps).map(move |step| (format!("menu-{series}"), stamp(step), sold(series, step).to_string()))
    };
    (0..series).flat_map(of_series).collect()
}

/// Days from 2025-01-01.
pub fn daily(series: usize, days: usize) -> Vec<Row> {
    rows(series, days, |step| day(step).to_string())
}

/// Mondays from 2024-01-01.
pub fn weekly(series: usize, weeks: usize) -> Vec<Row> {
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date");
    rows(series, weeks, |step| (first + Days::new(7 * step as u64)).to_string())
}

/// Last days of months from 2022-01-31.
pub fn monthly(series: usize, months: usize) -> Vec<Row> {
    let first = NaiveDate::from_ymd_opt(2022, 2, 1).expect("a date");
    rows(series, months, |step| (first + Months::new(step as u32)).pred_opt().expect("a date").to_string())
}

/// Hours from 2025-01-01T00:00:00.
pub fn hourly(series: usize, hours: usize) -> Vec<Row> {
    rows(series, hours, |step| {
        (day(0).and_hms_opt(0, 0, 0).expect("midnight") + TimeDelta::hours(step as i64)).format("%Y-%m-%dT%H:%M:%S").to_string()
    })
}

/// Integers from 1; each series ends 10 later than the one before.
pub fn counted(series: usize, steps: usize) -> Vec<Row> {
    let of_series = |series: usize| {
        (0..steps + 10 * series).map(move |step| (format!("menu-{series}"), (step + 1).to_string(), sold(series, step).to_string()))
    };
    (0..series).flat_map(of_series).collect()
}

pub fn csv(rows: &[Row]) -> String {
    csv_as("unique_id,ds,y", rows)
}

pub fn csv_as(head: &str, rows: &[Row]) -> String {
    let mut text = format!("{head}\n");
    rows.iter().for_each(|(id, ds, y)| text.push_str(&format!("{id},{ds},{y}\n")));
    text
}

/// With a further column, worth `of(series, step)`.
pub fn csv_with(column: &str, rows: &[Row], of: impl Fn(&Row) -> String) -> String {
    let mut text = format!("unique_id,ds,y,{column}\n");
    rows.iter().for_each(|row| text.push_str(&format!("{},{},{},{}\n", row.0, row.1, row.2, of(row))));
    text
}
