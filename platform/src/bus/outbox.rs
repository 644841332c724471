//! The outbox: events that commit or roll back with the change that they announce.
//!
//! A reader that goes by ids misses a transaction that took a low id early and committed late. Ours reads only rows whose
//! transaction is older than every transaction still running (`txid < pg_snapshot_xmin(..)`), ordered by (txid, position): below
//! that line nothing can appear any more. An open transaction that has written something therefore holds later events back
//! until it ends, wherever in the PostgreSQL cluster; one that only reads does not.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use domain::event::Envelope;
use domain::ids::EventId;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{BusError, CHANNEL, Start};

/// Writes the event in the caller's transaction; consumers are woken when it commits. An event that is there already stays as it is.
///
/// # Errors
/// [`BusError::Database`].
pub async fn record(transaction: &mut PgConnection, envelope: &Envelope) -> Result<(), BusError> {
    sqlx::query!(
        "with recorded as (
             insert into outbox (event_id, name, version, subject, occurred_at, trace_id, payload)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (event_id) do nothing
             returning event_id
         )
         select pg_notify($8, '')::text as woken from recorded",
        envelope.id.0,
        envelope.name,
        i32::from(envelope.version),
        envelope.subject,
        envelope.occurred_at,
        envelope.trace_id,
        envelope.payload,
        CHANNEL,
    )
    .fetch_optional(transaction)
    .await
    .map(|_| ())
    .map_err(BusError::database("record an event"))
}

/// A place in the outbox: everything up to and including it has been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(super) txid: String,
    pub(super) position: i64,
}

/// `812-5`: how it is written for those outside.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.txid, self.position)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (txid, position) = text.split_once('-').ok_or(NotACursor)?;
        let txid: u64 = txid.parse().map_err(|_| NotACursor)?;
        let position = position.parse().ok().filter(|position| *position >= 0).ok_or(NotACursor)?;
        Ok(Self { txid: txid.to_string(), position })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not a place in the outbox")]
pub struct NotACursor;

/// The next events after `cursor`, at most `limit`, each with its place.
///
/// # Errors
/// [`BusError`].
pub async fn read(executor: impl PgExecutor<'_>, cursor: &Cursor, limit: u32) -> Result<Vec<(Cursor, Envelope)>, BusError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select txid::text as "txid!", position, event_id, name, version, subject, occurred_at, trace_id, payload
           from outbox
           where (txid, position) > ($1::text::xid8, $2) and txid < pg_snapshot_xmin(pg_current_snapshot())
           order by txid, position
           limit $3"#,
        cursor.txid,
        cursor.position,
        i64::from(limit),
    )
    .fetch_all(executor)
    .await
    .map_err(BusError::database("read the outbox"))?;
    rows.into_iter().map(Row::open).collect()
}

/// Where `consumer` stands; one that is new begins at `start`.
///
/// # Errors
/// [`BusError::Database`].
pub async fn cursor(connection: &mut PgConnection, consumer: &str, start: Start) -> Result<Cursor, BusError> {
    sqlx::query!(
        "insert into outbox_cursors (consumer, txid, position)
         values ($1, case when $2 then '0'::xid8 else pg_snapshot_xmax(pg_current_snapshot()) end, 0)
         on conflict (consumer) do nothing",
        consumer,
        start == Start::Beginning,
    )
    .execute(&mut *connection)
    .await
    .map_err(BusError::database("begin a cursor"))?;
    sqlx::query_as!(Cursor, r#"select txid::text as "txid!", position from outbox_cursors where consumer = $1"#, consumer,)
        .fetch_one(connection)
        .await
        .map_err(BusError::database("read a cursor"))
}

/// Moves `consumer` forward to `cursor`, never back.
///
/// # Errors
/// [`BusError::Database`].
pub async fn advance(executor: impl PgExecutor<'_>, consumer: &str, cursor: &Cursor) -> Result<(), BusError> {
    sqlx::query!(
        "update outbox_cursors set txid = $2::text::xid8, position = $3, updated_at = now()
         where consumer = $1 and (txid, position) < ($2::text::xid8, $3)",
        consumer,
        cursor.txid,
        cursor.position,
    )
    .execute(executor)
    .await
    .map(|_| ())
    .map_err(BusError::database("advance a cursor"))
}

/// Deletes events that every consumer has passed and that were recorded before `before`. Answers how many.
///
/// # Errors
/// [`BusError::Database`].
pub async fn prune(executor: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, BusError> {
    sqlx::query_scalar!(
        r#"with pruned as (
             delete from outbox
             where created_at < $1
                 and not exists (
                     select from outbox_cursors as behind
                     where (behind.txid, behind.position) < (outbox.txid, outbox.position)
                 )
             returning txid
         ),
         noted as (
             insert into outbox_horizon as known (txid)
             select txid from pruned order by txid desc limit 1
             on conflict (only_one) do update set txid = greatest(known.txid, excluded.txid)
         )
         select count(*) as "count!" from pruned"#,
        before,
    )
    .fetch_one(executor)
    .await
    .map(|count| u64::try_from(count).unwrap_or_default())
    .map_err(BusError::database("prune the outbox"))
}

struct Row {
    txid: String,
    position: i64,
    event_id: Uuid,
    name: String,
    version: i32,
    subject: String,
    occurred_at: DateTime<Utc>,
    trace_id: Option<String>,
    payload: serde_json::Value,
}

impl Row {
    fn open(self) -> Result<(Cursor, Envelope), BusError> {
        let id = EventId(self.event_id);
        let version = u16::try_from(self.version).map_err(|_| BusError::Version { id, version: self.version })?;
        let envelope = Envelope {
            id,
            name: self.name,
            version,
            subject: self.subject,
            occurred_at: self.occurred_at,
            trace_id: self.trace_id,
            payload: self.payload,
        };
        Ok((Cursor { txid: self.txid, position: self.position }, envelope))
    }
}
