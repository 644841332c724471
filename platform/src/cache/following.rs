//! Keeps caches inside several processes in step, over `NOTIFY`.
//!
//! While a process cannot hear the others it does not know what they have changed: it forgets all that it holds near, and reads past
//! its cache until it hears again; then it empties the cache too, since nobody may have heard. That a connection is dead without a word is found out within seven seconds; so long may it read what was changed
//! elsewhere.

use std::sync::Arc;

use sqlx::{PgExecutor, PgPool};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::owed::Debt;
use super::read_through::{Inner, owe};
use super::{Invalidation, keys};
use crate::bus::listen::{Ear, Heard, listen};

const CHANNEL: &str = "viralcast_cache";

pub(super) async fn tell(executor: impl PgExecutor<'_>, what: &Invalidation) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, what.to_word()).execute(executor).await.map(drop)
}

pub(super) async fn follow(inner: Arc<Inner>, direct: PgPool, stop: CancellationToken) {
    let (to_forget, words) = mpsc::unbounded_channel();
    let follower = Arc::new(Follower { inner: Arc::clone(&inner), to_forget });
    let listening = async {
        listen(direct, CHANNEL, Arc::clone(&follower), stop).await;
        follower.hear(Heard::Lost).await;
        drop(follower);
    };
    tokio::join!(listening, forget(inner, words));
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
    while let Some(what) = words.recv().await {
        forget_heard(&inner, what).await;
    }
}

async fn forget_heard(inner: &Arc<Inner>, what: Invalidation) {
    inner.flights.detach(&what);
    if let Err(error) = inner.forget(&what).await {
        owe(inner, Debt { what: what.clone(), is_for_others: false }, &error);
    }
    inner.say_forgotten(what);
}
