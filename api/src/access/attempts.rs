//! How often someone may try a password, or have a mail sent.

use std::time::Duration;

use platform::limits::{Quota, RateLimiter, Verdict};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Caller, ClientAddress, Device};
use crate::error::ApiError;

const MINUTE: Duration = Duration::from_secs(60);
/// From one address.
const BY_ADDRESS: Quota = Quota { requests: 10, window: MINUTE };
/// At one account from one address, or on a device that is known to it: a person who tries the passwords that they have.
const BY_BOTH: Quota = Quota { requests: 10, window: MINUTE.saturating_mul(15) };
/// At one account from everywhere that is not known to it: many machines that guess. Whoever has never signed in on their device waits with
/// them. The same for all devices together that are: whoever had the password once may have many.
const BY_ACCOUNT: Quota = Quota { requests: 50, window: MINUTE.saturating_mul(60) };
/// Codes at one account, whatever sends them: only whoever has the password gets as far.
const CODES: Quota = Quota { requests: 10, window: MINUTE.saturating_mul(15) };
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
    device: Option<Device>,
) -> Result<(), ApiError> {
    let address = address.network();
    // An address is personal data, and as long as its owner likes.
    let account = hex::encode(&Sha256::digest(account.trim().to_lowercase().as_bytes())[..16]);
    if let Some(device) = device {
        take(limiter, &format!("{purpose}:at:{account}:on:{device}"), BY_BOTH).await?;
        return take(limiter, &format!("{purpose}:at:{account}:known"), BY_ACCOUNT).await;
    }
    take(limiter, &format!("{purpose}:from:{address}"), BY_ADDRESS).await?;
    take(limiter, &format!("{purpose}:at:{account}:from:{address}"), BY_BOTH).await?;
    take(limiter, &format!("{purpose}:at:{account}"), BY_ACCOUNT).await
}

/// Counts a password or a code that somebody gives again who is signed in. By their session: whoever has a stolen token of another one does not keep
/// them from ending it.
///
/// # Errors
/// [`ApiError::TooManyAttempts`].
pub(crate) async fn check_again(limiter: &dyn RateLimiter, caller: &Caller) -> Result<(), ApiError> {
    let who = format!("{}:{}", caller.user, caller.session);
    check_attempt(limiter, "password", ClientAddress(caller.address), &who, None).await
}

/// Counts a code of somebody whose password was right.
///
/// # Errors
/// [`ApiError::TooManyAttempts`].
pub(crate) async fn check_codes(limiter: &dyn RateLimiter, user: Uuid) -> Result<(), ApiError> {
    take(limiter, &format!("code:at:{user}"), CODES).await
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
