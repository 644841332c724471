//! Numbers as people and machines write them: `1234.5`, `1,234.5`, `1.234,5`, `1234,5`, `Rp12.500`.
//!
//! A column has one notation. It is told from the column's own values where they tell, then from the file's other columns
//! and its separator; what stays open is asked about, never guessed.

/// Which character separates the fraction; the other one groups thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decimal {
    /// `1,234.5`
    Point,
    /// `1.234,5`
    Comma,
}

impl std::str::FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "point" | "." => Ok(Self::Point),
            "comma" | "," => Ok(Self::Comma),
            _ => Err(format!("`{text}` is neither `point` nor `comma`")),
        }
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Point => "decimal point",
            Self::Comma => "decimal comma",
        })
    }
}

impl Decimal {
    fn characters(self) -> (u8, u8) {
        match self {
            Self::Point => (b'.', b','),
            Self::Comma => (b',', b'.'),
        }
    }
}

/// Cells that mean "no value here".
#[must_use]
pub fn is_missing(text: &str) -> bool {
    const WORDS: [&str; 6] = ["nan", "na", "n/a", "null", "none", "<na>"];
    text.is_empty() || (text.len() <= 4 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

/// Reads one cell; `None` if it is not a finite number in this notation.
#[must_use]
pub fn parse(text: &str, decimal: Decimal) -> Option<f64> {
    if decimal == Decimal::Point && !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-')) {
        return text.parse().ok().filter(|value: &f64| value.is_finite());
    }
    let written = Written::split(text)?;
    let (point, group) = decimal.characters();
    let mut plain = [0_u8; 64];
    let mut length = 0;
    let mut push = |byte: u8| -> Option<()> {
        *plain.get_mut(length)? = byte;
        length += 1;
        Some(())
    };
    let body = written.body.as_bytes();
    let end = body.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(body.len());
    let (mantissa, exponent) = body.split_at(end);
    let whole_end = mantissa.iter().position(|&byte| byte == point).unwrap_or(mantissa.len());
    let (whole, fraction) = mantissa.split_at(whole_end);
    if whole.contains(&group) && !is_grouped(whole, group) {
        return None;
    }
    for &byte in whole.iter().filter(|&&byte| byte != group) {
        push(byte)?;
    }
    for (index, &byte) in fraction.iter().enumerate() {
        push(if index == 0 { b'.' } else { byte.is_ascii_digit().then_some(byte)? })?;
    }
    for &byte in exponent {
        push(byte)?;
    }
    let value: f64 = std::str::from_utf8(plain.get(..length)?).ok()?.parse().ok()?;
    value.is_finite().then_some(if written.negative { -value } else { value })
}

/// A number without its sign, currency and surrounding space.
struct Written<'a> {
    negative: bool,
    rupiah: bool,
    /// Digits, `.`, `,` and an exponent, starting with a digit or separator.
    body: &'a str,
}

impl<'a> Written<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (sign_before, rest) = strip_sign(text.trim());
        let (rupiah, rest) = strip_currency(rest);
        let (sign_after, rest) = strip_sign(rest);
        // "Rp5.000,-": the Indonesian way of writing no cents.
        let body = rest.strip_suffix(",-").or_else(|| rest.strip_suffix(".-")).unwrap_or(rest);
        let digits = body.bytes().any(|byte| byte.is_ascii_digit());
        let clean = body.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b',' | b'e' | b'E' | b'+' | b'-'));
        let starts = body.bytes().next().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'.' | b','));
        let one_sign = !(sign_before.is_some() && sign_after.is_some());
        (digits && clean && starts && one_sign).then_some(Self {
            negative: sign_before.or(sign_after).unwrap_or(false),
            rupiah: rupiah || body.len() < rest.len(),
            body,
        })
    }
}

/// `Some(true)` for a minus, `Some(false)` for a plus, and what follows.
fn strip_sign(text: &str) -> (Option<bool>, &str) {
    for (sign, negative) in [("-", true), ("\u{2212}", true), ("+", false)] {
        if let Some(rest) = text.strip_prefix(sign) {
            return (Some(negative), rest.trim_start());
        }
    }
    (None, text)
}

fn strip_currency(text: &str) -> (bool, &str) {
    for prefix in ["Rp.", "Rp", "IDR"] {
        if let Some(head) = text.get(..prefix.len())
            && head.eq_ignore_ascii_case(prefix)
        {
            return (true, text[prefix.len()..].trim_start());
        }
    }
    (false, text)
}

/// Groups of three behind a first group of one to three.
fn is_grouped(whole: &[u8], group: u8) -> bool {
    whole.split(|&byte| byte == group).enumerate().all(|(index, digits)| {
        let length_fits = if index == 0 { (1..=3).contains(&digits.len()) } else { digits.len() == 3 };
        length_fits && digits.iter().all(u8::is_ascii_digit)
    })
}

