//! Keeps caches inside several processes in step, over `NOTIFY`.
//!
//! While a process cannot hear the others it does not know what they have changed: it forgets all that it holds, and reads past its cache
//! until it hears again. That a connection is dead without a word is found out within seven seconds; so long may it read what was changed
//! elsewhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::{PgExecutor, PgPool};
use tokio_util::sync::CancellationToken;

use super::Invalidation;
use super::read_through::Inner;
use crate::bus::listen::{Ear, Heard, listen};

const CHANNEL: &str = "viralcast_cache";

pub(super) async fn tell(executor: impl PgExecutor<'_>, what: &Invalidation) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, what.to_word()).execute(executor).await.map(drop)
}

pub(super) async fn follow(inner: Arc<Inner>, direct: PgPool, stop: CancellationToken) {
    listen(direct, CHANNEL, Arc::clone(&inner), stop).await;
    inner.hear(Heard::Lost).await;
}

impl Ear for Inner {
    async fn hear(&self, heard: Heard<'_>) {
        let (what, deaf) = match heard {
            Heard::Word(word) => (Invalidation::of_word(word), None),
            Heard::Begun => (Invalidation::everything(), Some(false)),
            Heard::Lost => (Invalidation::everything(), Some(true)),
        };
        if deaf == Some(true) {
            self.deaf.store(true, Ordering::SeqCst);
        }
        self.flights.detach(&what);
        // Nothing that can fail: this cache is inside the process.
        let forgotten = self.forget(&what).await;
        if deaf == Some(false) && forgotten.is_ok() {
            self.deaf.store(false, Ordering::SeqCst);
        }
    }
}
