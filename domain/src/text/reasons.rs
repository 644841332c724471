//! A forecast and its reasons in one sentence.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate, Weekday};

use super::Language;
use crate::explanation::{Contribution, Driver, Explanation};

/// Reasons in a sentence, at most.
const MOST: usize = 3;
/// Share of the forecast below which a contribution is not worth a word.
const SMALLEST_SHARE: f64 = 0.02;
/// Forecasts below this are told with a decimal.
const SMALL: f64 = 10.0;

/// Which period a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When<'a> {
    Today(NaiveDate),
    Tomorrow(NaiveDate),
    On(NaiveDate),
    /// A period that is no day, as its own table writes it.
    Period(&'a str),
}

/// `Besok 85 porsi: gajian +14, hujan -6.` `Tomorrow 85 portions: payday +14, rain -6.` The unit is told as it is given.
#[must_use]
pub fn forecast_sentence(when: When<'_>, yhat: f64, unit: &str, explanation: &Explanation, language: Language) -> String {
    let when_words = when.words(language);
    if explanation.units(Driver::Closed) < 0.0 && yhat == 0.0 {
        return match language {
            Language::Indonesian => format!("{when_words} tutup."),
            Language::English => format!("{when_words} closed."),
        };
    }
    let quantity = format!("{} {unit}", number(yhat, decimals(yhat), language));
    let quantity = quantity.trim_end();
    let reasons = reasons(explanation, yhat, when.weekday(), language);
    match language {
        _ if !reasons.is_empty() => format!("{when_words} {quantity}: {reasons}."),
        Language::Indonesian => format!("{when_words} {quantity}, seperti biasa."),
        Language::English => format!("{when_words} {quantity}, as usual."),
    }
}

/// The largest contributions that are worth a word, most first: `gajian +14, hujan -6`. Empty on a day like any other.
#[must_use]
pub fn reasons(explanation: &Explanation, yhat: f64, weekday: Option<Weekday>, language: Language) -> String {
    let decimals = decimals(yhat);
    // What would be told as 0 is no reason.
    let least = (0.5 * 0.1_f64.powi(i32::from(decimals))).max(SMALLEST_SHARE * yhat.abs());
    let told = explanation.contributions.iter().filter(|one| one.units.abs() >= least).take(MOST);
    let reason = |one: &Contribution| {
        let sign = if one.units < 0.0 { "-" } else { "+" };
        format!("{} {sign}{}", word(one, weekday, language), number(one.units.abs(), decimals, language))
    };
    told.map(reason).collect::<Vec<_>>().join(", ")
}

fn decimals(yhat: f64) -> u8 {
    u8::from(yhat.abs() < SMALL)
}

fn number(value: f64, decimals: u8, language: Language) -> String {
    let text = format!("{value:.*}", usize::from(decimals));
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if language == Language::Indonesian { text.replace('.', ",") } else { text.to_owned() }
}

fn word(one: &Contribution, weekday: Option<Weekday>, language: Language) -> &'static str {
    let is_more = one.units > 0.0;
    let (indonesian, english) = match one.driver {
        Driver::Base => ("hari biasa", "average day"),
        Driver::RecentLevel => ("penjualan belakangan ini", "recent sales"),
        Driver::Trend => ("tren", "trend"),
        Driver::Weekday => match weekday {
            Some(weekday) => DAYS[weekday.num_days_from_monday() as usize],
            None => ("musim", "season"),
        },
        Driver::Year => ("waktu tahun ini", "time of year"),
        // The days before wages come, when purses are empty, have a name of their own.
        Driver::Payday if is_more => ("gajian", "payday"),
        Driver::Payday => ("tanggal tua", "far from payday"),
        Driver::Holiday => ("hari besar", "holiday"),
        Driver::Rain => ("hujan", "rain"),
        Driver::Weather => ("cuaca", "weather"),
        Driver::Promo => ("promo", "promo"),
        Driver::Price => ("harga", "price"),
        Driver::News => ("berita", "news"),
        Driver::Other => ("lain-lain", "other"),
        Driver::Closed => ("tutup", "closed"),
        Driver::Adjustment => ("penyesuaian", "adjustment"),
    };
    if language == Language::Indonesian { indonesian } else { english }
}

