//! Places in long lists. A list is read page by page: `next_cursor` of one answer is `cursor` of the next request. A page begins
//! behind the last row of the one before it, wherever that row now stands: what others add or remove moves nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::error::unfit;

const DEFAULT_LIMIT: i64 = 50;
const MOST: i64 = 200;

/// The query of a list by name that has no filters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NamePage {
    /// `next_cursor` of the page before.
    #[serde(default, deserialize_with = "name_cursor")]
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// Rows of a page.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: i64,
}

/// What a page is made of where the query does not say.
pub(crate) fn default_limit() -> i64 {
    DEFAULT_LIMIT
}

/// For `#[serde(deserialize_with)]`: how many rows a page may have.
pub(crate) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let limit = String::deserialize(deserializer)?.parse().ok();
    limit.filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| D::Error::custom(format_args!("must be a number from 1 to {MOST}")))
}

/// For `#[serde(deserialize_with)]`: a place that an earlier answer named.
pub(crate) fn cursor<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let place = URL_SAFE_NO_PAD.decode(&text).ok().and_then(|json| serde_json::from_slice(&json).ok());
    place.map(Some).ok_or_else(|| unfit("must be the `next_cursor` of an earlier answer, as it was"))
}

/// Day and names of the last row of a page.
pub(crate) type Cell<const N: usize> = (NaiveDate, [String; N]);

/// The same in a list by day, and then by names.
pub(crate) fn cell_cursor<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<Option<Cell<N>>, D::Error>
where
    Cell<N>: DeserializeOwned,
{
    let cell: Option<Cell<N>> = cursor(deserializer)?;
    let is_ours = |(day, names): &Cell<N>| (1900..=2999).contains(&day.year()) && !names.iter().any(|name| name.contains(char::is_control));
    match cell {
        Some(cell) if !is_ours(&cell) => Err(D::Error::custom("must be the `next_cursor` of an earlier answer, as it was")),
        cell => Ok(cell),
    }
}

/// The same in a list by name.
pub(crate) fn name_cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name: Option<String> = cursor(deserializer)?;
    match name {
        Some(name) if name.contains(char::is_control) => Err(unfit("must be the `next_cursor` of an earlier answer, as it was")),
        name => Ok(name),
    }
}

/// Cuts a page of `limit` off rows that were read with one more, and says where the next one begins, if there is one.
pub(crate) fn page<R, T: Serialize>(mut rows: Vec<R>, limit: i64, place: impl Fn(&R) -> T) -> (Vec<R>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = rows.len() <= limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| !is_last);
    let next = last.and_then(|row| serde_json::to_vec(&place(row)).ok()).map(|json| URL_SAFE_NO_PAD.encode(json));
    (rows, next)
}

/// Time and id of the last thing of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(pub DateTime<Utc>, pub Uuid);

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (time, id) = bytes.split_first_chunk::<8>()?;
        let time = DateTime::from_timestamp_micros(i64::from_be_bytes(*time))?;
        let is_ours = (1900..=2999).contains(&time.year());
        is_ours.then_some(Self(time, Uuid::from_slice(id).ok()?))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.0.timestamp_micros().to_be_bytes()[..], self.1.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| unfit("must be the `next_cursor` of an answer"))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::StrDeserializer;

    use super::*;

    fn read(text: &str) -> Result<Option<String>, serde::de::value::Error> {
        name_cursor(StrDeserializer::new(text))
    }

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        let rows = ["Ayam \"Geprek\"", "Bakso é", "Cendol"].map(str::to_owned).to_vec();
        let (page_one, next) = page(rows.clone(), 2, Clone::clone);
        assert_eq!(page_one, rows[..2]);
        assert_eq!(read(&next.expect("there is more")).expect("a cursor").as_deref(), Some("Bakso é"));
        assert_eq!(page(rows, 3, Clone::clone).1, None);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let with_null = URL_SAFE_NO_PAD.encode(r#""a\u0000b""#);
        for text in ["", "ayam", "!!", &URL_SAFE_NO_PAD.encode("{}"), &with_null] {
            read(text).expect_err(text);
        }
    }

    #[test]
    fn a_cell_is_a_day_that_postgres_knows_and_names_that_it_can_hold() {
        let read = |json: &str| cell_cursor::<_, 2>(StrDeserializer::<serde::de::value::Error>::new(&URL_SAFE_NO_PAD.encode(json)));
        let cell = (NaiveDate::from_ymd_opt(2026, 11, 23).expect("a date"), ["product".to_owned(), "Ayam".to_owned()]);
        assert_eq!(read(r#"["2026-11-23",["product","Ayam"]]"#), Ok(Some(cell)));
        for wrong in [r#"["+99999-01-01",["a","b"]]"#, r#"["2026-11-23",["a","b\u0000"]]"#, r#"["2026-11-23",["a"]]"#, "null"] {
            read(wrong).expect_err(wrong);
        }
    }

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
