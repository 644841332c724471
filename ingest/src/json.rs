//! Fields of JSON replies, checked one by one: what is wrong is named by row and field, and the rest is kept.

use std::io::Read as _;
use std::ops::RangeInclusive;

use chrono::NaiveDateTime;
use serde_json::Value;

use crate::source::{RawRecord, Rejected, SourceError};
use crate::tabular::{CellError, TabularError};

/// Text of a rejected row that is kept.
const ROW_TEXT: usize = 2_000;

/// A record as one document.
pub(crate) fn document(raw: &RawRecord) -> Result<Value, SourceError> {
    let file = raw.contents.name();
    let mut bytes = Vec::new();
    let read = raw.contents.open()?.read_to_end(&mut bytes);
    read.map_err(|source| TabularError::Open { path: file.to_owned(), source })?;
    let text = text(bytes).ok_or_else(|| shape(file, "it is neither UTF-8 nor UTF-16 text"))?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|source| SourceError::Json { file: file.to_owned(), source })
}

/// The list of that name in a reply that has not landed yet, to know whether more is to be asked for: whatever [`document`] can
/// read. What cannot be read has none.
pub(crate) fn list_in(reply: &[u8], field: &str) -> Vec<Value> {
    let text = text(reply.to_vec()).unwrap_or_default();
    let mut document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    match document[field].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// Whatever the header said: UTF-8, or UTF-16 with its byte order mark.
fn text(bytes: Vec<u8>) -> Option<String> {
    let units = |order: fn([u8; 2]) -> u16| bytes.chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect::<Vec<u16>>();
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => String::from_utf16(&units(u16::from_le_bytes)).ok(),
        Some([0xfe, 0xff]) => String::from_utf16(&units(u16::from_be_bytes)).ok(),
        _ => String::from_utf8(bytes).ok(),
    }
}

/// A list that must be there.
pub(crate) fn list<'a>(value: &'a Value, field: &str, file: &str) -> Result<&'a Vec<Value>, SourceError> {
    value[field].as_array().ok_or_else(|| shape(file, &format!("its `{field}` is no list")))
}

pub(crate) fn shape(file: &str, reason: &str) -> SourceError {
    SourceError::Shape { file: file.to_owned(), reason: reason.to_owned() }
}

/// An object of a list.
pub(crate) struct Row<'a> {
    pub value: &'a Value,
    /// Counted from 1 over the whole record.
    pub number: u64,
}

impl Row<'_> {
    pub(crate) fn text(&self, field: &str) -> Result<&str, Rejected> {
        self.value[field].as_str().ok_or_else(|| self.refuse(field, "is no text"))
    }

    pub(crate) fn number(&self, field: &str, sane: RangeInclusive<f64>) -> Result<f64, Rejected> {
        self.optional_number(field, sane)?.ok_or_else(|| self.refuse(field, "is missing"))
    }

    /// `None` where the field is null or missing.
    pub(crate) fn optional_number(&self, field: &str, sane: RangeInclusive<f64>) -> Result<Option<f64>, Rejected> {
        let value = &self.value[field];
        if value.is_null() {
            return Ok(None);
        }
        let number = value.as_f64().ok_or_else(|| self.refuse(field, "is no number"))?;
        if !sane.contains(&number) {
            return Err(self.refuse(field, &format!("is not between {} and {}", sane.start(), sane.end())));
        }
        Ok(Some(number))
    }

    pub(crate) fn time(&self, field: &str, format: &str) -> Result<NaiveDateTime, Rejected> {
        let text = self.text(field)?;
        NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), format)
            .map_err(|_| self.refuse(field, &format!("is no time as in `{format}`")))
    }

    pub(crate) fn refuse(&self, field: &str, reason: &str) -> Rejected {
        let value = &self.value[field];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let row_text = self.value.to_string().chars().take(ROW_TEXT).collect();
        let error = CellError { row: self.number, column: field.to_owned(), text, reason: reason.to_owned() };
        Rejected { error, row_text: Some(row_text) }
    }
}