const DAYS: [(&str, &str); 7] = [
    ("Senin", "Monday"),
    ("Selasa", "Tuesday"),
    ("Rabu", "Wednesday"),
    ("Kamis", "Thursday"),
    ("Jumat", "Friday"),
    ("Sabtu", "Saturday"),
    ("Minggu", "Sunday"),
];
const MONTHS: [(&str, &str); 12] = [
    ("Jan", "Jan"),
    ("Feb", "Feb"),
    ("Mar", "Mar"),
    ("Apr", "Apr"),
    ("Mei", "May"),
    ("Jun", "Jun"),
    ("Jul", "Jul"),
    ("Agu", "Aug"),
    ("Sep", "Sep"),
    ("Okt", "Oct"),
    ("Nov", "Nov"),
    ("Des", "Dec"),
];

impl<'a> When<'a> {
    fn words(self, language: Language) -> Cow<'a, str> {
        let of = |(indonesian, english): (&'static str, &'static str)| if language == Language::Indonesian { indonesian } else { english };
        match self {
            Self::Today(_) => of(("Hari ini", "Today")).into(),
            Self::Tomorrow(_) => of(("Besok", "Tomorrow")).into(),
            Self::On(day) => {
                let weekday = of(DAYS[day.weekday().num_days_from_monday() as usize]);
                format!("{weekday} {} {}", day.day(), of(MONTHS[day.month0() as usize])).into()
            }
            Self::Period(label) => label.into(),
        }
    }

    fn weekday(self) -> Option<Weekday> {
        match self {
            Self::Today(day) | Self::Tomorrow(day) | Self::On(day) => Some(day.weekday()),
            Self::Period(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explanation::Parts;

    fn explanation(units: &[(Driver, f64)], yhat: f64, is_closed: bool) -> Explanation {
        let mut parts = Parts::default();
        units.iter().for_each(|&(driver, units)| parts[driver] += units);
        Explanation::of(&parts, yhat, is_closed)
    }

    fn day() -> NaiveDate {
        "2026-11-28".parse().expect("a Saturday")
    }

    fn both(when: When<'_>, yhat: f64, units: [&str; 2], explanation: &Explanation) -> [String; 2] {
        let told = |unit, language| forecast_sentence(when, yhat, unit, explanation, language);
        [told(units[0], Language::Indonesian), told(units[1], Language::English)]
    }

    #[test]
    fn the_largest_reasons_are_told_in_both_languages() {
        let units = [(Driver::Base, 77.0), (Driver::Payday, 14.0), (Driver::Rain, -6.0), (Driver::Trend, 0.3)];
        let explanation = explanation(&units, 85.3, false);
        assert_eq!(
            both(When::Tomorrow(day()), 85.3, ["porsi", "portions"], &explanation),
            ["Besok 85 porsi: gajian +14, hujan -6.", "Tomorrow 85 portions: payday +14, rain -6."]
        );
        let units = [(Driver::Base, 70.0), (Driver::Weekday, 9.0), (Driver::Payday, -4.0), (Driver::Promo, 3.0), (Driver::News, 2.0)];
        let explanation = self::explanation(&units, 80.0, false);
        assert_eq!(
            both(When::On(day()), 80.0, ["gelas", "cups"], &explanation),
            [
                "Sabtu 28 Nov 80 gelas: Sabtu +9, tanggal tua -4, promo +3.",
                "Saturday 28 Nov 80 cups: Saturday +9, far from payday -4, promo +3."
            ]
        );
    }

    #[test]
    fn small_sellers_are_told_with_a_decimal_and_a_plain_day_as_plain() {
        let few = explanation(&[(Driver::Base, 3.9), (Driver::Rain, -0.64)], 3.26, false);
        assert_eq!(
            both(When::Today(day()), 3.26, ["porsi", "portions"], &few),
            ["Hari ini 3,3 porsi: hujan -0,6.", "Today 3.3 portions: rain -0.6."]
        );
        let plain = explanation(&[(Driver::Base, 99.0), (Driver::Trend, 1.5)], 100.5, false);
        assert_eq!(both(When::Period("2026-W48"), 100.5, ["", ""], &plain), ["2026-W48 100, seperti biasa.", "2026-W48 100, as usual."]);
    }

    #[test]
    fn a_closed_day_needs_no_reason() {
        let closed = explanation(&[(Driver::Base, 70.0), (Driver::Weekday, 5.0)], 0.0, true);
        assert_eq!(both(When::Tomorrow(day()), 0.0, ["porsi", "portions"], &closed), ["Besok tutup.", "Tomorrow closed."]);
    }
}
