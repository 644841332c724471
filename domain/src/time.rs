//! Windows, time zones and business days.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A half-open window `[start, end)`: a partition of an asset, or the range of one fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

impl Window {
    /// `None` unless `start < end`.
    #[must_use]
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    #[must_use]
    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.start <= instant && instant < self.end
    }
}

/// How a store counts its days: its zone, and the local time at which one business day becomes the next (a warung that
/// closes at 02:00 has a cutoff of, say, 04:00; most shops have 00:00).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusinessCalendar {
    pub time_zone: Tz,
    pub cutoff: NaiveTime,
}

impl BusinessCalendar {
    /// The business day that `instant` belongs to.
    #[must_use]
    pub fn business_day(&self, instant: DateTime<Utc>) -> NaiveDate {
        self.business_day_of_local(instant.with_timezone(&self.time_zone).naive_local())
    }

    /// The business day of a local wall-clock time, as exports print it.
    #[must_use]
    pub fn business_day_of_local(&self, local: chrono::NaiveDateTime) -> NaiveDate {
        if local.time() < self.cutoff { previous(local.date()) } else { local.date() }
    }

    /// The instant at which `day` begins, which is the end of the day before.
    #[must_use]
    pub fn start_of(&self, day: NaiveDate) -> DateTime<Utc> {
        self.local(day, self.cutoff)
    }

    /// The instant at which `day` ends.
    #[must_use]
    pub fn end_of(&self, day: NaiveDate) -> DateTime<Utc> {
        self.start_of(next(day))
    }

    /// `time` on calendar date `date` in the store's zone. A wall-clock time that does not exist (clocks going forward)
    /// becomes the first one that does; one that exists twice becomes the earlier.
    #[must_use]
    pub fn local(&self, date: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
        let mut wall = date.and_time(time);
        loop {
            if let Some(instant) = self.time_zone.from_local_datetime(&wall).earliest() {
                return instant.with_timezone(&Utc);
            }
            wall += TimeDelta::minutes(15);
        }
    }
}

/// Data up to this local time counts for a night's run.
pub const DATA_CUTOFF: NaiveTime = NaiveTime::from_hms_opt(3, 30, 0).expect("03:30 exists");
/// The plan is published by this local time.
pub const DEADLINE: NaiveTime = NaiveTime::from_hms_opt(4, 30, 0).expect("04:30 exists");

/// One night of one store: the business day it serves and what it may know.
///
/// `run nightly --date D` serves business day D, whose 04:30 local is the deadline. Data up to 03:30 local counts; the
/// last complete day is D-1, or D-2 where the business day has not ended by 03:30. Step 1 is the day after the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Night {
    pub date: NaiveDate,
    pub calendar: BusinessCalendar,
    /// The last instant whose knowledge counts, where it is not 03:30: somebody asks anew in the course of the day.
    pub as_of: Option<DateTime<Utc>>,
}

impl Night {
    /// The night of a business day as the schedule runs it.
    #[must_use]
    pub fn of(date: NaiveDate, calendar: BusinessCalendar) -> Self {
        Self { date, calendar, as_of: None }
    }

    /// The last instant whose knowledge counts.
    #[must_use]
    pub fn cutoff(&self) -> DateTime<Utc> {
        self.as_of.unwrap_or_else(|| self.scheduled_cutoff())
    }

    /// 03:30 of the business day served, from which nights are counted.
    #[must_use]
    pub fn scheduled_cutoff(&self) -> DateTime<Utc> {
        self.calendar.local(self.date, DATA_CUTOFF)
    }

    /// When the plan is due.
    #[must_use]
    pub fn deadline(&self) -> DateTime<Utc> {
        self.calendar.local(self.date, DEADLINE)
    }

    /// The last business day that has ended by the cutoff. Asking anew later in the day does not change it: a store whose days end
    /// after 03:30 is a day behind by then, too.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        let yesterday = previous(self.date);
        if self.calendar.end_of(yesterday) <= self.cutoff().min(self.scheduled_cutoff()) { yesterday } else { previous(yesterday) }
    }
}

fn previous(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN)
}

fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn calendar(zone: &str, cutoff: &str) -> BusinessCalendar {
        BusinessCalendar { time_zone: zone.parse().expect("a zone"), cutoff: cutoff.parse().expect("a time") }
    }

    #[test]
    fn a_sale_after_midnight_belongs_to_the_evening_before() {
        let warung = calendar("Asia/Jayapura", "03:00:00");
        let at = |text: &str| warung.business_day(text.parse().expect("an instant"));
        assert_eq!(at("2026-03-10T16:30:00Z"), day("2026-03-10")); // 01:30 WIT on the 11th
        assert_eq!(at("2026-03-10T18:30:00Z"), day("2026-03-11")); // 03:30 WIT on the 11th
    }

    #[test]
    fn a_night_knows_its_last_complete_day() {
        let night = |cutoff| Night::of(day("2026-11-23"), calendar("Asia/Jakarta", cutoff));
        assert_eq!(night("00:00:00").last_day(), day("2026-11-22"));
        assert_eq!(night("03:00:00").last_day(), day("2026-11-22"));
        assert_eq!(night("05:00:00").last_day(), day("2026-11-21"));
        assert_eq!(night("00:00:00").deadline().to_rfc3339(), "2026-11-22T21:30:00+00:00");
    }

    #[test]
    fn asking_anew_knows_more_of_the_same_days() {
        let anew = |cutoff, as_of: &str| {
            let night = Night::of(day("2026-11-23"), calendar("Asia/Jakarta", cutoff));
            Night { as_of: Some(as_of.parse().expect("an instant")), ..night }
        };
        let noon = anew("00:00:00", "2026-11-23T05:00:00Z");
        assert_eq!((noon.last_day(), noon.cutoff().to_rfc3339()), (day("2026-11-22"), "2026-11-23T05:00:00+00:00".to_owned()));
        assert_eq!(noon.scheduled_cutoff().to_rfc3339(), "2026-11-22T20:30:00+00:00");
        assert_eq!(anew("05:00:00", "2026-11-23T05:00:00Z").last_day(), day("2026-11-21"), "as its nights are");
        assert_eq!(anew("02:00:00", "2026-11-22T19:30:00Z").last_day(), day("2026-11-22"), "02:30, after the day and before 03:30");
    }

    #[test]
    fn a_wall_clock_gap_moves_forward() {
        let berlin = calendar("Europe/Berlin", "00:00:00");
        let instant = berlin.local(day("2015-03-29"), "02:30:00".parse().expect("a time"));
        assert_eq!(instant.to_rfc3339(), "2015-03-29T01:00:00+00:00");
    }
}
