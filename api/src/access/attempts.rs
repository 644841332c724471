//! How often someone may try a password, or have a mail sent.

use std::time::Duration;

use platform::limits::{Quota, RateLimiter, Verdict};
use sha2::{Digest, Sha256};

use super::ClientAddress;
use crate::error::ApiError;

const MINUTE: Duration = Duration::from_secs(60);
/// From one address.
const BY_ADDRESS: Quota = Quota { requests: 10, window: MINUTE };
/// At one account from one address: a person who tries the passwords that they have.
const BY_BOTH: Quota = Quota { requests: 10, window: MINUTE.saturating_mul(15) };
/// At one account from everywhere: many machines that guess. A person whose account is guessed at waits with them, and can still
/// choose a new password by mail from an address of their own.
const BY_ACCOUNT: Quota = Quota { requests: 50, window: MINUTE.saturating_mul(60) };

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
    let address = address.text().unwrap_or_default();
    // An address is personal data, and as long as its owner likes.
    let account = hex::encode(&Sha256::digest(account.trim().to_lowercase().as_bytes())[..16]);
    let counts = [
        (format!("{purpose}:{address}"), BY_ADDRESS),
        (format!("{purpose}:{address}:{account}"), BY_BOTH),
        (format!("{purpose}:anywhere:{account}"), BY_ACCOUNT),
    ];
    for (key, quota) in counts {
        let Verdict { allowed, retry_after, .. } = limiter.take(&key, quota).await;
        if !allowed {
            return Err(ApiError::TooManyAttempts { after: retry_after });
        }
    }
    Ok(())
}
