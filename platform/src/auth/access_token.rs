//! Access tokens: JWT signed with RS256, good for a quarter of an hour.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::AuthError;

/// How long an access token is good for.
pub const ACCESS_LIFE: TimeDelta = TimeDelta::minutes(15);
/// Two machines' clocks may differ by this much.
const LEEWAY: TimeDelta = TimeDelta::seconds(10);

pub(super) const ISSUER: &str = "viralcast";
pub(super) const AUDIENCE: &str = "viralcast-api";

/// What an access token says. Roles are not in it: they are asked for, so that taking one away works at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    iss: String,
    aud: String,
    /// The user.
    pub sub: Uuid,
    /// The session: a family of refresh tokens.
    pub sid: Uuid,
    /// Seconds since 1970.
    pub iat: i64,
    pub exp: i64,
    jti: Uuid,
}

impl AccessClaims {
    #[must_use]
    pub fn new(user: Uuid, session: Uuid, now: DateTime<Utc>) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            iat: now.timestamp(),
            exp: (now + ACCESS_LIFE).timestamp(),
            jti: Uuid::now_v7(),
        }
    }

    /// When it is good no more.
    #[must_use]
    pub fn ends(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or_default()
    }

    /// # Errors
    /// [`AuthError::ExpiredToken`], or [`AuthError::InvalidToken`] for one of the future.
    pub fn check_time(&self, now: DateTime<Utc>) -> Result<(), AuthError> {
        if self.iat > (now + LEEWAY).timestamp() {
            return Err(AuthError::InvalidToken);
        }
        if self.exp <= (now - LEEWAY).timestamp() { Err(AuthError::ExpiredToken) } else { Ok(()) }
    }
}