/// What one cell says about its column's notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    NotANumber,
    /// No separator: fits both.
    Plain,
    Only(Decimal),
    /// `1.234`: a fraction of three digits, or a thousand. `round` if it ends in two zeros, as amounts of money do.
    Dot {
        round: bool,
    },
    /// `1,234`, likewise.
    Comma {
        round: bool,
    },
}

fn shape(text: &str) -> Shape {
    let Some(written) = Written::split(text) else { return Shape::NotANumber };
    let fits = |decimal| parse(text, decimal).is_some();
    match (fits(Decimal::Point), fits(Decimal::Comma)) {
        (false, false) => Shape::NotANumber,
        (true, false) => Shape::Only(Decimal::Point),
        (false, true) => Shape::Only(Decimal::Comma),
        (true, true) => {
            let round = written.body.ends_with("00");
            // Rupiah have no fraction, a grouped number has no leading zero, and machines alone write exponents.
            let grouped_only = written.rupiah;
            let fraction_only = written.body.starts_with('0') || written.body.contains(['e', 'E']);
            match (written.body.contains('.'), written.body.contains(',')) {
                (false, false) => Shape::Plain,
                (true, _) if grouped_only => Shape::Only(Decimal::Comma),
                (true, _) if fraction_only => Shape::Only(Decimal::Point),
                (true, _) => Shape::Dot { round },
                (_, true) if grouped_only => Shape::Only(Decimal::Point),
                (_, true) if fraction_only => Shape::Only(Decimal::Comma),
                (_, true) => Shape::Comma { round },
            }
        }
    }
}

/// One cell kept as an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub row: u64,
    pub text: String,
}

/// Cells of one kind: how many, and the first.
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

/// What a column's cells say about its notation, gathered cell by cell.
#[derive(Debug, Clone, Default)]
pub struct NumberEvidence {
    plain: u64,
    point: Seen,
    comma: Seen,
    open_dot: Seen,
    open_comma: Seen,
    /// Whether some open cell does not end in two zeros.
    uneven: bool,
    pub missing: u64,
    pub not_numbers: u64,
}

/// Why a column's notation is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberDoubt {
    TwoReadings(Example),
    Mixed { point: Example, comma: Example },
}

impl NumberEvidence {
    /// Rows of one notation that are taken for slips when there are this many times more of the other.
    const SLIP: u64 = 20;

    pub fn observe(&mut self, row: u64, text: &str) {
        if is_missing(text) {
            self.missing += 1;
            return;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            self.plain += 1;
            return;
        }
        match shape(text) {
            Shape::NotANumber => self.not_numbers += 1,
            Shape::Plain => self.plain += 1,
            Shape::Only(Decimal::Point) => self.point.add(row, text),
            Shape::Only(Decimal::Comma) => self.comma.add(row, text),
            Shape::Dot { round } => {
                self.uneven |= !round;
                self.open_dot.add(row, text);
            }
            Shape::Comma { round } => {
                self.uneven |= !round;
                self.open_comma.add(row, text);
            }
        }
    }

