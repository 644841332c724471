//! Who asks, as handlers take it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use domain::access::{Permission, StoreRole};
use platform::db::stores::StoreRow;
use platform::db::tenant::Tenant;
use platform::db::users::{Membership, Standing};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::auth::Lack;
use super::identify::Identity;
use crate::error::ApiError;
use crate::routes::find_store;
use crate::state::AppState;

/// Someone who is signed in.
#[derive(Clone)]
pub(crate) struct Caller {
    pub user: Uuid,
    /// A family of refresh tokens.
    pub session: Uuid,
    pub address: Option<IpAddr>,
    /// When their token ends.
    pub until: DateTime<Utc>,
    pub(super) standing: Arc<Standing>,
    /// For want of a second factor.
    pub(super) lack: Lack,
}

impl Caller {
    pub fn is_operator(&self) -> bool {
        self.is_named_operator() && self.lack == Lack::Nothing
    }

    fn is_named_operator(&self) -> bool {
        self.standing.role == "operator"
    }

    pub fn tenant(&self) -> Tenant {
        if self.is_operator() { Tenant::Operator(self.user) } else { Tenant::User(self.user) }
    }

    /// `None` where they are no member.
    pub fn role_in(&self, store: Uuid) -> Option<StoreRole> {
        let membership = self.standing.memberships.iter().find(|membership| membership.store_id == store)?;
        StoreRole::named(&membership.role)
    }

    /// Begins to write, through row-level security. What is not committed is undone.
    pub async fn begin(&self, state: &AppState) -> Result<Transaction<'static, Postgres>, ApiError> {
        Ok(state.db.begin_as(self.tenant()).await?)
    }

    pub fn memberships(&self) -> impl Iterator<Item = &Membership> {
        self.standing.memberships.iter()
    }

    /// Finds the store that a path names, if they may do this in it. To whoever is no member it does not exist.
    ///
    /// # Errors
    /// [`ApiError::NotFound`], [`ApiError::Forbidden`].
    pub async fn store(&self, connection: &mut PgConnection, name: &str, permission: Permission) -> Result<StoreRow, ApiError> {
        let store = find_store(connection, name).await?;
        self.require(store.id, permission)?;
        Ok(store)
    }

    /// The store that a path names, for those who may do this in it. Of a member's own stores nobody asks the database.
    ///
    /// # Errors
    /// [`ApiError::NotFound`], [`ApiError::Forbidden`].
    pub async fn store_id(&self, state: &AppState, name: &str, permission: Permission) -> Result<Uuid, ApiError> {
        let store = match self.own_store(name) {
            Some(own) => own,
            None => Box::pin(self.find_store(state, name)).await?.id,
        };
        self.require(store, permission)?;
        Ok(store)
    }

    /// The same by what is open already.
    ///
    /// # Errors
    /// [`ApiError::NotFound`], [`ApiError::Forbidden`].
    pub async fn store_id_in(&self, connection: &mut PgConnection, name: &str, permission: Permission) -> Result<Uuid, ApiError> {
        let store = match self.own_store(name) {
            Some(own) => own,
            None => find_store(connection, name).await?.id,
        };
        self.require(store, permission)?;
        Ok(store)
    }

    /// A store of theirs by what is remembered of them: nobody asks the database.
    fn own_store(&self, name: &str) -> Option<Uuid> {
        let id = name.parse::<Uuid>().ok();
        let own = self.standing.memberships.iter().find(|own| Some(own.store_id) == id || own.slug == name);
        own.map(|own| own.store_id)
    }

    async fn find_store(&self, state: &AppState, name: &str) -> Result<StoreRow, ApiError> {
        find_store(&mut *state.db.begin_read(self.tenant()).await?, name).await
    }

    /// # Errors
    /// [`ApiError::Forbidden`].
    pub fn require(&self, store: Uuid, permission: Permission) -> Result<(), ApiError> {
        let allowed = self.is_operator() || self.role_in(store).is_some_and(|role| role.may(permission));
        if allowed { Ok(()) } else { Err(ApiError::Forbidden { needed: permission.to_string() }) }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        match parts.extensions.get::<Identity>() {
            Some(Identity::Known(caller)) if caller.lack == Lack::Everything && !is_a_way_to_begin(parts.uri.path()) => {
                Err(ApiError::SecondFactorMissing)
            }
            Some(Identity::Known(caller)) => Ok(Self::clone(caller)),
            Some(Identity::Refused(error)) => Err(ApiError::Shared(Arc::clone(error))),
            Some(Identity::Anonymous) | None => Err(ApiError::SignInRequired),
        }
    }
}

/// Where somebody begins with a second factor, or goes.
fn is_a_way_to_begin(path: &str) -> bool {
    path.starts_with("/api/v1/users/me/second-factor") || path.starts_with("/api/v1/auth/logout")
}

/// Someone who runs the platform.
pub(crate) struct Operator;

impl FromRequestParts<AppState> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.is_operator() {
            true => Ok(Self),
            false if caller.is_named_operator() => Err(ApiError::SecondFactorMissing),
            false => Err(ApiError::Forbidden { needed: "operator".to_owned() }),
        }
    }
}

/// A read-only snapshot of the database, through row-level security as the caller. Dropping it ends the transaction.
pub(crate) struct Reader(pub Transaction<'static, Postgres>);

impl FromRequestParts<AppState> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self(state.db.begin_read(caller.tenant()).await?))
    }
}
