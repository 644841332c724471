//! Values of body fields, for `#[serde(deserialize_with)]`: refused with words here before a CHECK of the database would refuse
//! them without.

use std::fmt::Display;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc};
use domain::plan::Unit;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use uuid::Uuid;

use crate::error::unfit;
use crate::slug::is_slug;

/// Rupiah.
const MOST_MONEY: i64 = 1_000_000_000;
const MOST_QUANTITY: f64 = 1e9;
const MOST_DAYS: i32 = 3_650;

fn check<'de, D: Deserializer<'de>, T>(value: T, is_right: bool, wanted: impl Display) -> Result<T, D::Error> {
    if is_right { Ok(value) } else { Err(D::Error::custom(format_args!("must be {wanted}"))) }
}

fn is_line(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.contains(char::is_control)
}

/// How something is called, on one line.
pub(crate) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_right = is_line(&text, 100);
    check::<D, _>(text.trim().to_owned(), is_right, "1 to 100 characters without line breaks")
}

/// A short text on one line.
pub(crate) fn optional_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let is_right = is_line(&text, 200);
    check::<D, _>(Some(text.trim().to_owned()), is_right, "1 to 200 characters without line breaks")
}

/// Such a text where one is needed: why somebody does something.
pub(crate) fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_right = is_line(&text, 200);
    check::<D, _>(text.trim().to_owned(), is_right, "1 to 200 characters without line breaks")
}

/// A few lines.
pub(crate) fn optional_lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let text = text.replace("\r\n", "\n").trim().to_owned();
    let is_right = !text.is_empty() && text.chars().count() <= 500 && !text.contains(|c: char| c.is_control() && c != '\n');
    check::<D, _>(Some(text), is_right, "1 to 500 characters")
}

/// What is counted: any word.
pub(crate) fn unit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_right = is_line(&text, 20);
    check::<D, _>(text.trim().to_owned(), is_right, "1 to 20 characters without line breaks")
}

/// What is measured: a unit that recipes can be worked out in.
pub(crate) fn measure<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = unit(deserializer)?;
    text.parse::<Unit>().map_err(unfit)?;
    Ok(text)
}

/// A price.
pub(crate) fn optional_rupiah<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(amount) = Option::<Whole>::deserialize(deserializer)?.map(|whole| whole.0) else { return Ok(None) };
    check::<D, _>(Some(amount), (0..=MOST_MONEY).contains(&amount), format_args!("whole rupiah from 0 to {MOST_MONEY}"))
}

/// A whole number, also one that is written with a point: in JSON `36000.0` is an integer (JSON Schema, section 4.2.3).
pub(crate) struct Whole(pub i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        let with_point = || number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15);
        #[expect(clippy::cast_possible_truncation, reason = "a whole number that a float holds exactly")]
        let whole = number.as_i64().or_else(|| with_point().map(|float| float as i64));
        whole.map(Self).ok_or_else(|| D::Error::custom("must be a whole number"))
    }
}

/// For `#[serde(deserialize_with)]`.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Whole::deserialize(deserializer).map(|whole| whole.0)
}

/// More than nothing, to three decimals, as the database keeps it.
pub(crate) fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let quantity = f64::deserialize(deserializer)?;
    let is_right = (0.001..=MOST_QUANTITY).contains(&quantity);
    check::<D, _>((quantity * 1e3).round() / 1e3, is_right, format_args!("from 0.001 to {MOST_QUANTITY}"))
}

/// Days that something keeps.
pub(crate) fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let days = i32::try_from(Whole::deserialize(deserializer)?.0).unwrap_or(-1);
    check::<D, _>(days, (0..=MOST_DAYS).contains(&days), format_args!("from 0 to {MOST_DAYS}"))
}

/// To four decimals, as the database keeps it: at most 0.99, so that something is left.
pub(crate) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    check::<D, _>((share * 1e4).round() / 1e4, (0.0..=0.99).contains(&share), "from 0 to 0.99")
}

/// A calendar day.
pub(crate) fn optional_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let day = (text.len() == 10).then(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()).flatten();
    let day = day.filter(|day| (1900..=2999).contains(&day.year()));
    check::<D, _>(day, day.is_some(), "a date such as 2026-11-23")
}

/// An instant that every part of the system can hold.
pub(crate) fn optional_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let instant = DateTime::parse_from_rfc3339(&text).map(|instant| instant.to_utc());
    let instant = instant.map_err(|_| D::Error::custom("must be an instant such as 2026-11-23T05:00:00Z"))?;
    let is_ours = (1900..=2999).contains(&instant.year());
    is_ours.then_some(Some(instant)).ok_or_else(|| unfit("must be of the years 1900 to 2999"))
}

/// The name of a time zone, as IANA writes it.
pub(crate) fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<chrono_tz::Tz>() {
        Ok(zone) => Ok(zone.name().to_owned()),
        Err(_) => Err(unfit("must be an IANA time zone such as Asia/Jakarta, Asia/Makassar or Asia/Jayapura")),
    }
}

