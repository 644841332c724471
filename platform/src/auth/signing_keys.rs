//! The keys that access tokens are signed with. They live in the database, sealed, so that every server knows them; a new one
//! signs only after everyone had time to learn of it, and what an old one signed is taken until it is retired.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use rand::RngCore as _;
use rand::rngs::OsRng;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::access_token::{AUDIENCE, ISSUER};
use super::{AccessClaims, AuthError, InstallationSecret};
use crate::clock::SharedClock;
use crate::db::signing_keys::{SigningKeyRow, insert_signing_key, list_signing_keys, lock_signing_keys};
use crate::db::tenant::{begin_write, commit};

pub(crate) const PURPOSE: &str = "signing keys";
/// RFC 9068, section 2.1.
const KIND: &str = "at+jwt";
/// A new key signs from then on: by now every server has read it.
const NOTICE: TimeDelta = TimeDelta::minutes(10);
/// How old what we know may get.
const FRESH: Duration = Duration::from_secs(60);
/// How often a token that names an unknown key may send us to the database.
const PAUSE: Duration = Duration::from_secs(2);

/// A key to store.
pub struct NewSigningKey {
    pub kid: String,
    pub sealed_key: Vec<u8>,
    pub signs_from: DateTime<Utc>,
}

impl NewSigningKey {
    /// RSA of 3072 bits (128 bits of security), some 300 ms of work. It signs at once where no other does, else after every server has learnt of it.
    ///
    /// # Errors
    /// [`AuthError::Crypto`].
    pub fn generate(secret: &InstallationSecret, now: DateTime<Utc>, at_once: bool) -> Result<Self, AuthError> {
        let key = KeyPair::generate(KeySize::Rsa3072).map_err(|_| AuthError::Crypto("generate an RSA key"))?;
        let der: Pkcs8V1Der = key.as_der().map_err(|_| AuthError::Crypto("write an RSA key"))?;
        let mut random = [0; 9];
        OsRng.fill_bytes(&mut random);
        let kid = format!("{}-{}", now.format("%Y%m%d"), BASE64_URL_SAFE_NO_PAD.encode(random));
        let sealed_key = secret.seal(PURPOSE, &kid, der.as_ref())?;
        Ok(Self { kid, sealed_key, signs_from: if at_once { now } else { now + NOTICE } })
    }
}

impl InstallationSecret {
    /// Whether a signing key was sealed with it, or with the one before.
    #[must_use]
    pub fn opens(&self, key: &SigningKeyRow) -> bool {
        self.open_sealed(PURPOSE, &key.kid, &key.sealed_key).is_some()
    }
}

/// Makes a first key where there is none. Programs that begin together make one; `pool` is that of the working role.
///
/// # Errors
/// [`AuthError::Database`], [`AuthError::Crypto`].
pub async fn ensure_signing_key(pool: &PgPool, secret: &InstallationSecret, now: DateTime<Utc>) -> Result<(), AuthError> {
    let mut transaction = begin_write(pool).await?;
    lock_signing_keys(&mut transaction).await?;
    let keys = list_signing_keys(&mut *transaction).await?;
    if keys.iter().all(|key| key.retired_at.is_some_and(|retired_at| retired_at <= now)) {
        let secret = secret.clone();
        let made = spawn_blocking(move || NewSigningKey::generate(&secret, now, true)).await;
        insert_signing_key(&mut *transaction, &made.map_err(|_| AuthError::Crypto("generate an RSA key"))??).await?;
    }
    Ok(commit(transaction).await?)
}

/// Signs and checks access tokens with the keys of the database.
pub struct SigningKeys {
    pool: PgPool,
    secret: InstallationSecret,
    clock: SharedClock,
    known: RwLock<Arc<Known>>,
    loading: Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: Vec<Key>,
    loaded_at: Option<Instant>,
}

struct Key {
    kid: String,
    signs_from: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    jwk: Jwk,
}

impl SigningKeys {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(pool: PgPool, secret: InstallationSecret, clock: SharedClock) -> Self {
        Self { pool, secret, clock, known: RwLock::default(), loading: Mutex::new(()) }
    }

    #[must_use]
    pub fn secret(&self) -> &InstallationSecret {
        &self.secret
    }

