//! The second factor of somebody whose password was right.

use platform::auth::{CodeKey, RecoveryCode};
use platform::db::second_factors::{SecondFactor, second_factor, use_recovery_code, use_step};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use super::check_codes;
use crate::error::ApiError;
use crate::state::AppState;

/// Uses a code up, where the person has a second factor. The transaction must name them.
///
/// # Errors
/// [`ApiError::SecondFactorRequired`] without a code, [`ApiError::WrongCode`], [`ApiError::TooManyAttempts`].
pub(crate) async fn check_second_factor(
    transaction: &mut PgConnection,
    state: &AppState,
    user: Uuid,
    code: Option<&SecretString>,
) -> Result<(), ApiError> {
    let factor = second_factor(&mut *transaction, user).await?.filter(|factor| factor.confirmed_at.is_some());
    let Some(factor) = factor else { return Ok(()) };
    let code = code.ok_or(ApiError::SecondFactorRequired)?.expose_secret();
    check_codes(state.limiter.as_ref(), user).await?;
    if use_code(transaction, state, user, &factor, code).await? { Ok(()) } else { Err(ApiError::WrongCode) }
}

/// Of an app, or on paper.
async fn use_code(
    transaction: &mut PgConnection,
    state: &AppState,
    user: Uuid,
    factor: &SecondFactor,
    code: &str,
) -> Result<bool, ApiError> {
    let (secret, now) = (state.auth.secret(), state.clock.now());
    if let Some(step) = CodeKey::open(&factor.sealed_key, user, secret)?.step_of(code, now) {
        return Ok(use_step(&mut *transaction, user, step).await?);
    }
    let code = RecoveryCode::presented(code);
    // Paper cannot be written anew when the installation gets another secret.
    for secret in [Some(secret.clone()), secret.former()].into_iter().flatten() {
        if use_recovery_code(&mut *transaction, user, &code.hash(&secret), now).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
