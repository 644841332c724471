//! Instants of knowledge as ordinals: which nightly cutoff is the first that may use a fact.

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::Ordinal;
use domain::frequency::{date_from_epoch, days_since_epoch};
use domain::time::{BusinessCalendar, Night};

/// Counts a store's nights: cutoff `c` is the night after which business day `c` is the last complete one.
#[derive(Debug, Clone, Copy)]
pub struct Knowledge {
    calendar: BusinessCalendar,
    /// Days between the last complete business day and the night's own date: 1, or 2 where the business day ends after
    /// the night's cutoff.
    delay: u64,
}

impl Knowledge {
    #[must_use]
    pub fn new(calendar: BusinessCalendar) -> Self {
        // Any date gives the same delay but for changes of the clock, which don't move a cutoff across a day.
        let date = NaiveDate::default();
        let delay = date.signed_duration_since(Night::of(date, calendar).last_day()).num_days();
        Self { calendar, delay: delay.unsigned_abs() }
    }

    /// The first cutoff at which something that became available at this instant counts.
    #[must_use]
    pub fn known_from(&self, available_at: DateTime<Utc>) -> Ordinal {
        let local = available_at.with_timezone(&self.calendar.time_zone).date_naive();
        let mut cutoff = days_since_epoch(local) - i64::from(self.delay as u32) - 1;
        while self.instant(cutoff).is_some_and(|instant| instant < available_at) {
            cutoff += 1;
        }
        cutoff
    }

    /// Minutes from the start of a business day to an instant, 0 before it.
    #[must_use]
    pub fn minute_of_day(&self, day: NaiveDate, at: DateTime<Utc>) -> u16 {
        let minutes = (at - self.calendar.local(day, self.calendar.cutoff)).num_minutes();
        u16::try_from(minutes.max(0)).unwrap_or(u16::MAX)
    }

    /// The instant of a cutoff; `None` beyond the calendar's range.
    #[must_use]
    pub fn instant(&self, cutoff: Ordinal) -> Option<DateTime<Utc>> {
        let date = date_from_epoch(cutoff)?.checked_add_days(Days::new(self.delay))?;
        Some(Night::of(date, self.calendar).cutoff())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowledge(zone: &str, cutoff: &str) -> Knowledge {
        Knowledge::new(BusinessCalendar { time_zone: zone.parse().expect("a zone"), cutoff: cutoff.parse().expect("a time") })
    }

    fn ordinal(date: &str) -> Ordinal {
        days_since_epoch(date.parse().expect("a date"))
    }

    #[test]
    fn a_day_is_known_on_the_night_that_follows_it() {
        for (zone, cutoff) in [("Asia/Jakarta", "00:00:00"), ("Asia/Makassar", "00:00:00"), ("Asia/Jayapura", "03:00:00")] {
            let knowledge = knowledge(zone, cutoff);
            let day: NaiveDate = "2026-03-10".parse().expect("a date");
            assert_eq!(knowledge.known_from(knowledge.calendar.end_of(day)), ordinal("2026-03-10"), "{zone} {cutoff}");
        }
    }

    #[test]
    fn a_shop_that_closes_after_the_cutoff_is_a_night_behind() {
        let knowledge = knowledge("Asia/Jakarta", "05:00:00");
        let day: NaiveDate = "2026-03-10".parse().expect("a date");
        // Its day ends on the 11th at 05:00, after that night's 03:30: the night of the 12th is the first to know.
        assert_eq!(knowledge.known_from(knowledge.calendar.end_of(day)), ordinal("2026-03-10"));
        assert_eq!(knowledge.instant(ordinal("2026-03-10")).map(|at| at.to_rfc3339()), Some("2026-03-11T20:30:00+00:00".to_owned()));
    }

    #[test]
    fn a_minute_after_the_cutoff_is_too_late() {
        let knowledge = knowledge("Asia/Jakarta", "00:00:00");
        let at = |text: &str| knowledge.known_from(text.parse().expect("an instant"));
        assert_eq!(at("2026-03-10T20:30:00Z"), ordinal("2026-03-10")); // 03:30 WIB on the 11th
        assert_eq!(at("2026-03-10T20:31:00Z"), ordinal("2026-03-11"));
    }
}
