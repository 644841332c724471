//! `LISTEN` that comes back by itself. It only makes things faster: whoever waits also polls.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Stirs `wake` at each notification on `channel`, and after each new connection since some may have been missed, until `stop`.
pub(crate) async fn listen(pool: PgPool, channel: &'static str, wake: Arc<Notify>, stop: CancellationToken) {
    while let Some(ended) = stop.run_until_cancelled(listen_once(&pool, channel, &wake)).await {
        if let Err(error) = ended {
            tracing::debug!(channel, error = &error as &dyn std::error::Error, "not listening for now; polling goes on");
        }
        if stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await.is_none() {
            return;
        }
    }
}

/// Until the connection is lost.
async fn listen_once(pool: &PgPool, channel: &str, wake: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(channel).await?;
    wake.notify_one();
    while listener.try_recv().await?.is_some() {
        wake.notify_one();
    }
    Ok(())
}
