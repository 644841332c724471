//! Who someone is, as far as cryptography goes: passwords, keys, tokens. Nothing here knows a route or a cookie.
//!
//! An installation has one secret ([`InstallationSecret`]); everything else that must stay secret is sealed with it or derived from
//! it, so that many machines need to share one value only. Methods: RFC 9106 (Argon2id), RFC 5869 (HKDF), RFC 7519 (JWT), RFC 9700
//! section 4.14 (refresh token rotation), RFC 6238 (codes of a second factor).

mod access_token;
mod breaches;
mod error;
mod one_time_token;
mod passwords;
mod refresh_token;
mod second_factor;
mod secret;
mod signing_keys;
mod strength;

pub use access_token::{ACCESS_LIFE, AccessClaims};
pub use breaches::Breaches;
pub use error::AuthError;
pub use one_time_token::{OneTimeToken, Purpose};
pub use passwords::{Passwords, Verdict};
pub use refresh_token::{FAMILY_LIFE, GRACE, REFRESH_LIFE, RefreshToken, SESSIONS_A_USER};
pub(crate) use second_factor::PURPOSE as SECOND_FACTORS;
pub use second_factor::{CodeKey, RECOVERY_CODES, RecoveryCode};
pub use secret::InstallationSecret;
pub(crate) use signing_keys::PURPOSE as SIGNING_KEYS;
pub use signing_keys::{NewSigningKey, SigningKeys, ensure_signing_key};
pub use strength::{Weakness, weakness};

/// What is stored of a token: whoever reads the database can use none of them, and with another secret none is known.
fn at_rest(token: &str, secret: &InstallationSecret) -> [u8; 32] {
    secret.sign("tokens at rest", &[token.as_bytes()])
}
