//! What sign-in works with, shared by all requests.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::future::Cache;
use platform::auth::{AccessClaims, AuthError, InstallationSecret, Passwords, SigningKeys};
use platform::clock::SharedClock;
use platform::db::tenant::{ServePool, Tenant};
use platform::db::users::{Standing, standing};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::error::ApiError;

/// How long a token that was verified is not verified again, so that retiring a key works within a minute everywhere.
const VERIFIED_LIFE: Duration = Duration::from_secs(60);
/// How long what a person may do is remembered: by so much a sign-out by way of another machine is late here. On this one it is at once.
const STANDING_LIFE: Duration = Duration::from_secs(5);
const MOST_REMEMBERED: u64 = 50_000;

/// Keys, passwords, and what was lately found out about tokens and people.
pub struct Auth {
    pub keys: SigningKeys,
    pub passwords: Passwords,
    db: ServePool,
    clock: SharedClock,
    verified: Cache<[u8; 32], Arc<AccessClaims>>,
    standings: Cache<(Uuid, Uuid), Arc<Standing>>,
    /// Who waits for a standing, their own or the same as others: as many as may wait for a connection.
    asking: Semaphore,
}

impl Auth {
    /// `db` is the pool of the serving role.
    #[must_use]
    pub fn new(db: ServePool, secret: InstallationSecret, clock: SharedClock) -> Self {
        let asking = Semaphore::new(db.places());
        Self {
            keys: SigningKeys::new((*db).clone(), secret, Arc::clone(&clock)),
            passwords: Passwords::default(),
            db,
            clock,
            verified: Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(VERIFIED_LIFE).build(),
            standings: Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(STANDING_LIFE).support_invalidation_closures().build(),
            asking,
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
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(claims) = self.verified.get(&key).await {
            claims.check_time(self.now())?;
            return Ok(claims);
        }
        let claims = Arc::new(Box::pin(self.keys.verify(token)).await?);
        self.verified.insert(key, Arc::clone(&claims)).await;
        Ok(claims)
    }

    /// What a person in a session may do now. Many requests of one session ask the database once.
    pub(super) async fn standing(&self, claims: &AccessClaims) -> Result<Arc<Standing>, ApiError> {
        let (user, session) = (claims.sub, claims.sid);
        let standing = match self.standings.get(&(user, session)).await {
            Some(standing) => standing,
            None => {
                let _place = self.asking.try_acquire().map_err(|_| ApiError::Busy)?;
                let ask = async {
                    let mut transaction = self.db.begin_read(Tenant::User(user)).await?;
                    let found = standing(&mut *transaction, user, session, self.now()).await?;
                    found.map(Arc::new).ok_or(ApiError::from(AuthError::InvalidToken))
                };
                Box::pin(self.standings.try_get_with((user, session), ask)).await.map_err(ApiError::Shared)?
            }
        };
        // Seconds, as in the token: what was issued in the very second is refused by its session, which was ended with it.
        let is_revoked = standing.tokens_valid_from.is_some_and(|from| claims.iat < from.timestamp());
        if is_revoked || !standing.is_signed_in { Err(AuthError::InvalidToken.into()) } else { Ok(standing) }
    }

    /// What was remembered of a person no longer counts: they signed out, or may do more or less than before.
    pub(crate) fn forget(&self, user: Uuid) {
        // Refused only by a cache that was not built for it.
        let _ = self.standings.invalidate_entries_if(move |(of, _), _| *of == user);
    }
}
