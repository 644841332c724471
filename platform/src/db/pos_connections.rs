//! How the tills of stores are asked for their orders.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};
use super::sealed::not_sealed;
use crate::auth::{AuthError, InstallationSecret};

#[derive(Clone, PartialEq, Eq)]
pub struct PosConnection {
    pub base_url: String,
    /// The store, as the till's service calls it.
    pub outlet_id: String,
    pub token: String,
}

/// Without the token.
impl std::fmt::Debug for PosConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PosConnection").field("base_url", &self.base_url).field("outlet_id", &self.outlet_id).finish_non_exhaustive()
    }
}

const TABLE: &str = "pos_connections";
/// What tokens are sealed for; each is bound to its store.
pub(super) const PURPOSE: &str = "tokens for tills";

/// Connects a store with its till, or anew. The token is kept sealed.
///
/// # Errors
/// [`DbError`].
pub async fn upsert_pos_connection(
    executor: impl PgExecutor<'_>,
    secret: &InstallationSecret,
    store_id: Uuid,
    connection: &PosConnection,
) -> Result<(), DbError> {
    let token = secret.seal_text(PURPOSE, &store_id.to_string(), &connection.token).map_err(|error| not_sealed(TABLE, &error))?;
    sqlx::query!(
        "insert into pos_connections (store_id, base_url, outlet_id, token) values ($1, $2, $3, $4)
         on conflict (store_id) do update
         set base_url = excluded.base_url, outlet_id = excluded.outlet_id, token = excluded.token",
        store_id,
        connection.base_url,
        connection.outlet_id,
        token,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "connect a till")?;
    Ok(())
}

/// The till of a store (slug or id).
///
/// # Errors
/// [`DbError`], also where the token was sealed with another secret.
pub async fn get_pos_connection(
    executor: impl PgExecutor<'_>,
    secret: &InstallationSecret,
    store: &str,
) -> Result<Option<PosConnection>, DbError> {
    let row = sqlx::query!(
        "select c.store_id, c.base_url, c.outlet_id, c.token
         from pos_connections c join stores s on s.id = c.store_id
         where s.slug = $1 or s.id::text = $1",
        store,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find a till")?;
    let Some(row) = row else { return Ok(None) };
    let closed = || DbError::Refused {
        table: TABLE,
        operation: "use the token for a till",
        reason: AuthError::Sealed { what: format!("the token for the till of store {}", row.store_id) }.to_string(),
        hint: "set VIRALCAST_AUTH__FORMER_SECRET and run `viralcast keys reseal`, or connect the store anew: viralcast store connect",
    };
    let token = secret.open_text(PURPOSE, &row.store_id.to_string(), &row.token).ok_or_else(closed)?;
    Ok(Some(PosConnection { base_url: row.base_url, outlet_id: row.outlet_id, token }))
}

/// Active stores with a till.
pub async fn stores_with_pos(executor: impl PgExecutor<'_>) -> Result<Vec<Uuid>, DbError> {
    sqlx::query_scalar!("select s.id from stores s join pos_connections c on c.store_id = s.id where s.is_active order by s.slug")
        .fetch_all(executor)
        .await
        .in_table(TABLE, "list the stores with a till")
}
