//! The one secret of an installation, and the keys that are derived from it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::RngCore as _;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::AuthError;
use crate::config::AuthConfig;
use crate::data_dir::DataDir;

/// Name of the file in the data folder.
const FILE: &str = "installation.secret";
const LEAST_CHARACTERS: usize = 32;

/// In front of what is sealed: AES-256-GCM under a key of HKDF-SHA256, nonce first. Another way to seal gets another number, and what this
/// one sealed can still be opened.
const VERSION: u8 = 1;
/// In front of sealed text.
const SEALED: &str = "sealed:";
/// Tries that a secret must stand, as a power of ten. zxcvbn counts no further.
const TRIES_LOG10: f64 = 19.0;

/// From which every other key is derived (HKDF-SHA256). Cheap to clone; never printed.
#[derive(Clone)]
pub struct InstallationSecret {
    ours: SecretString,
    /// What was sealed with it can be opened.
    former: Option<SecretString>,
}

impl InstallationSecret {
    /// The setting where it is set, else the file in the data folder, which is made at first need.
    ///
    /// # Errors
    /// [`AuthError::ShortSecret`], [`AuthError::GuessableSecret`], [`AuthError::SecretFile`].
    pub fn open(config: &AuthConfig, data: &DataDir) -> Result<Self, AuthError> {
        let ours = match &config.secret {
            Some(secret) => Self::of(secret.clone())?,
            None => {
                let path = data.join(FILE);
                let read = data.create().and_then(|_| read_or_make(&path));
                let text = read.map_err(|source| AuthError::SecretFile { path, source })?;
                Self::of(text.trim().into())?
            }
        };
        Ok(ours.after(config.former_secret.clone()))
    }

    /// # Errors
    /// [`AuthError::ShortSecret`], [`AuthError::GuessableSecret`]: keys are derived from it as it is, so it must be random.
    pub fn of(secret: SecretString) -> Result<Self, AuthError> {
        let text = secret.expose_secret();
        let length = text.chars().count();
        if length < LEAST_CHARACTERS {
            return Err(AuthError::ShortSecret { length });
        }
        if !looks_random(text) || zxcvbn::zxcvbn(text, &[]).guesses_log10() < TRIES_LOG10 {
            return Err(AuthError::GuessableSecret);
        }
        Ok(Self { ours: secret, former: None })
    }

    /// The same in the place of a former one.
    #[must_use]
    pub fn after(self, former: Option<SecretString>) -> Self {
        Self { former, ..self }
    }

    /// The former one alone, for what can be looked up but not sealed anew.
    #[must_use]
    pub fn former(&self) -> Option<Self> {
        self.former.clone().map(|ours| Self { ours, former: None })
    }

    /// HMAC-SHA256 of `parts` under the key of this purpose; parts are told apart by their lengths.
    #[must_use]
    pub fn sign(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(&self.ours, purpose));
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// Content that can be opened again; `name` is bound to it.
    ///
    /// # Errors
    /// [`AuthError::Crypto`].
    pub(crate) fn seal(&self, purpose: &'static str, name: &str, content: &[u8]) -> Result<Vec<u8>, AuthError> {
        let refused = |_| AuthError::Crypto("seal a key");
        let key = RandomizedNonceKey::new(&AES_256_GCM, &derive(&self.ours, purpose)).map_err(refused)?;
        let mut sealed = content.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed).map_err(refused)?;
        Ok([[VERSION].as_slice(), nonce.as_ref(), &sealed].concat())
    }

    /// The content, or `None` if it was sealed with a secret that is neither ours nor the former, under another name, or is damaged.
    pub(crate) fn open_sealed(&self, purpose: &'static str, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&VERSION, sealed) = sealed.split_first()? else { return None };
        [Some(&self.ours), self.former.as_ref()].into_iter().flatten().find_map(|secret| open(secret, purpose, name, sealed))
    }

    /// The same as text.
    ///
    /// # Errors
    /// [`AuthError::Crypto`].
    pub(crate) fn seal_text(&self, purpose: &'static str, name: &str, content: &str) -> Result<String, AuthError> {
        let sealed = self.seal(purpose, name, content.as_bytes())?;
        Ok(format!("{SEALED}{}", BASE64_STANDARD.encode(sealed)))
    }

    /// What was stored before texts were sealed is as it was.
    pub(crate) fn open_text(&self, purpose: &'static str, name: &str, stored: &str) -> Option<String> {
        let Some(sealed) = stored.strip_prefix(SEALED) else { return Some(stored.to_owned()) };
        let sealed = BASE64_STANDARD.decode(sealed).ok()?;
        String::from_utf8(self.open_sealed(purpose, name, &sealed)?).ok()
    }
}

/// As random bytes are written: hexadecimal, or base64 with letters of both cases and something else, which 32 random bytes lack once in ten
/// thousand times (never with the `=` behind). Words lack it, unless somebody disguises them.
fn looks_random(text: &str) -> bool {
    let has = |kind: fn(&char) -> bool| text.chars().any(|character| kind(&character));
    let is_hexadecimal = text.chars().all(|character| character.is_ascii_hexdigit());
    let is_base64 = text.chars().all(|character| character.is_ascii_alphanumeric() || "+/-_=".contains(character));
    let is_mixed = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(|character| !character.is_ascii_alphabetic());
    is_hexadecimal || (is_base64 && is_mixed)
}

fn open(secret: &SecretString, purpose: &'static str, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, &derive(secret, purpose)).ok()?;
    let (nonce, content) = sealed.split_at_checked(NONCE_LEN)?;
    let mut content = content.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    Some(key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut content).ok()?.to_vec())
}

