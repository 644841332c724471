//! Display texts of dates, as a search page shows them.

use chrono::{Datelike, Duration, NaiveDate};

/// Language of the display texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Indonesian,
}

impl Language {
    /// Of the request's `hl`; anything but Indonesian is shown in English.
    pub(super) fn of(hl: Option<&str>) -> Self {
        if hl.is_some_and(|hl| hl == "id" || hl.starts_with("id-")) { Language::Indonesian } else { Language::English }
    }
}

/// "2 hours ago", "3 hari yang lalu". `form` chooses among the Indonesian forms of one age.
pub(super) fn relative(language: Language, age: Duration, form: u32) -> String {
    let (number, unit) = in_units(age);
    match language {
        Language::English => {
            let unit = ["minute", "hour", "day", "week", "month", "year"][unit];
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {unit}{plural} ago")
        }
        Language::Indonesian => match (number, unit, form % 3) {
            (0..=1, 0, _) => "baru saja".to_owned(),
            (1, 2, 0) => "kemarin".to_owned(),
            (_, _, form) => {
                let unit = ["menit", "jam", "hari", "minggu", "bulan", "tahun"][unit];
                let ago = if form == 1 { "lalu" } else { "yang lalu" };
                format!("{number} {unit} {ago}")
            }
        },
    }
}

/// The number and the position of its unit: minute, hour, day, week, month, year.
fn in_units(age: Duration) -> (i64, usize) {
    match (age.num_minutes(), age.num_hours(), age.num_days()) {
        (minutes, 0, _) => (minutes.max(1), 0),
        (_, hours @ 1..24, _) => (hours, 1),
        (_, _, days @ 1..7) => (days, 2),
        (_, _, days @ 7..30) => (days / 7, 3),
        (_, _, days @ 30..365) => (days / 30, 4),
        (_, _, days) => (days / 365, 5),
    }
}

/// "May 10, 2026", "10 Mei 2026".
pub(super) fn absolute(language: Language, day: NaiveDate) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"];
    match language {
        Language::English => day.format("%b %-d, %Y").to_string(),
        Language::Indonesian => format!("{} {} {}", day.day(), MONTHS[day.month0() as usize], day.year()),
    }
}

/// A text that tells no time.
pub(super) fn unknown(language: Language) -> &'static str {
    match language {
        Language::English => "Live coverage",
        Language::Indonesian => "Liputan langsung",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_both_languages() {
        use Language::{English, Indonesian};
        let minutes = Duration::minutes;
        let english = [0, 59, 60, 1_500, 8 * 1_440, 70 * 1_440, 800 * 1_440].map(|age| relative(English, minutes(age), 0));
        assert_eq!(english, ["1 minute ago", "59 minutes ago", "1 hour ago", "1 day ago", "1 week ago", "2 months ago", "2 years ago"]);
        let indonesian = [(1, 0), (1_500, 0), (1_500, 1), (1_500, 2), (200, 2)].map(|(age, form)| relative(Indonesian, minutes(age), form));
        assert_eq!(indonesian, ["baru saja", "kemarin", "1 hari lalu", "1 hari yang lalu", "3 jam yang lalu"]);
    }

    #[test]
    fn months_have_short_names() {
        let day: NaiveDate = "2026-10-12".parse().expect("a day");
        assert_eq!(absolute(Language::English, day), "Oct 12, 2026");
        assert_eq!(absolute(Language::Indonesian, day), "12 Okt 2026");
    }
}
