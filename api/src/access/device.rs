//! Devices that somebody has signed in on before. Whoever guesses at an account from elsewhere uses up quotas that these do not count
//! against, so nobody is kept out by others (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). A token opens nothing: it
//! only says whose attempts an attempt is counted with.

use std::fmt;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use platform::auth::InstallationSecret;
use subtle::ConstantTimeEq as _;
use utoipa::IntoParams;
use uuid::Uuid;

use super::Cookies;
use super::cookies::SetCookies;

/// Where a program that keeps no cookies sends its token.
const HEADER: &str = "x-device-token";
const ID_BYTES: usize = 16;

/// As the document shows it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read from the headers themselves")]
pub(crate) struct DeviceToken {
    /// What the sign-in before answered on this device. One that is none of ours counts as none.
    #[param(rename = "X-Device-Token", nullable = false)]
    token: Option<String>,
}

/// A device, for one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Device(Uuid);

impl Device {
    /// The one that a request tells of, if it was given to somebody who signed in to this account.
    pub fn known(headers: &HeaderMap, cookies: Cookies, secret: &InstallationSecret, account: &str) -> Option<Self> {
        let account = &named(account);
        let token = match headers.get(HEADER) {
            Some(value) => value.to_str().ok()?.to_owned(),
            None => cookies.device(headers, account)?,
        };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (id, tag) = bytes.split_at_checked(ID_BYTES)?;
        let device = Self(Uuid::from_slice(id).ok()?);
        bool::from(tag.ct_eq(&device.tag(secret, account))).then_some(device)
    }

    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// What it sends along from now on.
    pub fn token(self, secret: &InstallationSecret, account: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([self.0.as_bytes().as_slice(), &self.tag(secret, &named(account))].concat())
    }

    /// The same in a cookie.
    pub fn cookie(self, cookies: Cookies, secret: &InstallationSecret, account: &str) -> SetCookies {
        cookies.known_device(&named(account), &self.token(secret, account))
    }

    fn tag(self, secret: &InstallationSecret, account: &str) -> [u8; 32] {
        secret.sign("device tokens", &[self.0.as_bytes(), account.as_bytes()])
    }
}

/// However somebody types it.
fn named(account: &str) -> String {
    account.trim().to_lowercase()
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_known_to_the_account_that_it_signed_in_to() {
        let secret = InstallationSecret::of("d41fb7c3e2a84960b5f0c9d7813e6a52".into()).expect("random enough");
        let other = InstallationSecret::of("7e0c52a9f6d84b13a8e5917c3bd20f64".into()).expect("random enough");
        let known = |secret: &InstallationSecret, account: &str, name: &'static str, value: &str| {
            let headers = HeaderMap::from_iter([(name.parse().expect("a name"), value.parse().expect("a value"))]);
            Device::known(&headers, Cookies { is_secure: false }, secret, account)
        };
        let device = Device::new();
        let token = device.token(&secret, "Sri@example.com");
        assert_eq!(known(&secret, "sri@example.com ", HEADER, &token), Some(device));
        let cookie = Cookies { is_secure: false }.device_name("sri@example.com");
        assert_eq!(known(&secret, "SRI@example.com", "cookie", &format!("{cookie}={token}")), Some(device));
        assert_eq!(known(&secret, "putu@example.com", HEADER, &token), None);
        assert_eq!(known(&other, "sri@example.com", HEADER, &token), None);
        for broken in ["", "AAAA", &token[1..], &format!("{token}AA"), "ü"] {
            assert_eq!(known(&secret, "sri@example.com", "cookie", &format!("{cookie}={broken}")), None, "{broken}");
        }
    }
}
