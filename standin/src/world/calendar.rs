//! Holidays, joint leave and Ramadan as facts, and the questions the simulator asks of them.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use serde::Deserialize;

use super::error::WorldError;
use super::rows::{CalendarEvent, CalendarKind};

const FILE: &str = "calendar.toml";

/// A day that a shop's closing can be anchored to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feast {
    /// 1 Syawal.
    IdulFitri,
    /// The Balinese day of silence.
    Nyepi,
    /// 25 December.
    Natal,
    /// 1 January.
    TahunBaru,
}

/// Every marked day from the first to the last year of `calendar.toml`.
#[derive(Debug, Clone)]
pub struct Calendar {
    events: Vec<CalendarEvent>,
    holidays: HashMap<NaiveDate, String>,
    fasts: Vec<(NaiveDate, NaiveDate)>,
    years: (i32, i32),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    years: Vec<Year>,
    ramadan: Vec<Fast>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Year {
    year: i32,
    decided: NaiveDate,
    #[serde(default)]
    estimate: bool,
    #[serde(default)]
    joint_leave: Vec<String>,
    holidays: BTreeMap<String, String>,
    #[serde(default)]
    amended: BTreeMap<String, NaiveDate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fast {
    first_day: NaiveDate,
    idul_fitri: NaiveDate,
    #[serde(default)]
    estimate: bool,
}

impl Calendar {
    pub(crate) fn parse(text: &str) -> Result<Self, WorldError> {
        let file: File = toml::from_str(text).map_err(|source| WorldError::Parse { file: FILE, source })?;
        let mut events = Vec::new();
        let mut holidays = HashMap::new();
        for year in &file.years {
            for (day, name) in &year.holidays {
                let event = year.event(day, CalendarKind::Holiday, name)?;
                holidays.insert(event.date, event.name.clone());
                events.push(event);
            }
            for day in &year.joint_leave {
                events.push(year.event(day, CalendarKind::JointLeave, "Cuti bersama")?);
            }
        }
        for fast in &file.ramadan {
            let known = file.years.iter().find(|year| year.year == fast.first_day.year()).map(|year| year.decided);
            let known = known.ok_or_else(|| WorldError::definition(FILE, format!("no year for Ramadan {}", fast.first_day)))?;
            events.extend(fast.events(known));
        }
        events.sort_by_key(|event| (event.date, event.kind as u8));
        let first = file.years.iter().map(|year| year.year).min().unwrap_or_default();
        let last = file.years.iter().map(|year| year.year).max().unwrap_or_default();
        let fasts = file.ramadan.iter().map(|fast| (fast.first_day, fast.idul_fitri)).collect();
        Ok(Calendar { events, holidays, fasts, years: (first, last) })
    }

    /// Every marked day, in order.
    pub fn events(&self) -> &[CalendarEvent] {
        &self.events
    }

    /// First and last year that is written down.
    pub fn years(&self) -> (i32, i32) {
        self.years
    }

    /// Whether `day` is a national holiday (joint leave is not).
    pub fn is_holiday(&self, day: NaiveDate) -> bool {
        self.holidays.contains_key(&day)
    }

    /// Whether `day` is a day of fasting.
    pub fn is_ramadan(&self, day: NaiveDate) -> bool {
        self.fasts.iter().any(|(first, fitri)| (*first..*fitri).contains(&day))
    }

    /// Days from the nearest Idul Fitri to `day`: negative before the feast.
    pub fn days_from_idul_fitri(&self, day: NaiveDate) -> i64 {
        let distances = self.fasts.iter().map(|(_, fitri)| (day - *fitri).num_days());
        distances.min_by_key(|distance| distance.abs()).unwrap_or(i64::MAX)
    }

    /// Whether `day` lies from `from` to `to` days after the feast (negative: before it).
    pub(crate) fn is_near(&self, feast: Feast, day: NaiveDate, from: i64, to: i64) -> bool {
        (from..=to).any(|offset| self.is_feast(feast, day - Duration::days(offset)))
    }

    fn is_feast(&self, feast: Feast, day: NaiveDate) -> bool {
        match feast {
            Feast::IdulFitri => self.fasts.iter().any(|(_, fitri)| *fitri == day),
            Feast::Nyepi => self.holidays.get(&day).is_some_and(|name| name.contains("Nyepi")),
            Feast::Natal => (day.month(), day.day()) == (12, 25),
            Feast::TahunBaru => (day.month(), day.day()) == (1, 1),
        }
    }
}

impl Year {
    fn event(&self, month_day: &str, kind: CalendarKind, name: &str) -> Result<CalendarEvent, WorldError> {
        let date = format!("{}-{month_day}", self.year);
        let date: NaiveDate = date.parse().map_err(|_| WorldError::definition(FILE, format!("`{date}` is not a day")))?;
        let decided = self.amended.get(month_day).copied().unwrap_or(self.decided);
        Ok(CalendarEvent { date, kind, name: name.to_owned(), estimate: self.estimate, available_at: morning(decided) })
    }
}

impl Fast {
    /// One row for each day of fasting, known (as an expectation) since the year's decree.
    fn events(&self, decided: NaiveDate) -> impl Iterator<Item = CalendarEvent> + '_ {
        let days = (self.idul_fitri - self.first_day).num_days();
        (0..days).map(move |day| CalendarEvent {
            date: self.first_day + Duration::days(day),
            kind: CalendarKind::Ramadan,
            name: format!("Ramadan hari ke-{}", day + 1),
            estimate: self.estimate,
            available_at: morning(decided),
        })
    }
}

/// 03:00 UTC, mid-morning in Indonesia.
pub(crate) fn morning(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc() + Duration::hours(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn ramadan_moves_and_ends_at_idul_fitri() {
        let calendar = Calendar::parse(super::super::definition::CALENDAR).expect("calendar parses");
        assert!(calendar.is_ramadan(day("2026-02-19")) && calendar.is_ramadan(day("2026-03-20")));
        assert!(!calendar.is_ramadan(day("2026-02-18")) && !calendar.is_ramadan(day("2026-03-21")));
        assert_eq!(calendar.days_from_idul_fitri(day("2025-03-29")), -2);
        assert!(calendar.is_near(Feast::Nyepi, day("2025-03-29"), 0, 0));
        assert!(calendar.is_near(Feast::IdulFitri, day("2025-03-30"), -1, 3));
    }

    #[test]
    fn amended_joint_leave_is_not_known_at_the_decree() {
        let calendar = Calendar::parse(super::super::definition::CALENDAR).expect("calendar parses");
        let late = calendar.events().iter().find(|event| event.date == day("2025-08-18")).expect("joint leave");
        assert_eq!(late.kind, CalendarKind::JointLeave);
        assert_eq!(late.available_at.date_naive(), day("2025-08-07"));
    }
}
