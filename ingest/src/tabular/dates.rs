//! Dates and timestamps as exports print them, told column by column.
//!
//! ISO and `yyyymmdd` speak for themselves. `dd/mm/yyyy` and `mm/dd/yyyy` (with `/`, `-` or `.`) are told apart by a day
//! above 12 somewhere in the column; a column without one is asked about, never guessed.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::numbers::{Example, is_missing};

/// Order of year, month and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    YearFirst,
    DayFirst,
    MonthFirst,
}

/// How a column writes dates. Whatever the order, cells that start with a year of four digits read year first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct DateFormat {
    pub order: DateOrder,
    /// Two digits a year, meaning 2000 to 2099.
    pub short_year: bool,
}

impl DateFormat {
    pub const ISO: Self = Self { order: DateOrder::YearFirst, short_year: false };
    pub const DAY_FIRST: Self = Self { order: DateOrder::DayFirst, short_year: false };
    pub const MONTH_FIRST: Self = Self { order: DateOrder::MonthFirst, short_year: false };
}

impl std::str::FromStr for DateFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_ascii_lowercase().replace(['-', '.'], "/");
        let (order, short_year) = match name.as_str() {
            "iso" | "yyyy/mm/dd" | "yyyymmdd" => (DateOrder::YearFirst, false),
            "dd/mm/yyyy" => (DateOrder::DayFirst, false),
            "mm/dd/yyyy" => (DateOrder::MonthFirst, false),
            "yy/mm/dd" => (DateOrder::YearFirst, true),
            "dd/mm/yy" => (DateOrder::DayFirst, true),
            "mm/dd/yy" => (DateOrder::MonthFirst, true),
            _ => {
                return Err(format!(
                    "`{text}` is not a date format; use dd/mm/yyyy, mm/dd/yyyy, yyyy-mm-dd, dd/mm/yy, mm/dd/yy or yy/mm/dd"
                ));
            }
        };
        Ok(Self { order, short_year })
    }
}

impl std::fmt::Display for DateFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.order, self.short_year) {
            (DateOrder::YearFirst, false) => "yyyy-mm-dd",
            (DateOrder::DayFirst, false) => "dd/mm/yyyy",
            (DateOrder::MonthFirst, false) => "mm/dd/yyyy",
            (DateOrder::YearFirst, true) => "yy/mm/dd",
            (DateOrder::DayFirst, true) => "dd/mm/yy",
            (DateOrder::MonthFirst, true) => "mm/dd/yy",
        })
    }
}

/// A date or timestamp as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Wall-clock time as printed; midnight for a plain date.
    pub wall: NaiveDateTime,
    /// Seconds east of UTC, where the file says so.
    pub offset_seconds: Option<i32>,
    /// Whether a time of day is printed.
    pub timed: bool,
}

impl Stamp {
    #[must_use]
    pub fn of_date(date: NaiveDate) -> Self {
        Self { wall: date.and_time(NaiveTime::MIN), offset_seconds: None, timed: false }
    }

    /// The instant in UTC, taking a stamp without offset for UTC.
    #[must_use]
    pub fn utc(&self) -> NaiveDateTime {
        let offset = TimeDelta::seconds(i64::from(self.offset_seconds.unwrap_or(0)));
        self.wall.checked_sub_signed(offset).unwrap_or(self.wall)
    }

    /// Wall-clock time in `zone`: converted where the file gives an offset, as printed where it does not.
    #[must_use]
    pub fn local(&self, zone: chrono_tz::Tz) -> NaiveDateTime {
        if self.offset_seconds.is_none() { self.wall } else { self.utc().and_utc().with_timezone(&zone).naive_local() }
    }
}

/// Reads one cell; `None` if it is no date in this format.
#[must_use]
pub fn parse(text: &str, format: DateFormat) -> Option<Stamp> {
    let text = text.trim();
    let pieces = Pieces::split(text)?;
    let date = pieces.date(format)?;
    if pieces.rest.is_empty() {
        return Some(Stamp::of_date(date));
    }
    let (time, offset_seconds) = time_of_day(pieces.rest)?;
    Some(Stamp { wall: date.and_time(time), offset_seconds, timed: true })
}

/// The three numbers of a date, in the order of the text, and what follows them.
struct Pieces<'a> {
    numbers: [u32; 3],
    /// Digits of the first and the last number.
    widths: (usize, usize),
    rest: &'a str,
}

