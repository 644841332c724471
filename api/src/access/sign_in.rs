//! Tokens for a session: the first ones against a password, later ones against a refresh token.

use chrono::{DateTime, Utc};
use platform::auth::{AccessClaims, AuthError, FAMILY_LIFE, GRACE, REFRESH_LIFE, RefreshToken, SESSIONS_A_USER};
use platform::db::audit_log::{NewAuditEntry, record};
use platform::db::auth_sessions::{
    NewSession, Revocation, SessionRow, insert_session, list_sessions, lock_session, lock_sessions, revoke_family, use_session,
    user_of_refresh_token,
};
use platform::db::tenant::{Tenant, commit};
use platform::db::users::{own_password_hash, set_password};
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{check_second_factor, csrf};
use crate::error::ApiError;
use crate::state::AppState;

/// Longest description of itself that is kept of an agent.
const AGENT_CHARACTERS: usize = 200;

/// What asks to be signed in: a browser, a till.
pub(crate) struct Agent {
    pub user_agent: Option<String>,
    pub address: Option<String>,
}

/// What somebody showed: the hash that their password was right for.
pub(crate) struct Proven {
    pub hash: Option<String>,
    /// As we hash now, where it was hashed otherwise.
    pub better: Option<String>,
    /// Of their second factor.
    pub code: Option<SecretString>,
}

/// A session with its tokens.
pub(crate) struct SignIn {
    pub user: Uuid,
    pub session: Uuid,
    pub access: String,
    pub refresh: RefreshToken,
    /// What a browser must send back with every change.
    pub csrf: String,
}

impl SignIn {
    async fn of(state: &AppState, user: Uuid, session: Uuid, refresh: RefreshToken) -> Result<Self, ApiError> {
        let access = state.auth.keys.sign(&AccessClaims::new(user, session, state.clock.now())).await?;
        let csrf = csrf::token(state.auth.secret(), session);
        Ok(Self { user, session, access, refresh, csrf })
    }
}

/// Begins a session for a person whose password was right. The one that has been silent longest makes room.
///
/// # Errors
/// [`ApiError::WrongCredentials`] if another password was chosen while this one was being checked; [`ApiError::SecondFactorRequired`],
/// [`ApiError::WrongCode`].
pub(crate) async fn sign_in(state: &AppState, user: Uuid, agent: &Agent, proven: &Proven) -> Result<SignIn, ApiError> {
    let now = state.clock.now();
    let refresh = RefreshToken::random();
    let family = Uuid::now_v7();
    let mut transaction = state.db.begin_as(Tenant::User(user)).await?;
    lock_sessions(&mut *transaction, user).await?;
    if own_password_hash(&mut *transaction).await? != proven.hash {
        return Err(ApiError::WrongCredentials);
    }
    check_second_factor(&mut transaction, state, user, proven.code.as_ref()).await?;
    if let Some(better) = &proven.better {
        set_password(&mut *transaction, user, better, None).await?;
    }
    let sessions = list_sessions(&mut *transaction, user, now).await?;
    for silent in sessions.iter().skip(SESSIONS_A_USER - 1) {
        revoke_family(&mut transaction, user, silent.family_id, Revocation::TooMany, now).await?;
    }
    store(state, &mut transaction, user, family, &refresh, agent, now, now).await?;
    let address = agent.address.as_deref();
    let subject = family.to_string();
    let entry = NewAuditEntry {
        user_id: Some(user),
        store_id: None,
        action: "signed_in",
        subject: &subject,
        details: json!({}),
        ip_address: address,
        now,
    };
    record(&mut *transaction, &entry).await?;
    commit(transaction).await?;
    state.auth.forget(user);
    SignIn::of(state, user, family, refresh).await
}

/// How far somebody came who did not get in.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    WrongPassword,
    /// The password was right. Whoever has the phone comes again with a code.
    CodeMissing,
    WrongCode,
}

/// Records that somebody did not get in to this person's account. What cannot be recorded is in the log.
pub(crate) async fn remember_failure(state: AppState, user: Uuid, failure: Failure, address: Option<String>) {
    let (action, subject) = match failure {
        Failure::WrongPassword => ("sign_in_failed", "password"),
        Failure::CodeMissing => ("second_factor_asked_for", "second factor"),
        Failure::WrongCode => ("sign_in_failed", "second factor"),
    };
    let entry = NewAuditEntry {
        user_id: Some(user),
        store_id: None,
        action,
        subject,
        details: json!({}),
        ip_address: address.as_deref(),
        now: state.clock.now(),
    };
    let recorded = async {
        let mut transaction = state.db.begin_as(Tenant::User(user)).await?;
        record(&mut *transaction, &entry).await?;
        commit(transaction).await
    };
    if let Err(error) = recorded.await {
        tracing::warn!(user.id = %user, error = %domain::chain(&error), "a failed sign-in could not be recorded");
    }
}

