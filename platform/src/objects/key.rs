use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ObjectError;

const CONTENT: &str = "sha256/";

/// Segments of letters, digits, `.`, `_`, `=` and `-`, joined by `/`: safe as a path, a URL and an S3 key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

impl ObjectKey {
    /// `sha256/ab/abcd...`: the hash says what the bytes are, the folder keeps directories small.
    #[must_use]
    pub fn of_content(bytes: &[u8]) -> Self {
        Self::of_hash(&Sha256::digest(bytes).into())
    }

    /// The key of the bytes that have this SHA-256.
    #[must_use]
    pub fn of_hash(hash: &[u8; 32]) -> Self {
        let hash = hex::encode(hash);
        Self(format!("{CONTENT}{}/{hash}", &hash[..2]))
    }

    /// The SHA-256 of the bytes, of a key that is one.
    #[must_use]
    pub fn hash(&self) -> Option<[u8; 32]> {
        let hash = self.0.strip_prefix(CONTENT)?.split('/').nth(1)?;
        hex::decode(hash).ok()?.try_into().ok()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// False if the key is a hash and not that of `bytes`.
    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        !self.0.starts_with(CONTENT) || *self == Self::of_content(bytes)
    }
}

impl FromStr for ObjectKey {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, ObjectError> {
        let refuse = |reason| Err(ObjectError::Key { text: text.to_owned(), reason });
        if text.len() > 512 {
            return refuse("it is longer than 512 bytes");
        }
        for segment in text.split('/') {
            if segment.is_empty() {
                return refuse("a segment is empty");
            }
            // A hidden or relative name, and the suffix that the folder store gives to unfinished files.
            if segment.starts_with('.') {
                return refuse("a segment begins with a dot");
            }
            if !segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._=-".contains(&byte)) {
                return refuse("a segment has a character that is not allowed");
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = ObjectError;

    fn try_from(text: String) -> Result<Self, ObjectError> {
        text.parse()
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_keys_parse() {
        for good in ["a", "raw/bmkg/2026-11-23.json", "models/store=1/v2_final.bin"] {
            assert_eq!(good.parse::<ObjectKey>().expect("a key").as_str(), good);
        }
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", ".hidden", "a b", "a\\b", "a\0", "ayam\u{e9}", "a#1", "%2e", &"a".repeat(513)] {
            assert!(bad.parse::<ObjectKey>().is_err(), "`{bad}` is not a key");
        }
    }

    #[test]
    fn a_content_key_is_the_hash() {
        let key = ObjectKey::of_content(b"abc");
        assert_eq!(key.as_str(), "sha256/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(key.fits(b"abc") && !key.fits(b"abd"));
        assert_eq!(serde_json::from_str::<ObjectKey>(&serde_json::to_string(&key).expect("JSON")).expect("a key"), key);
        assert!(serde_json::from_str::<ObjectKey>("\"../etc/passwd\"").is_err());
    }
}
