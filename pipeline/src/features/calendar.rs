//! What the target's date says by itself.

use chrono::{Datelike, Months, NaiveDate};
use domain::features::Neutral;
use domain::{Driver, FeatureError, Frequency};

use super::{Family, Feature};
use crate::view::View;

/// A column read off a date.
type Reading = (&'static str, u32, fn(NaiveDate) -> f64);

const WEEKDAY: Reading = ("weekday", 7, |date| f64::from(date.weekday().num_days_from_monday()));
const WEEKEND: Reading = ("weekend", 0, |date| f64::from(u8::from(date.weekday().num_days_from_monday() >= 5)));
const DAY_OF_MONTH: Reading = ("day_of_month", 0, |date| f64::from(date.day()));
/// From 0: the first seven days of the month are its first week.
const WEEK_OF_MONTH: Reading = ("week_of_month", 0, |date| f64::from(date.day0() / 7));
/// Days until the month's last one, 0 on it.
const LEFT_OF_MONTH: Reading = ("left_of_month", 0, |date| f64::from(u32::from(date.num_days_in_month()) - date.day()));
const MONTH_END: Reading = ("month_end", 0, |date| f64::from(u8::from(u32::from(date.num_days_in_month()) == date.day())));
/// Wages are paid from the 25th to the 1st.
const PAYDAY: Reading = ("payday", 0, |date| f64::from(u8::from(date.day() >= PAYDAY_OPENS || date.day() == 1)));
/// Days since the 25th: 0 on the first payday, then through the window and the month that lives off it.
const SINCE_PAYDAY: Reading = ("since_payday", 0, since_payday);
const MONTH: Reading = ("month", 12, |date| f64::from(date.month0()));
const WEEK_OF_YEAR: Reading = ("week_of_year", 0, |date| f64::from(date.iso_week().week()));
/// The season of the year without a jump at new year.
const YEAR_SIN: Reading = ("year_sin", 0, |date| turn_of_year(date).sin());
const YEAR_COS: Reading = ("year_cos", 0, |date| turn_of_year(date).cos());

const PAYDAY_OPENS: u32 = 25;

/// What a reading speaks of, and for those of the time of the month what they read in its middle.
fn meaning(name: &str) -> (Driver, Neutral) {
    match name {
        "weekday" | "weekend" => (Driver::Weekday, Neutral::Average),
        "payday" | "month_end" => (Driver::Payday, Neutral::At(0.0)),
        "day_of_month" | "left_of_month" => (Driver::Payday, Neutral::At(15.0)),
        "week_of_month" => (Driver::Payday, Neutral::At(2.0)),
        "since_payday" => (Driver::Payday, Neutral::At(20.0)),
        _ => (Driver::Year, Neutral::Average),
    }
}

/// What changes from one period to the next.
const DAYS: [Reading; 12] = [
    WEEKDAY,
    WEEKEND,
    DAY_OF_MONTH,
    WEEK_OF_MONTH,
    LEFT_OF_MONTH,
    MONTH_END,
    PAYDAY,
    SINCE_PAYDAY,
    MONTH,
    WEEK_OF_YEAR,
    YEAR_SIN,
    YEAR_COS,
];
const WEEKS: [Reading; 5] = [DAY_OF_MONTH, MONTH, WEEK_OF_YEAR, YEAR_SIN, YEAR_COS];
const MONTHS: [Reading; 3] = [MONTH, YEAR_SIN, YEAR_COS];

fn since_payday(date: NaiveDate) -> f64 {
    let opened = if date.day() >= PAYDAY_OPENS { Some(date) } else { date.checked_sub_months(Months::new(1)) };
    opened.and_then(|month| month.with_day(PAYDAY_OPENS)).map_or(f64::NAN, |opened| (date - opened).num_days() as f64)
}

/// Angle of the day in its year.
fn turn_of_year(date: NaiveDate) -> f64 {
    let days = if date.leap_year() { 366.0 } else { 365.0 };
    std::f64::consts::TAU * f64::from(date.ordinal0()) / days
}

pub(super) struct Calendar;

impl Family for Calendar {
    fn name(&self) -> &'static str {
        "calendar"
    }

    fn driver(&self) -> Driver {
        Driver::Year
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let frequency = view.shape.frequency;
        let mut features = match frequency {
            Frequency::Minutes { .. } | Frequency::Daily => columns(view, &DAYS),
            Frequency::Weekly { .. } => columns(view, &WEEKS),
            Frequency::Monthly { .. } => columns(view, &MONTHS),
            Frequency::Integer => Vec::new(),
        };
        if let Frequency::Minutes { minutes } = frequency {
            let steps_per_day = i64::from(1440 / minutes.clamp(1, 1440));
            let [values] = view.by_period(|at| [at.rem_euclid(steps_per_day) as f32]);
            features.push(Feature::new("step_of_day", values).speaks_of(Driver::Weekday));
        }
        Ok(features)
    }
}

/// One column for each reading; a date is made once for all of them.
fn columns<const N: usize>(view: &View<'_>, readings: &[Reading; N]) -> Vec<Feature> {
    let frequency = view.shape.frequency;
    let read = |at| frequency.date(at).map_or([f32::NAN; N], |date| readings.map(|(_, _, read)| read(date) as f32));
    let feature = |(values, &(name, levels, _)): (Vec<f32>, &Reading)| {
        let (driver, neutral) = meaning(name);
        Feature::new(name, values).category(levels).speaks_of(driver).compared_with(neutral)
    };
    view.by_period(read).into_iter().zip(readings).map(feature).collect()
}