/// Ends the session that a browser had before somebody signed in again: whoever did that need not be the same person.
///
/// # Errors
/// Of the database.
pub(crate) async fn end_earlier(state: &AppState, presented: &RefreshToken) -> Result<(), ApiError> {
    let hash = presented.hash(state.auth.secret());
    let Some(user) = user_of_refresh_token(&mut *state.db.acquire().await?, &hash).await? else { return Ok(()) };
    let mut transaction = state.db.begin_as(Tenant::User(user)).await?;
    lock_sessions(&mut *transaction, user).await?;
    if let Some(session) = lock_session(&mut *transaction, &hash).await?
        && session.revoked_at.is_none()
    {
        revoke_family(&mut transaction, user, session.family_id, Revocation::SignedOut, state.clock.now()).await?;
    }
    commit(transaction).await?;
    state.auth.forget(user);
    Ok(())
}

/// New tokens for a refresh token, which is used up by it (RFC 9700, section 4.14.2). One that was used before means that two have
/// it: unless both came within the grace, the session ends.
///
/// # Errors
/// [`AuthError::InvalidToken`] for every token that gets none, for whatever reason.
pub(crate) async fn refresh(
    state: &AppState,
    presented: &RefreshToken,
    agent: &Agent,
    may: impl FnOnce(Uuid) -> Result<(), ApiError>,
) -> Result<SignIn, ApiError> {
    let now = state.clock.now();
    let invalid = || ApiError::from(AuthError::InvalidToken);
    let hash = presented.hash(state.auth.secret());
    let user = user_of_refresh_token(&mut *state.db.acquire().await?, &hash).await?.ok_or_else(invalid)?;
    let mut transaction = state.db.begin_as(Tenant::User(user)).await?;
    // Whoever ends the session in this moment either sees the new token or is seen here.
    lock_sessions(&mut *transaction, user).await?;
    let session = lock_session(&mut *transaction, &hash).await?.ok_or_else(invalid)?;
    may(session.family_id)?;
    if session.revoked_at.is_some() || session.expires_at <= now {
        return Err(invalid());
    }
    let successor = presented.successor(state.auth.secret());
    match session.used_at {
        None => {
            if !follow(state, &mut transaction, user, &session, &successor, agent, now).await? {
                return Err(invalid());
            }
        }
        Some(used_at) if now - used_at <= GRACE => {
            // Its successor may have been signed out since, or belong to another secret of the installation.
            let next = lock_session(&mut *transaction, &successor.hash(state.auth.secret())).await?;
            if next.is_none_or(|next| next.revoked_at.is_some()) {
                return Err(invalid());
            }
        }
        Some(_) => {
            sign_out_stolen(&mut transaction, user, session.family_id, agent, now).await?;
            commit(transaction).await?;
            state.auth.forget(user);
            metrics::counter!("auth_refresh_reuse_total").increment(1);
            return Err(invalid());
        }
    }
    commit(transaction).await?;
    SignIn::of(state, user, session.family_id, successor).await
}

/// False once the session has lasted for as long as a password does.
async fn follow(
    state: &AppState,
    transaction: &mut PgConnection,
    user: Uuid,
    session: &SessionRow,
    successor: &RefreshToken,
    agent: &Agent,
    now: DateTime<Utc>,
) -> Result<bool, ApiError> {
    if session.signed_in_at + FAMILY_LIFE <= now {
        return Ok(false);
    }
    let next = store(state, transaction, user, session.family_id, successor, agent, session.signed_in_at, now).await?;
    use_session(transaction, session.id, next, now).await?;
    Ok(true)
}

#[expect(clippy::too_many_arguments, reason = "one row, told by name")]
async fn store(
    state: &AppState,
    transaction: &mut PgConnection,
    user: Uuid,
    family: Uuid,
    refresh: &RefreshToken,
    agent: &Agent,
    signed_in_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Uuid, ApiError> {
    let user_agent: Option<String> = agent.user_agent.as_ref().map(|text| text.chars().take(AGENT_CHARACTERS).collect());
    let session = NewSession {
        user_id: user,
        family_id: family,
        refresh_hash: refresh.hash(state.auth.secret()),
        user_agent: user_agent.as_deref(),
        ip_address: agent.address.as_deref(),
        signed_in_at,
        expires_at: (now + REFRESH_LIFE).min(signed_in_at + FAMILY_LIFE),
        now,
    };
    Ok(insert_session(transaction, &session).await?)
}

async fn sign_out_stolen(
    transaction: &mut PgConnection,
    user: Uuid,
    family: Uuid,
    agent: &Agent,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    revoke_family(transaction, user, family, Revocation::Reused, now).await?;
    let subject = family.to_string();
    let entry = NewAuditEntry {
        user_id: Some(user),
        store_id: None,
        action: "refresh_token_reused",
        subject: &subject,
        details: json!({}),
        ip_address: agent.address.as_deref(),
        now,
    };
    record(transaction, &entry).await?;
    tracing::warn!(user.id = %user, session.id = %family, "a refresh token came twice; the session was ended");
    Ok(())
}
