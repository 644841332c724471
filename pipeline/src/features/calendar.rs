//! What the target's date says by itself.

use chrono::{Datelike, NaiveDate};
use domain::{FeatureError, Frequency};

use super::{Family, Feature};
use crate::view::View;

/// A column read off a date.
type Reading = (&'static str, u32, fn(NaiveDate) -> u32);

const WEEKDAY: Reading = ("weekday", 7, |date| date.weekday().num_days_from_monday());
const WEEKEND: Reading = ("weekend", 0, |date| u32::from(date.weekday().num_days_from_monday() >= 5));
const DAY_OF_MONTH: Reading = ("day_of_month", 0, |date| date.day());
/// Wages are paid from the 25th to the 1st.
const PAYDAY: Reading = ("payday", 0, |date| u32::from(date.day() >= 25 || date.day() == 1));
const MONTH: Reading = ("month", 12, |date| date.month0());
const WEEK_OF_YEAR: Reading = ("week_of_year", 0, |date| date.iso_week().week());

pub(super) struct Calendar;

impl Family for Calendar {
    fn name(&self) -> &'static str {
        "calendar"
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        let frequency = view.shape.frequency;
        let mut features: Vec<Feature> = readings(frequency).iter().map(|reading| column(view, reading)).collect();
        if let Frequency::Minutes { minutes } = frequency {
            let steps_per_day = i64::from(1440 / minutes.clamp(1, 1440));
            let [values] = view.by_period(|at| [at.rem_euclid(steps_per_day) as f32]);
            features.push(Feature::new("step_of_day", values));
        }
        Ok(features)
    }
}

/// What changes from one period to the next at this frequency.
fn readings(frequency: Frequency) -> &'static [Reading] {
    match frequency {
        Frequency::Minutes { .. } | Frequency::Daily => &[WEEKDAY, WEEKEND, DAY_OF_MONTH, PAYDAY, MONTH, WEEK_OF_YEAR],
        Frequency::Weekly { .. } => &[DAY_OF_MONTH, MONTH, WEEK_OF_YEAR],
        Frequency::Monthly { .. } => &[MONTH],
        Frequency::Integer => &[],
    }
}

fn column(view: &View<'_>, &(name, levels, read): &Reading) -> Feature {
    let frequency = view.shape.frequency;
    let [values] = view.by_period(|at| [frequency.date(at).map_or(f32::NAN, |date| read(date) as f32)]);
    Feature::new(name, values).category(levels)
}
