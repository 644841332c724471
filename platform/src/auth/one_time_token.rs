//! Tokens that are sent by mail and work once: to verify an address, to choose a new password, to join a store.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use uuid::Uuid;

use super::{InstallationSecret, at_rest};

/// What a one-time token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    VerifyEmail,
    ResetPassword,
    JoinStore,
}

impl Purpose {
    /// As the table has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::JoinStore => "join_store",
        }
    }

    #[must_use]
    pub fn life(self) -> TimeDelta {
        match self {
            Self::VerifyEmail => TimeDelta::hours(24),
            // It takes the place of a password: as short as ASVS 5.0 has it for what comes by another way (6.5.5).
            Self::ResetPassword => TimeDelta::minutes(10),
            Self::JoinStore => TimeDelta::days(7),
        }
    }
}

/// Derived from the id of its row: the job that mails it carries the id only, and neither queue nor database holds what works.
pub struct OneTimeToken(String);

impl OneTimeToken {
    #[must_use]
    pub fn of(id: Uuid, purpose: Purpose, secret: &InstallationSecret) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(secret.sign("one-time tokens", &[purpose.name().as_bytes(), id.as_bytes()])))
    }

    /// As someone presents it; any text will do.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What the database keeps.
    #[must_use]
    pub fn hash(&self, secret: &InstallationSecret) -> [u8; 32] {
        at_rest(&self.0, secret)
    }

    /// For the mail, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}