fn derive(secret: &SecretString, purpose: &'static str) -> [u8; 32] {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"viralcast");
    let key = salt.extract(secret.expose_secret().as_bytes());
    let mut derived = [0; 32];
    // It fails only for keys of more than 255 blocks; an array of zeros would be a key that everyone knows.
    let filled = key.expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut derived));
    assert!(filled.is_ok(), "32 bytes are one block of HKDF-SHA256");
    derived
}

impl std::fmt::Debug for InstallationSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InstallationSecret")
    }
}

/// Written aside and linked into place, so that of two programs that begin together both read the same whole file.
fn read_or_make(path: &Path) -> std::io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        read => return read,
    }
    let secret = loop {
        let mut random = [0; 32];
        OsRng.fill_bytes(&mut random);
        let text = BASE64_STANDARD.encode(random);
        if looks_random(&text) {
            break text;
        }
    };
    let aside = path.with_extension(format!("{}.new", Uuid::now_v7()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => fs::read_to_string(path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ONE: &str = "d41fb7c3e2a84960b5f0c9d7813e6a52";
    const OTHER: &str = "7e0c52a9f6d84b13a8e5917c3bd20f64";

    fn secret(text: &str) -> InstallationSecret {
        InstallationSecret::of(text.into()).expect("random enough")
    }

    #[test]
    fn a_secret_that_is_short_or_could_be_guessed_is_refused() {
        assert!(matches!(InstallationSecret::of("hunter2".into()), Err(AuthError::ShortSecret { length: 7 })));
        let words =
            ["correct horse battery staple horse", "rahasia warung bu sri di bandung 2026", "correcthorsebatterystaplecorrecthorse"];
        for text in words.into_iter().chain(["0123456789abcdef0123456789abcdef", "Aa1Aa1Aa1Aa1Aa1Aa1Aa1Aa1Aa1Aa1Aa1Aa1"]) {
            assert!(matches!(InstallationSecret::of(text.into()), Err(AuthError::GuessableSecret)), "{text}");
        }
        for _ in 0..200 {
            let mut random = [0; 32];
            OsRng.fill_bytes(&mut random);
            // One in ten thousand of base64 might not.
            let base64 = format!("{}+aA", BASE64_STANDARD.encode(random));
            for text in [base64, hex::encode(random), hex::encode(&random[..16])] {
                assert!(InstallationSecret::of(text.as_str().into()).is_ok(), "{text}");
            }
        }
    }

    #[test]
    fn what_a_former_secret_sealed_can_be_opened_and_nothing_is_sealed_with_it() {
        let (former, ours) = (secret(ONE), secret(OTHER));
        let sealed = former.seal("keys", "k1", b"content").expect("sealed");
        let text = former.seal_text("keys", "k1", "content").expect("sealed");
        assert_eq!((ours.open_sealed("keys", "k1", &sealed), ours.open_text("keys", "k1", &text)), (None, None));
        let both = ours.clone().after(Some(ONE.into()));
        assert_eq!(both.open_sealed("keys", "k1", &sealed).as_deref(), Some(&b"content"[..]));
        assert_eq!(both.open_text("keys", "k1", &text).as_deref(), Some("content"));
        let anew = both.seal("keys", "k1", b"content").expect("sealed");
        assert!(ours.open_sealed("keys", "k1", &anew).is_some() && former.open_sealed("keys", "k1", &anew).is_none());
        assert_eq!(both.sign("p", &[]), ours.sign("p", &[]));
        assert_eq!(both.former().expect("the former").sign("p", &[]), former.sign("p", &[]));
        assert_eq!(ours.open_text("keys", "k1", "whsec_in_the_clear").as_deref(), Some("whsec_in_the_clear"));
    }

    #[test]
    fn the_file_is_made_once_and_is_nobody_elses() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::at(folder.path().join("data")).expect("a folder");
        let open = || InstallationSecret::open(&AuthConfig::default(), &data).expect("a secret");
        let racers: Vec<_> = (0..8)
            .map(|_| {
                std::thread::spawn({
                    let data = data.clone();
                    move || InstallationSecret::open(&AuthConfig::default(), &data).expect("a secret").sign("p", &[])
                })
            })
            .collect();
        let first = open().sign("p", &[]);
        for racer in racers {
            assert_eq!(racer.join().expect("a thread"), first);
        }
        assert_eq!(open().sign("p", &[]), first);
        let mode = fs::metadata(data.join(FILE)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(data.path()).expect("a folder").count(), 1, "nothing is left aside");
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_and_name_only() {
        let ours = secret(ONE);
        let sealed = ours.seal("keys", "k1", b"content").expect("sealed");
        assert_eq!(ours.open_sealed("keys", "k1", &sealed).as_deref(), Some(&b"content"[..]));
        assert_eq!(ours.open_sealed("keys", "k2", &sealed), None);
        assert_eq!(ours.open_sealed("other", "k1", &sealed), None);
        assert_eq!(secret(OTHER).open_sealed("keys", "k1", &sealed), None);
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert_eq!(ours.open_sealed("keys", "k1", &damaged), None, "byte {index}");
        }
        assert_eq!(ours.open_sealed("keys", "k1", &sealed[..5]), None);
    }

    #[test]
    fn signatures_depend_on_secret_purpose_and_where_parts_end() {
        let ours = secret(ONE);
        let signed = ours.sign("a", &[b"xy", b"z"]);
        assert_eq!(signed, ours.sign("a", &[b"xy", b"z"]));
        assert_ne!(signed, ours.sign("b", &[b"xy", b"z"]));
        assert_ne!(signed, ours.sign("a", &[b"x", b"yz"]));
        assert_ne!(signed, secret(OTHER).sign("a", &[b"xy", b"z"]));
    }
}
