//! What is usual at a time of the year.

use chrono::Months;
use domain::frequency::days_since_epoch;
use domain::{Frequency, Ordinal};

use crate::regressors::RegressorStore;

/// Days on either side of the day of the year.
const HALF_WIDTH_DAYS: i64 = 15;
/// Periods looked back on where there is no calendar.
const RECENT_PERIODS: Ordinal = 31;

/// Mean of the values at the same time of the year, give or take 15 days, of this and all earlier years, as known by
/// `known_by`. NaN if none is known.
pub(crate) fn usual(regressor: &RegressorStore, slot: Option<usize>, frequency: Frequency, at: Ordinal, known_by: Ordinal) -> f64 {
    let Some(first) = regressor.first(slot) else { return f64::NAN };
    let (mut sum, mut count) = (0.0, 0_u32);
    for season in seasons(frequency, at, first) {
        for period in season {
            if let Some(value) = regressor.value(slot, period, known_by) {
                sum += value;
                count += 1;
            }
        }
    }
    sum / f64::from(count)
}

/// The same time of the year, in this and each earlier year down to `first`.
fn seasons(frequency: Frequency, at: Ordinal, first: Ordinal) -> Vec<Vec<Ordinal>> {
    let (half_width, stride) = match frequency {
        Frequency::Minutes { minutes } => (HALF_WIDTH_DAYS, i64::from(1440 / minutes.clamp(1, 1440))),
        Frequency::Daily => (HALF_WIDTH_DAYS, 1),
        Frequency::Weekly { .. } => (HALF_WIDTH_DAYS / 7, 1),
        Frequency::Monthly { .. } => (0, 1),
        Frequency::Integer => return vec![(at - RECENT_PERIODS..=at).collect()],
    };
    let around = |centre: Ordinal| (-half_width..=half_width).map(move |k| centre + k * stride).collect();
    let reaches_data = |centre: &Ordinal| centre + half_width * stride >= first;
    (0..).map_while(|years| years_before(frequency, at, years)).take_while(reaches_data).map(around).collect()
}

/// The period `years` before `at`, at the same time of the year.
fn years_before(frequency: Frequency, at: Ordinal, years: u32) -> Option<Ordinal> {
    let steps_per_year = match frequency {
        Frequency::Monthly { months, .. } => return Some(at - i64::from(years) * 12 / i64::from(months.max(1))),
        Frequency::Weekly { .. } => 7,
        Frequency::Minutes { .. } | Frequency::Daily | Frequency::Integer => 1,
    };
    let date = frequency.date(at)?;
    let days = days_since_epoch(date) - days_since_epoch(date.checked_sub_months(Months::new(12 * years))?);
    match frequency {
        Frequency::Minutes { minutes } => Some(at - days * i64::from(1440 / minutes.clamp(1, 1440))),
        _ => Some(at - days / steps_per_year),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seasons_follow_the_calendar() {
        let at = 20_780; // 2026-11-23
        let centres: Vec<Ordinal> = seasons(Frequency::Daily, at, at - 800).iter().map(|season| season[15]).collect();
        let labels: Vec<String> = centres.iter().map(|&at| Frequency::Daily.label(at)).collect();
        assert_eq!(labels, ["2026-11-23", "2025-11-23", "2024-11-23"]);
        let monthly = Frequency::Monthly { months: 1, phase: 0, day: 1 };
        assert_eq!(seasons(monthly, 100, 76), [[100], [88], [76]]);
        let half_hours = seasons(Frequency::Minutes { minutes: 30 }, 48 * 100, 48 * 90);
        assert_eq!(half_hours[0][15], 48 * 100);
        assert_eq!(half_hours[0][16] - half_hours[0][15], 48);
    }
}
