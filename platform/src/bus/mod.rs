//! Events between the parts of the product.
//!
//! [`outbox::record`] writes an event in the transaction of the change that it announces. A [`Bus`] carries events to consumers,
//! at least once and, per subject, in order; [`PgBus`] is the embedded one, right over the outbox. [`consume`] runs a [`Handler`]
//! so that each event has its effect once: effect and `inbox` row commit together, and only then is the event acknowledged.

mod consume;
mod error;
pub mod inbox;
pub(crate) mod listen;
pub mod live;
pub mod outbox;
mod pg;
pub mod testing;

use async_trait::async_trait;
use domain::event::Envelope;

pub use consume::{Handler, HandlerError, consume, consume_from, drain};
pub use error::BusError;
pub use pg::PgBus;

/// Channel of `NOTIFY` by which a commit wakes consumers.
pub const CHANNEL: &str = "viralcast_outbox";

/// Where a consumer that was never seen before begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the oldest event that is kept.
    Beginning,
    /// With the transactions that begin from now on.
    Now,
}

/// Carries events. Publishing the same event twice is allowed; consumers de-duplicate by its id.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Durable when it returns.
    ///
    /// # Errors
    /// [`BusError`].
    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError>;

    /// Resumes where `consumer` last acknowledged, or begins at `start` the first time.
    ///
    /// # Errors
    /// [`BusError`].
    async fn subscribe(&self, consumer: &str, start: Start) -> Result<Box<dyn Subscription>, BusError>;
}

/// One consumer's view of the bus.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for the next event. Safe to drop while waiting: nothing is lost.
    ///
    /// # Errors
    /// [`BusError`]; asking again is all there is to do.
    async fn next(&mut self) -> Result<Envelope, BusError>;

    /// The next event if there is one now.
    ///
    /// # Errors
    /// [`BusError`].
    async fn try_next(&mut self) -> Result<Option<Envelope>, BusError>;

    /// `envelope` and all before it are done with. What is not acknowledged comes again after [`Bus::subscribe`].
    ///
    /// # Errors
    /// [`BusError`].
    async fn acknowledge(&mut self, envelope: &Envelope) -> Result<(), BusError>;
}
