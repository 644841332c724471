//! Refresh tokens: random, used once, each naming its successor to whoever holds it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use rand::RngCore as _;
use rand::rngs::OsRng;

use super::{InstallationSecret, at_rest};

/// How long one refresh token may wait for its use.
pub const REFRESH_LIFE: TimeDelta = TimeDelta::days(7);
/// How long a session lasts without the password, however often it is refreshed.
pub const FAMILY_LIFE: TimeDelta = TimeDelta::days(30);
/// How long after its use a token still answers with the same successor: two tabs that refresh together are not a thief.
pub const GRACE: TimeDelta = TimeDelta::seconds(20);
/// Sessions that a person may have at a time; the one that has been silent longest ends first.
pub const SESSIONS_A_USER: usize = 10;

/// 256 random bits as text.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// Of a new session.
    #[must_use]
    pub fn random() -> Self {
        let mut random = [0; 32];
        OsRng.fill_bytes(&mut random);
        Self(BASE64_URL_SAFE_NO_PAD.encode(random))
    }

    /// As a client presents it. Any text will do: what we did not issue is found nowhere.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The token that follows this one. It is derived, so that it can be told again within the grace although only its hash is kept;
    /// without the installation's secret nobody gets from one to the next.
    #[must_use]
    pub fn successor(&self, secret: &InstallationSecret) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(secret.sign("refresh tokens", &[self.0.as_bytes()])))
    }

    /// What the database keeps.
    #[must_use]
    pub fn hash(&self, secret: &InstallationSecret) -> [u8; 32] {
        at_rest(&self.0, secret)
    }

    /// For the client, and for nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_the_same_every_time_and_for_this_installation_only() {
        let secret = |text: &str| InstallationSecret::of(text.into()).expect("random enough");
        let ours = secret("d41fb7c3e2a84960b5f0c9d7813e6a52");
        let token = RefreshToken::random();
        assert_ne!(token, RefreshToken::random());
        assert_eq!(token.successor(&ours), token.successor(&ours));
        assert_ne!(token.successor(&ours), token.successor(&secret("7e0c52a9f6d84b13a8e5917c3bd20f64")));
        assert_ne!(token.successor(&ours).successor(&ours), token.successor(&ours));
        assert_eq!(RefreshToken::presented(token.expose()).hash(&ours), token.hash(&ours));
        assert_ne!(token.hash(&ours), token.hash(&secret("7e0c52a9f6d84b13a8e5917c3bd20f64")));
        assert_eq!(format!("{token:?}"), "RefreshToken");
    }
}
