//! `LISTEN` that comes back by itself. Whoever must miss nothing also polls, or forgets what it knew when it hears that some was missed.
//!
//! A listening connection can die without a word: a half-open TCP connection, a pooler that gives the session to someone else. So
//! its own session is asked now and then whether it still listens; an answer that is wrong or late ends it, and a new one begins.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long the channel may be silent before the session is asked.
const SILENCE: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why listening ended.
#[derive(Debug, thiserror::Error)]
enum Deaf {
    #[error("the connection is lost")]
    Lost(#[from] sqlx::Error),
    #[error("the connection was closed")]
    Closed,
    #[error("the session does not answer")]
    Silent,
    #[error("the session no longer listens: is a pooler between? set DATABASE_DIRECT_URL")]
    Elsewhere,
}

/// What comes over a channel.
pub(crate) enum Heard<'a> {
    /// From now on nothing is missed; before, some may have been.
    Begun,
    /// The text of a notification.
    Word(&'a str),
    /// Nothing is heard until it begins again.
    Lost,
}

/// Whom to tell.
pub(crate) trait Ear: Send + Sync {
    fn hear(&self, heard: Heard<'_>) -> impl Future<Output = ()> + Send;
}

/// One who polls: everything is a reason to look, but that nothing can be heard.
impl Ear for Notify {
    async fn hear(&self, heard: Heard<'_>) {
        match heard {
            Heard::Begun | Heard::Word(_) => self.notify_one(),
            Heard::Lost => {}
        }
    }
}

/// Tells `ear` what comes over `channel`, until `stop`.
pub(crate) async fn listen(pool: PgPool, channel: &'static str, ear: Arc<impl Ear>, stop: CancellationToken) {
    while let Some(ended) = stop.run_until_cancelled(listen_once(&pool, channel, &*ear)).await {
        ear.hear(Heard::Lost).await;
        metrics::counter!("listen_connections_lost_total", "channel" => channel).increment(1);
        tracing::warn!(channel, error = &ended as &dyn std::error::Error, "not listening for now; trying again");
        if stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await.is_none() {
            return;
        }
    }
}

/// Until the connection is found dead.
async fn listen_once(pool: &PgPool, channel: &str, ear: &impl Ear) -> Deaf {
    match timeout(SILENCE, connect(pool, channel)).await {
        Ok(Ok(listener)) => {
            ear.hear(Heard::Begun).await;
            hear(listener, channel, ear).await
        }
        Ok(Err(error)) => error.into(),
        Err(_) => Deaf::Silent,
    }
}

/// A connection of its own, outside the pool: one that falls silent would keep its place there for as long as TCP has patience.
async fn connect(pool: &PgPool, channel: &str) -> Result<PgListener, sqlx::Error> {
    let alone = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let mut listener = PgListener::connect_with(&alone.connect_lazy_with((*pool.connect_options()).clone())).await?;
    // A connection that was lost and made anew inside would miss what came between.
    listener.eager_reconnect(false);
    listener.listen(channel).await?;
    Ok(listener)
}

async fn hear(mut listener: PgListener, channel: &str, ear: &impl Ear) -> Deaf {
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => ear.hear(Heard::Word(notification.payload())).await,
            Ok(Ok(None)) => return Deaf::Closed,
            Ok(Err(error)) => return error.into(),
            Err(_) => match timeout(PATIENCE, still_listens(&mut listener, channel)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return Deaf::Elsewhere,
                Ok(Err(error)) => return error.into(),
                Err(_) => return Deaf::Silent,
            },
        }
    }
}

async fn still_listens(listener: &mut PgListener, channel: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from pg_listening_channels() as own where own = $1) as "listens!""#, channel)
        .fetch_one(listener)
        .await
}