/// Local time at which one business day becomes the next: whoever is open so late has closed by noon.
pub(crate) mod cutoff {
    use super::*;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = (text.len() == 5).then(|| NaiveTime::parse_from_str(&text, "%H:%M").ok()).flatten();
        time.filter(|time| time.hour() < 12).ok_or_else(|| D::Error::custom("must be a time from 00:00 to 11:59"))
    }

    pub(crate) fn serialize<S: serde::Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format("%H:%M"))
    }
}

/// A village code of the Ministry of Home Affairs.
pub(crate) fn optional_adm4<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let lengths: Vec<usize> = text.split('.').map(str::len).collect();
    let is_right = lengths == [2, 2, 2, 4] && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    check::<D, _>(Some(text), is_right, "a village code such as 31.71.03.1001")
}

/// A short name for addresses.
pub(crate) fn optional_slug<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if Uuid::try_parse(&text).is_ok() {
        return Err(unfit("must not look like an id"));
    }
    let is_right = is_slug(&text);
    check::<D, _>(Some(text), is_right, "2 to 60 lower-case letters and digits, with single dashes between them, and no id")
}

/// A telephone number, in whatever way it is written; an Indonesian one without its country is given it.
pub(crate) fn optional_phone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let number = match (plain.strip_prefix('+'), plain.strip_prefix('0')) {
        (Some(number), _) => number.to_owned(),
        (None, Some(number)) => format!("62{number}"),
        (None, None) => plain,
    };
    let is_right = (8..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let wanted = "must be a telephone number such as +62 812-3456-7890 or 0812-3456-7890";
    if is_right { Ok(Some(format!("+{number}"))) } else { Err(unfit(wanted)) }
}

#[cfg(test)]
mod tests {
    use serde::de::value::{Error, StrDeserializer};
    use serde_json::{Value, json};

    use super::*;

    fn text<'a>(text: &'a str) -> StrDeserializer<'a, Error> {
        StrDeserializer::new(text)
    }

    #[test]
    fn telephone_numbers_are_kept_in_one_way() {
        let read = |text: &str| optional_phone(json!(text)).ok().flatten();
        for written in ["0812-3456-7890", "+62 812 3456 7890", "62812.3456.7890", "(0812) 34567890"] {
            assert_eq!(read(written).as_deref(), Some("+6281234567890"), "{written}");
        }
        for wrong in ["", "12", "+0812345678", "0812345678901234", "0812-call-me", "++628123456789"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn zones_cutoffs_and_villages() {
        assert_eq!(time_zone(text("Asia/Jakarta")).as_deref(), Ok("Asia/Jakarta"));
        assert!(time_zone(text("WIB")).is_err() && time_zone(text("Asia/Jakart")).is_err());
        assert!(cutoff::deserialize(text("02:00")).is_ok());
        for wrong in ["2:00", "24:00", "12:00", "02:00:00", ""] {
            assert!(cutoff::deserialize(text(wrong)).is_err(), "{wrong}");
        }
        let adm4 = |text: &str| optional_adm4(json!(text)).is_ok();
        assert!(adm4("31.71.03.1001") && !adm4("31.71.03") && !adm4("31.71.03.100a") && !adm4("3171.03.10.01"));
    }

    #[test]
    fn instants_are_of_years_that_the_database_can_hold() {
        let read = |value: Value| optional_instant(value);
        assert!(read(json!("2026-11-23T12:00:00+07:00")).is_ok_and(|instant| instant == "2026-11-23T05:00:00Z".parse().ok()));
        assert!(read(Value::Null).is_ok_and(|instant| instant.is_none()));
        for wrong in ["2026-11-23", "-9999-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "1899-12-31T23:59:59Z", ""] {
            assert!(read(json!(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_have_bounds() {
        let amount = |value: Value| optional_rupiah(value).is_ok();
        assert!(amount(json!(0)) && amount(json!(1_000_000_000)) && amount(Value::Null));
        assert!(!amount(json!(-1)) && !amount(json!(1_000_000_001)) && !amount(json!(1.5)));
        let measured = |value: Value| quantity(value).is_ok();
        assert!(measured(json!(0.001)) && measured(json!(12)) && !measured(json!(0)) && !measured(json!(0.0001)) && !measured(json!(1e10)));
        assert!(measure(json!("kg")).is_ok() && measure(json!("lembar")).is_ok() && measure(json!("segenggam")).is_err());
        assert!(reason(json!(" ")).is_err() && reason(json!("a".repeat(201))).is_err() && reason(json!(" é ")).is_ok());
        assert!(name(json!("a\u{0}b")).is_err() && name(json!(" ")).is_err() && name(json!("a".repeat(101))).is_err());
    }
}
