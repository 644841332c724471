//! Display texts of dates on a search page, in English and Indonesian: relative to when the page was fetched, or absolute.

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Asia::Jakarta;
use platform::db::news_articles::Precision;

/// Months by the beginnings of their names, in both languages.
const MONTHS: [&[&str]; 12] = [
    &["jan"],
    &["feb", "peb"],
    &["mar"],
    &["apr"],
    &["may", "mei"],
    &["jun"],
    &["jul"],
    &["aug", "agu", "agt", "ags"],
    &["sep"],
    &["oct", "okt"],
    &["nov", "nop"],
    &["dec", "des"],
];

/// Units by their names in both languages.
const UNITS: [(&[&str], Unit); 7] = [
    (&["second", "seconds", "sec", "secs", "detik"], Unit::Seconds),
    (&["minute", "minutes", "min", "mins", "menit"], Unit::Minutes),
    (&["hour", "hours", "hr", "hrs", "jam"], Unit::Hours),
    (&["day", "days", "hari"], Unit::Days),
    (&["week", "weeks", "minggu", "pekan"], Unit::Weeks),
    (&["month", "months", "bulan"], Unit::Months),
    (&["year", "years", "tahun"], Unit::Years),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

/// When an article came out, as far as the text tells. `None` for a text that tells no time, or one that has not come yet: never
/// the time of fetching.
#[must_use]
pub fn published(text: &str, fetched_at: DateTime<Utc>) -> Option<(DateTime<Utc>, Precision)> {
    let text = text.trim().to_lowercase();
    match text.as_str() {
        "just now" | "baru saja" => return Some((fetched_at, Precision::Minute)),
        "yesterday" | "kemarin" => return ago(1, Unit::Days, fetched_at),
        _ => {}
    }
    relative(&text, fetched_at).or_else(|| absolute(&text, fetched_at))
}

/// `2 hours ago`, `an hour ago`, `3 hari lalu`, `3 hari yang lalu`, `sejam yang lalu`.
fn relative(text: &str, fetched_at: DateTime<Utc>) -> Option<(DateTime<Utc>, Precision)> {
    let span = ["yang lalu", "lalu", "ago"].iter().find_map(|ending| text.strip_suffix(ending))?.trim();
    let (number, unit) = match span.split_once(' ') {
        Some((number @ ("a" | "an" | "one" | "satu"), unit)) => (number.len().min(1) as u32, unit),
        Some((number, unit)) => (number.parse().ok()?, unit),
        None => (1, span.strip_prefix("se")?),
    };
    let (_, unit) = UNITS.iter().find(|(names, _)| names.contains(&unit.trim()))?;
    ago(number, *unit, fetched_at)
}

fn ago(number: u32, unit: Unit, fetched_at: DateTime<Utc>) -> Option<(DateTime<Utc>, Precision)> {
    let many = i64::from(number);
    let (at, precision) = match unit {
        Unit::Seconds => (fetched_at.checked_sub_signed(TimeDelta::seconds(many)), Precision::Minute),
        Unit::Minutes => (fetched_at.checked_sub_signed(TimeDelta::minutes(many)), Precision::Minute),
        Unit::Hours => (fetched_at.checked_sub_signed(TimeDelta::hours(many)), Precision::Hour),
        Unit::Days => (fetched_at.checked_sub_days(Days::new(number.into())), Precision::Day),
        Unit::Weeks => (fetched_at.checked_sub_days(Days::new(u64::from(number) * 7)), Precision::Week),
        Unit::Months => (fetched_at.checked_sub_months(Months::new(number)), Precision::Month),
        Unit::Years => (fetched_at.checked_sub_months(Months::new(number.checked_mul(12)?)), Precision::Year),
    };
    at.filter(|at| at.timestamp() > 0).map(|at| (at, precision))
}

/// `May 10, 2026`, `10 May 2026`, `12 Okt 2026`, `2026-05-10`: a day in Indonesia's west.
fn absolute(text: &str, fetched_at: DateTime<Utc>) -> Option<(DateTime<Utc>, Precision)> {
    let day = text.parse::<NaiveDate>().ok().or_else(|| named_day(text))?;
    let start = Jakarta.from_local_datetime(&day.and_time(NaiveTime::MIN)).single()?.with_timezone(&Utc);
    (start <= fetched_at && start.timestamp() > 0).then_some((start, Precision::Day))
}

fn named_day(text: &str) -> Option<NaiveDate> {
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let &[first, second, year] = words.as_slice() else { return None };
    let (day, month) = if first.starts_with(|letter: char| letter.is_ascii_digit()) { (first, second) } else { (second, first) };
    let is_named = |names: &&[&str]| names.iter().any(|name| month.starts_with(name));
    let month = MONTHS.iter().position(is_named)?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month as u32 + 1, day.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<String> {
        let fetched_at = "2026-11-23T20:30:00Z".parse().expect("an instant");
        published(text, fetched_at).map(|(at, precision)| format!("{} {precision}", at.format("%Y-%m-%d %H:%M")))
    }

    #[test]
    fn both_languages_are_read() {
        let cases = [
            ("2 hours ago", "2026-11-23 18:30 hour"),
            ("an hour ago", "2026-11-23 19:30 hour"),
            ("1 day ago", "2026-11-22 20:30 day"),
            ("1 week ago", "2026-11-16 20:30 week"),
            ("3 months ago", "2026-08-23 20:30 month"),
            ("baru saja", "2026-11-23 20:30 minute"),
            ("5 menit yang lalu", "2026-11-23 20:25 minute"),
            ("40 detik lalu", "2026-11-23 20:29 minute"),
            ("3 jam lalu", "2026-11-23 17:30 hour"),
            ("sejam yang lalu", "2026-11-23 19:30 hour"),
            ("Kemarin", "2026-11-22 20:30 day"),
            ("2 minggu yang lalu", "2026-11-09 20:30 week"),
            ("1 tahun lalu", "2025-11-23 20:30 year"),
            ("May 10, 2026", "2026-05-09 17:00 day"),
            ("12 Okt 2026", "2026-10-11 17:00 day"),
            ("1 Agustus 2026", "2026-07-31 17:00 day"),
            ("9 Agt 2026", "2026-08-08 17:00 day"),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_tells_no_time_is_none() {
        for text in [
            "",
            "Live coverage",
            "Liputan langsung",
            "soon ago",
            "99999999999 years ago",
            "31 Feb 2026",
            "1 Jan 2027",
            "4294967295 tahun lalu",
            "lalu",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
