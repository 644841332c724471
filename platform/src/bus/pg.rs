use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::event::Envelope;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::listen::listen;
use super::outbox::{self, Cursor};
use super::{Bus, BusError, CHANNEL, Start, Subscription};

/// The embedded bus: consumers read the outbox itself, each with its own cursor.
#[derive(Debug, Clone)]
pub struct PgBus {
    pool: PgPool,
    listen_pool: PgPool,
    poll: Duration,
}

impl PgBus {
    /// Polls once a second; `LISTEN` makes it faster.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { listen_pool: pool.clone(), pool, poll: Duration::from_secs(1) }
    }

    /// How long an event may stay unnoticed if its notification is lost.
    #[must_use]
    pub fn with_poll(self, poll: Duration) -> Self {
        Self { poll, ..self }
    }

    /// Where `LISTEN` works, if the pool goes through a pooler in transaction mode.
    #[must_use]
    pub fn with_listen_pool(self, listen_pool: PgPool) -> Self {
        Self { listen_pool, ..self }
    }
}

#[async_trait]
impl Bus for PgBus {
    /// In a transaction of its own; to commit it with a change, use [`outbox::record`].
    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        let mut connection = self.pool.acquire().await.map_err(BusError::database("connect"))?;
        outbox::record(&mut connection, envelope).await
    }

    async fn subscribe(&self, consumer: &str, start: Start) -> Result<Box<dyn Subscription>, BusError> {
        let mut connection = self.pool.acquire().await.map_err(BusError::database("connect"))?;
        let cursor = outbox::cursor(&mut connection, consumer, start).await?;
        let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        tokio::spawn(listen(self.listen_pool.clone(), CHANNEL, Arc::clone(&wake), stop.clone()));
        Ok(Box::new(OutboxReader {
            pool: self.pool.clone(),
            consumer: consumer.to_owned(),
            poll: self.poll,
            read_to: cursor,
            buffer: VecDeque::new(),
            delivered: VecDeque::new(),
            wake,
            _listening: stop.drop_guard(),
        }))
    }
}

struct OutboxReader {
    pool: PgPool,
    consumer: String,
    poll: Duration,
    /// The end of the buffer.
    read_to: Cursor,
    buffer: VecDeque<(Cursor, Envelope)>,
    /// Given out and not yet acknowledged.
    delivered: VecDeque<(Cursor, domain::ids::EventId)>,
    wake: Arc<Notify>,
    _listening: DropGuard,
}

const BATCH: u32 = 64;

impl OutboxReader {
    async fn fill(&mut self) -> Result<(), BusError> {
        let read = outbox::read(&self.pool, &self.read_to, BATCH).await?;
        if let Some((cursor, _)) = read.last() {
            self.read_to = cursor.clone();
        }
        self.buffer.extend(read);
        Ok(())
    }
}

#[async_trait]
impl Subscription for OutboxReader {
    async fn next(&mut self) -> Result<Envelope, BusError> {
        loop {
            if let Some(envelope) = self.try_next().await? {
                return Ok(envelope);
            }
            // An event held back by a slower transaction becomes readable without a notification of its own: poll as well.
            let _ = tokio::time::timeout(self.poll, self.wake.notified()).await;
        }
    }

    async fn try_next(&mut self) -> Result<Option<Envelope>, BusError> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        let next = self.buffer.pop_front();
        Ok(next.map(|(cursor, envelope)| {
            self.delivered.push_back((cursor, envelope.id));
            envelope
        }))
    }

    async fn acknowledge(&mut self, envelope: &Envelope) -> Result<(), BusError> {
        let Some(place) = self.delivered.iter().position(|(_, id)| *id == envelope.id) else {
            return Ok(()); // acknowledged before
        };
        outbox::advance(&self.pool, &self.consumer, &self.delivered[place].0).await?;
        self.delivered.drain(..=place);
        Ok(())
    }
}
