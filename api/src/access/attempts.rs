//! How often someone may try a password, or have a mail sent.

use std::time::Duration;

use platform::limits::{Quota, RateLimiter, Verdict};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::ClientAddress;
use crate::error::ApiError;

const MINUTE: Duration = Duration::from_secs(60);
/// From one address.
const BY_ADDRESS: Quota = Quota { requests: 10, window: MINUTE };
/// At one account from one address: a person who tries the passwords that they have.
const BY_BOTH: Quota = Quota { requests: 10, window: MINUTE.saturating_mul(15) };
/// At one account from everywhere: many machines that guess. A person whose account is guessed at waits with them.
const BY_ACCOUNT: Quota = Quota { requests: 50, window: MINUTE.saturating_mul(60) };
/// Files of one person: each may be all that a store has.
const EXPORTS: Quota = Quota { requests: 60, window: MINUTE.saturating_mul(60) };

/// Counts an attempt at an account, whether or not there is one of that name.
///
/// # Errors
/// [`ApiError::TooManyAttempts`].
pub(crate) async fn check_attempt(
    limiter: &dyn RateLimiter,
    purpose: &'static str,
    address: ClientAddress,
    account: &str,
) -> Result<(), ApiError> {
    let address = address.network();
    // An address is personal data, and as long as its owner likes.
    let account = hex::encode(&Sha256::digest(account.trim().to_lowercase().as_bytes())[..16]);
    let counts = [
        (format!("{purpose}:from:{address}"), BY_ADDRESS),
        (format!("{purpose}:at:{account}:from:{address}"), BY_BOTH),
        (format!("{purpose}:at:{account}"), BY_ACCOUNT),
    ];
    for (key, quota) in counts {
        take(limiter, &key, quota).await?;
    }
    Ok(())
}

/// Counts a try with the token of a link.
///
/// # Errors
/// [`ApiError::TooManyAttempts`].
pub(crate) async fn check_links(limiter: &dyn RateLimiter, address: ClientAddress) -> Result<(), ApiError> {
    take(limiter, &format!("link:from:{}", address.network()), BY_ADDRESS).await
}

/// Counts a file that somebody wants.
///
/// # Errors
/// [`ApiError::TooManyAttempts`].
pub(crate) async fn check_export(limiter: &dyn RateLimiter, user: Uuid) -> Result<(), ApiError> {
    take(limiter, &format!("export:{user}"), EXPORTS).await
}

async fn take(limiter: &dyn RateLimiter, key: &str, quota: Quota) -> Result<(), ApiError> {
    let Verdict { allowed, retry_after, .. } = limiter.take(key, quota).await;
    if allowed { Ok(()) } else { Err(ApiError::TooManyAttempts { after: retry_after }) }
}
