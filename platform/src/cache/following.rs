//! Keeps caches inside several processes in step, over `NOTIFY`.
//!
//! While a process cannot hear the others it does not know what they have changed: it forgets all that it holds near, and reads past
//! its cache until it hears again; then it empties the cache too, since nobody may have heard. That a connection is dead without a word is found out within seven seconds; so long may it read what was changed
//! elsewhere.

use std::collections::HashSet;
use std::sync::Arc;

use sqlx::{PgExecutor, PgPool};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::owed::Debt;
use super::read_through::{Inner, owe};
use super::{Invalidation, keys};
use crate::bus::listen::{Ear, Heard, listen};

/// Words that are looked through for the same at once.
const BATCH: usize = 1000;
const CHANNEL: &str = "viralcast_cache";

pub(super) async fn tell(executor: impl PgExecutor<'_>, what: &Invalidation) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, what.to_word()).execute(executor).await.map(drop)
}

pub(super) async fn follow(inner: Arc<Inner>, direct: PgPool, stop: CancellationToken) {
    let (to_forget, words) = mpsc::unbounded_channel();
    let follower = Arc::new(Follower { inner: Arc::clone(&inner), to_forget });
    let _deaf = DeafInTheEnd(Arc::clone(&inner));
    tokio::join!(listen(direct, CHANNEL, follower, stop), forget(inner, words));
}

/// However following ends: nothing near is believed from then on.
struct DeafInTheEnd(Arc<Inner>);

impl Drop for DeafInTheEnd {
    fn drop(&mut self) {
        self.0.hears(false);
        self.0.forget_near(&Invalidation::everything());
    }
}

struct Follower {
    inner: Arc<Inner>,
    /// A night's thousand words make the cache behind search a thousand times; whoever listens is not to wait for that.
    to_forget: mpsc::UnboundedSender<Invalidation>,
}

impl Ear for Follower {
    async fn hear(&self, heard: Heard<'_>) {
        match heard {
            // What is shared is forgotten when it begins again: others still hear, and read it.
            Heard::Lost => {
                self.inner.hears(false);
                self.inner.forget_near(&Invalidation::everything());
            }
            Heard::Begun => {
                forget_heard(&self.inner, Invalidation::everything()).await;
                self.inner.hears(true);
            }
            Heard::Word(word) => match Invalidation::of_word(word) {
                // Of whoever it is about nothing is kept here.
                what if keys::is_kept_by_nobody(&what) => self.inner.say_forgotten(what),
                what => {
                    self.inner.forget_near(&what);
                    // Only after the end nobody takes it.
                    let _ = self.to_forget.send(what);
                }
            },
        }
    }
}

/// Until nobody listens any more.
async fn forget(inner: Arc<Inner>, mut words: mpsc::UnboundedReceiver<Invalidation>) {
    let mut batch = Vec::new();
    while words.recv_many(&mut batch, BATCH).await > 0 {
        // A store's night says the same several times.
        let mut said = HashSet::new();
        for what in batch.drain(..).filter(|what| said.insert(what.clone())) {
            forget_heard(&inner, what).await;
        }
    }
}

async fn forget_heard(inner: &Arc<Inner>, what: Invalidation) {
    inner.flights.detach(&what);
    if let Err(error) = inner.forget(&what).await {
        owe(inner, Debt { what: what.clone(), is_for_others: false }, &error);
    }
    inner.say_forgotten(what);
}
