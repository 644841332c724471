//! What sign-in works with, shared by all requests.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::future::Cache;
use platform::auth::{AccessClaims, InstallationSecret, Passwords, SigningKeys};
use platform::cache::ReadThrough;
use platform::clock::SharedClock;
use platform::db::tenant::ServePool;
use platform::db::users::Standing;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::standings::Standings;
use crate::error::ApiError;

/// How long a token that was verified is not verified again, so that retiring a key works within a minute everywhere.
const VERIFIED_LIFE: Duration = Duration::from_secs(60);
const MOST_REMEMBERED: u64 = 50_000;

/// Keys, passwords, and what was lately found out about tokens and people.
pub struct Auth {
    pub keys: SigningKeys,
    pub passwords: Passwords,
    operators_need_second_factor: bool,
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
            operators_need_second_factor: false,
            standings: Standings::new(db, cache, Arc::clone(&clock), MOST_REMEMBERED),
            clock,
            verified: Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(VERIFIED_LIFE).build(),
        }
    }

    /// Whether operators act as such only with a second factor.
    #[must_use]
    pub fn operators_need_second_factor(self, they_do: bool) -> Self {
        Self { operators_need_second_factor: they_do, ..self }
    }

    /// Of whoever stands so, if they are an operator.
    pub(super) fn lacks_second_factor(&self, standing: &Standing) -> bool {
        self.operators_need_second_factor && !standing.has_second_factor
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn secret(&self) -> &InstallationSecret {
        self.keys.secret()
    }

    /// What a token says, if it is one of ours and in force.
    pub(super) async fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, ApiError> {
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(claims) = self.verified.get(&key).await {
            claims.check_time(self.now())?;
            return Ok(claims);
        }
        let claims = Arc::new(Box::pin(self.keys.verify(token)).await?);
        self.verified.insert(key, Arc::clone(&claims)).await;
        Ok(claims)
    }

    /// What a person in a session may do now.
    pub(super) async fn standing(&self, claims: &AccessClaims) -> Result<Arc<Standing>, ApiError> {
        self.standings.of(claims).await
    }

    /// What was remembered of a person no longer counts: they signed out, or may do more or less than before.
    pub(crate) fn forget(&self, user: Uuid) {
        self.standings.forget(user);
    }
}
