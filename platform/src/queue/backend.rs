//! Our table as an apalis backend.
//!
//! apalis' own Postgres backend cannot give what we promise (it re-runs buffered jobs, does not bound the attempts of
//! orphans and ends on the first database error), so the parts that touch the database are ours: a task that claims for free
//! slots, a task that keeps leases, a task that listens, and a tower layer that settles. apalis polls, drives the services and stops.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::detour::Detour;
use super::fetch::Fetcher;
use super::keep::keep;
use super::leases::{Claimed, Leases};
use super::settle_layer::SettleLayer;
use super::settler::Settler;
use super::shares::Shares;
use super::slots::Slots;
use super::{CHANNEL, Claim, QueueError, events, hand_back};
use crate::bus::listen::listen;

/// What a [`PgQueue`] is made of.
#[derive(Debug, Clone)]
pub(super) struct QueueConfig {
    pub pool: PgPool,
    /// Where `LISTEN` works: not through a pooler in transaction mode.
    pub listen_pool: PgPool,
    pub claim: Claim,
    pub poll: Duration,
    pub slots: Arc<Slots>,
    pub shares: Arc<Mutex<Shares>>,
    pub settler: Settler,
    /// Cancelled when the program wants to stop.
    pub draining: CancellationToken,
    pub leases: Arc<Leases>,
}

/// The queue as apalis sees it. It emits [`Claimed`] jobs of many kinds with their arguments still as JSON ([`Ephemeral`]): an
/// argument that does not decode is then a failed attempt of that job and not the end of the worker, as it would be with a codec.
#[derive(Debug)]
pub struct PgQueue {
    config: QueueConfig,
    claimed: mpsc::UnboundedReceiver<Claimed>,
    undelivered: Vec<Claimed>,
    closing: Option<Closing>,
    /// Ends the fetcher.
    stop: CancellationToken,
    /// Ends the other tasks when the backend goes away.
    _tasks: DropGuard,
}

struct Closing(BoxFuture<'static, ()>);

impl std::fmt::Debug for Closing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Closing")
    }
}

impl PgQueue {
    /// Starts the tasks behind the backend. Needs a tokio runtime.
    pub(super) fn start(config: QueueConfig) -> Self {
        let (sender, claimed) = mpsc::unbounded_channel();
        let (end, wake) = (CancellationToken::new(), Arc::new(Notify::new()));
        let stop = end.child_token();
        let fetcher = Fetcher {
            pool: config.pool.clone(),
            claim: config.claim.clone(),
            poll: config.poll,
            slots: Arc::clone(&config.slots),
            shares: Arc::clone(&config.shares),
            looked: None,
            detour: Detour::default(),
            connection: None,
            leases: Arc::clone(&config.leases),
            wake: Arc::clone(&wake),
            draining: config.draining.clone(),
            claimed: sender,
        };
        tokio::spawn(fetcher.run(stop.clone()));
        tokio::spawn(keep(config.pool.clone(), Arc::clone(&config.leases), config.claim.lease, end.clone()));
        tokio::spawn(listen(config.listen_pool.clone(), CHANNEL, wake, end.clone()));
        Self { config, claimed, undelivered: Vec::new(), closing: None, stop, _tasks: end.drop_guard() }
    }
}

impl Backend for PgQueue {
    type Task = Task<Claimed>;
    type Error = QueueError;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), QueueError>> {
        Poll::Ready(Ok(()))
    }

    /// Never an error: a database that is away is waited for by the fetcher.
    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, QueueError>>> {
        self.claimed.poll_recv(cx).map(|claimed| claimed.map(|claimed| Ok(task(claimed))))
    }

    /// Stops claiming and gives back what was claimed but not begun.
    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), QueueError>> {
        self.stop.cancel();
        while self.closing.is_none() {
            match self.claimed.poll_recv(cx) {
                Poll::Ready(Some(claimed)) => self.undelivered.push(claimed),
                Poll::Ready(None) => {
                    let undelivered = std::mem::take(&mut self.undelivered);
                    self.closing = Some(Closing(give_back(self.config.pool.clone(), undelivered).boxed()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        if let Some(Closing(future)) = self.closing.as_mut() {
            ready!(future.poll_unpin(cx));
            self.closing = Some(Closing(std::future::ready(()).boxed()));
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for PgQueue {
    type Args = Claimed;
    type Id = uuid::Uuid;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = SettleLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> SettleLayer {
        SettleLayer {
            pool: self.config.pool.clone(),
            settler: self.config.settler.clone(),
            shares: Arc::clone(&self.config.shares),
            draining: self.config.draining.clone(),
        }
    }
}

fn task(claimed: Claimed) -> Task<Claimed> {
    let job = &claimed.job;
    let (id, attempt, max) = (job.lease.id.to_string(), job.attempt, job.max_attempts);
    // apalis counts the attempt when it begins, we count it when it is claimed.
    TaskBuilder::new(claimed)
        .task_id(TaskId::String(id))
        .attempt(usize::from(attempt.saturating_sub(1)))
        .max_attempts(usize::from(max))
        .build()
}

/// Best effort: what cannot be given back is rescued when its lease expires.
pub(super) async fn give_back(pool: PgPool, jobs: Vec<Claimed>) {
    for claimed in jobs {
        match timeout(Duration::from_secs(5), hand_back(&pool, claimed.job.lease)).await {
            Ok(Ok(()) | Err(QueueError::LeaseLost { .. })) => {}
            Ok(Err(error)) => events::unsettled(&claimed.job, &error),
            Err(_) => tracing::warn!(job.id = %claimed.job.lease.id, "a job could not be handed back in time"),
        }
    }
}
