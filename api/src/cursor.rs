//! Where a page of a list ended. A list that is ordered by time and id goes on behind it, whatever has come or gone meanwhile.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

/// Time and id of the last thing of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(pub DateTime<Utc>, pub Uuid);

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 24] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (time, id) = bytes.split_first_chunk::<8>()?;
        let time = DateTime::from_timestamp_micros(i64::from_be_bytes(*time))?;
        let is_ours = (1900..=2999).contains(&time.year());
        is_ours.then_some(Self(time, Uuid::from_slice(id).ok()?))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.0.timestamp_micros().to_be_bytes()[..], self.1.as_bytes()].concat();
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| D::Error::custom("must be the `next_cursor` of an answer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let cursor = Cursor("2026-11-23T05:00:00.123456Z".parse().expect("an instant"), Uuid::now_v7());
        assert_eq!(Cursor::read(&cursor.to_string()), Some(cursor));
        let far = Cursor(DateTime::<Utc>::MAX_UTC, Uuid::nil()).to_string();
        for broken in ["", "x", "AAAA", "é", far.as_str()] {
            assert_eq!(Cursor::read(broken), None, "{broken}");
        }
    }
}
