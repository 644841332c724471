//! A second factor: codes of an app that change every half minute (TOTP, RFC 6238), and codes on paper for when the phone is gone.

use chrono::{DateTime, Utc};
use rand::RngCore as _;
use rand::rngs::OsRng;
use subtle::ConstantTimeEq as _;
use totp_rs::{Algorithm, TOTP};
use uuid::Uuid;

use super::{AuthError, InstallationSecret, at_rest};

const ISSUER: &str = "Viral Cast";
const DIGITS: usize = 6;
/// Seconds.
const STEP: u64 = 30;
/// Steps that a phone's clock may be off, either way (RFC 6238, section 5.2).
const SKEW: u64 = 1;
/// 160 bits, as RFC 4226 recommends (section 4, R6).
const KEY_BYTES: usize = 20;
/// Codes on one paper.
pub const RECOVERY_CODES: usize = 10;
/// 80 bits.
const RECOVERY_BYTES: usize = 10;

/// What it is sealed for.
pub(crate) const PURPOSE: &str = "second factors";

/// What somebody's app has. The database has it sealed: who reads there can make no code.
pub struct CodeKey(TOTP);

impl CodeKey {
    /// A new one; `account` is shown in the app.
    ///
    /// # Errors
    /// [`AuthError::Crypto`], which no key of ours makes.
    pub fn random(account: &str) -> Result<Self, AuthError> {
        let mut key = vec![0; KEY_BYTES];
        OsRng.fill_bytes(&mut key);
        Self::of(key, account)
    }

    /// The key of a person, as the database has it.
    ///
    /// # Errors
    /// [`AuthError::Sealed`].
    pub fn open(sealed: &[u8], user: Uuid, secret: &InstallationSecret) -> Result<Self, AuthError> {
        let closed = || AuthError::Sealed { what: format!("the second factor of {user}") };
        Self::of(secret.open_sealed(PURPOSE, &user.to_string(), sealed).ok_or_else(closed)?, "")
    }

    /// For the database.
    ///
    /// # Errors
    /// [`AuthError::Crypto`].
    pub fn sealed(&self, user: Uuid, secret: &InstallationSecret) -> Result<Vec<u8>, AuthError> {
        secret.seal(PURPOSE, &user.to_string(), &self.0.secret)
    }

    fn of(key: Vec<u8>, account: &str) -> Result<Self, AuthError> {
        // The label of an address in the app must not have one.
        let account = account.replace(':', " ");
        // SHA-1 is what every app does; as a MAC it is unbroken (RFC 6238, section 1.2).
        TOTP::new(Algorithm::SHA1, DIGITS, 0, STEP, key, Some(ISSUER.to_owned()), account)
            .map(Self)
            .map_err(|_| AuthError::Crypto("make the key of a second factor"))
    }

    /// To type into an app.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.get_secret_base32()
    }

    /// For an app to scan: `otpauth://totp/...`.
    #[must_use]
    pub fn uri(&self) -> String {
        self.0.get_url()
    }

    /// The half-minute that a code is of, if it is about now.
    #[must_use]
    pub fn step_of(&self, code: &str, now: DateTime<Utc>) -> Option<i64> {
        let digits: String = code.chars().filter(|character| !character.is_whitespace()).collect();
        let now = u64::try_from(now.timestamp()).ok()? / STEP;
        let fits = |step: u64| bool::from(self.0.generate(step * STEP).as_bytes().ct_eq(digits.as_bytes()));
        // All of them, however early one fits: how long it takes says nothing.
        let steps = now.saturating_sub(SKEW)..=now + SKEW;
        let step = steps.fold(None, |found, step| if fits(step) { Some(step) } else { found });
        step.and_then(|step| i64::try_from(step).ok())
    }
}

/// A code on paper, good for one sign-in.
pub struct RecoveryCode(String);

impl RecoveryCode {
    #[must_use]
    pub fn random() -> Self {
        let mut random = [0; RECOVERY_BYTES];
        OsRng.fill_bytes(&mut random);
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// As somebody types it, with or without the dashes. Any text will do.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase())
    }

    /// As it is printed: `9f3ac-0d17e-88b42-61d0f`.
    #[must_use]
    pub fn shown(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        characters.chunks(5).map(String::from_iter).collect::<Vec<_>>().join("-")
    }

    /// What the database keeps.
    #[must_use]
    pub fn hash(&self, secret: &InstallationSecret) -> [u8; 32] {
        at_rest(&self.0, secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> InstallationSecret {
        InstallationSecret::of("d41fb7c3e2a84960b5f0c9d7813e6a52".into()).expect("random enough")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("an instant")
    }

    /// RFC 6238, appendix B, the last six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let key = TOTP::new(Algorithm::SHA1, DIGITS, 0, STEP, b"12345678901234567890".to_vec(), None, String::new()).expect("a key");
        let key = CodeKey(key);
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(key.step_of(code, at(seconds)), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn a_code_works_for_about_a_minute_and_for_its_own_key() {
        let key = CodeKey::random("sri:a@example.com").expect("a key");
        let now = 1_800_000_000;
        let code = key.0.generate(now as u64);
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        for (shift, works) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            assert_eq!(key.step_of(&spaced, at(now + shift)), works.then_some(now / 30), "{shift}");
        }
        let sri = Uuid::from_u128(1);
        let sealed = key.sealed(sri, &secret()).expect("sealed");
        assert_eq!(CodeKey::open(&sealed, sri, &secret()).expect("hers").step_of(&code, at(now)), Some(now / 30));
        assert!(matches!(CodeKey::open(&sealed, Uuid::from_u128(2), &secret()), Err(AuthError::Sealed { .. })), "nobody else's");
        let other = CodeKey::random("sri@example.com").expect("a key");
        assert_eq!(other.step_of(&code, at(now)), None);
        for wrong in ["", "12345", "1234567", "abcdef", "１２３４５６"] {
            assert_eq!(key.step_of(wrong, at(now)), None, "{wrong}");
        }
        assert_eq!(key.text().len(), 32);
        let uri = key.uri();
        assert!(uri.starts_with("otpauth://totp/Viral%20Cast:sri%20a%40example.com?secret="), "{uri}");
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let code = RecoveryCode::random();
        let shown = code.shown();
        assert_eq!(shown.len(), 23, "{shown}");
        for typed in [shown.clone(), shown.to_uppercase(), shown.replace('-', " "), shown.replace('-', "")] {
            assert_eq!(RecoveryCode::presented(&typed).hash(&secret()), code.hash(&secret()), "{typed}");
        }
        assert_ne!(RecoveryCode::random().hash(&secret()), code.hash(&secret()));
    }
}