impl<'a> Pieces<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (first, first_width, rest) = leading_number(text)?;
        if first_width == 8 {
            let numbers = [first / 10_000, first / 100 % 100, first % 100];
            return Some(Self { numbers, widths: (4, 2), rest: time_part(rest)? });
        }
        let separator = rest.chars().next().filter(|found| matches!(found, '-' | '/' | '.'))?;
        let (second, _, rest) = leading_number(&rest[1..])?;
        let (third, third_width, rest) = leading_number(rest.strip_prefix(separator)?)?;
        Some(Self { numbers: [first, second, third], widths: (first_width, third_width), rest: time_part(rest)? })
    }

    fn starts_with_year(&self) -> bool {
        self.widths.0 == 4
    }

    fn ends_with_year(&self) -> bool {
        self.widths.1 == 4
    }

    fn date(&self, format: DateFormat) -> Option<NaiveDate> {
        let [first, second, third] = self.numbers;
        if self.starts_with_year() {
            return valid_date(first, second, third);
        }
        let century = if format.short_year && !self.ends_with_year() { 2000 } else { 0 };
        if century == 0 && !self.ends_with_year() {
            return None;
        }
        match format.order {
            DateOrder::DayFirst => valid_date(third + century, second, first),
            DateOrder::MonthFirst => valid_date(third + century, first, second),
            DateOrder::YearFirst if format.short_year && !self.ends_with_year() => valid_date(first + century, second, third),
            DateOrder::YearFirst => None,
        }
    }
}

fn valid_date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    let year = i32::try_from(year).ok().filter(|year| (1000..=9999).contains(year))?;
    NaiveDate::from_ymd_opt(year, month, day)
}

/// Up to eight leading digits, how many they are, and the rest.
fn leading_number(text: &str) -> Option<(u32, usize, &str)> {
    let width = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=8).contains(&width) {
        return None;
    }
    let value = text.bytes().take(width).fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some((value, width, &text[width..]))
}

/// What follows a date: nothing, or `T` or a space and a time.
fn time_part(rest: &str) -> Option<&str> {
    if rest.is_empty() {
        return Some(rest);
    }
    let time = rest.strip_prefix(['T', 't', ' ', ','])?.trim_start();
    (!time.is_empty()).then_some(time)
}

/// `HH:MM[:SS[.fff]]` (or `HH.MM[.SS]`, as Indonesian tills print it), `AM`/`PM`, and an offset.
fn time_of_day(text: &str) -> Option<(NaiveTime, Option<i32>)> {
    let (hour, hour_width, rest) = leading_number(text)?;
    let separator = rest.chars().next().filter(|found| matches!(found, ':' | '.'))?;
    let (minute, minute_width, mut rest) = leading_number(&rest[1..])?;
    let mut second = 0;
    let mut nanos = 0;
    if let Some(tail) = rest.strip_prefix(separator) {
        let (value, width, tail) = leading_number(tail)?;
        (second, rest) = (value, tail);
        if width > 2 {
            return None;
        }
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            nanos = fraction
                .bytes()
                .take(digits)
                .chain(std::iter::repeat(b'0'))
                .take(9)
                .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
            rest = &fraction[digits..];
        }
    }
    if hour_width > 2 || minute_width > 2 {
        return None;
    }
    let (hour, rest) = half_of_day(hour, rest.trim_start())?;
    Some((NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?, offset(rest)?))
}

fn half_of_day(hour: u32, rest: &str) -> Option<(u32, &str)> {
    for (name, afternoon) in [("AM", 0), ("PM", 12)] {
        if let Some(head) = rest.get(..2)
            && head.eq_ignore_ascii_case(name)
        {
            return (1..=12).contains(&hour).then(|| (hour % 12 + afternoon, rest[2..].trim_start()));
        }
    }
    Some((hour, rest))
}

