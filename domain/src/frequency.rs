//! The regular step of a panel, and the integers that count it.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

/// A period's number. Daily panels count days since 1970-01-01, weekly ones weeks, monthly ones months; integer panels
/// keep the file's own numbers. Differences are steps, whatever the frequency.
pub type Ordinal = i64;

/// The regular step of a panel; calendar-aware (a month is not 30 days).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// Every `minutes` minutes, from midnight.
    Minutes {
        minutes: u32,
    },
    Daily,
    /// Weeks that are stamped on the weekday with this number of days from Monday (0..=6).
    Weekly {
        weekday: u8,
    },
    /// Months (or quarters and years: `months` 3 and 12) stamped on this day of the month (31 means the last) of the
    /// `phase`-th month of each span, from 0: quarters stamped in March have phase 2.
    Monthly {
        months: u32,
        phase: u32,
        day: u8,
    },
    /// `ds` is a plain integer.
    Integer,
}

impl Frequency {
    /// Seasonal period assumed when the user names none: a week of days, a day of sub-daily steps, a year of months or
    /// quarters, 52 weeks; 1 for yearly and integer panels.
    #[must_use]
    pub fn default_season(self) -> u16 {
        match self {
            Self::Minutes { minutes } => (1440 / minutes.clamp(1, 1440)) as u16,
            Self::Daily => 7,
            Self::Weekly { .. } => 52,
            Self::Monthly { months, .. } => (12 / months.clamp(1, 12)) as u16,
            Self::Integer => 1,
        }
    }

    /// Ordinal of the period that `at` stamps, or `None` if `at` is not on this frequency's grid.
    #[must_use]
    pub fn ordinal(self, at: NaiveDateTime) -> Option<Ordinal> {
        let days = days_since_epoch(at.date());
        let midnight = at.time() == chrono::NaiveTime::MIN;
        match self {
            Self::Minutes { minutes } => {
                let seconds = at.and_utc().timestamp();
                let step = i64::from(minutes) * 60;
                (step > 0 && seconds.rem_euclid(step) == 0).then(|| seconds.div_euclid(step))
            }
            Self::Daily => midnight.then_some(days),
            Self::Weekly { weekday } => {
                // 1970-01-01 was a Thursday: day -3 is a Monday.
                let shifted = days + 3 - i64::from(weekday);
                (midnight && shifted.rem_euclid(7) == 0).then(|| shifted.div_euclid(7))
            }
            Self::Monthly { months, phase, day } => {
                let months = i64::from(months.max(1));
                let number = i64::from(at.year()) * 12 + i64::from(at.month0()) - i64::from(phase);
                let on_day = stamp(at.year(), at.month(), day) == Some(at.date());
                (midnight && on_day && number.rem_euclid(months) == 0).then(|| number.div_euclid(months))
            }
            Self::Integer => None,
        }
    }

    /// The stamp of a period; `None` for integer panels and beyond the calendar's range.
    #[must_use]
    pub fn stamp(self, ordinal: Ordinal) -> Option<NaiveDateTime> {
        match self {
            Self::Minutes { minutes } => {
                let seconds = ordinal.checked_mul(i64::from(minutes) * 60)?;
                chrono::DateTime::from_timestamp(seconds, 0).map(|at| at.naive_utc())
            }
            Self::Daily => date_from_epoch(ordinal)?.and_hms_opt(0, 0, 0),
            Self::Weekly { weekday } => date_from_epoch(ordinal.checked_mul(7)?.checked_sub(3 - i64::from(weekday))?)?.and_hms_opt(0, 0, 0),
            Self::Monthly { months, phase, day } => {
                let number = ordinal.checked_mul(i64::from(months.max(1)))?.checked_add(i64::from(phase))?;
                let year = i32::try_from(number.div_euclid(12)).ok()?;
                let month = u32::try_from(number.rem_euclid(12)).ok()? + 1;
                stamp(year, month, day)?.and_hms_opt(0, 0, 0)
            }
            Self::Integer => None,
        }
    }

    /// The stamp as the product's files print it: `2026-11-23`, `2026-11-23T10:30:00`, or the integer itself.
    #[must_use]
    pub fn label(self, ordinal: Ordinal) -> String {
        match (self, self.stamp(ordinal)) {
            (Self::Minutes { .. }, Some(at)) => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
            (_, Some(at)) => at.date().to_string(),
            (_, None) => ordinal.to_string(),
        }
    }

    /// The date a period is stamped with, for calendar features.
    #[must_use]
    pub fn date(self, ordinal: Ordinal) -> Option<NaiveDate> {
        self.stamp(ordinal).map(|at| at.date())
    }
}

impl std::fmt::Display for Frequency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
        match self {
            Self::Minutes { minutes: 60 } => f.write_str("1h"),
            Self::Minutes { minutes } => write!(f, "{minutes}min"),
            Self::Daily => f.write_str("1d"),
            Self::Weekly { weekday } => write!(f, "1w-{}", WEEKDAYS[usize::from(*weekday) % 7]),
            Self::Monthly { months: 1, .. } => f.write_str("1mo"),
            Self::Monthly { months: 3, .. } => f.write_str("1q"),
            Self::Monthly { months: 12, .. } => f.write_str("1y"),
            Self::Monthly { months, .. } => write!(f, "{months}mo"),
            Self::Integer => f.write_str("integer"),
        }
    }
}

/// Days since 1970-01-01.
#[must_use]
pub fn days_since_epoch(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// The date `days` after 1970-01-01.
#[must_use]
pub fn date_from_epoch(days: i64) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_signed(TimeDelta::try_days(days)?)
}

/// `day` of the month, or the month's last day if it has fewer.
fn stamp(year: i32, month: u32, day: u8) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, u32::from(day))
        .or_else(|| NaiveDate::from_ymd_opt(year, month, 1)?.checked_add_months(Months::new(1))?.checked_sub_days(Days::new(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frequencies() -> impl Strategy<Value = Frequency> {
        prop_oneof![
            Just(Frequency::Minutes { minutes: 30 }),
            Just(Frequency::Daily),
            (0..7_u8).prop_map(|weekday| Frequency::Weekly { weekday }),
            (prop::sample::select(vec![1_u32, 3, 12]), 0..12_u32, prop::sample::select(vec![1_u8, 15, 28, 30, 31]))
                .prop_map(|(months, month, day)| Frequency::Monthly { months, phase: month % months, day }),
        ]
    }

    proptest! {
        #[test]
        fn stamps_and_ordinals_are_inverse(frequency in frequencies(), ordinal in -500..3_000_i64) {
            let stamp = frequency.stamp(ordinal).expect("in range");
            prop_assert_eq!(frequency.ordinal(stamp), Some(ordinal));
        }
    }

    #[test]
    fn the_last_day_of_a_month_is_calendar_aware() {
        let monthly = Frequency::Monthly { months: 1, phase: 0, day: 31 };
        let labels: Vec<String> = (0..3).map(|k| monthly.label(2024 * 12 + k)).collect();
        assert_eq!(labels, ["2024-01-31", "2024-02-29", "2024-03-31"]);
    }

    #[test]
    fn a_stamp_off_the_grid_has_no_ordinal() {
        let weekly = Frequency::Weekly { weekday: 0 };
        let tuesday = NaiveDate::from_ymd_opt(2026, 11, 24).and_then(|d| d.and_hms_opt(0, 0, 0)).expect("a date");
        assert_eq!(weekly.ordinal(tuesday), None);
    }
}
