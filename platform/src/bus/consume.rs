use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder};
use domain::event::Envelope;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use super::{Bus, BusError, PgBus, Start, Subscription, inbox};
use crate::database::begin;

/// Whatever a handler failed with.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// Turns events into effects.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Writes the effects of one event in `transaction`, which commits if and only if this succeeds. An event of no interest, or
    /// of a version to skip, is a success. An error is tried again with growing pauses, and later events wait.
    ///
    /// # Errors
    /// Whatever kept the effects from being written.
    async fn handle(&self, transaction: &mut PgConnection, envelope: &Envelope) -> Result<(), HandlerError>;
}

/// [`consume_from`] the embedded bus, from the beginning.
pub async fn consume(pool: PgPool, consumer: &str, handler: &dyn Handler, shutdown: CancellationToken) {
    consume_from(&PgBus::new(pool.clone()), Start::Beginning, pool, consumer, handler, shutdown).await;
}

/// Hands every event to `handler` until `shutdown`; each has its effect once, however often it is delivered. Survives a database
/// or a bus that goes away.
pub async fn consume_from(bus: &dyn Bus, start: Start, pool: PgPool, consumer: &str, handler: &dyn Handler, shutdown: CancellationToken) {
    let mut pauses = pauses();
    while !shutdown.is_cancelled() {
        let ended = consume_until_error(bus, start, &pool, consumer, handler, &shutdown, &mut pauses).await;
        if let Err(error) = ended {
            metrics::counter!("bus_consumer_errors_total", "consumer" => consumer.to_owned()).increment(1);
            tracing::error!(consumer, error = &error as &dyn std::error::Error, "consumer `{consumer}` stumbled; trying again");
            let pause = tokio::time::sleep(pauses.next().unwrap_or(Duration::from_secs(30)));
            let _ = shutdown.run_until_cancelled(pause).await;
        }
    }
}

/// Handles what there is now, at most `limit` events, and answers how many.
///
/// # Errors
/// [`BusError`]; the events before the one that failed are done.
pub async fn drain(bus: &dyn Bus, start: Start, pool: &PgPool, consumer: &str, handler: &dyn Handler, limit: u32) -> Result<u32, BusError> {
    let mut subscription = bus.subscribe(consumer, start).await?;
    let mut handled = 0;
    while handled < limit
        && let Some(envelope) = subscription.try_next().await?
    {
        settle(subscription.as_mut(), pool, consumer, handler, &envelope).await?;
        handled += 1;
    }
    Ok(handled)
}

async fn consume_until_error(
    bus: &dyn Bus,
    start: Start,
    pool: &PgPool,
    consumer: &str,
    handler: &dyn Handler,
    shutdown: &CancellationToken,
    pauses: &mut Pauses,
) -> Result<(), BusError> {
    let mut subscription = bus.subscribe(consumer, start).await?;
    while let Some(next) = shutdown.run_until_cancelled(subscription.next()).await {
        settle(subscription.as_mut(), pool, consumer, handler, &next?).await?;
        *pauses = self::pauses();
    }
    Ok(())
}

/// Effect and inbox row in one transaction, then the acknowledgement. A crash in between delivers the event again, and the
/// inbox row says that it is done.
async fn settle(
    subscription: &mut dyn Subscription,
    pool: &PgPool,
    consumer: &str,
    handler: &dyn Handler,
    envelope: &Envelope,
) -> Result<(), BusError> {
    let mut transaction = begin(pool).await.map_err(BusError::database("begin a transaction"))?;
    let fresh = inbox::first_time(&mut *transaction, consumer, envelope.id).await?;
    if fresh {
        handler.handle(&mut transaction, envelope).await.map_err(|source| BusError::Handler {
            consumer: consumer.to_owned(),
            id: envelope.id,
            name: envelope.name.clone(),
            source,
        })?;
    }
    transaction.commit().await.map_err(BusError::database("commit the effects of an event"))?;
    subscription.acknowledge(envelope).await
}

type Pauses = <ExponentialBuilder as BackoffBuilder>::Backoff;

/// After errors: 200 ms doubling to 30 s, for as long as it takes.
fn pauses() -> Pauses {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(30))
        .with_jitter()
        .without_max_times()
        .build()
}
