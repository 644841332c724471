//! Answers that are kept as they are sent: JSON and its gzip, each with a strong entity tag. Who has the same already is told so
//! (RFC 9110, sections 8.8.3 and 13.1.2), and nobody asks the database.

use std::io::Write as _;

use axum::body::Body;
use axum::body::Bytes;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use platform::cache::{Key, ReadThrough};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::error::ApiError;

/// Answers from the cache under `key`, or with what `load` finds. Whoever may read it gets the same: check that before.
///
/// # Errors
/// The loader's, which is not kept.
pub(crate) async fn kept<T, F>(cache: &ReadThrough, key: &Key, headers: &HeaderMap, load: impl FnOnce() -> F) -> Result<Response, ApiError>
where
    T: Serialize,
    F: Future<Output = Result<T, ApiError>> + Send,
{
    if let Some(kept) = cache.at_hand::<Kept>(key) {
        return Ok(kept.answer_under(key, headers));
    }
    // In a box: who finds the answer at hand does not carry about what it takes to load one.
    let kept = Box::pin(keep(cache, key, load())).await?;
    Ok(kept.answer_under(key, headers))
}

/// Told to whoever passes the answer on: what it was kept under.
#[derive(Clone)]
pub(crate) struct KeptUnder(pub Key);

/// The answer under `key`, from now on for all who ask.
///
/// # Errors
/// The loader's.
pub(crate) async fn keep<T, F>(cache: &ReadThrough, key: &Key, load: F) -> Result<Kept, ApiError>
where
    T: Serialize,
    F: Future<Output = Result<T, ApiError>> + Send,
{
    let written = async { serde_json::to_string(&load.await?).map(Kept::of).map_err(|_| ApiError::Unwritable) };
    cache.get(key, written).await.map_err(ApiError::Shared)
}

/// The header, as the document tells of it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read from the headers themselves")]
pub(crate) struct IfNoneMatch {
    /// Entity tags that the caller has.
    #[param(rename = "if-none-match", nullable = false, example = "\"9f86d081884c7d659a2feaa0c55ad015\"")]
    if_none_match: Option<String>,
}

/// Elsewhere it is kept as its text; the rest is made of that.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct Kept {
    plain: Form,
    gzip: Form,
}

/// One form of the same answer. The tags of two forms differ: they are not the same bytes.
#[derive(Clone)]
struct Form {
    body: Bytes,
    tag: HeaderValue,
}

impl Kept {
    fn of(text: String) -> Self {
        let digest = hex::encode(&Sha256::digest(text.as_bytes())[..16]);
        let form = |tag: String, body| {
            let tag = HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
            Form { body, tag }
        };
        let gzip = gzip(text.as_bytes());
        Self { plain: form(digest.clone(), Bytes::from(text)), gzip: form(digest + "-gzip", gzip) }
    }

    fn answer_under(&self, key: &Key, headers: &HeaderMap) -> Response {
        let mut response = self.answer(headers, HeaderMap::new());
        response.extensions_mut().insert(KeptUnder(key.clone()));
        response
    }

    /// To who asks with these headers; what else is told stands in `told`.
    pub(crate) fn answer(&self, headers: &HeaderMap, mut told: HeaderMap) -> Response {
        let takes_gzip = takes_gzip(headers);
        let form = if takes_gzip { &self.gzip } else { &self.plain };
        let has_it = [&self.plain, &self.gzip].iter().any(|form| names(headers, &form.tag));
        told.insert(ETAG, form.tag.clone());
        told.entry(VARY).or_insert(HeaderValue::from_static("accept-encoding"));
        let mut response = Response::new(if has_it { Body::empty() } else { Body::from(form.body.clone()) });
        if has_it {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            told.remove(CONTENT_TYPE);
        } else {
            told.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if takes_gzip {
                told.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        *response.headers_mut() = told;
        response
    }
}

impl From<String> for Kept {
    fn from(text: String) -> Self {
        Self::of(text)
    }
}

impl From<Kept> for String {
    fn from(kept: Kept) -> Self {
        Self::from_utf8_lossy(&kept.plain.body).into_owned()
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map(Bytes::from).unwrap_or_default()
}

/// `gzip` or `x-gzip` with a weight above 0 (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    codings.map(|coding| coding.split_once(';').unwrap_or((coding, ""))).any(|(name, weight)| {
        let name = name.trim();
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |text| text.trim().parse::<f32>().ok());
        (name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip")) && weight.is_some_and(|weight| weight > 0.0)
    })
}

/// Whether `If-None-Match` names this tag; a weak one names it too (weak comparison).
fn names(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    named.map(str::trim).any(|named| named == "*" || named.trim_start_matches("W/").as_bytes() == tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for (accepts, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("gzip;q=much", false),
            ("br, deflate", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&headers(ACCEPT_ENCODING, &[accepts])), expected, "{accepts}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_tag_is_found_in_any_list() {
        let kept = Kept::of("{}".to_owned());
        let tag = kept.plain.tag.to_str().expect("text").to_owned();
        for named in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, named.parse().expect("a value"))]);
            assert_eq!(kept.answer(&headers, HeaderMap::new()).status(), StatusCode::NOT_MODIFIED, "{named}");
        }
        assert_eq!(kept.answer(&headers(IF_NONE_MATCH, &["\"other\""]), HeaderMap::new()).status(), StatusCode::OK);
        assert_ne!(kept.plain.tag, kept.gzip.tag, "they are not the same bytes");
    }

    #[test]
    fn what_is_kept_elsewhere_comes_back_the_same() {
        let kept = Kept::of("{\"name\":\"Warung Bu Sri\"}".to_owned());
        let there = serde_json::to_vec(&kept).expect("JSON");
        let back: Kept = serde_json::from_slice(&there).expect("kept");
        assert_eq!((back.plain.body, back.plain.tag, back.gzip.body), (kept.plain.body, kept.plain.tag, kept.gzip.body));
    }
}
