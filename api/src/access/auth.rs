//! What sign-in works with, shared by all requests.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use platform::auth::{AccessClaims, Breaches, InstallationSecret, Passwords, SigningKeys};
use platform::cache::ReadThrough;
use platform::clock::SharedClock;
use platform::config::SecondFactorFor;
use platform::db::tenant::ServePool;
use platform::db::users::Standing;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::standings::Standings;
use crate::error::ApiError;

/// How long a token that was verified is not verified again, so that retiring a key works within a minute everywhere.
const VERIFIED_LIFE: Duration = Duration::from_secs(60);
const MOST_REMEMBERED: u64 = 50_000;

/// What somebody cannot do until they have a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    Nothing,
    /// What operators do.
    Office,
    /// Anything but to begin with one, and to sign out.
    Everything,
}

/// Keys, passwords, and what was lately found out about tokens and people.
pub struct Auth {
    pub keys: SigningKeys,
    pub passwords: Passwords,
    breaches: Breaches,
    second_factor_for: SecondFactorFor,
    clock: SharedClock,
    verified: Cache<[u8; 32], Arc<AccessClaims>>,
    standings: Standings,
}

impl Auth {
    /// `db` is the pool of the serving role; `cache` tells what changes there. Within a Tokio runtime.
    #[must_use]
    pub fn new(db: ServePool, cache: ReadThrough, secret: InstallationSecret, clock: SharedClock) -> Self {
        Self {
            keys: SigningKeys::new((*db).clone(), secret, Arc::clone(&clock)),
            passwords: Passwords::default(),
            breaches: Breaches::default(),
            second_factor_for: SecondFactorFor::Nobody,
            standings: Standings::new(db, cache, Arc::clone(&clock), MOST_REMEMBERED),
            clock,
            verified: Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(VERIFIED_LIFE).build(),
        }
    }

    /// Who needs a second factor; nobody, unless it is said.
    #[must_use]
    pub fn second_factor_for(self, whom: SecondFactorFor) -> Self {
        Self { second_factor_for: whom, ..self }
    }

    /// Who knows which passwords others have lost; nobody, unless it is said.
    #[must_use]
    pub fn breaches(self, breaches: Breaches) -> Self {
        Self { breaches, ..self }
    }

    /// What whoever stands so lacks for want of a second factor.
    pub(super) fn lacks(&self, standing: &Standing) -> Lack {
        match self.second_factor_for {
            _ if standing.has_second_factor => Lack::Nothing,
            SecondFactorFor::Nobody => Lack::Nothing,
            SecondFactorFor::Operators => Lack::Office,
            SecondFactorFor::Everyone => Lack::Everything,
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn secret(&self) -> &InstallationSecret {
        self.keys.secret()
    }

    /// What a token says, if it is one of ours and in force.
    pub(super) async fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, ApiError> {
        let key = key_of(token);
        if let Some(claims) = self.verified.get(&key) {
            claims.check_time(self.now())?;
            return Ok(claims);
        }
        let claims = Arc::new(Box::pin(self.keys.verify(token)).await?);
        self.verified.insert(key, Arc::clone(&claims));
        Ok(claims)
    }

    /// The same of one that was verified lately.
    pub(super) fn verified(&self, token: &str) -> Option<Arc<AccessClaims>> {
        self.verified.get(&key_of(token)).filter(|claims| claims.check_time(self.now()).is_ok())
    }

    /// What a person in a session may do now.
    pub(super) async fn standing(&self, claims: &AccessClaims) -> Result<Arc<Standing>, ApiError> {
        self.standings.of(claims).await
    }

    /// The same if it is remembered.
    pub(super) async fn standing_at_hand(&self, claims: &AccessClaims) -> Option<Arc<Standing>> {
        self.standings.at_hand(claims).await
    }

    /// Whether others have lost a password before.
    pub(crate) async fn was_lost(&self, password: &SecretString) -> bool {
        self.breaches.have(password).await
    }

    /// What was remembered of a person no longer counts: they signed out, or may do more or less than before.
    pub(crate) fn forget(&self, user: Uuid) {
        self.standings.forget(user);
    }
}

/// A token itself is not remembered.
fn key_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