/// Nothing, `Z`, `+07`, `+0700`, `+07:00` or ` UTC`: `Some(None)` is "no offset given".
fn offset(text: &str) -> Option<Option<i32>> {
    if text.is_empty() {
        return Some(None);
    }
    if text.eq_ignore_ascii_case("Z") || text.eq_ignore_ascii_case("UTC") {
        return Some(Some(0));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (value, width, rest) = leading_number(&text[1..])?;
    let (hours, minutes) = match (width, rest) {
        (2, "") => (value, 0),
        (4, "") => (value / 100, value % 100),
        (2, rest) => match leading_number(rest.strip_prefix(':')?)? {
            (minutes, 2, "") => (value, minutes),
            _ => return None,
        },
        _ => return None,
    };
    (hours <= 18 && minutes < 60).then(|| Some(sign * i32::try_from(hours * 3600 + minutes * 60).unwrap_or(0)))
}

/// What a column's cells say about its date format, gathered cell by cell.
#[derive(Debug, Clone, Default)]
pub struct DateEvidence {
    year_first: u64,
    day_first: Seen,
    month_first: Seen,
    open: Seen,
    same_either_way: u64,
    short: Seen,
    pub missing: u64,
    pub not_dates: u64,
    /// Cells with a time of day other than midnight.
    pub timed: u64,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    count: u64,
    first: Option<Example>,
}

impl Seen {
    fn add(&mut self, row: u64, text: &str) {
        self.count += 1;
        self.first.get_or_insert_with(|| Example { row, text: text.to_owned() });
    }
}

/// Why a column's date format is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateDoubt {
    TwoReadings { example: Example, day_first: NaiveDate, month_first: NaiveDate },
    Mixed { day_first: Example, month_first: Example },
    ShortYears(Example),
}

impl DateEvidence {
    /// Rows of one order that are taken for slips when there are this many times more of the other.
    const SLIP: u64 = 20;

    pub fn observe(&mut self, row: u64, text: &str) {
        let text = text.trim();
        if is_missing(text) {
            self.missing += 1;
            return;
        }
        let Some(pieces) = Pieces::split(text) else {
            self.not_dates += 1;
            return;
        };
        if !pieces.rest.is_empty() {
            match time_of_day(pieces.rest) {
                Some((time, _)) => self.timed += u64::from(time != NaiveTime::MIN),
                None => {
                    self.not_dates += 1;
                    return;
                }
            }
        }
        let day_first = pieces.date(DateFormat::DAY_FIRST);
        let month_first = pieces.date(DateFormat::MONTH_FIRST);
        match (day_first, month_first) {
            (Some(_), Some(_)) if pieces.starts_with_year() => self.year_first += 1,
            (Some(one), Some(other)) if one == other => self.same_either_way += 1,
            (Some(_), Some(_)) => self.open.add(row, text),
            (Some(_), None) => self.day_first.add(row, text),
            (None, Some(_)) => self.month_first.add(row, text),
            (None, None) if pieces.looks_short() => self.short.add(row, text),
            (None, None) => self.not_dates += 1,
        }
    }

    /// Cells that are dates in some format.
    #[must_use]
    pub fn dates(&self) -> u64 {
        self.year_first + self.day_first.count + self.month_first.count + self.open.count + self.same_either_way + self.short.count
    }

    /// The column's format.
    ///
    /// # Errors
    /// [`DateDoubt`] when day and month cannot be told apart, or years have two digits.
    pub fn decide(&self) -> Result<DateFormat, DateDoubt> {
        match (&self.day_first.first, &self.month_first.first, &self.open.first, &self.short.first) {
            (Some(_), None, _, _) => Ok(DateFormat::DAY_FIRST),
            (None, Some(_), _, _) => Ok(DateFormat::MONTH_FIRST),
            (Some(_), Some(_), _, _) if self.day_first.count >= Self::SLIP * self.month_first.count => Ok(DateFormat::DAY_FIRST),
            (Some(_), Some(_), _, _) if self.month_first.count >= Self::SLIP * self.day_first.count => Ok(DateFormat::MONTH_FIRST),
            (Some(day_first), Some(month_first), _, _) => {
                Err(DateDoubt::Mixed { day_first: day_first.clone(), month_first: month_first.clone() })
            }
            (None, None, Some(example), _) => Err(two_readings(example)),
            (None, None, None, Some(example)) if self.short.count > self.year_first => Err(DateDoubt::ShortYears(example.clone())),
            (None, None, None, _) if self.same_either_way > 0 => Ok(DateFormat::DAY_FIRST),
            (None, None, None, _) => Ok(DateFormat::ISO),
        }
    }
}

impl Pieces<'_> {
    /// `05/03/24`: a date, were the century known.
    fn looks_short(&self) -> bool {
        self.widths.0 <= 2 && self.widths.1 == 2
    }
}

