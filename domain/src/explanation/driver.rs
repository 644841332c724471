//! What can move a forecast.

use serde::{Deserialize, Serialize};

/// What moves a forecast, for people: many columns of features speak for one driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// The average day of the series: what all others are added to.
    Base,
    /// How the last weeks differ from the average day.
    RecentLevel,
    /// Growth or decline over the horizon.
    Trend,
    /// The weekday, or any other position in the season.
    Weekday,
    /// The time of the year.
    Year,
    /// The time of the month, as against its middle: wages come at its end.
    Payday,
    /// Holidays, feasts, fasts, school breaks and other days of the calendar.
    Holiday,
    /// Rain, as against none.
    Rain,
    /// Weather other than rain.
    Weather,
    Promo,
    Price,
    News,
    /// A regressor that says no more of itself.
    #[default]
    Other,
    /// The shop is closed.
    Closed,
    /// What was changed after the models: capped, not below zero, reconciled.
    Adjustment,
}

/// Parts of a regressor's name, in English and Indonesian, and what they speak of. The first that fits counts.
const WORDS: [(&str, Driver); 37] = [
    ("promo", Driver::Promo),
    ("discount", Driver::Promo),
    ("diskon", Driver::Promo),
    ("campaign", Driver::Promo),
    ("markdown", Driver::Promo),
    ("payday", Driver::Payday),
    ("gajian", Driver::Payday),
    ("salary", Driver::Payday),
    ("rain", Driver::Rain),
    ("hujan", Driver::Rain),
    ("precip", Driver::Rain),
    ("temperature", Driver::Weather),
    ("temp_", Driver::Weather),
    ("suhu", Driver::Weather),
    ("weather", Driver::Weather),
    ("cuaca", Driver::Weather),
    ("wind", Driver::Weather),
    ("humidity", Driver::Weather),
    ("sunshine", Driver::Weather),
    ("cloud", Driver::Weather),
    ("snow", Driver::Weather),
    ("price", Driver::Price),
    ("harga", Driver::Price),
    ("news", Driver::News),
    ("berita", Driver::News),
    ("viral", Driver::News),
    ("holiday", Driver::Holiday),
    ("libur", Driver::Holiday),
    ("feast", Driver::Holiday),
    ("school", Driver::Holiday),
    ("ramadan", Driver::Holiday),
    ("lebaran", Driver::Holiday),
    ("natal", Driver::Holiday),
    ("christmas", Driver::Holiday),
    ("easter", Driver::Holiday),
    ("cuti", Driver::Holiday),
    ("event", Driver::Holiday),
];

impl Driver {
    pub const ALL: [Self; 15] = [
        Self::Base,
        Self::RecentLevel,
        Self::Trend,
        Self::Weekday,
        Self::Year,
        Self::Payday,
        Self::Holiday,
        Self::Rain,
        Self::Weather,
        Self::Promo,
        Self::Price,
        Self::News,
        Self::Other,
        Self::Closed,
        Self::Adjustment,
    ];

    /// What a regressor speaks of, by its name.
    #[must_use]
    pub fn of_regressor(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        WORDS.into_iter().find(|(word, _)| name.contains(word)).map(|(_, driver)| driver)
    }

    /// Whether 0 of it is the ordinary case, with which a day is compared; other drivers are compared with their average.
    #[must_use]
    pub fn is_absent_at_zero(self) -> bool {
        matches!(self, Self::Rain | Self::Promo | Self::Holiday | Self::Payday | Self::News)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_regressors_tell_what_they_speak_of() {
        let of = Driver::of_regressor;
        assert_eq!(of("promo_discount"), Some(Driver::Promo));
        assert_eq!(of("Curah Hujan (mm)"), Some(Driver::Rain));
        assert_eq!(of("harga_jual"), Some(Driver::Price));
        assert_eq!(of("school_break"), Some(Driver::Holiday));
        assert_eq!(of("x17"), None);
    }

    #[test]
    fn all_of_them_are_in_order() {
        assert!(Driver::ALL.iter().enumerate().all(|(index, &driver)| driver as usize == index));
    }
}
