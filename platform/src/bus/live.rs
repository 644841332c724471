//! Live updates: what happens to one store, in order and with nothing left out, for those who watch it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::BusError;
use super::listen::{Ear, Heard, listen};
use super::outbox::Cursor;

/// A trigger of the outbox says here whose event it was.
const CHANNEL: &str = "viralcast_live";

/// Something that happened to a store.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveEvent {
    pub cursor: Cursor,
    pub name: String,
    pub occurred_at: DateTime<Utc>,
    pub payload: serde_json::Value,
}

/// What was found after a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub events: Vec<LiveEvent>,
    /// More has happened, but something older may still come before it: look again soon.
    pub held_back: bool,
}

/// At most `most` events of a store after `cursor`, as far as the transaction's user may see it.
///
/// # Errors
/// [`BusError::Database`].
pub async fn live_events(executor: impl PgExecutor<'_>, store: Uuid, cursor: &Cursor, most: u32) -> Result<Found, BusError> {
    let rows = sqlx::query!(
        r#"select txid::text as "txid!", position as "position!", name as "name!", occurred_at as "occurred_at!", payload as "payload!",
                  is_settled as "is_settled!"
           from app.live_events($1, $2::text::xid8, $3, $4)"#,
        store,
        cursor.txid,
        cursor.position,
        i32::try_from(most).unwrap_or(i32::MAX),
    )
    .fetch_all(executor)
    .await
    .map_err(BusError::database("read the events of a store"))?;
    let held_back = rows.iter().any(|row| !row.is_settled);
    let settled = rows.into_iter().take_while(|row| row.is_settled);
    let events = settled.map(|row| LiveEvent {
        cursor: Cursor { txid: row.txid, position: row.position },
        name: row.name,
        occurred_at: row.occurred_at,
        payload: row.payload,
    });
    Ok(Found { events: events.collect(), held_back })
}

/// Where one who begins to watch stands: whatever has not ended yet comes after it.
///
/// # Errors
/// [`BusError::Database`].
pub async fn live_now(executor: impl PgExecutor<'_>) -> Result<Cursor, BusError> {
    let txid = sqlx::query_scalar!(r#"select txid::text as "txid!" from app.live_position()"#)
        .fetch_one(executor)
        .await
        .map_err(BusError::database("read where events stand"))?;
    Ok(Cursor { txid, position: 0 })
}

/// Whether everything that came after `cursor` is still there. An old place may be followed by events that were pruned.
///
/// # Errors
/// [`BusError::Database`].
pub async fn live_is_kept(executor: impl PgExecutor<'_>, cursor: &Cursor) -> Result<bool, BusError> {
    sqlx::query_scalar!(
        r#"select coalesce($1::text::xid8 > pruned, true) and $1::text::xid8 <= txid as "kept!" from app.live_position()"#,
        cursor.txid,
    )
    .fetch_one(executor)
    .await
    .map_err(BusError::database("read where events stand"))
}

/// Wakes those who watch a store when something of it commits.
#[derive(Debug, Default)]
pub struct Watch {
    stores: Mutex<HashMap<Uuid, watch::Sender<()>>>,
}

/// One who watches a store.
#[derive(Debug)]
pub struct Watching {
    store: Uuid,
    watch: Arc<Watch>,
    woken: watch::Receiver<()>,
}

impl Watch {
    /// Listens until `stop`. `direct` must reach the server past any pooler.
    #[must_use]
    pub fn start(direct: PgPool, stop: CancellationToken) -> Arc<Self> {
        let watch = Arc::new(Self::default());
        tokio::spawn(listen(direct, CHANNEL, Arc::clone(&watch), stop));
        watch
    }

    /// Begins to watch: what commits from now on wakes.
    #[must_use]
    pub fn of(self: &Arc<Self>, store: Uuid) -> Watching {
        let woken = self.lock().entry(store).or_default().subscribe();
        Watching { store, watch: Arc::clone(self), woken }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<()>>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ear for Watch {
    async fn hear(&self, heard: Heard<'_>) {
        let stores = self.lock();
        match heard {
            Heard::Word(subject) => {
                if let Some(store) = subject.parse().ok().and_then(|store: Uuid| stores.get(&store)) {
                    store.send_replace(());
                }
            }
            // Some may have been missed.
            Heard::Begun => stores.values().for_each(|store| store.send_replace(())),
            Heard::Lost => {}
        }
    }
}

impl Watching {
    /// Until something may have happened since the last time.
    pub async fn woken(&mut self) {
        if self.woken.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut stores = self.watch.lock();
        // This one still counts.
        if stores.get(&self.store).is_some_and(|store| store.receiver_count() <= 1) {
            stores.remove(&self.store);
        }
    }
}
