//! Extractors whose refusals are problem documents that name the field.

use std::error::Error;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use chrono::{Datelike, NaiveDate};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::error::{ApiError, FieldError};
use crate::state::AppState;

/// The query string as `T`. Give `T` `#[serde(deny_unknown_fields)]`, so that a misspelt filter is not silently ignored.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Asked(parts.uri.clone()).read().map(Self)
    }
}

/// A query string that is read where the answer to it is not kept yet.
pub(crate) struct Asked(Uri);

impl Asked {
    /// As who asks without any.
    pub fn nothing() -> Self {
        Self(Uri::from_static("/"))
    }

    /// What stands after the question mark.
    pub fn text(&self) -> &str {
        self.0.query().unwrap_or_default()
    }

    /// A parameter as it stands there.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.text().split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// As [`Query`] reads it.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let query = axum::extract::Query::<T>::try_from_uri(&self.0);
        query.map(|query| query.0).map_err(|rejection| field_of(&rejection).into())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.uri.clone()))
    }
}

/// The deserialiser knows the path of the offending field; axum wraps it twice.
fn field_of(rejection: &QueryRejection) -> FieldError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(error) = cause {
        if let Some(located) = error.downcast_ref::<serde_path_to_error::Error<serde::de::value::Error>>() {
            let detail = located.inner().to_string();
            let path = located.path().to_string();
            // Of a field that is unknown or sent twice only the message has the name, between backticks.
            let field = if path == "." { detail.split('`').nth(1).unwrap_or_default().to_owned() } else { path };
            return FieldError::new(field, detail);
        }
        cause = error.source();
    }
    FieldError::new("", "the query string cannot be read")
}

/// The body as `T`, from JSON. Give `T` `#[serde(deny_unknown_fields)]`, so that a misspelt field is not silently ignored.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        // A form of another site cannot send this type without asking first (CORS).
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::NotJson);
        }
        let limit_bytes = state.limits.body_bytes_of(request.uri().path());
        let too_large = |_| ApiError::BodyTooLarge { limit_bytes };
        let bytes = Bytes::from_request(request, state).await.map_err(too_large)?;
        // Read as fields in their order, an array would pass for an object.
        if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
            return Err(FieldError::new("", "must be a JSON object").into());
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let body = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let field = if error.path().to_string() == "." { String::new() } else { error.path().to_string() };
            FieldError::new(field, without_place(&error.inner().to_string()))
        })?;
        json.end().map_err(|_| FieldError::new("", "there is more after the JSON document"))?;
        Ok(Self(body))
    }
}

/// A line and a column help nobody who has the name of the field.
fn without_place(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}

/// The parameters of a route's path, percent-decoded, in their order.
pub(crate) struct PathNames<const N: usize>(pub [String; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for PathNames<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(params) = RawPathParams::from_request_parts(parts, state).await else { return Err(ApiError::RouteNotFound) };
        let names: Vec<String> = params.iter().map(|(_, value)| value.to_owned()).collect();
        names.try_into().map(Self).map_err(|_| ApiError::RouteNotFound)
    }
}

/// The one parameter of a route's path, percent-decoded; what it names is for the handler to find out.
pub(crate) struct PathName(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(params) = RawPathParams::from_request_parts(parts, state).await else { return Err(ApiError::RouteNotFound) };
        let name = params.iter().next().map(|(_, value)| value.to_owned());
        name.map(Self).ok_or(ApiError::RouteNotFound)
    }
}

/// For `#[serde(deserialize_with)]`: a calendar day as `2026-11-23`, of a year that every part of the system can hold.
pub(crate) fn optional_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = (text.len() == 10).then(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()).flatten();
    match day.filter(|day| (1900..=2999).contains(&day.year())) {
        Some(day) => Ok(Some(day)),
        None => Err(D::Error::custom("must be a date such as 2026-11-23")),
    }
}

/// For `#[serde(deserialize_with)]`: such a day where one is needed.
pub(crate) fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    optional_day(deserializer)?.ok_or_else(|| D::Error::custom("must be a date such as 2026-11-23"))
}

/// For `#[serde(deserialize_with)]`: a short text that Postgres can hold.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() || text.chars().count() > 200 || text.contains(char::is_control) {
        return Err(D::Error::custom("must be 1 to 200 characters without control characters"));
    }
    Ok(Some(text))
}

/// For `#[serde(deserialize_with)]`: an address that mail can go to.
pub(crate) fn email<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let text = text.trim();
    let is_host = |host: &str| host.split_once('.').is_some_and(|(name, rest)| !name.is_empty() && !rest.is_empty()) && !host.contains('@');
    let parts = text.split_once('@').filter(|(local, host)| !local.is_empty() && is_host(host));
    let is_odd = |c: char| c.is_ascii_whitespace() || c.is_ascii_control() || "<>()[],;:\\\"".contains(c);
    let is_plain = text.len() <= 254 && text.is_ascii() && !text.contains(is_odd);
    if parts.is_none() || !is_plain {
        return Err(D::Error::custom("must be an e-mail address such as sri@example.com"));
    }
    Ok(text.to_owned())
}

/// For `#[serde(deserialize_with)]`: a text on one line that Postgres can hold.
pub(crate) fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() || text.chars().count() > 254 || text.contains(char::is_control) {
        return Err(D::Error::custom("must be 1 to 254 characters without control characters"));
    }
    Ok(text)
}

/// For `#[serde(deserialize_with)]`: how someone or something is called, on one line.
pub(crate) fn optional_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if text.trim().is_empty() || text.chars().count() > 100 || text.contains(char::is_control) {
        return Err(D::Error::custom("must be 1 to 100 characters without line breaks"));
    }
    Ok(Some(text.trim().to_owned()))
}

/// For `#[serde(deserialize_with)]`: such a name where one is needed.
pub(crate) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional_name(deserializer)?.ok_or_else(|| D::Error::custom("must be 1 to 100 characters without line breaks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        #[serde(default, deserialize_with = "optional_day")]
        from: Option<NaiveDate>,
        #[serde(default, deserialize_with = "optional_text")]
        item: Option<String>,
        limit: Option<u8>,
    }

    fn read(query: &str) -> Result<Filter, FieldError> {
        let uri = format!("/x?{query}").parse().expect("a URI");
        axum::extract::Query::try_from_uri(&uri).map(|query| query.0).map_err(|rejection| field_of(&rejection))
    }

    #[test]
    fn well_formed_parameters_are_read() {
        let filter = read("from=2026-11-23&item=ayam%20geprek&limit=7").expect("well-formed");
        assert_eq!(filter.from, NaiveDate::from_ymd_opt(2026, 11, 23));
        assert_eq!((filter.item.as_deref(), filter.limit), (Some("ayam geprek"), Some(7)));
        assert!(read("").expect("nothing is required").from.is_none());
    }

    #[test]
    fn a_refusal_names_the_parameter() {
        let broken =
            ["from=23/11/2026", "from=%2B99999-01-01", "from=2026-1-2", "from=2026-02-30", "from=", "from=2026-01-01&from=2026-01-02"];
        for query in broken {
            assert_eq!(read(query).expect_err(query).field, "from", "{query}");
        }
        assert_eq!(read("item=a%00b").expect_err("a control character").field, "item");
        assert_eq!(read("limit=300").expect_err("out of range").field, "limit");
        assert_eq!(read("form=2026-11-23").expect_err("misspelt").field, "form");
    }
}
