//! The text of a QRIS code (EMV QR, merchant-presented): fields of a tag, a length and a value, closed by a checksum.
//!
//! What a gateway hands out is read before a customer sees it: a code that says another amount, or that a wire has bent, costs money.

use crate::hint::Hint;
use crate::money::Idr;

const VERSION: &str = "00";
const CURRENCY: &str = "53";
const AMOUNT: &str = "54";
const COUNTRY: &str = "58";
const MERCHANT: &str = "59";
const CITY: &str = "60";
/// Tag and length of the checksum, which is over them as well.
const CLOSING: &str = "6304";
/// Characters of a code at most, as EMV has it.
const LONGEST: usize = 512;

/// A code that was read and is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qris {
    fields: Vec<Field>,
}

/// One field; a template's value is fields again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Two digits.
    pub tag: String,
    pub value: String,
}

/// Why a text is no QRIS code, or not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QrisError {
    #[error("the code has {0} characters, more than {LONGEST}")]
    TooLong(usize),
    #[error("the code has a character at {0} that is not ASCII")]
    NotAscii(usize),
    #[error("the code does not end with a checksum of four digits")]
    Unclosed,
    #[error("the checksum of the code is {told}, but its text gives {found}")]
    Checksum { told: String, found: String },
    #[error("the code is no row of tags, lengths and values at {0}")]
    Structure(usize),
    #[error("field {0} is there twice")]
    Twice(String),
    #[error("field {0} is missing")]
    Missing(&'static str),
    #[error("field {tag} says `{told}` where a QRIS code says `{due}`")]
    Foreign { tag: &'static str, told: String, due: &'static str },
    #[error("the amount `{0}` is no whole number of rupiah")]
    NoAmount(String),
    #[error("the code asks for {told}, not for {asked}")]
    OtherAmount { told: Idr, asked: Idr },
}

impl Hint for QrisError {
    fn hint(&self) -> Option<String> {
        Some("do not show this code to anybody; ask the gateway for another one".to_owned())
    }
}

impl Qris {
    /// Reads a code and checks everything that can be checked without knowing the shop.
    ///
    /// # Errors
    /// [`QrisError`].
    pub fn parse(text: &str) -> Result<Self, QrisError> {
        if let Some((at, _)) = text.char_indices().find(|(_, letter)| !letter.is_ascii()) {
            return Err(QrisError::NotAscii(at));
        }
        if text.len() > LONGEST {
            return Err(QrisError::TooLong(text.len()));
        }
        let (body, told) = text.split_at_checked(text.len().saturating_sub(4)).ok_or(QrisError::Unclosed)?;
        if !body.ends_with(CLOSING) {
            return Err(QrisError::Unclosed);
        }
        let found = format!("{:04X}", checksum(body.as_bytes()));
        if told != found {
            return Err(QrisError::Checksum { told: told.to_owned(), found });
        }
        let content = &body[..body.len() - CLOSING.len()];
        let code = Self { fields: fields(content, 0)? };
        code.check_fields()?;
        Ok(code)
    }

    /// The amount that the customer's app will fill in; `None` where the customer types it.
    ///
    /// # Errors
    /// [`QrisError::NoAmount`].
    pub fn amount(&self) -> Result<Option<Idr>, QrisError> {
        self.value(AMOUNT).map(|text| rupiah(text).ok_or_else(|| QrisError::NoAmount(text.to_owned()))).transpose()
    }

    /// Whether the code asks for this amount, or leaves it to the customer.
    ///
    /// # Errors
    /// [`QrisError::OtherAmount`], [`QrisError::NoAmount`].
    pub fn check_amount(&self, asked: Idr) -> Result<(), QrisError> {
        match self.amount()? {
            Some(told) if told != asked => Err(QrisError::OtherAmount { told, asked }),
            _ => Ok(()),
        }
    }

    /// As the customer sees it.
    #[must_use]
    pub fn merchant(&self) -> &str {
        self.value(MERCHANT).unwrap_or_default()
    }

    /// In their order, without the checksum.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn value(&self, tag: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.tag == tag).map(|field| field.value.as_str())
    }

    fn check_fields(&self) -> Result<(), QrisError> {
        if self.fields.first().map(|field| field.tag.as_str()) != Some(VERSION) {
            return Err(QrisError::Missing(VERSION));
        }
        for (tag, due) in [(VERSION, "01"), (CURRENCY, "360"), (COUNTRY, "ID")] {
            match self.value(tag) {
                Some(told) if told == due => {}
                Some(told) => return Err(QrisError::Foreign { tag, told: told.to_owned(), due }),
                None => return Err(QrisError::Missing(tag)),
            }
        }
        if let Some(missing) = [MERCHANT, CITY].into_iter().find(|tag| self.value(tag).is_none()) {
            return Err(QrisError::Missing(missing));
        }
        self.amount()?;
        let templates = self.fields.iter().filter(|field| matches!(field.tag.parse(), Ok(26..=51_u8 | 62 | 64)));
        templates.map(|field| fields(&field.value, 0)).try_for_each(|read| read.map(drop))
    }
}

/// Each tag once. `start` is where the text begins, for the error.
fn fields(text: &str, start: usize) -> Result<Vec<Field>, QrisError> {
    let mut found: Vec<Field> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let wrong = QrisError::Structure(start + at);
        let digits = |from: usize| text.get(from..from + 2).filter(|pair| pair.bytes().all(|byte| byte.is_ascii_digit()));
        let (Some(tag), Some(length)) = (digits(at), digits(at + 2).and_then(|length| length.parse::<usize>().ok())) else {
            return Err(wrong);
        };
        let value = text.get(at + 4..at + 4 + length).filter(|value| !value.is_empty()).ok_or(wrong)?;
        if found.iter().any(|field| field.tag == tag) {
            return Err(QrisError::Twice(tag.to_owned()));
        }
        found.push(Field { tag: tag.to_owned(), value: value.to_owned() });
        at += 4 + length;
    }
    Ok(found)
}

/// `25000`, `25000.` and `25000.00`; cents are not rupiah.
fn rupiah(text: &str) -> Option<Idr> {
    let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
    let is_number =
        (1..=13).contains(&whole.len()) && whole.bytes().all(|byte| byte.is_ascii_digit()) && cents.bytes().all(|byte| byte == b'0');
    if is_number { whole.parse().ok().map(Idr) } else { None }
}

/// CRC-16 with polynomial 1021 from FFFF.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum: u16, _| if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_has_its_published_check_value() {
        assert_eq!(checksum(b"123456789"), 0x29b1);
    }
}