    /// # Errors
    /// [`AuthError::NoSigningKey`], [`AuthError::Database`] and whatever signing brings.
    pub async fn sign(&self, claims: &AccessClaims) -> Result<String, AuthError> {
        let known = self.fresh().await?;
        let now = self.clock.now();
        let usable = known.keys.iter().filter(|key| key.signs_from <= now && !key.is_retired(now));
        let key = usable.max_by_key(|key| key.signs_from).ok_or(AuthError::NoSigningKey)?;
        let header = Header { kid: Some(key.kid.clone()), typ: Some(KIND.to_owned()), ..Header::new(Algorithm::RS256) };
        encode(&header, claims, &key.encoding).map_err(|_| AuthError::Crypto("sign a token"))
    }

    /// What a token of ours says, if it is in force now.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`], [`AuthError::Database`] when its key had to be looked up.
    pub async fn verify(&self, token: &str) -> Result<AccessClaims, AuthError> {
        let header = decode_header(token).map_err(|_| AuthError::InvalidToken)?;
        let kid = header.kid.filter(|_| header.typ.as_deref() == Some(KIND)).ok_or(AuthError::InvalidToken)?;
        let mut known = self.fresh().await?;
        if !known.keys.iter().any(|key| key.kid == kid) {
            known = self.load_if_older_than(PAUSE).await?;
        }
        let now = self.clock.now();
        let key = known.keys.iter().find(|key| key.kid == kid && !key.is_retired(now)).ok_or(AuthError::InvalidToken)?;
        // Of the times we have our own clock; the library has the computer's.
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        let claims = decode::<AccessClaims>(token, &key.decoding, &validation).map_err(|_| AuthError::InvalidToken)?.claims;
        claims.check_time(now)?;
        Ok(claims)
    }

    /// The public halves that may be needed, as `/.well-known/jwks.json` shows them (RFC 7517).
    ///
    /// # Errors
    /// [`AuthError::Database`], [`AuthError::Sealed`].
    pub async fn public(&self) -> Result<JwkSet, AuthError> {
        let known = self.fresh().await?;
        let now = self.clock.now();
        Ok(JwkSet { keys: known.keys.iter().filter(|key| !key.is_retired(now)).map(|key| key.jwk.clone()).collect() })
    }

    async fn fresh(&self) -> Result<Arc<Known>, AuthError> {
        self.load_if_older_than(FRESH).await
    }

    /// Keys that were read go on working when the database does not answer.
    async fn load_if_older_than(&self, age: Duration) -> Result<Arc<Known>, AuthError> {
        let known = self.known();
        if known.is_younger_than(age) {
            return Ok(known);
        }
        let _one_at_a_time = self.loading.lock().await;
        let known = self.known();
        if known.is_younger_than(age) {
            return Ok(known);
        }
        match self.load().await {
            Ok(keys) => {
                let loaded = Arc::new(Known { keys, loaded_at: Some(Instant::now()) });
                *self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::clone(&loaded);
                Ok(loaded)
            }
            Err(error) if !known.keys.is_empty() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "signing keys were not read anew; the known ones go on");
                Ok(known)
            }
            Err(error) => Err(error),
        }
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    async fn load(&self) -> Result<Vec<Key>, AuthError> {
        let rows = list_signing_keys(&self.pool).await?;
        let (mut keys, mut refused) = (Vec::new(), None);
        for row in rows {
            match self.open(row) {
                Ok(key) => keys.push(key),
                Err(error) => {
                    tracing::warn!(error = %error, "a signing key is left out");
                    refused.get_or_insert(error);
                }
            }
        }
        // One key of another secret does not shut out everybody; if there is no other, that is what is wrong.
        match refused.filter(|_| keys.is_empty()) {
            Some(error) => Err(error),
            None => Ok(keys),
        }
    }

    fn open(&self, row: SigningKeyRow) -> Result<Key, AuthError> {
        let Some(der) = self.secret.open_sealed(PURPOSE, &row.kid, &row.sealed_key) else {
            return Err(AuthError::Sealed { what: format!("the signing key `{}`", row.kid) });
        };
        let refused = |_| AuthError::Crypto("read an RSA key");
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(der));
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(refused)?;
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256).map_err(refused)?;
        jwk.common.key_id = Some(row.kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&jwk).map_err(refused)?;
        Ok(Key { kid: row.kid, signs_from: row.signs_from, retired_at: row.retired_at, encoding, decoding, jwk })
    }
}

impl Known {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.loaded_at.is_some_and(|loaded_at| loaded_at.elapsed() < age)
    }
}

impl Key {
    fn is_retired(&self, now: DateTime<Utc>) -> bool {
        self.retired_at.is_some_and(|retired_at| retired_at <= now)
    }
}
