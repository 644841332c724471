//! Tokens of a browser: in cookies that its scripts cannot read.

use std::borrow::Cow;

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponseParts, ResponseParts};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use platform::auth::{ACCESS_LIFE, REFRESH_LIFE, RefreshToken};
use sha2::{Digest as _, Sha256};

/// Since when somebody last signed in there.
const DEVICE_LIFE: Duration = Duration::days(365);

/// Names and attributes of our cookies. Over TLS their names begin as RFC 6265bis section 4.1.3.2 says, so that no other host and no
/// plain connection can set them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookies {
    pub is_secure: bool,
}

impl Cookies {
    fn access_name(self) -> &'static str {
        if self.is_secure { "__Host-viralcast_access" } else { "viralcast_access" }
    }

    /// Not `viralcast_refresh`, which an earlier program set for a path of its own: of two of one name neither counts.
    fn refresh_name(self) -> &'static str {
        if self.is_secure { "__Host-viralcast_renewal" } else { "viralcast_renewal" }
    }

    fn csrf_name(self) -> &'static str {
        if self.is_secure { "__Host-viralcast_csrf" } else { "viralcast_csrf" }
    }

    /// One for each account: on a shared counter many are known.
    pub(super) fn device_name(self, account: &str) -> String {
        let account = hex::encode(&Sha256::digest(account.as_bytes())[..4]);
        format!("{}viralcast_device_{account}", if self.is_secure { "__Host-" } else { "" })
    }

    pub fn access(self, headers: &HeaderMap) -> Option<String> {
        sent(headers, self.access_name())
    }

    pub fn refresh(self, headers: &HeaderMap) -> Option<String> {
        sent(headers, self.refresh_name())
    }

    pub fn device(self, headers: &HeaderMap, account: &str) -> Option<String> {
        sent(headers, &self.device_name(account))
    }

    /// By which the device is known when somebody signs in again; it stays when they sign out.
    pub fn known_device(self, account: &str, token: &str) -> SetCookies {
        SetCookies(vec![self.cookie(self.device_name(account), token, true, DEVICE_LIFE)])
    }

    /// Three cookies: two that scripts cannot read, and the token that a script must send back (`x-csrf-token`).
    pub fn signed_in(self, access: &str, refresh: &RefreshToken, csrf: &str) -> SetCookies {
        let (short, long) = (Duration::seconds(ACCESS_LIFE.num_seconds()), Duration::seconds(REFRESH_LIFE.num_seconds()));
        SetCookies(vec![
            self.cookie(self.access_name(), access, true, short),
            self.cookie(self.refresh_name(), refresh.expose(), true, long),
            self.cookie(self.csrf_name(), csrf, false, long),
        ])
    }

    pub fn signed_out(self) -> SetCookies {
        let gone = Duration::ZERO;
        SetCookies(vec![
            self.cookie(self.access_name(), "", true, gone),
            self.cookie(self.refresh_name(), "", true, gone),
            self.cookie(self.csrf_name(), "", false, gone),
        ])
    }

    /// For every path: without that its name could not begin with `__Host-`.
    fn cookie(self, name: impl Into<Cow<'static, str>>, value: &str, http_only: bool, life: Duration) -> Cookie<'static> {
        let name: Cow<'static, str> = name.into();
        Cookie::build((name, value.to_owned()))
            .path("/")
            .http_only(http_only)
            .secure(self.is_secure)
            .same_site(SameSite::Strict)
            .max_age(life)
            .build()
    }
}

/// The value of a cookie. One that is sent twice counts as not sent: of two, one was planted.
fn sent(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = texts.flat_map(Cookie::split_parse).filter_map(Result::ok).filter(|cookie| cookie.name() == name);
    let (only, None) = (values.next()?, values.next()) else { return None };
    Some(only.value().to_owned()).filter(|value| !value.is_empty())
}

/// `Set-Cookie` headers of an answer.
pub(crate) struct SetCookies(Vec<Cookie<'static>>);

impl IntoResponseParts for SetCookies {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        // Tokens are base64 and names are ours: every value is a header value.
        let values = self.0.iter().filter_map(|cookie| HeaderValue::from_str(&cookie.to_string()).ok());
        for value in values {
            parts.headers_mut().append(SET_COOKIE, value);
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (COOKIE, HeaderValue::from_str(value).expect("a header value"))).collect()
    }

    #[test]
    fn a_cookie_is_read_by_its_name_and_only_if_sent_once() {
        let plain = Cookies { is_secure: false };
        assert_eq!(plain.access(&headers(&["a=b; viralcast_access=token; c=d"])).as_deref(), Some("token"));
        assert_eq!(plain.access(&headers(&["viralcast_access=token; viralcast_access=planted"])), None);
        assert_eq!(plain.access(&headers(&["viralcast_access="])), None);
        assert_eq!(
            Cookies { is_secure: true }.access(&headers(&["viralcast_access=token"])),
            None,
            "anyone on a plain connection can set it"
        );
    }

    #[test]
    fn scripts_see_the_token_that_they_must_send_back_and_no_other() {
        let shown: Vec<String> = Cookies { is_secure: true }
            .signed_in("aaa", &RefreshToken::presented("rrr"), "ccc")
            .0
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            shown,
            [
                "__Host-viralcast_access=aaa; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=900",
                "__Host-viralcast_renewal=rrr; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=604800",
                "__Host-viralcast_csrf=ccc; SameSite=Strict; Secure; Path=/; Max-Age=604800",
            ]
        );
    }
}
