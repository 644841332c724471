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

/// From which every other key is derived (HKDF-SHA256). Cheap to clone; never printed.
#[derive(Clone)]
pub struct InstallationSecret(SecretString);

impl InstallationSecret {
    /// The setting where it is set, else the file in the data folder, which is made at first need.
    ///
    /// # Errors
    /// [`AuthError::ShortSecret`], [`AuthError::SecretFile`].
    pub fn open(config: &AuthConfig, data: &DataDir) -> Result<Self, AuthError> {
        match &config.secret {
            Some(secret) => Self::of(secret.clone()),
            None => {
                let path = data.join(FILE);
                let read = data.create().and_then(|_| read_or_make(&path));
                let text = read.map_err(|source| AuthError::SecretFile { path, source })?;
                Self::of(text.trim().into())
            }
        }
    }

    /// # Errors
    /// [`AuthError::ShortSecret`].
    pub fn of(secret: SecretString) -> Result<Self, AuthError> {
        let length = secret.expose_secret().chars().count();
        if length < LEAST_CHARACTERS { Err(AuthError::ShortSecret { length }) } else { Ok(Self(secret)) }
    }

    /// HMAC-SHA256 of `parts` under the key of this purpose; parts are told apart by their lengths.
    #[must_use]
    pub fn sign(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.derive(purpose));
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// AES-256-GCM with a random nonce in front; `name` is bound to the content.
    pub(super) fn seal(&self, purpose: &'static str, name: &str, content: &[u8]) -> Result<Vec<u8>, AuthError> {
        let refused = |_| AuthError::Crypto("seal a key");
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.derive(purpose)).map_err(refused)?;
        let mut sealed = content.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed).map_err(refused)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// The content, or `None` if it was sealed with another secret, under another name, or is damaged.
    pub(super) fn open_sealed(&self, purpose: &'static str, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.derive(purpose)).ok()?;
        let (nonce, content) = sealed.split_at_checked(NONCE_LEN)?;
        let mut content = content.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        Some(key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut content).ok()?.to_vec())
    }

    fn derive(&self, purpose: &'static str) -> [u8; 32] {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"viralcast");
        let key = salt.extract(self.0.expose_secret().as_bytes());
        let mut derived = [0; 32];
        // It fails only for keys of more than 255 blocks; an array of zeros would be a key that everyone knows.
        let filled = key.expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut derived));
        assert!(filled.is_ok(), "32 bytes are one block of HKDF-SHA256");
        derived
    }
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
    let mut random = [0; 32];
    OsRng.fill_bytes(&mut random);
    let aside = path.with_extension(format!("{}.new", Uuid::now_v7()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    writeln!(file, "{}", BASE64_STANDARD.encode(random))?;
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

    fn secret(text: &str) -> InstallationSecret {
        InstallationSecret::of(text.into()).expect("long enough")
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(matches!(InstallationSecret::of("hunter2".into()), Err(AuthError::ShortSecret { length: 7 })));
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
        let ours = secret("0123456789abcdef0123456789abcdef");
        let sealed = ours.seal("keys", "k1", b"content").expect("sealed");
        assert_eq!(ours.open_sealed("keys", "k1", &sealed).as_deref(), Some(&b"content"[..]));
        assert_eq!(ours.open_sealed("keys", "k2", &sealed), None);
        assert_eq!(ours.open_sealed("other", "k1", &sealed), None);
        assert_eq!(secret("another secret of more than 32 characters").open_sealed("keys", "k1", &sealed), None);
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert_eq!(ours.open_sealed("keys", "k1", &damaged), None, "byte {index}");
        }
        assert_eq!(ours.open_sealed("keys", "k1", &sealed[..5]), None);
    }

    #[test]
    fn signatures_depend_on_secret_purpose_and_where_parts_end() {
        let ours = secret("0123456789abcdef0123456789abcdef");
        let signed = ours.sign("a", &[b"xy", b"z"]);
        assert_eq!(signed, ours.sign("a", &[b"xy", b"z"]));
        assert_ne!(signed, ours.sign("b", &[b"xy", b"z"]));
        assert_ne!(signed, ours.sign("a", &[b"x", b"yz"]));
        assert_ne!(signed, secret("another secret of more than 32 characters").sign("a", &[b"xy", b"z"]));
    }
}
