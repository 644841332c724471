//! On whose behalf a request reads: the one place where sign-in will come in.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use platform::db::tenant::{Tenant, begin_read};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::error::ApiError;
use crate::state::AppState;

/// A read-only snapshot of the database, through row-level security as the caller. Dropping it ends the transaction.
pub(crate) struct Reader(pub Transaction<'static, Postgres>);

impl FromRequestParts<AppState> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let tenant = caller(parts);
        Ok(Self(begin_read(&state.db, tenant).await?))
    }
}

/// Until accounts exist, whoever can reach the loopback interface is the local operator.
fn caller(_: &Parts) -> Tenant {
    Tenant::Operator(Uuid::nil())
}
