//! Keeps caches inside several processes in step, over `NOTIFY`.
//!
//! While a process cannot hear the others it does not know what they have changed: it forgets all that it holds near, and reads past
//! its cache until it hears again; then it empties the cache too, since nobody may have heard. That a connection is dead without a word is found out within seven seconds; so long may it read what was changed
//! elsewhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::{PgExecutor, PgPool};
use tokio_util::sync::CancellationToken;

use super::Invalidation;
use super::owed::Debt;
use super::read_through::{Inner, owe};
use crate::bus::listen::{Ear, Heard, listen};

const CHANNEL: &str = "viralcast_cache";

pub(super) async fn tell(executor: impl PgExecutor<'_>, what: &Invalidation) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, what.to_word()).execute(executor).await.map(drop)
}

pub(super) async fn follow(inner: Arc<Inner>, direct: PgPool, stop: CancellationToken) {
    let follower = Arc::new(Follower(inner));
    listen(direct, CHANNEL, Arc::clone(&follower), stop).await;
    follower.hear(Heard::Lost).await;
}

struct Follower(Arc<Inner>);

impl Ear for Follower {
    async fn hear(&self, heard: Heard<'_>) {
        let what = match heard {
            // What is shared is forgotten when it begins again: others still hear, and read it.
            Heard::Lost => {
                self.0.deaf.store(true, Ordering::SeqCst);
                return self.0.forget_near(&Invalidation::everything());
            }
            Heard::Begun => Invalidation::everything(),
            Heard::Word(word) => Invalidation::of_word(word),
        };
        self.0.flights.detach(&what);
        if let Err(error) = self.0.forget(&what).await {
            owe(&self.0, Debt { what, is_for_others: false }, &error);
        }
        if matches!(heard, Heard::Begun) {
            self.0.deaf.store(false, Ordering::SeqCst);
        }
    }
}