fn two_readings(example: &Example) -> DateDoubt {
    let read = |format| parse(&example.text, format).map(|stamp| stamp.wall.date()).unwrap_or_default();
    DateDoubt::TwoReadings { example: example.clone(), day_first: read(DateFormat::DAY_FIRST), month_first: read(DateFormat::MONTH_FIRST) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, format: DateFormat) -> Option<String> {
        parse(text, format).map(|stamp| {
            let offset = stamp.offset_seconds.map_or(String::new(), |seconds| format!(" {seconds:+}"));
            format!("{}{offset}", stamp.wall)
        })
    }

    fn decide(cells: &[&str]) -> Result<DateFormat, DateDoubt> {
        let mut evidence = DateEvidence::default();
        for (row, cell) in cells.iter().enumerate() {
            evidence.observe(row as u64 + 2, cell);
        }
        evidence.decide()
    }

    #[test]
    fn every_format_is_read() {
        let expect = |text: &str, format, wanted: &str| assert_eq!(read(text, format).as_deref(), Some(wanted), "{text}");
        expect("2026-11-23", DateFormat::ISO, "2026-11-23 00:00:00");
        expect("2026/1/3", DateFormat::ISO, "2026-01-03 00:00:00");
        expect("20261123", DateFormat::ISO, "2026-11-23 00:00:00");
        expect("2026-11-23T10:30", DateFormat::ISO, "2026-11-23 10:30:00");
        expect("2026-11-23 10:30:15.250", DateFormat::DAY_FIRST, "2026-11-23 10:30:15.250");
        expect("2026-11-23T10:30:00Z", DateFormat::ISO, "2026-11-23 10:30:00 +0");
        expect("2026-11-23T10:30:00+07:00", DateFormat::ISO, "2026-11-23 10:30:00 +25200");
        expect("3/11/2026 21.05", DateFormat::DAY_FIRST, "2026-11-03 21:05:00");
        expect("3-11-2026", DateFormat::MONTH_FIRST, "2026-03-11 00:00:00");
        expect("03.11.2026 9:05:01 pm", DateFormat::DAY_FIRST, "2026-11-03 21:05:01");
        expect("03/11/26", "dd/mm/yy".parse().expect("a format"), "2026-11-03 00:00:00");
        for wrong in ["2026-02-30", "31/04/2026", "2026-11", "1/2", "abc", "2026-11-23T", "2026-11-23 25:00", "2026-11/23", "03/11/26", ""]
        {
            assert_eq!(read(wrong, DateFormat::DAY_FIRST), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_above_twelve_tells_the_order() {
        assert_eq!(decide(&["01/02/2026", "13/02/2026"]), Ok(DateFormat::DAY_FIRST));
        assert_eq!(decide(&["01/02/2026", "02/13/2026"]), Ok(DateFormat::MONTH_FIRST));
        assert_eq!(decide(&["05/05/2026"]), Ok(DateFormat::DAY_FIRST));
        assert_eq!(decide(&["2026-01-02", ""]), Ok(DateFormat::ISO));
    }

    #[test]
    fn an_open_column_is_asked_about() {
        let Err(DateDoubt::TwoReadings { example, day_first, month_first }) = decide(&["05/05/2026", "03/04/2026"]) else {
            panic!("day and month were told apart")
        };
        assert_eq!((example.row, day_first.to_string(), month_first.to_string()), (3, "2026-04-03".into(), "2026-03-04".into()));
        assert!(matches!(decide(&["13/04/2026", "04/13/2026"]), Err(DateDoubt::Mixed { .. })));
        assert!(matches!(decide(&["13/04/26"]), Err(DateDoubt::ShortYears(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in any::<String>(), soup in "[0-9]{1,9}[-/. T:][0-9-/.:TZ+ apmAPM]{0,24}") {
            for cell in [text, soup] {
                let mut evidence = DateEvidence::default();
                evidence.observe(1, &cell);
                let _ = evidence.decide();
                for order in [DateOrder::YearFirst, DateOrder::DayFirst, DateOrder::MonthFirst] {
                    for short_year in [false, true] {
                        let _ = parse(&cell, DateFormat { order, short_year });
                    }
                }
            }
        }

        #[test]
        fn a_date_survives_every_format(days in -200_000..800_000_i64) {
            let date = domain::frequency::date_from_epoch(days).expect("in range");
            for (pattern, format) in [("%Y-%m-%d", DateFormat::ISO), ("%d/%m/%Y", DateFormat::DAY_FIRST), ("%m.%d.%Y", DateFormat::MONTH_FIRST), ("%Y%m%d", DateFormat::ISO)] {
                prop_assert_eq!(parse(&date.format(pattern).to_string(), format), Some(Stamp::of_date(date)));
            }
        }
    }
}
