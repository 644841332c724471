//! The password once more, before something that cannot be undone or that opens the account.

use platform::auth::Verdict;
use platform::db::auth_sessions::lock_sessions;
use platform::db::tenant::commit;
use platform::db::users::own_password_hash;
use secrecy::SecretString;
use serde::Deserialize;
use sqlx::{Postgres, Transaction};
use utoipa::ToSchema;

use super::{Caller, check_again};
use crate::error::ApiError;
use crate::state::AppState;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordAgain {
    /// The caller's own, again.
    #[schema(value_type = String, format = Password, example = "tiga gajah lewat jembatan", max_length = 128)]
    pub password: SecretString,
}

/// A transaction of the caller, who gave their password again. Whoever signs in meanwhile, or asks for the same, waits for its end.
///
/// # Errors
/// [`ApiError::WrongCredentials`], also if another password was chosen meanwhile; [`ApiError::TooManyAttempts`].
pub(crate) async fn with_password_again(
    state: &AppState,
    caller: &Caller,
    password: SecretString,
) -> Result<Transaction<'static, Postgres>, ApiError> {
    check_again(state.limiter.as_ref(), caller).await?;
    let mut transaction = caller.begin(state).await?;
    let stored = own_password_hash(&mut *transaction).await?;
    // A connection does not wait for Argon2.
    commit(transaction).await?;
    if state.auth.passwords.verify(password, stored.clone()).await? == Verdict::Wrong {
        return Err(ApiError::WrongCredentials);
    }
    let mut transaction = caller.begin(state).await?;
    lock_sessions(&mut *transaction, caller.user).await?;
    if own_password_hash(&mut *transaction).await? != stored {
        return Err(ApiError::WrongCredentials);
    }
    Ok(transaction)
}