    /// Cells that are numbers in some notation.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        self.plain + self.point.count + self.comma.count + self.open_dot.count + self.open_comma.count
    }

    /// The notation this column shows beyond doubt, for the file's other columns.
    #[must_use]
    pub fn shown(&self) -> Option<Decimal> {
        match (self.point.count, self.comma.count, self.not_numbers) {
            (1.., 0, 0) => Some(Decimal::Point),
            (0, 1.., 0) => Some(Decimal::Comma),
            _ => None,
        }
    }

    /// The notation of a column of whole numbers, as rupiah are: what `12.500` or `12,500` could be in fractions is thousands.
    ///
    /// # Errors
    /// As [`NumberEvidence::decide`].
    pub fn decide_whole(&self, elsewhere: impl FnOnce() -> Option<Decimal>) -> Result<Decimal, NumberDoubt> {
        match (self.shown(), &self.open_dot.first, &self.open_comma.first) {
            (None, Some(_), None) if self.point.count + self.comma.count == 0 => Ok(Decimal::Comma),
            (None, None, Some(_)) if self.point.count + self.comma.count == 0 => Ok(Decimal::Point),
            _ => self.decide(None, elsewhere),
        }
    }

    /// The column's notation. `delimiter` is the file's separator, `elsewhere` what its other columns show.
    ///
    /// # Errors
    /// [`NumberDoubt`] when the values fit both notations and nothing else tells, or when they contradict each other.
    pub fn decide(&self, delimiter: Option<u8>, elsewhere: impl FnOnce() -> Option<Decimal>) -> Result<Decimal, NumberDoubt> {
        match (&self.point.first, &self.comma.first) {
            (Some(_), None) => return Ok(Decimal::Point),
            (None, Some(_)) => return Ok(Decimal::Comma),
            (Some(_), Some(_)) if self.point.count >= Self::SLIP * self.comma.count => return Ok(Decimal::Point),
            (Some(_), Some(_)) if self.comma.count >= Self::SLIP * self.point.count => return Ok(Decimal::Comma),
            (Some(point), Some(comma)) => return Err(NumberDoubt::Mixed { point: point.clone(), comma: comma.clone() }),
            (None, None) => {}
        }
        let (open, usual) = match (&self.open_dot.first, &self.open_comma.first) {
            (None, None) => return Ok(Decimal::Point),
            // A comma-separated file writes decimal points: a comma would need quotes. A semicolon is what programs choose
            // where the comma is taken. Sums that all end in 00 are more likely thousands: those stay open.
            (Some(example), None) => (example, (delimiter == Some(b',') && self.uneven).then_some(Decimal::Point)),
            (None, Some(example)) => (example, (delimiter == Some(b';') && self.uneven).then_some(Decimal::Comma)),
            (Some(example), Some(_)) => (example, None),
        };
        elsewhere().or(usual).ok_or_else(|| NumberDoubt::TwoReadings(open.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decide(delimiter: u8, cells: &[&str]) -> Result<Decimal, NumberDoubt> {
        let mut evidence = NumberEvidence::default();
        for (row, cell) in cells.iter().enumerate() {
            evidence.observe(row as u64 + 2, cell);
        }
        evidence.decide(Some(delimiter), || None)
    }

    #[test]
    fn every_notation_is_read() {
        let point = |text| parse(text, Decimal::Point);
        let comma = |text| parse(text, Decimal::Comma);
        assert_eq!(
            ["1234.5", "1,234.5", "-1,234,567.25", "1e3", ".5", "5."].map(point),
            [1234.5, 1234.5, -1_234_567.25, 1000.0, 0.5, 5.0].map(Some)
        );
        assert_eq!(
            ["1234,5", "1.234,5", "Rp12.500", "-Rp 1.000,-", "rp. 7.500", "IDR 2000"].map(comma),
            [1234.5, 1234.5, 12_500.0, -1000.0, 7500.0, 2000.0].map(Some)
        );
        assert_eq!(["1.2.3", "1,23.5", "12a", "inf", "--1", "1-2", "Rp", "1e999", "", "-", "1,2,3"].map(point), [None; 11]);
        assert_eq!(["1,2,3", "12,345.5", "1.23,5", "e5", "+-1"].map(comma), [None; 5]);
    }

    #[test]
    fn a_column_tells_its_notation() {
        assert_eq!(decide(b',', &["1.234", "0.5"]), Ok(Decimal::Point));
        assert_eq!(decide(b';', &["1.234", "7,5"]), Ok(Decimal::Comma));
        assert_eq!(decide(b',', &["Rp12.500"]), Ok(Decimal::Comma));
        assert_eq!(decide(b';', &["1", "20", ""]), Ok(Decimal::Point));
        assert_eq!(decide(b',', &["1.234", "2.718"]), Ok(Decimal::Point));
        assert_eq!(decide(b';', &["1,234", "2,718"]), Ok(Decimal::Comma));
    }

    #[test]
    fn an_open_column_is_asked_about() {
        let doubt = |text: &str| Err(NumberDoubt::TwoReadings(Example { row: 2, text: text.to_owned() }));
        assert_eq!(decide(b';', &["1.234", "2.718"]), doubt("1.234"));
        assert_eq!(decide(b',', &["12.500", "8.000"]), doubt("12.500"));
        assert_eq!(decide(b'\t', &["1.234"]), doubt("1.234"));
        assert_eq!(decide(b',', &["1,234", "5"]), doubt("1,234"));
        assert!(matches!(decide(b',', &["1.5", "2,5"]), Err(NumberDoubt::Mixed { .. })));
    }

    #[test]
    fn one_slip_among_many_does_not_change_the_notation() {
        let mut cells = vec!["1.5"; 40];
        cells.push("2,55");
        assert_eq!(decide(b',', &cells), Ok(Decimal::Point));
    }

    fn written(value: f64, decimal: Decimal) -> String {
        let (point, group) = decimal.characters();
        let text = format!("{value:.3}");
        let (whole, fraction) = text.split_once('.').expect("three decimals");
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
        let mut grouped = String::from(sign);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push(char::from(group));
            }
            grouped.push(digit);
        }
        format!("{grouped}{}{fraction}", char::from(point))
    }

    proptest! {
        #[test]
        fn numbers_survive_both_notations(thousandths in -1_000_000_000_000_i64..1_000_000_000_000) {
            let value = thousandths as f64 / 1000.0;
            for decimal in [Decimal::Point, Decimal::Comma] {
                prop_assert_eq!(parse(&written(value, decimal), decimal), Some(value));
            }
        }

        #[test]
        fn any_text_is_answered(text in any::<String>(), soup in "[0-9.,eE+Rp \\-]{0,80}") {
            for cell in [text, soup] {
                let mut evidence = NumberEvidence::default();
                evidence.observe(1, &cell);
                let _ = evidence.decide(Some(b';'), || None);
                for decimal in [Decimal::Point, Decimal::Comma] {
                    prop_assert!(parse(&cell, decimal).is_none_or(f64::is_finite));
                }
            }
        }
    }
}
