//! What people do that someone may ask about later.

use chrono::Utc;
use domain::event::Event;
use platform::bus::outbox;
use platform::db::audit_log::{NewAuditEntry, record};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::access::Caller;
use crate::error::ApiError;
use crate::state::AppState;

/// For screens that are open: said when the transaction commits.
pub(crate) async fn announce(transaction: &mut PgConnection, state: &AppState, event: &Event) -> Result<(), ApiError> {
    let envelope = event.seal(state.clock.now()).map_err(|_| ApiError::Unwritable)?;
    outbox::record(transaction, &envelope).await.map_err(ApiError::Bus)
}

/// Records it in the transaction that does it.
pub(crate) async fn remember(
    transaction: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    store: Option<Uuid>,
    action: &'static str,
    subject: &str,
    details: Value,
) -> Result<(), ApiError> {
    let address = caller.address.map(|address| address.to_string());
    let now: chrono::DateTime<Utc> = state.clock.now();
    let entry =
        NewAuditEntry { user_id: Some(caller.user), store_id: store, action, subject, details, ip_address: address.as_deref(), now };
    Ok(record(transaction, &entry).await?)
}
